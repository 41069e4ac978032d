"""A request for an MFA exception, as it stands at one moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.people import Person


class State(StrEnum):
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


OPEN = frozenset({State.AWAITING_DECISION, State.GRANTING, State.ACTIVE, State.ENDING})
"""While a request is in one of these, nobody can ask for another one for the same person."""

PENDING = frozenset({State.AWAITING_DECISION, State.GRANTING})


class Cause(StrEnum):
    """Why an exception ended."""

    EXPIRED = "expired"
    NO_LONGER_NEEDED = "no_longer_needed"
    REVOKED = "revoked"


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
    taken_by: Person | None = None
    """The agent who took the telephone call, where it was asked for by telephone."""
    verified: Verified | None = None
    decided: Decided | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    closing: Closing | None = None
    closed_at: datetime | None = None
    reminded: tuple[timedelta, ...] = ()
    """The reminders (time before the end) that are done with, sent or overtaken."""
    stuck: Stuck | None = None
    next_due: datetime | None = None
    """When this request has to be looked at again, if at all."""
    version: int = 1

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def concerns(self, entra_id: str) -> bool:
        """Whether this person asked for it or is its subject."""
        return bool(entra_id) and entra_id in (self.subject.id, self.asked_by.id)
