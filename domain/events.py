"""What has happened, for the audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    ASKED = "asked"
    CODE_ISSUED = "code_issued"
    CODE_ACCEPTED = "code_accepted"
    CODE_REFUSED = "code_refused"
    FILE_ADDED = "file_added"
    """To the evidence. The audit has its hash and not its name."""
    FILE_REMOVED = "file_removed"
    EVIDENCE_GIVEN = "evidence_given"
    SENT_BACK = "sent_back"
    VERIFIED = "verified"
    APPROVED_FIRST = "approved_first"
    """The first of two people who have to approve."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    GRANT_CONFIRMED = "grant_confirmed"
    REMINDER_DUE = "reminder_due"
    BROUGHT_UP = "brought_up"
    """The decision has waited for long."""
    HALF_WAY = "half_way"
    STILL_NEEDED = "still_needed"
    METHOD_FOUND = "method_found"
    FOLLOWED = "followed"
    """A renewal has taken its place."""
    PUT_BACK = "put_back"
    """Entra had lost the membership: it is granted again."""
    PURGED = "purged"
    ENDING = "ending"
    END_CONFIRMED = "end_confirmed"
    SESSIONS_REVOKED = "sessions_revoked"
    SESSIONS_NOT_REVOKED = "sessions_not_revoked"
    """The app may not do it."""
    TROUBLE = "trouble"
    STARTED_AGAIN = "started_again"
    TRIED = "tried"
    """Somebody tried what nobody may do, or too often."""
    READ = "read"
    """An agent opened the request."""
    NOTICE = "notice"
    """Somebody was told, or could not be told."""
    DRIFT = "drift"
    """Entra and the book did not agree."""
    DRIFT_OVER = "drift_over"
    """They agree again, or somebody has settled it."""
    REMOVAL_ASKED = "removal_asked"
    """Somebody has a stranger taken out of an exemption group: written before Entra is asked."""
    MEMBER_REMOVED = "member_removed"
    """Somebody was taken out of an exemption group, and Entra, read again, says so."""
    NOT_DELIVERED = "not_delivered"
    """A notice was given up."""
    NOT_DELIVERED_YET = "not_delivered_yet"
    """A notice has failed for long, and is tried on."""


@dataclass(frozen=True, slots=True)
class Event:
    what: What
    by: str = ""
    """The Entra id of whoever did it; empty for the program itself."""
    details: Mapping[str, str] = field(default_factory=dict)
