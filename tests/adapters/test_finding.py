"""Finding requests by what somebody typed, on a real database."""

import asyncio
import string
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.finding import SEPARATORS, wanted
from domain.people import Person
from domain.request import Request, State
from tests.adapters.postgres import postgres
from tests.builders import NOON, OWNER, SITE, STRANGER, SUBJECT, long_request, request

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database)
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM requests"))
    yield engine
    await engine.dispose()


def person(name: str, address: str = "somebody@nhs.net") -> Person:
    return Person(f"id-of-{name}", name, address)


async def keep(engine: AsyncEngine, *some: Request) -> PostgresBook:
    book = PostgresBook(engine)
    async with book.page() as page:
        for one in some:
            assert await page.add(one)
    return book


async def found(book: PostgresBook, typed: str, **more: Any) -> list[str]:
    looked_for = wanted(typed)
    assert looked_for is not None, typed
    return [one.reference for one in await book.find(looked_for, 10, **more)]


async def test_a_request_is_found_by_the_beginning_of_any_word_of_name_address_site_or_reference(
    engine: AsyncEngine,
) -> None:
    one = long_request(reference="MFA-7K3Q-9XDM", subject=person("O’BRIEN-JOSÉ, Sam (ZZ)", "sam.o'brien14@nhs.net"))
    other = request(reference="MFA-ADAM-KATZ", subject=person("Ann Other", "ann@nhs.net"))
    book = await keep(engine, one, other)
    for typed in (
        "sam", "SAM bri", "brien sam", "o’brien", "José", "brien14", "sam.o'brien14@nhs.net", "riverside", "zz901",
        "ZZ901 sam", "medical river", "MFA-7K3Q-9XDM", "mfa 7k3q 9xdm", "7k3q9xdm", "7K3Q-9XDM", "MFA-7K3",
        "mfa7k3q9xdm", "caller says: MFA 7K3Q 9XDM.",
    ):  # fmt: skip
        assert await found(book, typed) == ["MFA-7K3Q-9XDM"], typed
    for typed in ("net", "iverside", "sam other", "MFA-7K3Q-9XDN", "%%%sam%%% ann"):
        assert await found(book, typed) == [], typed
    assert await found(book, "adam katz") == ["MFA-ADAM-KATZ"]


async def test_a_request_is_found_only_by_people_whom_it_concerns_where_that_is_asked_for(engine: AsyncEngine) -> None:
    book = await keep(engine, long_request())
    for who in (SUBJECT, OWNER):
        assert await found(book, "MFA-7K3Q-9XDM", of=who.id) == ["MFA-7K3Q-9XDM"]
    for typed in ("MFA-7K3Q-9XDM", "sam", "zz901"):
        assert await found(book, typed, of=STRANGER.id) == []


async def test_the_newest_come_first_and_only_so_many(engine: AsyncEngine) -> None:
    many = [
        replace(request(subject=person(f"Sam {number}")), reference=f"MFA-2222-{number}", asked_at=NOON - number * DAY)
        for number in range(2000, 2015)
    ]
    book = await keep(engine, *many)
    newest = [one.reference for one in many[:10]]
    assert await found(book, "sam") == newest
    assert [one.reference for one in await book.newest_waiting(10)] == newest
    await keep(engine, request(State.ENDED, reference="MFA-3333-3333", asked_at=NOON + DAY))
    assert (await book.newest_waiting(1))[0].reference == newest[0]


async def test_names_of_any_length_and_letters_are_kept(engine: AsyncEngine) -> None:
    names = ["x" * 5000, "", "   ", "'\\\"", "\u202e😀", "é" * 3000, SEPARATORS]
    some = [
        long_request(reference=f"MFA-2222-{number:04}", subject=person(name, name), site=replace(SITE, name=name))
        for number, name in enumerate(names, 2222)
    ]
    book = await keep(engine, *some)
    assert await found(book, "zz901") != []
    assert await found(book, "x" * 400) == ["MFA-2222-2222"]


def test_what_stands_between_words_is_the_same_for_the_index(database: str) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT pg_get_indexdef('requests_found_by'::regclass)").fetchone()
    assert row is not None
    for sign in set(string.punctuation) | set("’‘–—"):
        assert (sign * 2 if sign == "'" else sign) in row[0], sign


async def test_anything_that_is_typed_is_looked_for_without_an_error(database: str) -> None:
    engine = make_engine(database)
    book = PostgresBook(engine)
    loop = asyncio.get_running_loop()

    @settings(max_examples=150, deadline=None)
    @given(st.text(max_size=200) | st.text(alphabet="'\\:*&|!()<->\"a ", max_size=60))
    def look(typed: str) -> None:
        looked_for = wanted(typed.replace("\0", ""))
        if looked_for is not None:
            asyncio.run_coroutine_threadsafe(book.find(looked_for, 10), loop).result(30)

    await asyncio.to_thread(look)
    await engine.dispose()


async def test_an_index_is_used_for_each_way_of_finding(engine: AsyncEngine) -> None:
    book = await keep(engine, request())
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    await found(book, "sam price")
    await found(book, "sam price", of=SUBJECT.id)
    await book.newest_waiting(10)
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    plans = []
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        # So few rows would be read one after the other.
        await raw.execute("SET enable_seqscan = off")
        for statement, parameters in sent:
            plans.append(str(await (await raw.execute(f"EXPLAIN {statement}", parameters)).fetchall()))
    for plan, index in zip(plans, ("requests_found_by", "requests_of_people", "requests_waiting"), strict=True):
        assert index in plan, plan
