"""What can be ordered: by people (with `by`) and by the program itself."""

from dataclasses import dataclass

from domain.people import Person


@dataclass(frozen=True, slots=True)
class Ask:
    """A new request. `taken_by` is the agent who took the telephone call; then `by` is the caller."""

    by: Person
    subject: Person
    kind: str
    reason: str
    details: str = ""
    taken_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Approve:
    by: Person
    verification: str
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    by: Person
    words: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: Person


@dataclass(frozen=True, slots=True)
class EndEarly:
    """The subject or the requester no longer needs it."""

    by: Person


@dataclass(frozen=True, slots=True)
class Revoke:
    by: Person
    words: str


@dataclass(frozen=True, slots=True)
class ConfirmGrant:
    """Entra, read again, says that the subject is exempt."""


@dataclass(frozen=True, slots=True)
class ConfirmEnd:
    """Entra, read again, says that the subject is not exempt."""


@dataclass(frozen=True, slots=True)
class ReportTrouble:
    """Entra did not do as asked; it is being tried again."""

    message: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: whatever is due is due now."""


PersonCommand = Ask | Approve | Reject | Withdraw | EndEarly | Revoke
AgentCommand = Approve | Reject | Revoke
SystemCommand = ConfirmGrant | ConfirmEnd | ReportTrouble | Tick
Command = PersonCommand | SystemCommand
