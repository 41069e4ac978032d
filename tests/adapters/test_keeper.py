"""What becomes of a job is always written down: no job holds its lane for ever. On the real engine and database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine as make_database
from adapters.jobs.engine import make_engine
from adapters.jobs.keeper import Keeper
from adapters.jobs.orders import QUEUE, TASK
from domain.effects import Effect, Refresh
from domain.errors import Trouble
from tests.adapters.postgres import postgres

REFRESH = {"effect": "Refresh", "reference": "MFA-7K3Q-9XDM"}


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
    async with other.open_async():
        await other.run_worker_async(queues=[QUEUE], wait=False, install_signal_handlers=False)
    assert perform.times == 2
    assert "doing" not in await _left(app)


async def test_the_end_of_a_job_is_written_when_the_database_is_back(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed
    await _wanted(app)
    taken = await _taken(app)
    connector, failures = app.connector, 2
    write = connector.execute_query_async

    async def away_at_first(query: str, **arguments: Any) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectorException
        await write(query, **arguments)

    async def no_time(_: float) -> None:
        return None

    monkeypatch.setattr(connector, "execute_query_async", away_at_first)
    monkeypatch.setattr(asyncio, "sleep", no_time)
    assert isinstance(app.job_manager, Keeper)
    assert taken.id is not None
    await app.job_manager.finish_job_by_id_async(taken.id, Status.SUCCEEDED, delete_job=True)
    assert await _left(app) == []


async def test_what_cannot_be_written_at_all_is_an_error_in_the_end(
    performed: tuple[Performed, App], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = performed

    async def no_time(_: float) -> None:
        return None

    monkeypatch.setattr(asyncio, "sleep", no_time)
    with pytest.raises(ConnectorException):
        await app.job_manager.retry_job_by_id_async(1_000_000, datetime.now(UTC))


async def test_an_effect_that_waits_is_not_taken_before_the_decision_that_wants_it_again_is_saved(
    database: str, performed: tuple[Performed, App]
) -> None:
    _, app = performed
    engine = make_database(database)
    worker = await app.job_manager.register_worker()
    try:
        async with PostgresBook(engine).page() as page:
            await page.want([Refresh("MFA-7K3Q-9XDM")])
        async with PostgresBook(engine).page() as page:
            await page.want([Refresh("MFA-7K3Q-9XDM")])
            assert await app.job_manager.fetch_job([QUEUE], worker) is None
        assert await app.job_manager.fetch_job([QUEUE], worker) is not None
        async with PostgresBook(engine).page() as page:
            await page.want([Refresh("MFA-7K3Q-9XDM")])
        assert await _left(app) == ["doing", "todo"]
    finally:
        await engine.dispose()
