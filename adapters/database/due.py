"""What time alone has to move on, in SQL: the ends first."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select, union_all

from adapters.database.overdue import ENDING, ON
from adapters.database.tables import requests


def due(now: datetime, limit: int) -> Select[Any]:
    """References. Each of three indexes gives so many at most, however many are due; an end may come from two."""
    ends_at, next_due = requests.c.ends_at, requests.c.next_due
    found = union_all(
        _first(limit, 0, ends_at, and_(ON, ends_at <= now, next_due <= now)),
        _first(limit, 0, next_due, and_(ENDING, next_due <= now)),
        _first(limit, 1, next_due, next_due <= now),
    ).subquery()
    order_by = (func.min(found.c.rank), func.min(found.c.next_due))
    return select(found.c.reference).group_by(found.c.reference).order_by(*order_by).limit(limit)


def _first(limit: int, rank: int, by: ColumnElement[Any], wanted: ColumnElement[bool]) -> Select[Any]:
    query = select(requests.c.reference, requests.c.next_due, literal_column(str(rank)).label("rank"))
    return query.where(wanted).order_by(by).limit(limit)
