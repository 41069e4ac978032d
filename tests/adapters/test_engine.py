"""When the job engine tries again, and that its worker goes on after the clock jumped or the database was away."""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import procrastinate.periodic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg_pool import AsyncConnectionPool

from adapters.jobs import engine, keeper
from adapters.jobs.engine import AHEAD, LONGEST_WAIT, clock_jumped, make_engine, wait_before, work
from adapters.jobs.keeper import SET_BACK, Keeper
from adapters.jobs.orders import QUEUE, TASK
from domain.effects import Effect
from domain.errors import PutOff, Throttled, Trouble
from services.pace import FARTHEST, LONGEST_PAUSE
from tests.adapters.postgres import postgres
from tests.journeys.world import free_port, until


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
    assert longest / 2 < await _wait_after(database, kind, 10, Trouble("Graph is away")) <= longest


@pytest.mark.parametrize("kind", ["End", "Grant", "Refresh"])
async def test_who_is_told_to_wait_comes_back_with_the_others_however_often_it_was_tried(
    database: str, kind: str
) -> None:
    wait = await _wait_after(database, kind, 10, Throttled("429", retry_after=timedelta(seconds=5)))
    assert 3 < wait <= 5


@pytest.mark.parametrize(
    ("given", "waits"), [(timedelta(minutes=15), timedelta(minutes=15)), (timedelta(hours=2), FARTHEST)]
)
async def test_nobody_is_put_off_for_so_long_that_the_clock_seems_set_back(
    database: str, given: timedelta, waits: timedelta
) -> None:
    """A line of thousands may be longer."""
    wait = await _wait_after(database, "Refresh", 0, PutOff("conversation", retry_after=given))
    assert waits.total_seconds() - 2 < wait <= waits.total_seconds()


async def _wait_after(database: str, kind: str, tried: int, trouble: Trouble) -> float:
    """Seconds until an effect that was tried so often, and failed once more, is tried again."""

    async def fails(effect: Effect, attempts: int) -> None:
        assert attempts == tried
        raise trouble

    async def nothing() -> None: ...

    app = make_engine(database, fails, nothing, nothing)
    args = {"effect": kind, "reference": "MFA-7K3Q-9XDM"} | ({} if kind == "Refresh" else {"subject": "anna"})
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        await app.configure_task(TASK, queue=QUEUE).defer_async(**args)
        await app.connector.execute_query_async(f"UPDATE procrastinate_jobs SET attempts = {tried}")
        await app.run_worker_async(queues=[QUEUE], wait=False, install_signal_handlers=False)
        waits = "SELECT scheduled_at - now() AS wait FROM procrastinate_jobs WHERE task_name = %(name)s"
        (row,) = await app.connector.execute_query_all_async(waits, name=TASK)
    seconds: float = row["wait"].total_seconds()
    return seconds


@pytest.mark.parametrize("jump", [-SET_BACK, -3600.0, AHEAD, 60 * 3600.0])
async def test_a_clock_that_jumps_is_noticed_and_one_that_slews_or_is_corrected_is_not(jump: float) -> None:
    """Ahead, too: the engine would defer each second's sweep that it has missed, one after the other, for hours."""
    moments = [(0.0, 0.0), (1.0, 1.0), (31.0, 2.0), (31.9, 3.0), (32.9 + jump, 4.0), (33.9 + jump, 5.0)]
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

    await clock_jumped(wall, lambda: now[1], sleep)
    assert slept == 4


async def test_a_process_that_stood_still_for_long_is_noticed() -> None:
    moments = iter([0.0, 0.0, 1.0, 1.0, 300.0, 300.0])
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await clock_jumped(lambda: next(moments), lambda: next(moments), sleep)
    assert len(slept) == 2


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
    monkeypatch.setattr(engine, "clock_jumped", noticed)
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


