"""What decisions are made of: the facts that they rest on and what comes of them, with the pieces that they share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.effects import Audience, Effect, Notice, Refresh, Tell
from domain.errors import Refusal
from domain.events import Event
from domain.people import Account, Person
from domain.policy import Policy
from domain.request import Request
from texts import say


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval of an agent, first or second."""

    at: datetime
    site: str = ""
    """The ODS code."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many requests there were within a day before this one."""

    by_person: int = 0
    for_person: int = 0
    for_site: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read outside for this decision, a moment ago."""

    account: Account | None = None
    """The subject's account, for `Ask`, `Approve` and `PutBack`."""
    by_account: Account | None = None
    """The account of whoever acts, for `GiveCode` and `GiveEvidence`."""
    already: tuple[Request, ...] = ()
    """The subject's open requests, for `Ask`."""
    history: tuple[Request, ...] = ()
    """The subject's requests within the window of the kind's `repeat`, for `Approve`."""
    renewed: Request | None = None
    """The exception that this one follows, for `ConfirmGrant`; locked together with it."""
    reference: str = ""
    """A fresh reference, for `Ask`."""
    tenant_id: str = ""
    group_id: str = ""
    """The Entra id of the kind's exemption group, for `Ask`."""
    groups: frozenset[str] = frozenset()
    """Which of the helpdesk's groups whoever acts is in, by the policy's names: `helpdesk`, `leads`."""
    approvals: tuple[Approval, ...] = ()
    """What whoever acts approved within the last day, for `Approve`."""
    own_team: bool = False
    """Whether the subject works at the helpdesk, for `Approve`."""
    asked: Asked | None = None
    """How many requests there were within the last day, for `Ask` in chat."""
    code_digest: str = ""
    """The quoted code, hashed with the request's salt, for `GiveCode`."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """The evidence as it was saved, for `GiveEvidence`."""
    files: int = 0
    evidence_digest: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    request: Request
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    followed: Request | None = None
    """The exception whose place this one takes, as it is then."""
    followed_events: tuple[Event, ...] = ()
    refusal: Refusal | None = None
    """What to tell whoever acts, where something is kept although they are refused: a wrong code uses up a try."""


def filled(**details: str) -> dict[str, str]:
    return {name: value for name, value in details.items() if value}


def given_words(words: str, policy: Policy, needed: str) -> str:
    """Raises `Refusal` with the sentence `needed` where there are no words."""
    words = words.strip()
    if not any(character.isalnum() for character in words):
        raise Refusal(needed, rule="words_missing")
    if len(words) > policy.limits.text:
        raise Refusal(say("everyone.too_long", most=policy.limits.text), rule="too_long")
    return words


def tell_all(request: Request, notice: Notice, *, but: Person | None = None) -> tuple[Effect, ...]:
    """The subject, whoever asked and whoever gave the evidence, each once; and the cards are shown anew."""
    effects: list[Effect] = []
    told = {but.id} if but else set()
    people = (
        (Audience.SUBJECT, request.subject),
        (Audience.ASKED_BY, request.asked_by),
        (Audience.GIVER, request.giver),
    )
    for audience, person in people:
        if person is not None and person.id not in told:
            told.add(person.id)
            effects.append(Tell(request.reference, notice, audience))
    return (*effects, Refresh(request.reference))
