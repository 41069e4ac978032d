"""What has happened, for the audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    ASKED = "asked"
    VERIFIED = "verified"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    GRANT_CONFIRMED = "grant_confirmed"
    REMINDER_DUE = "reminder_due"
    ENDING = "ending"
    END_CONFIRMED = "end_confirmed"
    TROUBLE = "trouble"
    STARTED_AGAIN = "started_again"
    READ = "read"
    """An agent opened the request."""
    NOTICE = "notice"
    """Somebody was told, or could not be told."""


@dataclass(frozen=True, slots=True)
class Event:
    what: What
    by: str = ""
    """The Entra id of whoever did it; empty for the program itself."""
    details: Mapping[str, str] = field(default_factory=dict)
