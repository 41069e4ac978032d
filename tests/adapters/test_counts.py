"""What people and agents did is counted one after another, whatever happens at the same time. On a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.counts import PostgresLookUps
from adapters.database.engine import make_engine
from domain.outcome import Approval, Asked
from domain.request import Request, State
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import AGENT, ASKER, NOON, OTHER_AGENT, SITE, STRANGER, SUBJECT, long_request, person

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database)
    yield engine
    await engine.dispose()


def asked_for(number: int, **given: object) -> Request:
    """Each is for somebody else, so that all may be open."""
    one = long_request(State.AWAITING_DECISION, next_due=None, unusual=("night",))
    subject = person(f"Somebody {number}")
    return replace(one, **({"reference": f"MFA-2222-{number:04}", "subject": subject} | given))  # type: ignore[arg-type]


async def write(book: PostgresBook, request: Request, agent: str, what: str = "approved") -> None:
    async with book.page() as page:
        if await book.request(request.reference) is None:
            assert await page.add(request)
        await page.record([Entry(NOON, request.reference, what, agent, "", "1", {})])


async def test_requests_are_counted_by_person_for_person_and_for_site(engine: AsyncEngine) -> None:
    book = PostgresBook(engine, "tenant")
    different: list[dict[str, object]] = [
        {},
        {"subject": SUBJECT},
        {"asked_by": STRANGER},
        {"asked_at": NOON - DAY},
        {"site": replace(SITE, ods="ZZ0")},
    ]
    for number, given in enumerate(different):
        async with book.page() as page:
            assert await page.add(asked_for(number, **given))
    async with book.page() as page:
        assert await page.asked(ASKER.id, SUBJECT.id, SITE.ods, NOON - DAY) == Asked(3, 1, 3)
        assert await page.asked("nobody", "nobody", "", NOON - DAY) == Asked()
    kept = await book.request("MFA-2222-0000")
    assert kept is not None
    assert kept.unusual == ("night",)


async def test_an_agents_approvals_are_counted_first_ones_too_and_others_not(engine: AsyncEngine) -> None:
    book = PostgresBook(engine, "tenant")
    await write(book, asked_for(20), AGENT.id)
    await write(book, asked_for(21), AGENT.id, "approved_first")
    await write(book, asked_for(21), OTHER_AGENT.id)
    await write(book, asked_for(21), AGENT.id, "rejected")
    async with book.page() as page:
        assert await page.approvals(AGENT.id, NOON - HOUR) == (Approval(NOON, SITE.ods),) * 2
        assert await page.approvals(AGENT.id, NOON) == ()


async def test_two_approvals_of_one_agent_at_once_see_each_other(engine: AsyncEngine) -> None:
    book, seen = PostgresBook(engine, "tenant"), []

    async def approve(number: int) -> None:
        async with book.page() as page:
            before = await page.approvals("busy", NOON - HOUR)
            seen.append(len(before))
            assert await page.add(asked_for(number))
            await page.record([Entry(NOON, f"MFA-2222-{number:04}", "approved", "busy", "", "1", {})])

    await asyncio.gather(*[approve(number) for number in range(30, 36)])
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_look_ups_are_counted_up_to_the_limit_and_forgotten_after_their_time(engine: AsyncEngine) -> None:
    look_ups = PostgresLookUps(engine)

    async def one_more(after: timedelta = timedelta(0), *, by: str = "a", most: int | None = 3) -> int:
        at = NOON + after
        return await look_ups.one_more(by, at, since=at - HOUR, most=most)

    assert sorted(await asyncio.gather(*[one_more() for _ in range(5)])) == [0, 1, 2, 3, 3]
    assert await one_more(by="b") == 0
    assert await one_more(most=None) == 0
    assert await one_more(HOUR - timedelta(seconds=1)) == 3
    assert await one_more(HOUR) == 0
