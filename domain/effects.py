"""What is wanted outside, once the decision is saved. Each effect looks at the request again before it acts."""

from dataclasses import dataclass
from enum import StrEnum


class Notice(StrEnum):
    """What somebody is told."""

    ASKED_FOR_YOU = "asked_for_you"
    EVIDENCE_WANTED = "evidence_wanted"
    EVIDENCE_REMINDER = "evidence_reminder"
    SENT_BACK = "sent_back"
    EVIDENCE_GIVEN = "evidence_given"
    WAITING_LONG = "waiting_long"
    GRANTED = "granted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    REMINDER = "reminder"
    HALF_WAY = "half_way"
    METHOD_FOUND = "method_found"
    UNUSUAL = "unusual"
    ENDED = "ended"


class Audience(StrEnum):
    SUBJECT = "subject"
    ASKED_BY = "asked_by"
    GIVER = "giver"
    """Whoever gave, or has begun to give, the evidence; the first owner where nobody has."""
    OWNERS = "owners"
    """All owners of the site's mailbox but the subject."""
    OTHER_OWNERS = "other_owners"
    """The owners but the one whom GIVER means."""
    LEADS = "leads"


OF_THE_SITE = frozenset({Audience.GIVER, Audience.OWNERS, Audience.OTHER_OWNERS})


@dataclass(frozen=True, slots=True)
class Grant:
    """Exempt the subject in Entra and read it back.

    `subject` is their Entra id, and `group` that of the exemption group: what concerns this membership goes in order.
    """

    reference: str
    subject: str
    group: str = ""
    """Empty where an older version wanted it."""


@dataclass(frozen=True, slots=True)
class End:
    """Stop exempting the subject in Entra and read it back. As `Grant`."""

    reference: str
    subject: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """One notice for each person of the audience, once. `key` is the same however often it is wanted."""

    reference: str
    notice: Notice
    to: Audience
    occasion: str = ""
    """Tells one reminder from the next, as its time before the end in seconds."""

    @property
    def key(self) -> str:
        return ":".join(part for part in (self.reference, self.notice, self.to, self.occasion) if part)


@dataclass(frozen=True, slots=True)
class TellTogether:
    """One message for all notices of one sort that wait for one person. It belongs to no single request."""

    person: str
    """Their Entra id."""
    notice: Notice
    reference: str = ""


@dataclass(frozen=True, slots=True)
class WriteToMailbox:
    """Send a new one-time code to the site's shared mailbox. `occasion` counts the codes."""

    reference: str
    occasion: str


@dataclass(frozen=True, slots=True)
class ShowHelpdesk:
    """Put the request before the helpdesk, in its channel, once for each `occasion`."""

    reference: str
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell the helpdesk's channel what needs somebody's eyes, once for each `occasion`."""

    reference: str
    about: str
    """What `cards.alarms` has words for."""
    occasion: str


STILL_TRIED = ":still_tried"
"""Ends the occasion of an alarm about a notice that is not given up."""
UNANSWERED = ":unanswered"
"""Ends the occasion of an alarm about a notice of which nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the helpdesk's channel of something that was refused and needs somebody's eyes, once for each `occasion`.

    It belongs to no request: what was refused may never have become one.
    """

    about: str
    """The rule that refused it: a key of `cards.alarms.ATTEMPTS`."""
    by: str
    """The Entra id of whoever tried."""
    subject: str
    """The Entra id of whom it was for; empty where it was not about anybody."""
    occasion: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ShowDrift:
    """Show the helpdesk's channel where Entra and the book do not agree, or how that stands now."""

    key: str
    """Which one: `domain.drift.Drift.key`."""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Show the present state on all copies of the request's cards."""

    reference: str


@dataclass(frozen=True, slots=True)
class Purge:
    """Delete the evidence for good."""

    reference: str


@dataclass(frozen=True, slots=True)
class RevokeSessions:
    """Make the subject sign in anew wherever they are signed in, where the settings and Entra permit it."""

    reference: str
    subject: str
    occasion: str
    """`START` or `END` of the exception."""


START, END = "start", "end"

Effect = (
    Grant
    | End
    | RevokeSessions
    | Tell
    | TellTogether
    | WriteToMailbox
    | ShowHelpdesk
    | Alarm
    | Warn
    | ShowDrift
    | Refresh
    | Purge
)
