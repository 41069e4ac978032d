"""What becomes of a job is always written down: no job holds its lane for ever. On the real engine and database."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import procrastinate.utils
import psycopg
import pytest
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine as make_database
from adapters.jobs import engine, keeper
from adapters.jobs.engine import make_engine
from adapters.jobs.keeper import Keeper
from adapters.jobs.orders import QUEUE, TASK
from domain.effects import Effect, End, Notice, Refresh, TellTogether
from domain.errors import PutOff, Trouble
from services.once import BEFORE_THE_REPEAT
from tests.adapters.postgres import postgres
from tests.journeys.world import until

REFERENCE = "MFA-7K3Q-9XDM"
REFRESH = {"effect": "Refresh", "reference": REFERENCE}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


class Performed:
    """Fails the first time, and counts."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self, effect: Effect, attempts: int) -> None:
        self.times += 1
        if self.times == 1:
            raise Trouble("Teams could not be reached")


async def _swept() -> None:
    return None


@pytest.fixture
async def performed(database: str) -> AsyncIterator[tuple[Performed, App]]:
    perform = Performed()
    app = make_engine(database, perform, _swept, _swept)
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        yield perform, app


async def _wanted(app: App) -> None:
    await app.configure_task(TASK, queue=QUEUE, lock="a lane", queueing_lock="the same effect").defer_async(**REFRESH)


async def _taken(app: App) -> Job:
    job = await app.job_manager.fetch_job([QUEUE], await app.job_manager.register_worker())
    assert job is not None
    return job


async def _left(app: App) -> list[str]:
    return sorted(str(job.status) for job in await app.job_manager.list_jobs_async(task=TASK))


