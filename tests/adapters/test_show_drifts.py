"""A drift is shown in the channel once, whenever the process dies. On a real database."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.chat import PostgresAddresses
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.notices import PostgresNotices
from cards.card import Card
from domain.drift import Drift, Sort
from domain.effects import Effect, ShowDrift
from services.book import Entry
from services.carry_out import CarryOut
from services.chat import Address, Scope, Sent
from services.deliver import CountedNotices
from services.once import Once
from services.show_drifts import ShowDrifts
from tests.adapters.postgres import postgres
from tests.builders import NOON, POLICY
from tests.services.test_paced import Noted

GONE = Drift(Sort.EXCLUSION_GONE, entra_id="4c1d2e7f-8a90-4b1c-a2d3-e4f5061728a3")
CHANNEL = Address("https://teams/", "", "tenant", "28:bot", Scope.CHANNEL, "19:channel")


class Killed(Exception):
    pass


class DiesBeforeItFinishes(PostgresNotices):
    async def finish(self, *_: Any, **__: Any) -> None:
        raise Killed


class Channel:
    def __init__(self) -> None:
        self.posted = 0
        self.redrawn = 0

    async def post(self, channel: Address, card: Card) -> Sent:
        self.posted += 1
        return Sent(channel, "17")

    async def replace(self, at: Sent, card: Card) -> None:
        self.redrawn += 1


@pytest.fixture
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    yield one
    await one.dispose()


async def test_a_card_that_was_posted_when_the_process_died_counts_as_posted_and_once(engine: AsyncEngine) -> None:
    drifts, channel, noted, effect = PostgresDrifts(engine), Channel(), Noted(), ShowDrift(GONE.key)
    await PostgresAddresses(engine).set_place(CHANNEL, NOON, only_first=True)
    await drifts.see(GONE, NOON, Entry(NOON, "mfa_policy", "drift", "", "", "1", {}))
    with pytest.raises(Killed):
        await _showing(engine, DiesBeforeItFinishes(engine), channel)(effect, 0)
    for attempts in (1, 2):
        await _showing(engine, CountedNotices(PostgresNotices(engine), noted), channel)(effect, attempts)
    assert (channel.posted, channel.redrawn) == (1, 2)
    async with engine.connect() as connection:
        notices = await connection.execute(text("SELECT status, way, activity_id FROM notices"))
        assert [tuple(one) for one in notices] == [("sent", "channel", "17")]
    assert noted.seen == [("notice", "channel", "sent")]


def _showing(engine: AsyncEngine, notices: PostgresNotices | CountedNotices, channel: Channel) -> ShowDrifts:
    async def perform(effect: Effect, attempts: int) -> None: ...

    class Clock:
        def now(self) -> datetime:
            return NOON

    nothing = cast(Any, SimpleNamespace())
    carry_out = CarryOut(nothing, nothing, nothing, Clock(), POLICY, {}, "tenant")
    once = Once(carry_out, notices, Noted())
    return ShowDrifts(
        perform, PostgresDrifts(engine), carry_out, cast(Any, channel), PostgresAddresses(engine), notices, once
    )
