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
        try:
            later = self.now() + isodate.parse_duration(duration)
        except (ValueError, OverflowError, TypeError, AttributeError):
            raise BadTimeError(f"{duration!r} is not a duration. Write one as in P150D or PT24H.") from None
        if later.year > _LAST_YEAR:
            raise BadTimeError(f"{duration!r} is too long. The clock stops at the year {_LAST_YEAR}.")
        if later < self.now() - timedelta(seconds=1):
            raise BadTimeError("The clock cannot be advanced backwards. Use set to go to an earlier moment.")
        self.offset = later - self._real()

    def set(self, moment: str) -> None:
        """`moment` as in ISO 8601, with its offset from UTC. It may be earlier than now."""
        try:
            wanted = datetime.fromisoformat(moment)
        except (ValueError, TypeError):
            raise BadTimeError(f"{moment!r} is not a moment. Write one as in 2027-03-28T00:30:00Z.") from None
        if wanted.tzinfo is None:
            raise BadTimeError(f"{moment!r} does not say its time zone. Add Z for UTC, as in 2027-03-28T00:30:00Z.")
        if not _FIRST_YEAR <= wanted.year <= _LAST_YEAR:
            raise BadTimeError(f"{moment!r} is too far away. Write a year from {_FIRST_YEAR} to {_LAST_YEAR}.")
        self.offset = wanted.astimezone(UTC) - self._real()

    def reset(self) -> None:
        self.offset = timedelta()


def written(moment: datetime) -> str:
    """As Graph writes it: `2027-03-28T00:30:00.123456Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