async def test_a_job_that_waits_already_takes_the_place_of_the_one_that_is_to_be_tried_again(
    performed: tuple[Performed, App],
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    await _wanted(app)
    assert await _left(app) == ["doing", "todo"]
    await app.job_manager.retry_job(taken)
    assert await _left(app) == ["todo"]


@pytest.mark.parametrize(
    ("effect", "waits"), [(TellTogether("olga", Notice.LAPSED), True), (End(REFERENCE, "anna"), False)]
)
async def test_what_was_wanted_again_while_it_was_tried_is_no_new_try_and_does_not_come_too_early(
    database: str, performed: tuple[Performed, App], effect: Effect, *, waits: bool
) -> None:
    """Who tells together is wanted at each sweep until it is told. As a new try it would not ask first whether anybody
    answers."""
    _, app = performed
    pool = make_database(database)
    try:
        async with PostgresBook(pool).page() as page:
            await page.want([effect])
        taken = await _taken(app)
        async with PostgresBook(pool).page() as page:
            await page.want([effect])
        strategy = app.tasks[TASK].retry_strategy
        assert strategy is not None
        lost = Trouble("Teams did not answer in time.", retry_after=BEFORE_THE_REPEAT, unanswered=True)
        strategy.get_retry_exception(exception=lost, job=taken)
        await app.job_manager.retry_job(taken)
        (job,) = await app.job_manager.list_jobs_async(task=TASK)
        assert (job.status, job.attempts) == ("todo", 1)
        taken_early = await app.job_manager.fetch_job([QUEUE], await app.job_manager.register_worker())
        assert (taken_early is None) is waits
    finally:
        await pool.dispose()


async def test_a_failed_effect_that_was_wanted_again_meanwhile_is_carried_out(
    database: str, performed: tuple[Performed, App]
) -> None:
    perform, app = performed
    await _wanted(app)
    first = perform.__call__

    async def wanted_meanwhile(effect: Effect, attempts: int) -> None:
        if perform.times == 0:
            await _wanted(app)
        await first(effect, attempts)

    other = make_engine(database, wanted_meanwhile, _swept, _swept)
    async with other.open_async(), working(other):
        await until(lambda: perform.times == 2, 5)
    assert "doing" not in await _left(app)


def away(app: App, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    """The database is away for the first so many writes."""
    connector = app.connector
    write = connector.execute_query_all_async

    async def away_at_first(query: str, **arguments: Any) -> list[dict[str, Any]]:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectorException
        return await write(query, **arguments)

    monkeypatch.setattr(connector, "execute_query_all_async", away_at_first)


async def test_the_end_of_a_job_is_written_when_the_database_is_back(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    away(app, monkeypatch, 2)
    monkeypatch.setattr(keeper, "WAITS", (0, 0))
    await app.job_manager.finish_job(taken, Status.SUCCEEDED, delete_job=True)
    assert await _left(app) == []


async def test_what_cannot_be_written_at_all_is_an_error_in_the_end(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    away(app, monkeypatch, 3)
    monkeypatch.setattr(keeper, "WAITS", (0, 0))
    with pytest.raises(ConnectorException):
        await app.job_manager.retry_job(taken)


async def test_who_stops_meanwhile_tries_once_more_and_no_longer(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    away(app, monkeypatch, 1000)
    assert isinstance(app.job_manager, Keeper)
    writing = asyncio.create_task(app.job_manager.retry_job(taken))
    await asyncio.sleep(0.1)
    app.job_manager.hurry()
    async with asyncio.timeout(0.5):
        with pytest.raises(ConnectorException):
            await writing


@pytest.mark.parametrize("succeeds", [True, False])
async def test_what_became_of_a_job_that_another_worker_took_up_is_not_written_by_the_first_one(
    performed: tuple[Performed, App], succeeds: bool
) -> None:
    _, app = performed
    await _wanted(app)
    first = await _taken(app)
    await app.job_manager.retry_job(first)
    second = await _taken(app)
    async with asyncio.timeout(1):
        await _ends(app, first, succeeds)
    assert await _left(app) == ["doing"]
    await _ends(app, second, succeeds)
    assert await _left(app) == ([] if succeeds else ["todo"])


@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_worker_that_was_believed_dead_writes_down_what_nobody_has_taken_up(
    performed: tuple[Performed, App], succeeds: bool
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    assert taken.worker_id
    await app.job_manager.unregister_worker(taken.worker_id)
    await _ends(app, taken, succeeds)
    assert await _left(app) == ([] if succeeds else ["todo"])


@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_job_that_is_gone_is_let_go_at_once(performed: tuple[Performed, App], succeeds: bool) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
    async with asyncio.timeout(1):
        await _ends(app, taken, succeeds)


async def test_jobs_are_a_dead_worker_s_only_after_two_looks_without_a_heartbeat(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the database went ahead: no heartbeat is new until each worker has beaten once more."""
    _, app = performed
    monkeypatch.setattr(keeper, "AGAIN", 0.5)
    await _wanted(app)
    taken = await _taken(app)
    assert taken.worker_id
    looking = await _looking(app)
    await app.job_manager.update_heartbeat(taken.worker_id)
    assert await looking == []
    await _silent(app)
    assert await _keeper(app).jobs_of_the_dead(own=taken.worker_id) == []
    assert [job.id for job in await _keeper(app).jobs_of_the_dead(own=0)] == [taken.id]


async def test_a_job_that_another_worker_took_between_the_looks_is_looked_at_twice_again(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    monkeypatch.setattr(keeper, "AGAIN", 0.5)
    await _wanted(app)
    taken = await _taken(app)
    looking = await _looking(app)
    await app.job_manager.retry_job(taken)
    await _taken(app)
    await _silent(app)
    assert await looking == []


@pytest.mark.parametrize(("ahead", "due"), [(timedelta(hours=1), True), (timedelta(minutes=15), False)])
async def test_after_the_clock_of_the_database_was_set_back_nothing_waits_for_what_it_was(
    performed: tuple[Performed, App], ahead: timedelta, due: bool
) -> None:
    _, app = performed
    await _wanted(app)
    await app.connector.execute_query_async(
        "UPDATE procrastinate_jobs SET scheduled_at = now() + %(ahead)s", ahead=ahead
    )
    await _looked(app)
    assert (await app.job_manager.fetch_job([QUEUE], await app.job_manager.register_worker()) is not None) is due


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(0)])
async def test_a_clock_of_the_database_that_goes_back_a_little_holds_up_nothing_either(
    performed: tuple[Performed, App], back: timedelta
) -> None:
    _, app = performed
    await _wanted(app)
    await app.connector.execute_query_async(
        "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '30 seconds' + %(back)s", back=back
    )
    await _looked(app)
    _keeper(app)._looked_at = (datetime.now(UTC) + back, time.monotonic())
    await _looked(app)
    worker = await app.job_manager.register_worker()
    assert (await app.job_manager.fetch_job([QUEUE], worker) is not None) is bool(back)


async def test_a_worker_that_died_before_the_clock_of_the_database_was_set_back_is_found_dead(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    monkeypatch.setattr(keeper, "SILENT", 0.5)
    monkeypatch.setattr(keeper, "AGAIN", 0.1)
    await _wanted(app)
    await _taken(app)
    await app.connector.execute_query_async(
        "UPDATE procrastinate_workers SET last_heartbeat = now() + interval '1 hour'"
    )
    await _looked(app)
    assert await _left(app) == ["doing"], "it may be alive and beat again"
    await asyncio.sleep(0.6)
    await _looked(app)
    assert await _left(app) == ["todo"]


async def test_who_stops_does_not_wait_long_for_a_job_while_the_database_is_away(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    monkeypatch.setattr(keeper, "HURRY", 0.2)
    worker = await app.job_manager.register_worker()
    assert isinstance(app.connector, PsycopgConnector)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(app.connector.pool.max_size):
            await stack.enter_async_context(app.connector.pool.connection())
        fetching = asyncio.create_task(app.job_manager.fetch_job([QUEUE], worker))
        await asyncio.sleep(0.2)
        _keeper(app).hurry()
        async with asyncio.timeout(2):
            assert await fetching is None
    await _wanted(app)
    assert await app.job_manager.fetch_job([QUEUE], worker) is not None


async def _looked(app: App) -> None:
    """As the engine does every few seconds."""
    task = app.tasks["take_up_stalled"]
    job = Job(id=0, queue=QUEUE, lock=None, queueing_lock=None, task_name=task.name, worker_id=0)
    await task(JobContext(app=app, job=job, start_timestamp=0.0, abort_reason=lambda: None), timestamp=0)


async def test_a_stop_does_not_wait_for_the_second_look(performed: tuple[Performed, App]) -> None:
    _, app = performed
    await _wanted(app)
    await _taken(app)
    looking = await _looking(app)
    _keeper(app).hurry()
    async with asyncio.timeout(1):
        assert await looking == []


def test_a_worker_that_beats_every_ten_seconds_is_never_silent_in_both_looks() -> None:
    assert 10 < keeper.AGAIN < keeper.SILENT
    assert keeper.SILENT + keeper.AGAIN + 10 <= 45, "about 40 seconds, says docs/running.md"


def _keeper(app: App) -> Keeper:
    assert isinstance(app.job_manager, Keeper)
    return app.job_manager


async def _looking(app: App) -> asyncio.Task[list[Job]]:
    """After the first look at workers that are all silent, and before the second."""
    await _silent(app)
    looking = asyncio.create_task(_keeper(app).jobs_of_the_dead(own=0))
    await asyncio.sleep(0.2)
    return looking


async def _silent(app: App) -> None:
    """All workers, for an hour."""
    await app.connector.execute_query_async(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
    )


async def _ends(app: App, job: Job, succeeds: bool) -> None:
    if succeeds:
        await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
    else:
        await app.job_manager.retry_job(job)


async def test_a_job_of_a_lane_that_was_just_taken_is_left_where_it_is(database: str) -> None:
    """Who looked before the other one's job was there or taken finds the lane free, and the index does not."""
    app = make_engine(database, Performed(), _swept, _swept)
    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        for priority in (30, 40):
            await app.configure_task(TASK, queue=QUEUE, lock="a lane", priority=priority).defer_async(**REFRESH)
        worker = await app.job_manager.register_worker()
        async with await psycopg.AsyncConnection.connect(database) as other:
            await other.execute("UPDATE procrastinate_jobs SET lock = 'another', status = 'doing' WHERE priority = 40")
            await other.commit()
            await other.execute("UPDATE procrastinate_jobs SET lock = 'a lane' WHERE priority = 40")
            fetching = asyncio.create_task(app.job_manager.fetch_job([QUEUE], worker))
            await asyncio.sleep(0.5)
            await other.commit()
        assert await fetching is None
        assert await _left(app) == ["doing", "todo"]


@pytest.mark.parametrize("hours", [1, -1])
async def test_the_clock_of_this_process_does_not_change_when_an_effect_is_tried_again(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    perform, app = performed
    wrong = datetime.now(UTC) + timedelta(hours=hours)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return wrong

    monkeypatch.setattr(engine, "datetime", Clock, raising=False)
    monkeypatch.setattr(keeper, "datetime", Clock, raising=False)
    monkeypatch.setattr(procrastinate.utils, "utcnow", lambda: wrong)
    await _wanted(app)
    async with working(app):
        await until(lambda: perform.times == 1, 5)
        await asyncio.sleep(1)
        assert perform.times == 1
        await until(lambda: perform.times == 2, 4)


@contextlib.asynccontextmanager
async def working(app: App) -> AsyncIterator[None]:
    worker = asyncio.create_task(
        app.run_worker_async(queues=[QUEUE], fetch_job_polling_interval=0.2, install_signal_handlers=False)
    )
    try:
        yield
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


@pytest.mark.parametrize(
    ("before", "ended", "after"),
    [
        (0, Trouble("away"), 1),
        (9, Trouble("away"), 10),
        (0, PutOff("graph", retry_after=timedelta(minutes=15)), 0),
        (2, PutOff("graph", retry_after=timedelta(minutes=15)), 2),
        (0, asyncio.CancelledError(), 1),
        (2, asyncio.CancelledError(), 2),
    ],
)
async def test_only_what_failed_counts_as_an_attempt_and_what_may_have_begun_is_not_new(
    performed: tuple[Performed, App], before: int, ended: BaseException, after: int
) -> None:
    _, app = performed
    await _wanted(app)
    await app.connector.execute_query_async(f"UPDATE procrastinate_jobs SET attempts = {before}")
    taken = await _taken(app)
    task = app.tasks[TASK]
    assert task.retry_strategy is not None
    task.retry_strategy.get_retry_exception(exception=ended, job=taken)
    await app.job_manager.retry_job(taken)
    (job,) = await app.job_manager.list_jobs_async(task=TASK)
    assert (job.status, job.attempts) == ("todo", after)


async def test_an_effect_that_waits_is_not_taken_before_the_decision_that_wants_it_again_is_saved(
    database: str, performed: tuple[Performed, App]
) -> None:
    _, app = performed
    pool = make_database(database)
    worker = await app.job_manager.register_worker()
    try:
        async with PostgresBook(pool).page() as page:
            await page.want([Refresh(REFERENCE)])
        async with PostgresBook(pool).page() as page:
            await page.want([Refresh(REFERENCE)])
            assert await app.job_manager.fetch_job([QUEUE], worker) is None
        assert await app.job_manager.fetch_job([QUEUE], worker) is not None
        async with PostgresBook(pool).page() as page:
            await page.want([Refresh(REFERENCE)])
        assert await _left(app) == ["doing", "todo"]
    finally:
        await pool.dispose()


@pytest.mark.parametrize(("effect", "soon"), [(End(REFERENCE, "anna"), True), (Refresh(REFERENCE), False)])
async def test_an_end_that_is_wanted_again_does_not_wait_until_it_would_have_been_tried_again(
    database: str, performed: tuple[Performed, App], effect: Effect, soon: bool
) -> None:
    _, app = performed
    pool = make_database(database)
    worker = await app.job_manager.register_worker()
    try:
        async with PostgresBook(pool).page() as page:
            await page.want([effect])
        await app.connector.execute_query_async(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"
        )
        assert await app.job_manager.fetch_job([QUEUE], worker) is None
        async with PostgresBook(pool).page() as page:
            await page.want([effect])
            assert await app.job_manager.fetch_job([QUEUE], worker) is None, "not before it is saved"
        assert (await app.job_manager.fetch_job([QUEUE], worker) is not None) is soon
    finally:
        await pool.dispose()
