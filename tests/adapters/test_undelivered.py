"""How often something failed, and what the audit says about it already. On a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.notices import PostgresNotices
from adapters.database.undelivered import PostgresUndelivered
from cards.together import MOST
from domain.effects import Audience, Notice, Tell, TellTogether
from domain.events import What
from domain.gathering import WITHIN
from services.book import Entry
from services.deliver import Failures
from services.tell_together import TellsTogether
from tests.adapters.postgres import postgres
from tests.builders import NOON

KEY, REFERENCE = "MFA-7K3Q-9XDM:Tell:granted:subject", "MFA-7K3Q-9XDM"
LATER = NOON + timedelta(days=90)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    yield one
    await one.dispose()


async def test_failures_are_counted_from_the_first_until_they_are_forgotten(engine: AsyncEngine) -> None:
    undelivered = PostgresUndelivered(engine)
    for key in ("one", "other"):
        assert await undelivered.failed(key, NOON) == Failures(1, NOON)
        assert await undelivered.failed(key, LATER) == Failures(2, NOON)
    await undelivered.forget("one", "other")
    assert [await undelivered.failed(key, LATER) for key in ("one", "other")] == [Failures(1, LATER)] * 2


async def test_an_earlier_job_does_not_count_for_one_that_fails_the_first_time(engine: AsyncEngine) -> None:
    undelivered = PostgresUndelivered(engine)
    await undelivered.failed("let go", NOON)
    assert await undelivered.failed("let go", LATER, anew=True) == Failures(1, LATER)
    assert await undelivered.failed("let go", LATER) == Failures(2, LATER)


async def test_what_the_audit_says_about_a_notice_is_found_again(engine: AsyncEngine) -> None:
    entry = Entry(NOON, REFERENCE, What.NOT_DELIVERED.value, "", "", "1", {"notice": KEY, "why": "413"})
    book = PostgresBook(engine)
    async with book.page() as page:
        await page.record([entry])
    async with book.page() as page:
        assert await page.is_recorded(REFERENCE, What.NOT_DELIVERED, KEY, NOON)
        assert not await page.is_recorded(REFERENCE, What.NOT_DELIVERED, KEY, NOON + timedelta(seconds=1))
        assert not await page.is_recorded(REFERENCE, What.NOT_DELIVERED_YET, KEY, NOON)
        assert not await page.is_recorded(REFERENCE, What.NOT_DELIVERED, f"{KEY}:1", NOON)
        assert not await page.is_recorded("MFA-2222-2222", What.NOT_DELIVERED, KEY, NOON)


async def test_what_is_taken_apart_waits_no_more_and_each_is_wanted_alone(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    tells = [Tell(f"MFA-2222-22{number}", Notice.LAPSED, Audience.OWNERS) for number in range(10, 12 + MOST)]
    for tell in tells:
        await notices.begin_or_wait(f"{tell.key}:helen", tell, "helen", NOON, NOON - WITHIN)
    unused: dict[str, Any] = {part.name: None for part in fields(TellsTogether)}
    carry_out = cast(Any, SimpleNamespace(book=PostgresBook(engine)))
    await TellsTogether(**unused | {"notices": notices, "carry_out": carry_out}).apart(
        TellTogether("helen", Notice.LAPSED)
    )
    async with engine.connect() as connection:
        statuses = await connection.execute(text("SELECT DISTINCT status FROM notices WHERE person_id = 'helen'"))
        assert statuses.scalars().all() == ["sending"]
        jobs = await connection.execute(text("SELECT queueing_lock FROM procrastinate_jobs ORDER BY id"))
        assert jobs.scalars().all() == [tell.key for tell in tells[1:]]
