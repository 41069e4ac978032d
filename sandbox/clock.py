"""The pretend tenant's clock: real time plus an offset that people move. It knows nothing of HTTP or of the bot."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import isodate

_FIRST_YEAR, _LAST_YEAR = 1970, 9000


class BadTimeError(ValueError):
    """What was asked of the clock is not possible. The message is a sentence that says what to write instead."""


def real_now() -> datetime:
    return datetime.now(UTC)


class MovableClock:
    """Runs on from wherever it was set. `offset` is how far it is ahead of real time."""

    def __init__(self, offset: timedelta = timedelta(), real: Callable[[], datetime] = real_now) -> None:
        self.offset = offset
        self._real = real

    def now(self) -> datetime:
        return self._real() + self.offset

    def advance(self, duration: str) -> None:
        """`duration` as in ISO 8601: `P150D`, `PT24H`, `P6M`. It cannot go back."""
        self.offset += _read(duration, self.now())

    def set(self, moment: str) -> None:
        """`moment` as in ISO 8601, with its offset from UTC. It may be earlier than now."""
        try:
            wanted = datetime.fromisoformat(moment)
        except (ValueError, TypeError):
            raise BadTimeError(f"{moment!r} is not a moment. Write one as in 2027-03-28T00:30:00Z.") from None
        if wanted.tzinfo is None:
            raise BadTimeError(f"{moment!r} does not say its time zone. Add Z for UTC, as in 2027-03-28T00:30:00Z.")
        if not _FIRST_YEAR <= _year_in_utc(wanted) <= _LAST_YEAR:
            raise BadTimeError(f"{moment!r} is too far away. Write a year from {_FIRST_YEAR} to {_LAST_YEAR}.")
        self.offset = wanted.astimezone(UTC) - self._real()

    def reset(self) -> None:
        self.offset = timedelta()


def _year_in_utc(moment: datetime) -> int:
    try:
        return moment.astimezone(UTC).year
    except OverflowError:  # in the first and the last hours that Python knows
        return moment.year


def _read(duration: str, now: datetime) -> timedelta:
    """How long it is from `now` on: a month has no length of its own. Raises `BadTimeError`."""
    try:
        parsed = isodate.parse_duration(duration)
    except OverflowError:
        raise _too_long(duration) from None
    except (ValueError, ArithmeticError, TypeError, AttributeError):
        raise BadTimeError(f"{duration!r} is not a duration. Write one as in P150D or PT24H.") from None
    if duration.startswith("-"):
        raise BadTimeError("The clock cannot be advanced backwards. Use set to go to an earlier moment.")
    try:
        later: datetime = now + parsed
    except (ValueError, ArithmeticError) as error:
        if "fractional" in str(error):
            raise BadTimeError(f"{duration!r} has a part of a month or a year. Write days, as in P150D.") from None
        raise _too_long(duration) from None
    if later.year > _LAST_YEAR:
        raise _too_long(duration)
    return later - now


def _too_long(duration: str) -> BadTimeError:
    return BadTimeError(f"{duration!r} is too long. The clock stops at the year {_LAST_YEAR}.")


def written(moment: datetime) -> str:
    """As Graph writes it: `2027-03-28T00:30:00.123456Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
