"""The rules as values. The figures and words come from `policy/policy.toml`; none of them is repeated in code."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any, ClassVar

_STRICT: dict[str, Any] = {"extra": "forbid", "strict": False}

GROUPS = ("exempt_short", "exempt_long")
DECIDERS = ("helpdesk", "leads")
SHORT, LONG = "short", "long"
FILE_KINDS = ("pdf", "png", "jpeg", "docx")


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


class Form(StrEnum):
    """What an answer of the evidence is."""

    TEXT = "text"
    DATE = "date"


class About(StrEnum):
    """What an answer is about that the yearly pack looks for."""

    RISK = "risk"
    """The risk, and what makes it smaller."""
    REPLACEMENT = "replacement"
    """What the exception will be replaced by."""
    REPLACED_BY = "replaced_by"
    """The date of that."""


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One line of the evidence's checklist."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    why: str = ""
    """What the answer is for, in a sentence."""
    form: Form = Form.TEXT
    least: int = 0
    """The shortest text that counts as an answer, in characters."""
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose from, and what people type when they mean it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    how: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """Which files may support the evidence."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    most: int
    bytes: int
    """The largest size of one file."""
    kinds: tuple[str, ...]
    """`pdf`, `png`, `jpeg`, `docx`."""


@dataclass(frozen=True, slots=True)
class Code:
    """The one-time code that proves access to the site's shared mailbox."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    tries: int
    most: int
    """How many codes may be sent for one request."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a kind of exception needs that is asked for from a site's shared mailbox."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    given_within: timedelta
    """How long a request waits for its evidence, from when it was asked for or sent back."""
    code: Code
    files: Files
    items: tuple[EvidenceItem, ...]
    """Asked for whatever the ground is, after the ground's own."""
    longest: int
    """The longest answer, in characters."""
    statement: str
    """What whoever gives the evidence answers for."""
    purge_after: timedelta
    """How long after the request is closed the evidence is kept."""
    methods: tuple[Option, ...] = ()
    """The ways to use MFA of which the requester says why each fails."""
    remedies: tuple[Option, ...] = ()
    """Smaller remedies, offered before the request is sent."""
    remind_after: tuple[timedelta, ...] = ()
    """When the first owner, or whoever has begun, is reminded."""
    remind_others_after: tuple[timedelta, ...] = ()
    """When the other owners are reminded."""
    subject_may_give: bool = False
    """Whether somebody may give the evidence for their own exception."""
    most_subjects: int = 1
    """For how many colleagues one conversation may ask."""


@dataclass(frozen=True, slots=True)
class HalfWay:
    """The owner is asked whether it is still needed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    after: timedelta
    answer_within: timedelta


@dataclass(frozen=True, slots=True)
class Escalation:
    """When a decision that waits is brought up again, in working hours."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    channel_after: timedelta
    leads_after: timedelta


@dataclass(frozen=True, slots=True)
class Repeat:
    """After `most` exceptions within `window`, the next one needs a lead."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    most: int
    window: timedelta


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
    evidence: tuple[EvidenceItem, ...] = ()
    """What the evidence has to say for this ground, where the kind needs evidence."""
    revoke_sessions: bool = False
    """Whether the person has to sign in anew everywhere when the exception begins: somebody else may have the phone."""


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
    reminders_in_working_hours: bool = False
    evidence: Evidence | None = None
    """None: asked for by telephone, and decided once the caller is verified."""
    decided_by_two: bool = False
    """Whether two people have to approve."""
    escalation: Escalation | None = None
    half_way: HalfWay | None = None
    renewal_opens: timedelta | None = None
    """How long before the end a renewal can be asked for; None: not at all."""
    repeat: Repeat | None = None

    def reason(self, reason_id: str) -> Reason | None:
        return next((reason for reason in self.reasons if reason.id == reason_id), None)

    def checklist(self, reason_id: str) -> tuple[EvidenceItem, ...]:
        """What the evidence for this ground has to answer, in order."""
        reason = self.reason(reason_id)
        return (*(reason.evidence if reason else ()), *(self.evidence.items if self.evidence else ()))


@dataclass(frozen=True, slots=True)
class Verification:
    """A way in which an agent makes sure who is on the telephone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Something that people ask this bot for, and that others do."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: str
    title: str
    says: str
    """What the bot answers; whom to telephone is said besides."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Helpdesk:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    telephone: str

    @property
    def contact(self) -> dict[str, str]:
        """For texts that say whom to telephone."""
        return {"helpdesk": self.name, "telephone": self.telephone}


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
    never: tuple[str, ...] = ()
    """Accounts that nobody may exempt, as break-glass and service accounts: object ids, or addresses with `*`."""
    never_groups: tuple[str, ...] = ()
    """Object ids of groups in Entra whose members nobody may exempt."""


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
    prove_within: timedelta = timedelta(minutes=15)
    """How long Entra may take to show that a grant has its effect, before the helpdesk's channel hears of it."""
    look_at_accounts: timedelta = timedelta(minutes=15)
    """How often the account of somebody who is exempt is looked at: disabled, left, privileged, a new method."""


@dataclass(frozen=True, slots=True)
class Unusual:
    """What is unusual about an approval: it stands, and the leads are told."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    night_from: time | None = None
    night_until: time | None = None
    """The night, in UK local time; both or neither."""
    same_site_per_day: int | None = None
    """More approvals of one agent for one site in a day than this."""
    own_team: bool = False
    """Whether the subject works at the helpdesk."""


@dataclass(frozen=True, slots=True)
class LimitsForAgents:
    """What one agent may approve. None: as many as they want."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    approvals_per_hour: int | None = None
    unusual: Unusual = field(default_factory=Unusual)


@dataclass(frozen=True, slots=True)
class LimitsForPeople:
    """What one person may ask for in chat. None: as often as they want."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    requests_per_day: int | None = None
    """By one person, and for one person."""
    requests_per_site_and_day: int | None = None
    look_ups_per_hour: int | None = None
    """How many names or addresses one person may have looked up; helpdesk staff may go on."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """How Entra is compared with the book."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    every: timedelta = timedelta(hours=1)
    most_removals: int = 20
    """More of one sort at once is not acted upon: it is shown, and people have to look."""
    other_exclusions: tuple[str, ...] = ()
    """Object ids that the MFA policy leaves out besides our groups, and rightly: as break-glass accounts."""


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When people are at work, in UK local time, Monday to Friday."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    opens: time
    closes: time
    bank_holidays: str = "England"
    days_off: frozenset[date] = frozenset()
    """Days on which nobody is at work; the bank holidays are added to those of the file when it is read."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When nobody is told what can wait, in UK local time; over midnight where they end earlier than they begin."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    begins: time
    ends: time


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
    working: WorkingTime = field(default_factory=lambda: WorkingTime(time(9), time(17)))
    quiet_hours: QuietHours | None = None
    limits_for_agents: LimitsForAgents = field(default_factory=LimitsForAgents)
    limits_for_people: LimitsForPeople = field(default_factory=LimitsForPeople)
    reconcile: Reconciling = field(default_factory=Reconciling)
    device_words: tuple[str, ...] = ()
    """What people call the thing that they use MFA with, in small letters."""
    elsewhere: tuple[Elsewhere, ...] = ()

    def verification(self, verification_id: str) -> Verification | None:
        return next((way for way in self.verifications if way.id == verification_id), None)
