"""The movable clock: forward by a duration, anywhere by a moment, and a sentence for everything else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.clock import BadTimeError, MovableClock
from tests.sandbox.running import Caller

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def clock() -> MovableClock:
    """Real time stands still for it."""
    return MovableClock(real=lambda: NOON)


def refused(moved: MovableClock, duration: str) -> str:
    """The sentence, once the clock is seen to have stayed where it was."""
    before = moved.now()
    with pytest.raises(BadTimeError) as error:
        moved.advance(duration)
    assert moved.now() == before
    return str(error.value)


@pytest.mark.parametrize(
    ("duration", "now"),
    [
        ("P150D", NOON + timedelta(days=150)),
        ("PT24H", NOON + timedelta(days=1)),
        ("P1W", NOON + timedelta(days=7)),
        ("PT0.5S", NOON + timedelta(seconds=0.5)),
        ("PT1,5H", NOON + timedelta(minutes=90)),
        ("PT0S", NOON),
        ("P1M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("P6M", datetime(2026, 7, 31, 12, tzinfo=UTC)),
        ("P1Y2M3DT4H5M6S", datetime(2027, 4, 3, 16, 5, 6, tzinfo=UTC)),
    ],
)
def test_the_clock_advances_by_a_duration(duration: str, now: datetime) -> None:
    moved = clock()
    moved.advance(duration)
    assert moved.now() == now


def test_advances_add_up() -> None:
    moved = clock()
    for _ in range(3):
        moved.advance("P1D")
    assert moved.now() == NOON + timedelta(days=3)


@pytest.mark.parametrize("duration", ["", "P", "P1", "1D", "P-1D", "tomorrow", "p1d", "P1D ", "P1e5D", "١", "🙂"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    assert refused(clock(), duration) == f"{duration!r} is not a duration. Write one as in P150D or PT24H."


@pytest.mark.parametrize("duration", ["P8000Y", "P6975Y", "P99999999999999D", f"PT{'9' * 30}H", f"P{'9' * 60}M"])
def test_a_duration_beyond_the_year_9000_is_too_long(duration: str) -> None:
    assert refused(clock(), duration) == f"{duration!r} is too long. The clock stops at the year 9000."


def test_many_small_steps_do_not_pass_the_year_9000_either() -> None:
    moved = clock()
    moved.set("9000-12-31T00:00:00Z")
    assert refused(moved, "P1D") == "'P1D' is too long. The clock stops at the year 9000."


@pytest.mark.parametrize("duration", ["P0.5M", "P1.5Y"])
def test_a_part_of_a_month_has_no_length(duration: str) -> None:
    assert refused(clock(), duration) == f"{duration!r} has a part of a month or a year. Write days, as in P150D."


@pytest.mark.parametrize("duration", ["-P1D", "-PT0.1S", "-P1M", "-P9000Y"])
def test_the_clock_cannot_be_advanced_backwards(duration: str) -> None:
    assert refused(clock(), duration) == ("The clock cannot be advanced backwards. Use set to go to an earlier moment.")


@pytest.mark.parametrize(
    ("moment", "now"),
    [
        ("2027-03-28T00:30:00Z", datetime(2027, 3, 28, 0, 30, tzinfo=UTC)),
        ("2027-03-28T00:30:00+01:00", datetime(2027, 3, 27, 23, 30, tzinfo=UTC)),
        ("20270328T003000Z", datetime(2027, 3, 28, 0, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9000-12-31T23:59:59Z", datetime(9000, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_clock_is_set_to_a_moment_earlier_or_later(moment: str, now: datetime) -> None:
    moved = clock()
    moved.set(moment)
    assert moved.now() == now


@pytest.mark.parametrize(
    ("moment", "meaning"),
    [
        ("", "is not a moment"),
        ("yesterday", "is not a moment"),
        ("2027-02-30T00:00:00Z", "is not a moment"),
        ("2027-03-28T25:00:00Z", "is not a moment"),
        ("2027-03-28", "does not say its time zone. Add Z for UTC"),
        ("2027-03-28T00:30:00", "does not say its time zone. Add Z for UTC"),
        ("1969-12-31T23:59:59Z", "is too far away. Write a year from 1970 to 9000"),
        ("1970-01-01T00:00:00+14:00", "is too far away"),
        ("9001-01-01T00:00:00Z", "is too far away"),
        ("0001-01-01T00:00:00+14:00", "is too far away"),
        ("9999-12-31T23:59:59-14:00", "is too far away"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(moment: str, meaning: str) -> None:
    moved = clock()
    with pytest.raises(BadTimeError) as error:
        moved.set(moment)
    assert str(error.value).startswith(f"{moment!r} {meaning}")
    assert str(error.value).endswith(".")
    assert moved.now() == NOON


async def _now(graph: Caller) -> datetime:
    return datetime.fromisoformat((await graph.door("GET", "clock"))["now"])


async def test_the_door_moves_the_clock_and_tells_the_time(graph: Caller) -> None:
    start = await _now(graph)
    assert start.utcoffset() == timedelta(0)
    moved = await graph.door("POST", "clock", {"advance": "P150D"})
    assert datetime.fromisoformat(moved["now"]) - start >= timedelta(days=150)
    moved = await graph.door("POST", "clock", {"set": "2001-03-25T00:30:00Z"})
    assert moved["now"].startswith("2001-03-25T00:30:")
    assert (await _now(graph)).year == 2001


@pytest.mark.parametrize(
    "body",
    [None, {}, [], "P1D", {"advance": 5}, {"advance": None}, {"set": 1_800_000_000}, {"go": "P1D"},
     {"advance": "P1D", "set": "2027-03-28T00:30:00Z"}, {"advance": "P1D", "by": 1}],
)  # fmt: skip
async def test_the_door_says_what_it_takes(graph: Caller, body: Any) -> None:
    assert await graph.refusal("clock", body) == 'Send {"advance": "P150D"} or {"set": "2027-03-28T00:30:00Z"}.'


async def test_the_door_hands_the_clocks_refusal_on_and_leaves_the_time(graph: Caller) -> None:
    await graph.door("POST", "clock", {"set": "2040-01-01T00:00:00Z"})
    assert (await graph.refusal("clock", {"advance": "-P1D"})).startswith("The clock cannot be advanced backwards.")
    assert (await graph.refusal("clock", {"set": "soon"})).startswith("'soon' is not a moment.")
    assert (await _now(graph)).year == 2040
