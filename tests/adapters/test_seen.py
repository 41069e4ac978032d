"""An activity is a turn for one process at a time, and once it is done for nobody. On a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.chat import PostgresSeen
from adapters.database.engine import make_engine
from services.chat import Begun
from tests.adapters.postgres import postgres

CLICK = ("a:chat", "1700000000001")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def replicas(database: str) -> AsyncIterator[list[AsyncEngine]]:
    """Each engine is a process, as far as the database can tell."""
    engines = [make_engine(database) for _ in range(3)]
    async with engines[0].begin() as connection:
        await connection.execute(text("DELETE FROM seen"))
    yield engines
    for engine in engines:
        await engine.dispose()


async def test_while_a_turn_runs_nobody_begins_it_again(replicas: list[AsyncEngine]) -> None:
    first, second, _ = map(PostgresSeen, replicas)
    assert await first.begin(*CLICK) is Begun.FIRST
    assert not await second.begin(*CLICK)
    assert not await first.begin(*CLICK)
    assert await second.begin("a:other", CLICK[1])


async def test_a_turn_that_is_done_stays_done_when_its_process_dies(replicas: list[AsyncEngine]) -> None:
    first, second, _ = map(PostgresSeen, replicas)
    assert await first.begin(*CLICK)
    await first.done(*CLICK)
    await replicas[0].dispose()
    assert not await second.begin(*CLICK)


async def test_a_turn_of_a_process_that_died_is_begun_again_by_one(replicas: list[AsyncEngine]) -> None:
    first, second, third = map(PostgresSeen, replicas)
    assert await first.begin(*CLICK)
    await replicas[0].dispose()
    await asyncio.sleep(0.2)  # until the server has noticed
    begun = await asyncio.gather(*(one.begin(*CLICK) for one in (second, third) for _ in range(5)))
    assert [one for one in begun if one] == [Begun.AGAIN]
    await (second if begun.index(Begun.AGAIN) < 5 else third).done(*CLICK)
    assert not await third.begin(*CLICK)


async def test_a_turn_that_hangs_is_begun_again_after_the_longest_turn(replicas: list[AsyncEngine]) -> None:
    first, second, _ = map(PostgresSeen, replicas)
    assert await first.begin(*CLICK)
    for minutes, again in ((1, False), (3, True)):
        async with replicas[0].begin() as connection:
            await connection.execute(text(f"UPDATE seen SET at = now() - interval '{minutes} minutes'"))
        assert await second.begin(*CLICK) is (Begun.AGAIN if again else None)


async def test_what_an_older_version_heard_counts_as_done(replicas: list[AsyncEngine]) -> None:
    async with replicas[0].begin() as connection:
        await connection.execute(text("INSERT INTO seen (conversation_id, activity_id) VALUES ('a:chat', 'old')"))
    assert not await PostgresSeen(replicas[0]).begin("a:chat", "old")
