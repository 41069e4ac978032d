"""Moments at which people are at work: reminders wait for them, or come before them. UK local time."""

from datetime import UTC, datetime, time, timedelta

from domain.moments import UK
from domain.policy import WorkingTime

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_working(moment: datetime, working: WorkingTime) -> bool:
    local = moment.astimezone(UK)
    return _is_working_day(local, working) and working.opens <= local.time() < working.closes


def at_or_after(moment: datetime, working: WorkingTime) -> datetime:
    """The moment itself where people are at work, else when they begin again."""
    local = moment.astimezone(UK)
    if is_working(moment, working):
        return moment
    if local.time() >= working.closes:
        local += _DAY
    while not _is_working_day(local, working):
        local += _DAY
    return _at(local, working.opens)


def at_or_before(moment: datetime, working: WorkingTime) -> datetime:
    """The moment itself where people are at work, else an hour of the last working day before it (Friday for Sunday).

    The time of day is kept as far as it lies in working hours, but for the last hour.
    """
    local = moment.astimezone(UK)
    if is_working(moment, working):
        return moment
    last = time(working.closes.hour - 1, working.closes.minute)
    if _is_working_day(local, working) and local.time() >= working.closes:
        return _at(local, max(last, working.opens))
    of_day = min(max(local.time(), working.opens), max(last, working.opens))
    local -= _DAY
    while not _is_working_day(local, working):
        local -= _DAY
    return _at(local, of_day)


def _is_working_day(local: datetime, working: WorkingTime) -> bool:
    return local.weekday() < _SATURDAY and local.date() not in working.days_off


def _at(local: datetime, of_day: time) -> datetime:
    return datetime.combine(local.date(), of_day.replace(tzinfo=None), UK).astimezone(UTC)
