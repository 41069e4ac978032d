"""Which exceptions should have ended and have not, for the watchdog and for the figures. On a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from domain.commands import Revoke
from domain.decisions import decide
from domain.people import Person
from domain.request import Request, State
from services.carry_out import CarryOut
from services.end import EndExemption
from services.watchdog import Watchdog
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON, POLICY, facts, long_request, request

AGAIN = POLICY.limits.check_again
BY, SECOND, HOUR = timedelta(minutes=2), timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)

    @event.listens_for(one.sync_engine, "connect")
    def impatient(connection: Any, _: object) -> None:
        connection.execute("SET lock_timeout = 200")
        connection.commit()

    async with one.begin() as connection:
        for table in ("drifts", "procrastinate_jobs", "requests"):
            await connection.execute(text(f"TRUNCATE {table} CASCADE"))
    yield one
    await one.dispose()


async def kept(engine: AsyncEngine, *made: Request) -> None:
    async with PostgresBook(engine).page() as page:
        for number, one in enumerate(made):
            subject = Person(f"id-{number}", "Sam Price", "sam.price@nhs.net")
            assert await page.add(replace(one, subject=subject, reference=f"MFA-{number:04}-AAAA"))


def revoked(one: Request, at: datetime = NOON) -> Request:
    return decide(one, Revoke(AGENT, "A stolen account"), facts(), POLICY, at).request


async def overdue(engine: AsyncEngine, now: datetime) -> list[str]:
    return [one.reference[4:8] for one in await PostgresDrifts(engine).overdue(now, BY, AGAIN, 10)]


async def test_what_is_overdue_was_due_or_begun_so_long_ago_and_the_longest_comes_first(engine: AsyncEngine) -> None:
    on, at = long_request(State.ACTIVE), NOON + 3 * HOUR
    await kept(
        engine,
        replace(on, ends_at=at),
        revoked(on, at - HOUR),
        revoked(request(State.GRANTING), at - 2 * HOUR),
        on,
        replace(on, state=State.ENDED, ends_at=at - HOUR, next_due=None),
    )
    assert await overdue(engine, at - 2 * HOUR + BY) == []
    assert await overdue(engine, at - 2 * HOUR + BY + SECOND) == ["0002"]
    assert await overdue(engine, at - HOUR + BY + SECOND) == ["0002", "0001"]
    assert await overdue(engine, at + BY + SECOND) == ["0002", "0001", "0000"]


# --- The watchdog, where the book can be read and not be written ---------------------------------


class Tenant:
    """Entra and the rest of the world: somebody is exempt."""

    def __init__(self, now: datetime) -> None:
        self.members = {"id-0"}
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def remove(self, group: str, entra_id: str) -> None:
        self.members.discard(entra_id)

    async def contains(self, group: str, entra_id: str) -> bool:
        return entra_id in self.members


def watchdog(engine: AsyncEngine, now: datetime) -> tuple[Tenant, Watchdog]:
    tenant: Any = Tenant(now)
    book = PostgresBook(engine)
    carry_out = CarryOut(book, tenant, tenant, tenant, POLICY, {}, "tenant")
    return tenant, Watchdog(PostgresDrifts(engine), carry_out, EndExemption(book, carry_out, tenant))


async def test_whoever_is_past_the_end_is_removed_although_somebody_locks_the_request(
    engine: AsyncEngine, database: str
) -> None:
    on = request(State.ACTIVE)
    assert on.ends_at is not None
    await kept(engine, replace(on, next_due=on.ends_at))
    tenant, look = watchdog(engine, on.ends_at + HOUR)
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM requests FOR UPDATE")
        assert await look() == 0
        assert tenant.members == set()
    assert await look() == 0
    assert await overdue(engine, on.ends_at + HOUR) == []


async def test_whoever_is_past_the_end_is_removed_although_nothing_can_be_written(
    engine: AsyncEngine, database: str
) -> None:
    on = request(State.ACTIVE)
    assert on.ends_at is not None
    await kept(engine, replace(on, next_due=on.ends_at))
    tenant, look = watchdog(engine, on.ends_at + HOUR)
    await engine.dispose()
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        try:
            assert await look() == 0
            assert tenant.members == set()
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    await engine.dispose()
    assert await overdue(engine, on.ends_at + HOUR) == ["0000"]
