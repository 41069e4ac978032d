"""Which exceptions should have ended and have not, in SQL: for the sweep, for the watchdog and for the figures."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, func, or_, text

from adapters.database.tables import MOMENT, requests

# In these very words, or a plan that was made for any values does not use their indexes.
ON = text("requests.state IN ('granting', 'active')")
ENDING = text("requests.state = 'ending'")


def begun(check_again: timedelta) -> ColumnElement[Any]:
    """When a grant or an end was begun, as `domain.drift.ending_since` has it. `check_again`: the policy's."""
    return func.least(cast(requests.c.stuck["since"].astext, MOMENT), requests.c.next_due - check_again)


def overdue_since(check_again: timedelta) -> ColumnElement[Any]:
    """Its end, or when it was begun before that: revoked, ended early, or stopped while it was being granted."""
    return case((ENDING, func.least(requests.c.ends_at, begun(check_again))), else_=requests.c.ends_at)


def over(now: datetime) -> ColumnElement[bool]:
    """On past its end."""
    return and_(ON, requests.c.ends_at < now)


def overdue(now: datetime, by: timedelta, check_again: timedelta) -> ColumnElement[bool]:
    """Overdue for longer than `by`. The end that was last begun is due again within `check_again`: for the index."""
    found = or_(over(now - by), and_(ENDING, requests.c.next_due <= now + check_again))
    return and_(found, overdue_since(check_again) < now - by)