async def test_after_a_weekend_asleep_each_periodic_task_is_deferred_once_and_not_for_each_second(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[None] = []
    ahead = 0.0

    class Time:
        @staticmethod
        def time() -> float:
            return time.time() + ahead

    deferred: list[str] = []
    defer = Keeper.defer_periodic_job

    async def counted(keeper: Keeper, job: Job, periodic_id: str, defer_timestamp: int) -> int | None:
        deferred.append(periodic_id)
        return await defer(keeper, job, periodic_id, defer_timestamp)

    monkeypatch.setattr(procrastinate.periodic, "time", Time)
    monkeypatch.setattr(engine, "clock_jumped", functools.partial(clock_jumped, Time.time))
    monkeypatch.setattr(Keeper, "defer_periodic_job", counted)
    async with sweeping(database, swept):
        await until(lambda: bool(swept), 30)
        await asyncio.sleep(1.2)
        ahead = 60 * 3600.0
        deferred.clear()
        await until(lambda: {"sweep", "compare", "stalled"} <= set(deferred), 30)
    assert deferred.count("compare") == deferred.count("stalled") == 1
    assert len(deferred) < 1000, "what the worker still deferred before it was stopped"


async def test_a_stop_while_the_database_is_away_is_a_stop(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    async def fails_to_stop(app: App, **options: Any) -> None:
        nonlocal runs
        runs += 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError("the database is away") from None

    async def sweep() -> None: ...

    async def perform(effect: Effect, attempts: int) -> None: ...

    monkeypatch.setattr(App, "run_worker_async", fails_to_stop)
    working = asyncio.create_task(work(make_engine(database, perform, sweep, sweep)))
    await until(lambda: runs, 30)
    working.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await working
    assert working.cancelled()
    assert runs == 1


@pytest.mark.parametrize("jumps", ["no", "long before", "just before"])
async def test_a_worker_is_told_only_once_to_stop_so_that_it_waits_for_its_jobs(
    database: str, monkeypatch: pytest.MonkeyPatch, jumps: str
) -> None:
    runs, jumped, stopping, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stops_slowly(app: App, **options: Any) -> None:
        runs.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopping.set()
            await asyncio.sleep(0.2)
            stopped.set()
            raise

    async def jumping() -> None:
        await jumped.wait()

    async def sweep() -> None: ...

    async def perform(effect: Effect, attempts: int) -> None: ...

    monkeypatch.setattr(App, "run_worker_async", stops_slowly)
    monkeypatch.setattr(engine, "clock_jumped", jumping)
    working = asyncio.create_task(work(make_engine(database, perform, sweep, sweep)))
    await runs.wait()
    if jumps != "no":
        jumped.set()
        await until((stopped if jumps == "long before" else stopping).is_set, 5)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert stopped.is_set()


async def test_a_stop_waits_for_the_jobs_that_run(database: str) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def takes_its_time(effect: Effect, attempts: int) -> None:
        began.set()
        await asyncio.sleep(1)
        ended.set()

    async def sweep() -> None: ...

    app = make_engine(database, takes_its_time, sweep, sweep)
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        await app.configure_task(TASK, queue=QUEUE).defer_async(effect="Refresh", reference="MFA-7K3Q-9XDM")
    working = asyncio.create_task(work(app))
    await began.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended.is_set()
    async with app.open_async():
        assert not list(await app.job_manager.list_jobs_async(task=TASK))


async def test_where_the_database_is_away_dead_workers_wait_and_no_job_is_left_failed(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def perform(effect: Effect, attempts: int) -> None: ...

    async def nothing() -> None: ...

    async def away(_: Keeper, **__: float) -> None:
        raise ConnectorException("the connection is closed")

    app = make_engine(database, perform, nothing, nothing)
    monkeypatch.setattr(Keeper, "get_stalled_jobs", away)
    async with app.open_async():
        await app.configure_task("take_up_stalled").defer_async(timestamp=0)
        await app.run_worker_async(queues=[QUEUE], wait=False, delete_jobs="successful", install_signal_handlers=False)
        assert list(await app.job_manager.list_jobs_async(task="take_up_stalled")) == []


async def test_a_worker_whose_own_heartbeat_looks_old_does_not_take_up_what_it_does_itself(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all heartbeats do after the clock of the database went ahead."""
    began = 0

    async def takes_its_time(effect: Effect, attempts: int) -> None:
        nonlocal began
        began += 1
        if began == 1:
            await app.connector.execute_query_async(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
            )
            await app.configure_task("take_up_stalled", queue=QUEUE).defer_async(timestamp=0)
            await asyncio.sleep(1.5)

    async def nothing() -> None: ...

    monkeypatch.setattr(keeper, "AGAIN", 0.1)
    app = make_engine(database, takes_its_time, nothing, nothing)
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        await app.configure_task(TASK, queue=QUEUE).defer_async(effect="Refresh", reference="MFA-7K3Q-9XDM")
    working = asyncio.create_task(work(app))
    await until(lambda: began, 10)
    await asyncio.sleep(2.5)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert began == 1


async def test_a_start_does_not_forget_a_worker_that_was_silent_for_a_minute(database: str) -> None:
    swept: list[None] = []

    async def perform(effect: Effect, attempts: int) -> None: ...

    async def nothing() -> None: ...

    app = make_engine(database, perform, nothing, nothing)
    async with app.open_async():
        silent = await app.job_manager.register_worker()
        await app.connector.execute_query_async(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
        )
        async with sweeping(database, swept):
            await until(lambda: bool(swept), 30)
        workers = await app.connector.execute_query_all_async("SELECT id FROM procrastinate_workers")
    assert silent in [worker["id"] for worker in workers]


async def test_after_an_outage_one_more_start_is_enough(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[None] = []
    opened: list[str] = []
    open_pool = AsyncConnectionPool.open

    async def soon(pool: AsyncConnectionPool[Any], wait: bool) -> None:
        opened.append(str(pool.conninfo))
        await open_pool(pool, wait, timeout=0.5)

    async def perform(effect: Effect, attempts: int) -> None: ...

    async def sweep() -> None:
        swept.append(None)

    monkeypatch.setattr(AsyncConnectionPool, "open", soon)
    app = make_engine(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres", perform, sweep, sweep)
    assert isinstance(app.connector, PsycopgConnector)
    working = asyncio.create_task(work(app))
    try:
        await until(lambda: opened, 10)
        app.connector._pool_args["conninfo"] = database  # the server is back
        await until(lambda: bool(swept), 30)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert len(opened) == 2


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
