"""Moments as people in the UK read them."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from texts import say

UK = ZoneInfo("Europe/London")
_WEEK = 7
_WEEKDAYS = (
    "everyone.monday",
    "everyone.tuesday",
    "everyone.wednesday",
    "everyone.thursday",
    "everyone.friday",
    "everyone.saturday",
    "everyone.sunday",
)
_MONTHS = (
    "everyone.january",
    "everyone.february",
    "everyone.march",
    "everyone.april",
    "everyone.may",
    "everyone.june",
    "everyone.july",
    "everyone.august",
    "everyone.september",
    "everyone.october",
    "everyone.november",
    "everyone.december",
)
_ORDINAL = re.compile(r"\b(\d{1,2})(st|nd|rd|th)\b")


def uk_time(moment: datetime) -> str:
    """“5:30pm on Thursday 6 August 2026”, in UK local time, to the minute (rounded down).

    In the hour that autumn repeats, it also says which of the two is meant: “1:30am GMT on ...”.
    """
    local = moment.astimezone(UK)
    weekday = say(_WEEKDAYS[local.weekday()])
    return say("everyone.moment", clock=_clock_in_zone(local), weekday=weekday, date=uk_date(local))


def uk_date(moment: datetime) -> str:
    """“6 August 2026”, in UK local time."""
    local = moment.astimezone(UK)
    return say("everyone.date", day=local.day, month=say(_MONTHS[local.month - 1]), year=local.year)


def uk_clock(moment: datetime) -> time:
    """What the UK's clocks show."""
    return moment.astimezone(UK).time()


def is_between(of_day: time, begins: time, ends: time) -> bool:
    """From `begins` on and before `ends`; over midnight where that is earlier."""
    return begins <= of_day < ends if begins <= ends else of_day >= begins or of_day < ends


def span(duration: timedelta) -> str:
    """“1 hour and 30 minutes”, “3 days and 4 hours”, “180 days”: hours are counted up to 48, and the longer it is, the
    less exact: no minutes beside days, and no hours beside a week or more.
    """
    minutes = max(0, round(duration.total_seconds() / 60))
    days, minutes = divmod(minutes, 24 * 60) if minutes >= 48 * 60 else (0, minutes)
    hours, minutes = divmod(minutes, 60)
    if days:
        hours, minutes = (hours if days < _WEEK else 0), 0
    counted = ((days, "everyone.days"), (hours, "everyone.hours"), (minutes, "everyone.minutes"))
    said = [say(unit, count=number) for number, unit in counted if number]
    return together(said) or say("everyone.less_than_a_minute")


def together(said: Sequence[str]) -> str:
    """“Sam and Alex”; empty where there is nothing."""
    return reduce(lambda first, last: say("everyone.and", first=first, last=last), said) if said else ""


def _clock_in_zone(local: datetime) -> str:
    other = local.replace(fold=1 - local.fold)
    if other.utcoffset() == local.utcoffset():
        return _clock(local)
    return say("everyone.clock_in_zone", clock=_clock(local), zone=local.tzname())


def _clock(local: datetime) -> str:
    if (local.hour, local.minute) == (0, 0):
        return say("everyone.midnight")
    if (local.hour, local.minute) == (12, 0):
        return say("everyone.midday")
    hour, minute = local.hour % 12 or 12, f"{local.minute:02}"
    if local.hour < 12:
        return say("everyone.am_minutes", hour=hour, minute=minute) if local.minute else say("everyone.am", hour=hour)
    return say("everyone.pm_minutes", hour=hour, minute=minute) if local.minute else say("everyone.pm", hour=hour)


def read_date(text: str) -> date | None:
    """A date as people in the UK type it: “31 March 2027”, “31/3/2027”, “2027-03-31”; None for anything else."""
    tidy = " ".join(text.replace(",", " ").split()).casefold()
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y"):
        try:
            return datetime.strptime(_ORDINAL.sub(r"\1", tidy), form).replace(tzinfo=UK).date()
        except ValueError:
            continue
    return None
