"""Which exceptions should have ended and have not, in SQL: for the sweep, for the watchdog and for the figures."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, func, or_, text

from adapters.database.tables import MOMENT, requests
from domain.policy import Policy

# In these very words, or a plan that was made for any values does not use their indexes.
ON = text("requests.state IN ('granting', 'active')")
ENDING = text("requests.state = 'ending'")
GRANTING = text("requests.state = 'granting'")
NEVER_PROVED = and_(GRANTING, requests.c.ends_at.is_(None))
"""What Entra has not confirmed. Of all that is on, the planner cannot guess how few have no end."""
REFUSED_SINCE = cast(requests.c.stuck["since"].astext, MOMENT)


def begun(policy: Policy) -> ColumnElement[Any]:
    """When a grant or an end was begun, as `domain.drift.ending_since` has it."""
    return func.least(REFUSED_SINCE, requests.c.next_due - policy.limits.check_again)


def _until(policy: Policy) -> ColumnElement[Any]:
    """The end, or when a grant that Entra never confirmed is given up, as `domain.timeline.granting_until` has it."""
    lengths = [(requests.c.kind == name, kind.duration.total_seconds()) for name, kind in policy.kinds.items()]
    # In seconds: PostgreSQL's days are as long as the session's time zone makes them.
    length = func.make_interval(0, 0, 0, 0, 0, 0, func.coalesce(requests.c.days * 86400.0, case(*lengths)))
    return func.coalesce(requests.c.ends_at, cast(requests.c.decided["at"].astext, MOMENT) + length)


def overdue_since(policy: Policy) -> ColumnElement[Any]:
    """Its end, or when it was begun before that: revoked, ended early, or stopped while it was being granted."""
    return case((ENDING, func.least(requests.c.ends_at, begun(policy))), else_=_until(policy))


def over(now: datetime) -> ColumnElement[bool]:
    """On past its end."""
    return and_(ON, requests.c.ends_at < now)


def overdue(now: datetime, by: timedelta, policy: Policy) -> ColumnElement[bool]:
    """Overdue for longer than `by`. The end that was last begun is due again within `check_again`: for the index."""
    begun_and_not_done = and_(ENDING, requests.c.next_due <= now + policy.limits.check_again)
    return and_(or_(over(now - by), NEVER_PROVED, begun_and_not_done), overdue_since(policy) < now - by)
