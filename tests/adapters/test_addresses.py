"""Where people are reached, and when an address is dead. On a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.database.chat import PostgresAddresses
from adapters.database.engine import make_engine
from services.chat import Address, Scope
from tests.adapters.postgres import postgres
from tests.builders import NOON

CHAT = Address("https://smba.example/", "a:old", "tenant", "28:bot", Scope.PERSONAL)
NEW = replace(CHAT, conversation_id="a:new")
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def addresses(database: str) -> AsyncIterator[PostgresAddresses]:
    engine = make_engine(database)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE addresses"))
    one = PostgresAddresses(engine)
    await one.remember("anna", "29:anna", CHAT, NOON)
    yield one
    await engine.dispose()


async def test_where_nobody_is_reached_is_dead_until_they_speak_again(addresses: PostgresAddresses) -> None:
    await addresses.dead("anna", CHAT, NOON)
    assert await addresses.is_dead("anna")
    assert await addresses.of("anna") is None
    await addresses.remember("anna", "29:anna", CHAT, NOON + SECOND)
    assert await addresses.of("anna") == CHAT


async def test_an_answer_about_an_old_chat_does_not_kill_the_new_one(addresses: PostgresAddresses) -> None:
    await addresses.remember("anna", "29:anna", NEW, NOON)
    await addresses.dead("anna", CHAT, NOON + SECOND)
    assert await addresses.of("anna") == NEW


async def test_an_answer_that_comes_after_they_have_spoken_kills_nothing(addresses: PostgresAddresses) -> None:
    """Whoever installs the app again has the same chat."""
    await addresses.remember("anna", "29:anna", CHAT, NOON + 2 * SECOND)
    await addresses.dead("anna", CHAT, NOON + SECOND)
    assert await addresses.of("anna") == CHAT
