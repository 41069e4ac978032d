"""How many exceptions of a kind a person can have at once, as the database sees to it. On a real one."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.commands import ConfirmGrant, PutBack
from domain.decisions import decide
from domain.outcome import Facts
from domain.request import Request, State
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON, POLICY, account, long_request

OLD, NEW = "MFA-2222-2222", "MFA-3333-3333"
LATER = NOON + timedelta(days=150)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def book(database: str) -> AsyncIterator[PostgresBook]:
    engine = make_engine(database)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE requests"))
    yield PostgresBook(engine, "tenant")
    await engine.dispose()


async def add(book: PostgresBook, request: Request) -> bool:
    async with book.page() as page:
        return await page.add(request)


async def change(book: PostgresBook, *requests: Request) -> None:
    async with book.page() as page:
        for request in requests:
            await page.change(request)


async def test_what_entra_lost_is_put_back_while_its_renewal_waits_and_one_of_them_stays(book: PostgresBook) -> None:
    old = replace(long_request(State.ACTIVE), reference=OLD)
    renewal = long_request(State.AWAITING_EVIDENCE, reference=NEW, renews=OLD)
    assert await add(book, old)
    assert await add(book, renewal)
    back = decide(old, PutBack(AGENT), Facts(groups=frozenset({"helpdesk"}), account=account()), POLICY, LATER).request
    for state in (State.AWAITING_EVIDENCE, State.AWAITING_DECISION, State.GRANTING):
        renewal = long_request(state, reference=NEW, renews=OLD)
        await change(book, replace(old, state=State.ACTIVE))
        await change(book, renewal)
        await change(book, back)
    confirmed = decide(renewal, ConfirmGrant(), Facts(renewed=back), POLICY, LATER)
    assert confirmed.followed is not None
    await change(book, confirmed.followed, confirmed.request)
    assert [one.reference for one in await book.open_requests(old.subject.id)] == [NEW]


@pytest.mark.parametrize("first", [State.AWAITING_EVIDENCE, State.AWAITING_DECISION, State.GRANTING])
async def test_a_second_one_that_is_to_come_is_not_taken(book: PostgresBook, first: State) -> None:
    assert await add(book, long_request(first, reference=OLD))
    assert not await add(book, long_request(State.AWAITING_EVIDENCE, reference=NEW))
    assert await add(book, long_request(State.ACTIVE, reference=NEW))
    with pytest.raises(IntegrityError):
        await change(book, long_request(State.ACTIVE, reference=OLD))
