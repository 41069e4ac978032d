"""A notice and the line of the audit about it are written together. On a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.chat import PostgresNotices
from adapters.database.engine import make_engine
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON

KEY, REFERENCE = "MFA-7K3Q-9XDM:granted:subject", "MFA-7K3Q-9XDM"
ENTRY = Entry(NOON, REFERENCE, "notice", "", "", "1", {"notice": KEY, "way": "teams"})


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    async with one.begin() as connection:
        await connection.execute(text("DELETE FROM notices"))
    yield one
    await one.dispose()


async def test_a_notice_that_was_sent_is_in_the_audit(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await notices.begin(KEY, REFERENCE, NOON)
    assert await notices.begin(KEY, REFERENCE, NOON)
    await notices.finish(KEY, way="teams", activity_id="17", at=NOON, entry=ENTRY)
    assert not await notices.begin(KEY, REFERENCE, NOON)
    assert await PostgresBook(engine).entries(REFERENCE) == (ENTRY,)


async def test_where_the_audit_cannot_be_written_the_notice_counts_as_not_sent(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await notices.begin(KEY, REFERENCE, NOON)
    nobody: str = None  # type: ignore[assignment]  # the database refuses it
    with pytest.raises(IntegrityError):
        await notices.finish(KEY, way="teams", activity_id="17", at=NOON, entry=replace(ENTRY, by_id=nobody))
    assert await notices.begin(KEY, REFERENCE, NOON)
