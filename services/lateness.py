"""Counts how late ends were confirmed and reminders were sent: each once, where it has just happened."""

from datetime import datetime, timedelta

from domain import timeline
from domain.effects import Notice, Tell
from domain.policy import Policy
from domain.request import Cause, Request, State
from services.figures import Figures


def count_reminder(tell: Tell, request: Request, policy: Policy, now: datetime, figures: Figures) -> None:
    """What was told just now, if it was a reminder."""
    if tell.notice is Notice.REMINDER and request.starts_at is not None and request.ends_at is not None:
        before, kind = timedelta(seconds=int(tell.occasion)), policy.kinds[request.kind]
        due = timeline.reminder_at(request.starts_at, request.ends_at, before, kind, policy)
        figures.late("reminder", now - due)


def count_end(request: Request, figures: Figures) -> None:
    """What was ended just now, if that was because its time was over."""
    expired = request.closing is not None and request.closing.cause is Cause.EXPIRED
    if expired and request.state is State.ENDED and request.closed_at and request.ends_at:
        figures.late("end", request.closed_at - request.ends_at)
