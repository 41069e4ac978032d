"""The arithmetic of the ceilings: whatever comes when, no stretch of time ever holds more than its limit."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PutOff, Trouble
from services import pace
from services.pace import (
    GRAPH,
    LONGEST_PAUSE,
    PATIENCE,
    TEAMS,
    Ceiling,
    EvenWithout,
    Limit,
    Pace,
    Paced,
    Turn,
    Urgency,
    ask,
    conversation,
)

NEVER = Pace(())
CEILINGS = (TEAMS, GRAPH, conversation("a:chat"))
gaps = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.3), st.floats(0, 40)), min_size=1, max_size=250)


def most_within(moments: list[float], seconds: float) -> int:
    """The most of these moments that any stretch of so many seconds holds, both ends included."""
    return max(sum(start <= one <= start + seconds - 1e-6 for one in moments) for start in moments)


def booked(ceiling: Ceiling, distances: list[float], patience: float) -> list[float]:
    """When those go who get a turn, where one comes after each distance."""
    pace, now, gone = NEVER, 1_000.0, []
    for distance in distances:
        now += distance
        pace, turn = ask(pace, ceiling.limits, now, patience)
        if turn.booked:
            gone.append(now + turn.wait)
    return gone


@given(gaps, st.sampled_from(CEILINGS), st.floats(0, 5))
def test_no_stretch_of_time_holds_more_than_the_limit(
    distances: list[float], ceiling: Ceiling, patience: float
) -> None:
    moments = booked(ceiling, distances, patience)
    for limit in ceiling.limits:
        assert most_within(moments, limit.within.total_seconds()) <= limit.most


@pytest.mark.parametrize("ceiling", CEILINGS, ids=lambda one: one.service)
def test_whoever_asks_without_pause_comes_near_the_limit_but_not_above(ceiling: Ceiling) -> None:
    limit = ceiling.limits[-1]
    moments = booked(ceiling, [0.0] * (limit.most + 50), patience=1e9)
    within = [one for one in moments if one <= moments[0] + limit.within.total_seconds() - 1e-6]
    assert limit.most * 0.9 <= len(within) <= limit.most


@given(gaps, st.floats(0, 5))
def test_a_turn_is_never_further_away_than_the_patience(distances: list[float], patience: float) -> None:
    pace, now = NEVER, 0.0
    for distance in distances:
        now += distance
        pace, turn = ask(pace, TEAMS.limits, now, patience)
        assert turn.wait >= 0
        assert not turn.booked or turn.wait <= patience


@given(st.integers(2, 200))
def test_those_who_are_put_off_come_back_one_after_the_other(number: int) -> None:
    pace = Pace((), paused_until=60.0)
    back = []
    for _ in range(number):
        pace, turn = ask(pace, TEAMS.limits, 0.0, patience=0.5)
        assert not turn.booked
        back.append(turn.wait)
    distances = [second - first for first, second in pairwise(back)]
    assert back[0] == 60.0
    assert all(abs(one - TEAMS.limits[0].every) < 1e-6 for one in distances)


def test_nobody_goes_before_a_pause_is_over_however_urgent() -> None:
    pace, turn = ask(Pace((), paused_until=60.0), GRAPH.limits, 0.0, PATIENCE[Urgency.END].total_seconds())
    assert turn == Turn(booked=False, wait=60.0)
    _, turn = ask(pace, GRAPH.limits, 60.0, 0.0)
    assert turn == Turn(booked=True, wait=0.0)


def test_ends_go_before_grants_before_notices_before_reports() -> None:
    """Where each is served while the next finds nothing near enough, the order is kept however many ask."""
    pace, now, served = NEVER, 0.0, []
    for _ in range(GRAPH.limits[0].burst):
        pace, _ = ask(pace, GRAPH.limits, now, 0.0)
    for urgency in reversed(Urgency):
        while True:
            pace, turn = ask(pace, GRAPH.limits, now, PATIENCE[urgency].total_seconds())
            if not turn.booked:
                break
            served.append((urgency, turn.wait))
    waits = {urgency: max((wait for one, wait in served if one is urgency), default=0.0) for urgency in Urgency}
    assert waits[Urgency.REPORT] == 0.0
    assert waits[Urgency.NOTICE] <= 0.5 < waits[Urgency.GRANT] <= 2.0 < waits[Urgency.END] <= 5.0
    for less in (Urgency.GRANT, Urgency.NOTICE, Urgency.REPORT):
        _, turn = ask(pace, GRAPH.limits, now, PATIENCE[less].total_seconds())
        assert not turn.booked


@pytest.mark.parametrize("limit", [limit for ceiling in CEILINGS for limit in ceiling.limits], ids=str)
def test_each_limit_has_a_burst_below_it(limit: Limit) -> None:
    assert 1 <= limit.burst < limit.most


def test_an_end_that_has_to_wait_does_not_wait_behind_the_notices_that_were_put_off_before_it() -> None:
    pace = Pace((), paused_until=1_060.0)
    for _ in range(2_000):
        pace, put_off = ask(pace, GRAPH.limits, 1_000.0, PATIENCE[Urgency.NOTICE].total_seconds())
    assert put_off.wait > 150
    pace, end = ask(pace, GRAPH.limits, 1_000.0, PATIENCE[Urgency.END].total_seconds(), in_line=False)
    assert end == Turn(booked=False, wait=60.0)
    _, after = ask(pace, GRAPH.limits, 1_000.0, 0.0)
    assert after.wait > put_off.wait, "the line is as it was"


@pytest.mark.parametrize("urgency", Urgency)
async def test_ends_and_grants_do_not_stand_in_line(urgency: Urgency) -> None:
    ceilings = OneAnswer(Turn(booked=True, wait=0))
    await Paced(ceilings, lambda *_: None).turn(urgency, GRAPH)
    assert ceilings.in_line == [urgency in (Urgency.NOTICE, Urgency.REPORT)]


class OneAnswer:
    """Ceilings that always answer the same, and note what they are told."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.asked: list[str] = []
        self.in_line: list[bool] = []
        self.pauses: list[timedelta] = []

    async def ask(self, ceiling: Ceiling, patience: timedelta, *, in_line: bool) -> Turn:
        self.asked.append(ceiling.name)
        self.in_line.append(in_line)
        return self.turn

    async def spend(self, ceiling: Ceiling, number: int) -> None: ...

    async def pause(self, ceiling: Ceiling, wait: timedelta) -> None:
        self.pauses.append(wait)


