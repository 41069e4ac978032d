"""What /metrics answers from a real database, also where a part of it cannot be counted."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import prometheus_client
import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.figures import WHOLE_EVERY, PostgresFigures
from bot import metrics
from bot.web import make_app
from domain.effects import End, Grant, Purge, Refresh
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

    counting = Counting(PostgresFigures(engine, POLICY, lambda: second), Noon(), POLICY)
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
    counting = Counting(PostgresFigures(engine, POLICY), Noon(), POLICY)
    assert "mfa_compared_seconds +Inf" in (await metrics_of(counting))[1]
    drifts = PostgresDrifts(engine)
    await drifts.policy_compared(NOON)
    assert "mfa_compared_seconds +Inf" in (await metrics_of(counting))[1]
    await drifts.compared(NOON - timedelta(hours=4))
    await drifts.keep(Known({"group": frozenset()}, "", NOON))
    _, given = await metrics_of(counting)
    assert "mfa_compared_seconds 14400.0" in given
    assert "mfa_compare_every_seconds 3600.0" in given


async def test_an_effect_that_is_tried_again_for_ever_is_as_old_as_when_it_was_wanted(engine: AsyncEngine) -> None:
    """Of each effect the oldest counts, at work or to be tried later; what has failed has an alarm of its own."""
    two = "MFA-0000-AAAA", "MFA-1111-AAAA"
    async with PostgresBook(engine).page() as page:
        await page.want([Grant(two[0], "x"), *(Refresh(one) for one in two), Purge(two[0]), End(two[0], "y")])
    wanted = {"Grant": (3, "todo"), "Refresh": (2, "doing"), "Purge": (4, "failed")}
    async with engine.begin() as connection:
        for effect, (hours, status) in wanted.items():
            values = {"effect": effect, "hours": hours, "status": status, "reference": two[0]}
            ids = """
                SELECT id FROM procrastinate_jobs
                WHERE args ->> 'effect' = :effect AND args ->> 'reference' = :reference
            """
            back = f"UPDATE procrastinate_events SET at = at - make_interval(hours => :hours) WHERE job_id IN ({ids})"
            await connection.execute(text(back), values)
            later = f"""
                UPDATE procrastinate_jobs SET attempts = 40, scheduled_at = now() + interval '4 minutes',
                    status = CAST(:status AS procrastinate_job_status) WHERE id IN ({ids})
            """
            await connection.execute(text(later), values)
    jobs = await PostgresFigures(engine, POLICY).jobs()
    ages = {effect: round(age.total_seconds() / 3600, 2) for effect, age in jobs.unfinished.items()}
    assert ages == {"Grant": 3.0, "Refresh": 2.0, "End": 0.0}
    assert jobs.oldest < timedelta(minutes=1)
    metrics.show_jobs(jobs)
    given = prometheus_client.generate_latest().decode()
    assert re.search(r'mfa_jobs_unfinished_seconds\{effect="Grant"\} 1080\d', given)
    assert 'mfa_jobs_unfinished_seconds{effect="Purge"} 0.0' in given
