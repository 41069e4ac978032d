"""What can be ordered: by people (with `by`) and by the program itself."""

from dataclasses import dataclass

from domain.people import Account, Person
from domain.request import Answer
from domain.site import Site


@dataclass(frozen=True, slots=True)
class Ask:
    """A new request. `taken_by` is the agent who took the telephone call; then `by` is the caller.

    What follows `taken_by` is for kinds that need evidence from a site's shared mailbox.
    """

    by: Person
    subject: Person
    kind: str
    reason: str
    details: str = ""
    taken_by: Person | None = None
    site: Site | None = None
    tried: tuple[Answer, ...] = ()
    remedies: tuple[Answer, ...] = ()
    since: str = ""
    renews: str = ""
    """The reference of the exception that this one follows."""


@dataclass(frozen=True, slots=True)
class Approve:
    """`verification` for requests by telephone; `days` for a shorter length than the policy's."""

    by: Person
    verification: str = ""
    ticket: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    by: Person
    words: str


@dataclass(frozen=True, slots=True)
class SendBack:
    """The helpdesk asks whoever gave the evidence for more."""

    by: Person
    words: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: Person


@dataclass(frozen=True, slots=True)
class EndEarly:
    """The subject, the requester or an owner says that it is no longer needed."""

    by: Person


@dataclass(frozen=True, slots=True)
class StillNeeded:
    """The answer to the question half way."""

    by: Person


@dataclass(frozen=True, slots=True)
class Revoke:
    by: Person
    words: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """Entra has lost the membership of an exception that is on: it is granted again, until the end that it had."""

    by: Person


@dataclass(frozen=True, slots=True)
class SendCode:
    """Somebody asks for a new code for the shared mailbox. The one before it no longer counts."""

    by: Person


@dataclass(frozen=True, slots=True)
class GiveCode:
    """Somebody quotes the code. What it comes to is in the facts: only a hash of the code is ever kept."""

    by: Person


@dataclass(frozen=True, slots=True)
class GiveEvidence:
    """Whoever quoted the code sends the evidence, and says that they answer for it."""

    by: Person
    statement: bool


@dataclass(frozen=True, slots=True)
class IssueCode:
    """A code was made for the shared mailbox. `number`: which of those that were asked for."""

    salt: str
    digest: str
    number: int


@dataclass(frozen=True, slots=True)
class ConfirmGrant:
    """Entra, read again, says that the subject is exempt."""


@dataclass(frozen=True, slots=True)
class ConfirmEnd:
    """Entra, read again, says that the subject is not exempt, or another exception of theirs holds the membership."""

    held_by: str = ""
    """The reference of that other one."""


@dataclass(frozen=True, slots=True)
class ReportTrouble:
    """Entra did not do as asked; it is being tried again."""

    message: str
    attempts: int
    unproved: bool = False
    """Entra did as asked, and it does not show yet."""


@dataclass(frozen=True, slots=True)
class SeeAccount:
    """The account of somebody who is exempt, or is to be, was looked at; None: it is no longer in Entra."""

    account: Account | None


@dataclass(frozen=True, slots=True)
class ConfirmPurge:
    """The evidence was deleted."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: whatever is due is due now."""


AgentCommand = Approve | Reject | SendBack | Revoke | PutBack
PersonCommand = Ask | AgentCommand | Withdraw | EndEarly | StillNeeded | SendCode | GiveCode | GiveEvidence
SystemCommand = IssueCode | ConfirmGrant | ConfirmEnd | ReportTrouble | SeeAccount | ConfirmPurge | Tick
Command = PersonCommand | SystemCommand
