"""Moments as people in the UK read them."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

UK = ZoneInfo("Europe/London")
_ORDINAL = re.compile(r"\b(\d{1,2})(st|nd|rd|th)\b")


def uk_time(moment: datetime) -> str:
    """“5:30pm on Thursday 6 August 2026”, in UK local time, to the minute (rounded down).

    In the hour that autumn repeats, it also says which of the two is meant: “1:30am GMT on ...”.
    """
    local = moment.astimezone(UK)
    return f"{_clock(local)}{_which(local)} on {local:%A} {local.day} {local:%B} {local.year}"


def uk_date(moment: datetime) -> str:
    """“6 August 2026”, in UK local time."""
    local = moment.astimezone(UK)
    return f"{local.day} {local:%B} {local.year}"


def span(duration: timedelta) -> str:
    """“4 hours”, “1 hour and 30 minutes”, “2 days”: at most two units; hours are counted up to 48."""
    minutes = max(0, round(duration.total_seconds() / 60))
    days, minutes = divmod(minutes, 24 * 60) if minutes >= 48 * 60 else (0, minutes)
    hours, minutes = divmod(minutes, 60)
    parts = [_count(days, "day"), _count(hours, "hour"), _count(minutes, "minute")]
    said = [part for part in parts if part][:2]
    return " and ".join(said) or "less than a minute"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}" if number else ""


def _clock(local: datetime) -> str:
    if (local.hour, local.minute) == (0, 0):
        return "midnight"
    if (local.hour, local.minute) == (12, 0):
        return "midday"
    minutes = f":{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"


def _which(local: datetime) -> str:
    other = local.replace(fold=1 - local.fold)
    return f" {local.tzname()}" if other.utcoffset() != local.utcoffset() else ""


def read_date(text: str) -> date | None:
    """A date as people in the UK type it: “31 March 2027”, “31/3/2027”, “2027-03-31”; None for anything else."""
    tidy = " ".join(text.replace(",", " ").split()).casefold()
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y"):
        try:
            return datetime.strptime(_ORDINAL.sub(r"\1", tidy), form).replace(tzinfo=UK).date()
        except ValueError:
            continue
    return None
