"""A request for an MFA exception, as it stands at one moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.effects import Tell
from domain.people import Person
from domain.site import Site


class State(StrEnum):
    AWAITING_EVIDENCE = "awaiting_evidence"
    """The site's shared mailbox was written to, or the helpdesk has asked for more."""
    AWAITING_DECISION = "awaiting_decision"
    GRANTING = "granting"
    """Decided; Entra has not confirmed that the person is exempt."""
    ACTIVE = "active"
    ENDING = "ending"
    """To be ended; Entra has not confirmed that the person is no longer exempt."""
    ENDED = "ended"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


PENDING = frozenset({State.AWAITING_EVIDENCE, State.AWAITING_DECISION, State.GRANTING})
OPEN = PENDING | {State.ACTIVE, State.ENDING}
"""While a request is in one of these, nobody can ask for another one of this kind for the same person."""


class Cause(StrEnum):
    """Why an exception ended."""

    EXPIRED = "expired"
    NO_LONGER_NEEDED = "no_longer_needed"
    REVOKED = "revoked"
    ACCOUNT_GONE = "account_gone"
    """Disabled, or no longer in Entra."""
    PRIVILEGED = "privileged"
    """The account was given administrator rights."""
    BARRED = "barred"
    """The policy does not let the account be exempted any more."""
    RENEWED = "renewed"
    """Another exception has taken its place."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said about one thing of a list: an id from the policy, and their words."""

    id: str
    words: str


@dataclass(frozen=True, slots=True)
class MailboxCode:
    """The one-time code in the site's shared mailbox, of which only a hash is kept."""

    salt: str
    digest: str
    issued_at: datetime
    tries_left: int
    used_by: Person | None = None
    used_at: datetime | None = None
    number: int = 0
    """Which of the request's `codes` it is; 0: it was kept when that was not written down."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the helpdesk asked when it sent the request back."""

    by: Person
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Given:
    """Who gave the evidence, for which mailbox, and how complete it is. What it says is kept elsewhere, encrypted."""

    by: Person
    mailbox: str
    at: datetime
    answered: int
    asked: int
    files: int
    digest: str
    """SHA-256 over the answers and the files."""


@dataclass(frozen=True, slots=True)
class HalfWayAsked:
    at: datetime
    answered_at: datetime | None = None
    answered_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """How the agent made sure who is on the telephone."""

    way: str
    """An id from the policy."""
    by: Person
    at: datetime
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """Who said yes or no."""

    by: Person
    at: datetime
    approved: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an exception is ending or has ended, and who asked for it; nobody did where it expired."""

    cause: Cause
    by: Person | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Entra has not done as asked. The effect is tried again until it has."""

    since: datetime
    message: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Held:
    """A notice that can wait, wanted in the quiet hours."""

    tell: Tell
    until: datetime


@dataclass(frozen=True, slots=True)
class Request:
    reference: str
    tenant_id: str
    kind: str
    """A key of the policy's kinds."""
    group_id: str
    """The Entra group that exempts, as the settings had it when this was asked for."""
    state: State
    subject: Person
    asked_by: Person
    reason: str
    """An id from the policy's reasons."""
    details: str
    methods: tuple[str, ...]
    """The subject's authentication methods when it was asked for."""
    policy_version: str
    asked_at: datetime
    waiting_since: datetime | None = None
    """When it last began to wait for evidence or for a decision; None: since it was asked for."""
    taken_by: Person | None = None
    """The agent who took the telephone call, where it was asked for by telephone."""
    site: Site | None = None
    """The site, as the register had it when this was asked for; with its shared mailbox and its owners."""
    tried: tuple[Answer, ...] = ()
    """Which methods were tried, and why each fails."""
    remedies: tuple[Answer, ...] = ()
    """Which smaller remedies were offered, and why they do not help."""
    since: str = ""
    """Since when MFA cannot be used, in the requester's words."""
    renews: str = ""
    """The reference of the exception that this one follows."""
    code: MailboxCode | None = None
    codes: int = 0
    """How many codes were asked for."""
    questions: tuple[Question, ...] = ()
    given: Given | None = None
    verified: Verified | None = None
    first_approval: Decided | None = None
    decided: Decided | None = None
    unusual: tuple[str, ...] = ()
    """What is unusual about its approval: keys of `domain.watching`. The leads are told."""
    days: int | None = None
    """The length that was agreed, where it is shorter than the policy's."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    half_way: HalfWayAsked | None = None
    method_ids: tuple[str, ...] = ()
    """The subject's methods that are known here, as `Account.method_ids`; another one is a new one."""
    looked_at: datetime | None = None
    """When the subject's account was last looked at."""
    closing: Closing | None = None
    closed_at: datetime | None = None
    purged_at: datetime | None = None
    done: tuple[str, ...] = ()
    """Keys of the occasions that are done with, come to pass or overtaken."""
    held: tuple[Held, ...] = ()
    stuck: Stuck | None = None
    next_due: datetime | None = None
    """When this request has to be looked at again, if at all."""
    version: int = 1

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def never_confirmed(self) -> bool:
        """Whether it ended because Entra did not confirm the grant within the time that was approved."""
        return self.starts_at is None and self.closing is not None and self.closing.cause is Cause.EXPIRED

    @property
    def waits_since(self) -> datetime:
        return self.waiting_since or self.asked_at

    @property
    def giver(self) -> Person | None:
        """Whoever gave, or has begun to give, the evidence."""
        if self.code and self.code.used_by:
            return self.code.used_by
        return self.given.by if self.given else None

    @property
    def owners(self) -> tuple[Person, ...]:
        """The owners of the site's mailbox who may be asked: not the subject."""
        return tuple(owner for owner in self.site.owners if owner.id != self.subject.id) if self.site else ()

    @property
    def people(self) -> frozenset[str]:
        """The Entra ids of whoever asked for it, is its subject, answers for the site or gave the evidence."""
        giver = [self.giver] if self.giver else []
        return frozenset(person.id for person in (self.subject, self.asked_by, *self.owners, *giver))

    def concerns(self, entra_id: str) -> bool:
        return bool(entra_id) and entra_id in self.people
