"""Many notices of one sort to one person become a few: the first is told at once, and what follows soon, together."""

from datetime import timedelta

from domain.effects import Audience, Notice, Tell

WITHIN = timedelta(minutes=5)
"""For so long after somebody was told something, more of that sort waits, and is then told in one message."""
TOGETHER = frozenset(
    {
        Notice.EVIDENCE_WANTED,
        Notice.EVIDENCE_REMINDER,
        Notice.EVIDENCE_GIVEN,
        Notice.WAITING_LONG,
        Notice.WITHDRAWN,
        Notice.LAPSED,
        Notice.REMINDER,
        Notice.HALF_WAY,
        Notice.UNUSUAL,
        Notice.ENDED,
    }
)
"""What time brings, or somebody else's work on many requests. Decisions are made one by one, and each is told alone."""


def can_be_gathered(tell: Tell) -> bool:
    """Somebody's own exception is never told together with others, and never later."""
    return tell.notice in TOGETHER and tell.to is not Audience.SUBJECT
