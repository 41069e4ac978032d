"""What is wanted outside, once the decision is saved. Each effect looks at the request again before it acts."""

from dataclasses import dataclass
from enum import StrEnum


class Notice(StrEnum):
    """What somebody is told."""

    ASKED_FOR_YOU = "asked_for_you"
    GRANTED = "granted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    REMINDER = "reminder"
    ENDED = "ended"


class Audience(StrEnum):
    SUBJECT = "subject"
    ASKED_BY = "asked_by"


@dataclass(frozen=True, slots=True)
class Grant:
    """Exempt the subject in Entra and read it back."""

    reference: str


@dataclass(frozen=True, slots=True)
class End:
    """Stop exempting the subject in Entra and read it back."""

    reference: str


@dataclass(frozen=True, slots=True)
class Tell:
    """One notice for one person, once. `key` is the same however often it is wanted."""

    reference: str
    notice: Notice
    to: Audience
    occasion: str = ""
    """Tells one reminder from the next: its time before the end in seconds."""

    @property
    def key(self) -> str:
        return ":".join(part for part in (self.reference, self.notice, self.to, self.occasion) if part)


@dataclass(frozen=True, slots=True)
class ShowHelpdesk:
    """Put the request before the helpdesk, in its channel, once."""

    reference: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell the helpdesk's channel that Entra is not doing as asked, once for each `occasion`."""

    reference: str
    occasion: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """Show the present state on all copies of the request's cards."""

    reference: str


Effect = Grant | End | Tell | ShowHelpdesk | Alarm | Refresh
