"""What /metrics answers from a real database, also where a part of it cannot be counted."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.figures import WHOLE_EVERY, PostgresFigures
from bot.web import make_app
from domain.request import State
from program.counting import Counting
from services.drifts import Known
from tests.adapters.postgres import postgres
from tests.builders import NOON, POLICY, request


class Noon:
    def now(self) -> datetime:
        return NOON


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    async with one.begin() as connection:
        await connection.execute(text("TRUNCATE requests, procrastinate_jobs, comparisons CASCADE"))
    yield one
    await one.dispose()


async def metrics_of(counting: Counting) -> tuple[int, str]:
    app = make_app(None, {}, counting)
    async with TestClient(TestServer(app)) as client, client.get("/metrics") as answer:
        return answer.status, await answer.text()


async def test_a_count_of_the_whole_table_that_takes_too_long_takes_no_other_figure_away(engine: AsyncEngine) -> None:
    async with PostgresBook(engine).page() as page:
        assert await page.add(request(State.ACTIVE))
    second, slow, counts = 0.0, False, 0

    @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
    def slowly(_: object, __: object, statement: str, values: Any, *___: object) -> tuple[str, Any]:
        nonlocal counts
        whole = "GROUP BY requests.kind, requests.state" in statement
        counts += whole
        if slow:
            statement = statement.replace("statement_timeout = 5000", "statement_timeout = 50")
            statement = statement.replace("count(*)", "count(pg_sleep(1))") if whole else statement
        return statement, values

    counting = Counting(PostgresFigures(engine, POLICY.limits.check_again, lambda: second), Noon(), POLICY)
    shown = 'mfa_requests{kind="short",state="active"} 1.0'
    _, given = await metrics_of(counting)
    assert shown in given
    slow, second = True, WHOLE_EVERY
    for _ in range(2):
        status, given = await metrics_of(counting)
        assert status == 200
        assert 'mfa_ends_overdue{kind="short"} 0.0' in given
        assert shown in given
    assert counts == 2, "the next one is a minute later"
    slow, second = False, 2 * WHOLE_EVERY
    await metrics_of(counting)
    assert counts == 3


async def test_a_comparison_that_does_not_come_to_its_end_grows_older(engine: AsyncEngine) -> None:
    counting = Counting(PostgresFigures(engine, POLICY.limits.check_again), Noon(), POLICY)
    assert "mfa_compared_seconds +Inf" in (await metrics_of(counting))[1]
    drifts = PostgresDrifts(engine)
    await drifts.compared(NOON - timedelta(hours=4))
    await drifts.keep(Known({"group": frozenset()}, "", NOON))
    _, given = await metrics_of(counting)
    assert "mfa_compared_seconds 14400.0" in given
    assert "mfa_compare_every_seconds 3600.0" in given
