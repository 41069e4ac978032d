"""When the job engine tries again, and that it sweeps on where the machine's clock is set back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import procrastinate.periodic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from procrastinate import App

from adapters.jobs import engine
from adapters.jobs.engine import LONGEST_WAIT, SET_BACK, clock_set_back, make_engine, wait_before, work
from adapters.jobs.orders import QUEUE, TASK
from domain.effects import Effect
from domain.errors import Trouble
from services.pace import LONGEST_PAUSE
from tests.adapters.postgres import postgres
from tests.journeys.world import until


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@given(st.integers(0, 10_000), st.none() | st.timedeltas(timedelta(0), timedelta(days=4_000)), st.floats(0, 1))
def test_no_effect_waits_longer_than_a_pause_whatever_it_was_told(
    attempts: int, asked: timedelta | None, spread: float
) -> None:
    wait = wait_before(attempts, asked, spread)
    assert timedelta(seconds=0.75) <= wait <= max(LONGEST_WAIT, LONGEST_PAUSE)
    assert wait >= min(asked or timedelta(0), LONGEST_PAUSE)


@given(st.integers(0, 5), st.sampled_from([timedelta(minutes=2), timedelta(minutes=15)]), st.floats(0, 1))
def test_who_was_told_when_to_come_back_comes_then_and_not_after_those_that_were_put_off(
    attempts: int, asked: timedelta, spread: float
) -> None:
    assert wait_before(attempts, asked, spread) == asked


@pytest.mark.parametrize(("kind", "longest"), [("End", 30), ("Grant", 60), ("Refresh", 300)])
async def test_after_a_long_outage_what_is_overdue_is_tried_soon(database: str, kind: str, longest: int) -> None:
    async def fails(effect: Effect, attempts: int) -> None:
        assert attempts == 10
        raise Trouble("Graph is away")

    async def nothing() -> None: ...

    app = make_engine(database, fails, nothing, nothing)
    args = {"effect": kind, "reference": "MFA-7K3Q-9XDM"} | ({} if kind == "Refresh" else {"subject": "anna"})
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        await app.configure_task(TASK, queue=QUEUE).defer_async(**args)
        await app.connector.execute_query_async("UPDATE procrastinate_jobs SET attempts = 10")
        await app.run_worker_async(queues=[QUEUE], wait=False, install_signal_handlers=False)
        waits = "SELECT scheduled_at - now() AS wait FROM procrastinate_jobs WHERE task_name = %(name)s"
        (row,) = await app.connector.execute_query_all_async(waits, name=TASK)
    assert longest / 2 < row["wait"].total_seconds() <= longest


@pytest.mark.parametrize("back", [SET_BACK, 3600.0])
async def test_a_clock_that_was_set_back_is_noticed_and_one_that_jumps_ahead_or_slews_is_not(back: float) -> None:
    moments = [(0.0, 0.0), (1.0, 1.0), (90_000.0, 2.0), (90_000.9, 3.0), (90_001.9 - back, 4.0), (90_002.9, 5.0)]
    seen = iter(moments)
    now = (0.0, 0.0)
    slept = 0

    def wall() -> float:
        nonlocal now
        now = next(seen)
        return now[0]

    async def sleep(_: float) -> None:
        nonlocal slept
        slept += 1

    await clock_set_back(wall, lambda: now[1], sleep)
    assert slept == 3


async def test_sweeps_go_on_at_once_after_the_clock_was_set_back_by_an_hour(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[None] = []
    ahead = 3600.0

    class Time:
        @staticmethod
        def time() -> float:
            return time.time() + ahead

    set_back = asyncio.Event()

    async def noticed() -> None:
        await set_back.wait()
        set_back.clear()

    monkeypatch.setattr(procrastinate.periodic, "time", Time)
    monkeypatch.setattr(engine, "clock_set_back", noticed)
    async with sweeping(database, swept):
        await until(lambda: bool(swept), 30)
        ahead = 0.0
        before = len(swept)
        set_back.set()
        await until(lambda: len(swept) > before, 30)


@pytest.mark.parametrize("how", [None, asyncio.CancelledError(), OSError("the database is away")])
async def test_a_worker_that_ends_however_it_ends_is_started_again(
    database: str, monkeypatch: pytest.MonkeyPatch, how: BaseException | None
) -> None:
    swept: list[None] = []
    run = App.run_worker_async
    ends = 1

    async def ending(app: App, **options: Any) -> None:
        nonlocal ends
        if ends:
            ends -= 1
            await asyncio.sleep(0)
            if how:
                raise how
        else:
            await run(app, **options)

    monkeypatch.setattr(App, "run_worker_async", ending)
    async with sweeping(database, swept):
        await until(lambda: bool(swept), 30)
    assert not ends


@contextlib.asynccontextmanager
async def sweeping(database: str, swept: list[None]) -> AsyncIterator[None]:
    async def sweep() -> None:
        swept.append(None)

    async def perform(effect: Effect, attempts: int) -> None:
        raise AssertionError

    async def compare() -> None: ...

    working = asyncio.create_task(work(make_engine(database, perform, sweep, compare)))
    try:
        yield
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
