"""Which exceptions should have ended and have not, for the watchdog and for the figures. On a real database."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.figures import WHOLE_EVERY, PostgresFigures
from domain import timeline
from domain.commands import ConfirmGrant, PutBack, ReportTrouble, Revoke, Tick
from domain.decisions import decide
from domain.drift import Drift, Sort
from domain.people import Person
from domain.request import Decided, Request, State
from services.book import Entry
from services.carry_out import CarryOut
from services.end import EndExemption
from services.figures import OVERDUE, SHOWN, Late, Standing
from services.watchdog import Watchdog
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON, POLICY, facts, long_request, request

AGAIN, PROVED = POLICY.limits.check_again, POLICY.limits.prove_within
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
    return [one.reference[4:8] for one in await PostgresDrifts(engine).overdue(now, BY, POLICY, 10)]


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


async def test_an_end_that_a_worker_tries_again_and_again_is_overdue_since_it_was_first_refused(
    engine: AsyncEngine,
) -> None:
    one = revoked(long_request(State.ACTIVE))
    for minutes in (1, 30, 59):
        report = ReportTrouble("Graph answered 503", minutes)
        one = decide(one, report, facts(), POLICY, NOON + timedelta(minutes=minutes)).request
    await kept(engine, one)
    assert await overdue(engine, NOON + HOUR) == ["0000"]
    (late,) = await PostgresFigures(engine, POLICY).late(NOON + HOUR)
    assert late == Late("long", due=0, overdue=0, ends_overdue=1, unproved=0)


@pytest.mark.parametrize("zone", ["UTC", "Europe/London"])
async def test_a_grant_that_was_never_proved_is_overdue_as_the_timeline_says(engine: AsyncEngine, zone: str) -> None:
    """From a summer into a winter: days that the database reckons in a time zone would be an hour longer."""
    summer = datetime(2026, 10, 24, 12, tzinfo=UTC)
    decided = Decided(AGENT, summer, approved=True)
    short, long = (
        replace(one, decided=decided, next_due=summer)
        for one in (request(State.GRANTING), long_request(State.GRANTING))
    )
    await kept(engine, short, replace(long, days=30), long)
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER DATABASE postgres SET timezone = '{zone}'"))
    await engine.dispose()
    due = [timeline.granting_until(one, POLICY) for one in (short, replace(long, days=30), long)]
    for number, at in enumerate(due):
        assert at is not None
        expected = [f"{earlier:04}" for earlier in range(number)]
        assert await overdue(engine, at + BY) == expected
        assert await overdue(engine, at + BY + SECOND) == [*expected, f"{number:04}"]
        assert sum(one.ends_overdue for one in await PostgresFigures(engine, POLICY).late(at + OVERDUE)) == number
    async with engine.begin() as connection:
        await connection.execute(text("ALTER DATABASE postgres RESET timezone"))
    await engine.dispose()


async def test_an_end_that_came_and_is_only_started_again_stays_overdue(engine: AsyncEngine) -> None:
    on = request(State.ACTIVE)
    assert on.ends_at is not None
    one = decide(replace(on, next_due=on.ends_at), Tick(), facts(), POLICY, on.ends_at).request
    one = decide(one, Tick(), facts(), POLICY, on.ends_at + AGAIN).request
    await kept(engine, one)
    (late,) = await PostgresFigures(engine, POLICY).late(on.ends_at + AGAIN + SECOND)
    assert (late.ends_overdue, late.overdue) == (1, 0)


async def test_ends_that_are_overdue_are_counted_whether_they_were_due_or_begun(engine: AsyncEngine) -> None:
    on = long_request(State.ACTIVE)
    await kept(engine, replace(on, ends_at=NOON), revoked(on), revoked(request(State.GRANTING)), on)
    figures = PostgresFigures(engine, POLICY)
    assert {one.kind: one.ends_overdue for one in await figures.late(NOON + OVERDUE)} == {"long": 0, "short": 0}
    assert {one.kind: one.ends_overdue for one in await figures.late(NOON + OVERDUE + SECOND)} == {
        "long": 2,
        "short": 1,
    }


async def test_a_grant_is_unproved_since_it_was_approved_or_put_back(engine: AsyncEngine) -> None:
    granting = request(State.GRANTING)
    assert granting.decided is not None
    yesterday = replace(granting.decided, at=NOON - timedelta(hours=20))
    on = decide(replace(granting, decided=yesterday), ConfirmGrant(), facts(), POLICY, yesterday.at).request
    put_back = decide(on, PutBack(AGENT), facts(), POLICY, NOON).request
    figures = PostgresFigures(engine, POLICY)
    await kept(engine, put_back, granting)

    async def unproved(now: datetime) -> int:
        (late,) = await figures.late(now)
        return late.unproved

    assert await unproved(NOON + PROVED - SECOND) == 0
    assert await unproved(NOON + PROVED) == 1
    assert await unproved(granting.decided.at + PROVED) == 2


async def test_a_put_back_that_entra_refuses_is_unproved_since_it_was_first_refused(engine: AsyncEngine) -> None:
    one = decide(request(State.ACTIVE), PutBack(AGENT), facts(), POLICY, NOON + HOUR).request
    for minutes in (1, 5, 10, 15):
        report = ReportTrouble("Graph answered 503", minutes)
        one = decide(one, report, facts(), POLICY, NOON + HOUR + timedelta(minutes=minutes)).request
    await kept(engine, one)
    (late,) = await PostgresFigures(engine, POLICY).late(NOON + HOUR + PROVED + timedelta(minutes=1))
    assert late.unproved == 1


async def test_the_whole_table_is_counted_once_a_minute(engine: AsyncEngine) -> None:
    second = 1000.0
    figures = PostgresFigures(engine, POLICY, lambda: second)
    await kept(engine, request(State.ACTIVE))
    one = Standing("short", "active", 1)
    assert await figures.requests() == (one,)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE requests"))
    second += WHOLE_EVERY - 1
    assert await figures.requests() == (one,)
    second += 1
    assert await figures.requests() == ()


async def test_a_drift_is_counted_while_it_is_open_and_a_quarter_of_an_hour_at_least(engine: AsyncEngine) -> None:
    drifts, figures = PostgresDrifts(engine), PostgresFigures(engine, POLICY)
    entry = Entry(NOON, "account:x", "drift", "", "", "1", {})
    assert await figures.drifts(NOON) == {}
    stranger = Drift(Sort.STRANGER, "group", "x")
    overstayed = Drift(Sort.OVERSTAYED, "group", "y", "MFA-0000-AAAA")
    for drift in (stranger, overstayed):
        await drifts.see(drift, NOON, entry)
    await drifts.settle(overstayed.key, outcome="removed", by_id="", at=NOON + SECOND, entries=[])
    assert await figures.drifts(NOON + SHOWN - SECOND) == {"stranger": 1, "overstayed": 1}
    assert await figures.drifts(NOON + SHOWN) == {"stranger": 1}
    await drifts.settle(stranger.key, outcome="gone", by_id="", at=NOON + HOUR, entries=[])
    assert await figures.drifts(NOON + HOUR) == {}


async def test_neither_the_watchdog_nor_an_alarm_nor_a_look_reads_the_whole_table(engine: AsyncEngine) -> None:
    """50,000 requests that are over, as many that were rejected, and 20,000 that are on."""
    await kept(engine, request(State.ENDED))
    fill = """
        INSERT INTO requests ({columns})
        SELECT {values} FROM requests, generate_series(1, :number) AS n
        WHERE reference = 'MFA-0000-AAAA'
    """
    async with engine.begin() as connection:
        names = await connection.execute(
            text(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'requests' AND is_generated = 'NEVER'"
            )
        )
        columns = list(names.scalars())
        for state, number in (("ended", 50_000), ("rejected", 50_000), ("active", 20_000)):
            changed = {
                "reference": f"'{state}' || n",
                "state": f"'{state}'",
                "subject": "jsonb_set(subject, '{id}', to_jsonb('" + state + "' || n))",
                "next_due": "ends_at + make_interval(days => 9)" if state == "active" else "NULL",
                "ends_at": "NULL" if state == "rejected" else "ends_at",
            }
            values = ", ".join(changed.get(name, name) for name in columns)
            await connection.execute(text(fill.format(columns=", ".join(columns), values=values)), {"number": number})
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE requests"))
    plans: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
    def explained(_: object, cursor: Any, statement: str, values: Any, *__: object) -> tuple[str, Any]:
        if "FROM requests" in statement:
            cursor.execute(f"EXPLAIN {statement}", values)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return statement, values

    await PostgresDrifts(engine).overdue(NOON, BY, POLICY, 10)
    await PostgresFigures(engine, POLICY).late(NOON)
    await PostgresBook(engine).to_look_at(NOON, 10)
    assert len(plans) == 4
    for plan in plans:
        assert not re.search(r"Seq Scan on requests", plan), plan
    assert "requests_granting" in plans[3]


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

    def late(self, what: str, by: timedelta) -> None: ...


def watchdog(engine: AsyncEngine, now: datetime) -> tuple[Tenant, Watchdog]:
    tenant: Any = Tenant(now)
    book = PostgresBook(engine)
    carry_out = CarryOut(book, tenant, tenant, tenant, POLICY, {}, "tenant")
    return tenant, Watchdog(PostgresDrifts(engine), carry_out, EndExemption(book, carry_out, tenant, tenant))


async def kept_an_hour_too_long(engine: AsyncEngine) -> datetime:
    """Somebody is on past their end. Gives the moment at which that is an hour ago."""
    on = request(State.ACTIVE)
    assert on.ends_at is not None
    await kept(engine, replace(on, next_due=on.ends_at))
    return on.ends_at + HOUR


async def test_whoever_is_past_the_end_is_removed_although_somebody_locks_the_request(
    engine: AsyncEngine, database: str
) -> None:
    now = await kept_an_hour_too_long(engine)
    tenant, look = watchdog(engine, now)
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM requests FOR UPDATE")
        assert await look() == 0
        assert tenant.members == set()
    assert await look() == 0
    assert await overdue(engine, now) == []


async def test_who_was_added_and_never_proved_is_removed_when_the_time_is_over(
    engine: AsyncEngine,
) -> None:
    never_proved = request(State.GRANTING)
    until = timeline.granting_until(never_proved, POLICY)
    assert until is not None
    await kept(engine, replace(never_proved, next_due=until))
    tenant, look = watchdog(engine, until + BY)
    assert await look() == 0
    assert tenant.members == {"id-0"}
    tenant, look = watchdog(engine, until + BY + SECOND)
    assert await look() == 0
    assert tenant.members == set()
    ended = await PostgresBook(engine).request("MFA-0000-AAAA")
    assert ended is not None
    assert (ended.state, ended.never_confirmed) == (State.ENDED, True)


async def test_a_grant_that_a_shorter_policy_gives_up_before_it_is_due_again_is_ended_and_not_only_called_so(
    engine: AsyncEngine,
) -> None:
    never_proved = request(State.GRANTING)
    until = timeline.granting_until(never_proved, POLICY)
    assert until is not None
    await kept(engine, replace(never_proved, next_due=until + AGAIN))
    tenant, look = watchdog(engine, until + BY + SECOND)
    assert await look() == 0
    assert tenant.members == set()
    assert await overdue(engine, until + BY + SECOND) == []


@asynccontextmanager
async def nothing_can_be_written(engine: AsyncEngine, database: str) -> AsyncIterator[None]:
    await engine.dispose()
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        try:
            yield
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    await engine.dispose()


async def test_whoever_is_past_the_end_is_removed_although_nothing_can_be_written(
    engine: AsyncEngine, database: str
) -> None:
    now = await kept_an_hour_too_long(engine)
    tenant, look = watchdog(engine, now)
    async with nothing_can_be_written(engine, database):
        assert await look() == 0
        assert tenant.members == set()
    assert await overdue(engine, now) == ["0000"]


async def test_of_two_exceptions_that_share_a_membership_and_are_past_their_ends_neither_keeps_it_for_the_other(
    engine: AsyncEngine, database: str
) -> None:
    short = request(State.ACTIVE)
    assert short.ends_at is not None
    long = replace(long_request(State.ACTIVE), ends_at=short.ends_at + HOUR, next_due=short.ends_at + HOUR)
    await kept(engine, replace(short, next_due=short.ends_at), long)
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE requests SET group_id = 'shared', subject = jsonb_set(subject, '{id}', '\"id-0\"')")
        )
    tenant, look = watchdog(engine, short.ends_at + HOUR - SECOND)
    async with nothing_can_be_written(engine, database):
        assert await look() == 1
        assert tenant.members == {"id-0"}
    tenant, look = watchdog(engine, short.ends_at + 2 * HOUR)
    async with nothing_can_be_written(engine, database):
        assert await look() == 0
        assert tenant.members == set()
