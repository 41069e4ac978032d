"""The rules as values. The figures and words come from `policy/policy.toml`; none of them is repeated in code."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

_STRICT: dict[str, Any] = {"extra": "forbid", "strict": False}


class Details(StrEnum):
    """Whether a reason asks for more in the person's own words."""

    NO = "no"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something smaller than an exception that is worth trying first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    title: str
    how: str


@dataclass(frozen=True, slots=True)
class Reason:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    words: tuple[str, ...] = ()
    """What people type when they mean this reason, in small letters."""
    details: Details = Details.NO
    details_question: str = ""
    remedy: Remedy | None = None
    follow_up: str = ""
    """What the person has to do besides, said when the exception is granted, before it ends and when it has ended."""
    second_person: bool = False
    """Whether the agent who took the telephone call must leave the decision to another agent."""


@dataclass(frozen=True, slots=True)
class Kind:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    title: str
    length: str
    """The duration as people say it: "24 hours"."""
    duration: timedelta
    lapses_after: timedelta
    """How long a request may wait for a decision."""
    group: str
    """Which of the tenant's exemption groups: a name in the settings."""
    decided_by: tuple[str, ...]
    reasons: tuple[Reason, ...]
    reminders: tuple[timedelta, ...] = ()
    """How long before the end reminders go out."""
    words: tuple[str, ...] = ()

    def reason(self, reason_id: str) -> Reason | None:
        return next((reason for reason in self.reasons if reason.id == reason_id), None)


@dataclass(frozen=True, slots=True)
class Verification:
    """A way in which an agent makes sure who is on the telephone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Helpdesk:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    telephone: str


@dataclass(frozen=True, slots=True)
class Links:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    register_method: str
    guide: str


@dataclass(frozen=True, slots=True)
class AccountRules:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    core_methods: tuple[str, ...]
    """At least one of these must be registered."""
    method_names: dict[str, str] = field(default_factory=dict)
    """How a method is called when people read it."""


@dataclass(frozen=True, slots=True)
class Limits:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    draft_kept: timedelta
    """How long a half-finished conversation is kept."""
    history: timedelta
    """How far back earlier requests are shown to the agent who decides."""
    text: int
    """The longest answer in a person's own words, in characters."""
    check_again: timedelta
    """How long a grant or an end may stay unconfirmed before it is started again."""


@dataclass(frozen=True, slots=True)
class Policy:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    version: str
    helpdesk: Helpdesk
    links: Links
    account: AccountRules
    limits: Limits
    kinds: dict[str, Kind]
    verifications: tuple[Verification, ...]

    def verification(self, verification_id: str) -> Verification | None:
        return next((way for way in self.verifications if way.id == verification_id), None)


Fault = tuple[tuple[str | int, ...], str]
"""Where in the file (a path of keys) and a sentence that says how to mend it."""

GROUPS = ("exempt_short", "exempt_long")
DECIDERS = ("helpdesk", "leads")
SHORT = "short"


def faults(policy: Policy) -> Iterator[Fault]:
    """What a well-formed policy can still get wrong."""
    if not policy.version.strip():
        yield ("version",), "Give the policy a version, for example the date."
    if not any(character.isdigit() for character in policy.helpdesk.telephone):
        yield ("helpdesk", "telephone"), "Give the helpdesk's telephone number."
    for name in ("register_method", "guide"):
        if not getattr(policy.links, name).startswith("https://"):
            yield ("links", name), "A link must begin with https://."
    if not policy.account.core_methods:
        yield (
            ("account", "core_methods"),
            "Name at least one authentication method, for example microsoftAuthenticator.",
        )
    yield from _limit_faults(policy.limits)
    if SHORT not in policy.kinds:
        yield ("kinds",), f"The kind “{SHORT}” is missing: add [kinds.{SHORT}]."
    if not policy.verifications:
        yield ("verifications",), "Name at least one way to verify a caller: add [[verifications]]."
    yield from _repeated(("verifications",), [way.id for way in policy.verifications])
    for name, kind in policy.kinds.items():
        yield from _kind_faults(("kinds", name), kind)


def _limit_faults(limits: Limits) -> Iterator[Fault]:
    if limits.draft_kept < timedelta(hours=20):
        yield ("limits", "draft_kept"), "Keep half-finished conversations for 20 hours (PT20H) or more."
    if limits.history < timedelta(0):
        yield ("limits", "history"), "Give a duration that is not negative, for example P90D."
    if not 1 <= limits.text <= 4000:
        yield ("limits", "text"), "Give a number of characters from 1 to 4000."
    if limits.check_again < timedelta(minutes=1):
        yield ("limits", "check_again"), "Give a duration of one minute (PT1M) or more."


def _kind_faults(path: tuple[str | int, ...], kind: Kind) -> Iterator[Fault]:
    if kind.duration <= timedelta(0):
        yield (*path, "duration"), "Give a duration above zero, for example PT24H."
    if kind.lapses_after <= timedelta(0):
        yield (*path, "lapses_after"), "Give a duration above zero, for example P3D."
    if kind.group not in GROUPS:
        yield (*path, "group"), f"Name one of these groups: {', '.join(GROUPS)}."
    if not kind.decided_by or not set(kind.decided_by) <= set(DECIDERS):
        yield (*path, "decided_by"), f"Name who may decide, from these: {', '.join(DECIDERS)}."
    for position, reminder in enumerate(kind.reminders):
        if not timedelta(0) < reminder < kind.duration:
            yield (*path, "reminders", position), "A reminder must come after the start and before the end."
    if len(set(kind.reminders)) != len(kind.reminders):
        yield (*path, "reminders"), "Name each reminder once."
    if not kind.reasons:
        yield (*path, "reasons"), "Give at least one reason."
    yield from _repeated((*path, "reasons"), [reason.id for reason in kind.reasons])
    for position, reason in enumerate(kind.reasons):
        if reason.details is not Details.NO and not reason.details_question.strip():
            yield (*path, "reasons", position, "details_question"), "Say what to ask for: details_question is missing."
        for name in ("id", "title"):
            if not getattr(reason, name).strip():
                yield (*path, "reasons", position, name), f"The {name} must not be empty."


def _repeated(path: tuple[str | int, ...], ids: list[str]) -> Iterator[Fault]:
    for position, one in enumerate(ids):
        if one in ids[:position]:
            yield (*path, position, "id"), f"The id “{one}” is used twice. Give each its own."
