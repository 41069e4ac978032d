"""When a request has to be looked at again."""

from datetime import datetime, timedelta

from domain.policy import Kind, Policy
from domain.request import Request, State


def next_due(request: Request, policy: Policy, now: datetime) -> datetime | None:
    """The next moment at which time alone changes something; None where it never will."""
    match request.state:
        case State.AWAITING_DECISION:
            return request.asked_at + policy.kinds[request.kind].lapses_after
        case State.GRANTING | State.ENDING:
            return now + policy.limits.check_again
        case State.ACTIVE:
            assert request.ends_at is not None
            waiting = (
                at
                for before, at in reminder_times(request, policy.kinds[request.kind])
                if before not in request.reminded
            )
            return min([*waiting, request.ends_at])
        case _:
            return None


def reminder_times(request: Request, kind: Kind) -> list[tuple[timedelta, datetime]]:
    """Each reminder's time before the end, and the moment when it is due."""
    return [(before, request.ends_at - before) for before in kind.reminders if request.ends_at]


def due_reminders(request: Request, kind: Kind, now: datetime) -> tuple[timedelta | None, tuple[timedelta, ...]]:
    """The one reminder to send now, if any, and all that are then done with.

    Where several are due at once (after an outage), only the one nearest to the end is sent: the others are overtaken.
    """
    due = [before for before, at in reminder_times(request, kind) if at <= now and before not in request.reminded]
    return (min(due) if due else None), (*request.reminded, *due)
