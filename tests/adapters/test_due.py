"""What time has to move on, in the order in which the sweep takes it, on a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.people import Person
from domain.request import Decided, Request, State
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON, POLICY, long_request, request

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database)
    yield engine
    await engine.dispose()


def due(name: str, state: State, *, ended: timedelta, due: timedelta) -> Request:
    """Of somebody else each; its end and what is next about it, so long before noon."""
    one = request(state, reference=name, subject=Person(name, name, f"{name}@nhs.net"))
    return replace(one, starts_at=NOON - 24 * HOUR, ends_at=NOON - ended, next_due=NOON - due)


async def test_after_an_outage_the_ends_come_first_and_then_the_longest_overdue(engine: AsyncEngine) -> None:
    book = PostgresBook(engine)
    async with book.page() as page:
        for one in (
            due("reminder", State.ACTIVE, ended=-4 * HOUR, due=9 * HOUR),
            due("end", State.ACTIVE, ended=HOUR, due=HOUR),
            due("asked", State.AWAITING_DECISION, ended=-24 * HOUR, due=8 * HOUR),
            due("refused_end", State.ENDING, ended=-4 * HOUR, due=2 * HOUR),
            due("later", State.ACTIVE, ended=-HOUR, due=-HOUR),
        ):
            assert await page.add(one)
    assert await book.due(NOON, 10) == ("refused_end", "end", "reminder", "asked")
    assert await book.due(NOON, 2) == ("refused_end", "end")


async def test_open_requests_of_a_kind_that_the_policy_no_longer_has_are_counted(engine: AsyncEngine) -> None:
    book = PostgresBook(engine)
    async with book.page() as page:
        assert await page.add(long_request(State.ACTIVE, reference="long"))
        assert await page.add(long_request(State.ENDED, reference="ended"))
    assert await book.open_besides(["short"]) == {"long": 1}
    assert await book.open_besides(POLICY.kinds) == {}


async def test_the_accounts_of_whoever_is_exempt_or_is_to_be_are_looked_at_in_turn(engine: AsyncEngine) -> None:
    book = PostgresBook(engine)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE requests"))
    approved = Decided(AGENT, NOON - HOUR, approved=True)
    async with book.page() as page:
        for name, state, seen, decided in (
            ("on", State.ACTIVE, NOON - HOUR, approved),
            ("on, never looked at", State.ACTIVE, None, approved),
            ("on, just looked at", State.ACTIVE, NOON, approved),
            ("to be", State.GRANTING, None, approved),
            ("to be, just looked at", State.GRANTING, NOON, approved),
            ("to be, just approved", State.GRANTING, None, replace(approved, at=NOON)),
            ("ended", State.ENDED, None, approved),
        ):
            one = request(state, reference=name, subject=Person(name, name, f"{name}@nhs.net"))
            assert await page.add(replace(one, looked_at=seen, decided=decided))
    found = await book.to_look_at(NOON - HOUR / 4, 10)
    assert [one.reference for one in found] == ["to be", "on, never looked at", "on"]
    assert len(await book.to_look_at(NOON - HOUR / 4, 2)) == 2