async def test_a_turn_that_is_near_is_waited_for() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    ceilings = OneAnswer(Turn(booked=True, wait=0.25))
    await Paced(ceilings, lambda *_: None, sleep).turn(Urgency.NOTICE, conversation("c"), TEAMS)
    assert ceilings.asked == ["conversation:c", "teams"]
    assert slept == [0.25, 0.25]


async def test_a_turn_that_is_far_is_put_off_and_counted() -> None:
    counted: list[tuple[str, Urgency]] = []
    paced = Paced(OneAnswer(Turn(booked=False, wait=30)), lambda *one: counted.append(one))
    with pytest.raises(PutOff) as put_off:
        await paced.turn(Urgency.REPORT, TEAMS)
    assert put_off.value.retry_after == timedelta(seconds=30)
    assert counted == [("teams", Urgency.REPORT)]


class Dead:
    """Ceilings that cannot be asked or told: they fail, or stand still."""

    def __init__(self, fails: Exception | None) -> None:
        self.fails = fails

    async def ask(self, ceiling: Ceiling, patience: timedelta, *, in_line: bool) -> Turn:
        raise self.fails or TimeoutError

    async def spend(self, ceiling: Ceiling, number: int) -> None:
        await self.pause(ceiling, timedelta(seconds=number))

    async def pause(self, ceiling: Ceiling, wait: timedelta) -> None:
        if self.fails:
            raise self.fails
        await asyncio.sleep(60)


@pytest.mark.parametrize("fails", [Trouble("the database is away"), KeyError("no such table"), None], ids=repr)
async def test_what_works_when_all_else_is_dead_goes_on_without_the_ceilings(
    fails: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "ANSWER", 0.01)
    paced = Paced(EvenWithout(Dead(fails)), lambda *_: None)
    await paced.turn(Urgency.END, GRAPH)
    await paced.pause(GRAPH, timedelta(seconds=7))
    await paced.ceilings.spend(GRAPH, 1)


async def test_where_the_ceilings_answer_it_keeps_them_too() -> None:
    room = OneAnswer(Turn(booked=False, wait=30))
    paced = Paced(EvenWithout(room), lambda *_: None)
    with pytest.raises(PutOff):
        await paced.turn(Urgency.END, GRAPH)
    await paced.pause(GRAPH, timedelta(seconds=7))
    assert room.pauses == [timedelta(seconds=7)]


async def test_a_pause_is_kept_but_not_for_longer_than_makes_sense() -> None:
    ceilings = OneAnswer(Turn(booked=True, wait=0))
    paced = Paced(ceilings, lambda *_: None)
    for wait in (None, timedelta(0), timedelta(seconds=7), timedelta(days=1)):
        await paced.pause(GRAPH, wait)
    assert ceilings.pauses == [timedelta(seconds=7), LONGEST_PAUSE]
