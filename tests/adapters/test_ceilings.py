"""The ceilings in PostgreSQL, as several processes keep them at once: the same arithmetic as `services.pace`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.ceilings import PostgresCeilings
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from domain.errors import Throttled
from domain.request import State
from services.carry_out import CarryOut
from services.compare import Compare
from services.end import EndExemption
from services.pace import (
    GRAPH,
    LONGEST_PAUSE,
    PATIENCE,
    TEAMS,
    Ceiling,
    Ceilings,
    EvenWithout,
    Limit,
    Pace,
    Paced,
    Turn,
    Urgency,
    ask,
    conversation,
)
from services.paced import Below, PacedExemptions, comparing
from services.reconcile import Reconcile
from services.watchdog import Watchdog
from tests.adapters.postgres import postgres
from tests.builders import NOON, POLICY, person, request
from tests.services.test_pace import most_within
from tests.services.test_paced import Noted

PATIENT, IMPATIENT = timedelta(hours=1), timedelta(0)
CHAT = conversation("a:chat")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def replicas(database: str) -> AsyncIterator[list[AsyncEngine]]:
    engines = [make_engine(database) for _ in range(2)]
    async with engines[0].begin() as connection:
        await connection.execute(text("TRUNCATE ceilings"))
    yield engines
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize("ceiling", [TEAMS, CHAT], ids=lambda one: one.service)
async def test_two_processes_at_once_keep_below_the_limit_together(
    replicas: list[AsyncEngine], ceiling: Ceiling
) -> None:
    ceilings = [PostgresCeilings(engine) for engine in replicas]
    asked = (ceilings[number % 2].ask(ceiling, PATIENT, now=100.0) for number in range(120))
    moments = sorted(turn.wait for turn in await asyncio.gather(*asked))
    assert moments[0] == 0.0
    for limit in ceiling.limits:
        assert most_within(moments, limit.within.total_seconds()) <= limit.most


async def test_two_processes_never_get_the_same_turn(replicas: list[AsyncEngine]) -> None:
    one = Ceiling("one", "one", (Limit(3, timedelta(minutes=10), burst=1),))
    patience = timedelta(minutes=10)
    ceilings = [PostgresCeilings(engine) for engine in replicas]
    turns = await asyncio.gather(*(ceilings[number % 2].ask(one, patience, now=100.0) for number in range(20)))
    waits = sorted(turn.wait for turn in turns if turn.booked)
    assert waits == [0.0, 300.0, 600.0]
    back = sorted(turn.wait for turn in turns if not turn.booked)
    assert len(set(back)) == 17


async def test_a_pause_of_one_process_holds_for_the_other(replicas: list[AsyncEngine]) -> None:
    told, other = map(PostgresCeilings, replicas)
    await told.pause(GRAPH, timedelta(seconds=60))
    turn = await other.ask(GRAPH, timedelta(seconds=5))
    assert not turn.booked
    assert 50 < turn.wait <= 60
    await told.pause(GRAPH, timedelta(seconds=1))
    assert not (await other.ask(GRAPH, timedelta(seconds=5))).booked, "a shorter one takes nothing back"


async def test_a_clock_of_the_database_that_was_set_back_holds_up_no_end(replicas: list[AsyncEngine]) -> None:
    ceilings = PostgresCeilings(replicas[0])
    for _ in range(200):
        await ceilings.ask(GRAPH, PATIENCE[Urgency.END], now=10_000.0, in_line=False)
    await ceilings.pause(GRAPH, LONGEST_PAUSE, now=10_000.0)
    assert not (await ceilings.ask(GRAPH, PATIENCE[Urgency.END], now=10_000.0, in_line=False)).booked
    after = 10_000.0 - 3600
    assert await ceilings.ask(GRAPH, PATIENCE[Urgency.END], now=after, in_line=False) == Turn(booked=True, wait=0.0)
    await ceilings.pause(GRAPH, timedelta(minutes=1), now=after)
    assert (await ceilings.ask(GRAPH, PATIENCE[Urgency.END], now=after, in_line=False)).wait == 60.0


async def test_what_went_out_without_asking_is_counted(replicas: list[AsyncEngine]) -> None:
    one, other = map(PostgresCeilings, replicas)
    await one.spend(TEAMS, 30, now=100.0)
    await other.spend(TEAMS, 30, now=100.0)
    turn = await other.ask(TEAMS, PATIENT, now=100.0)
    limit = TEAMS.limits[0]
    assert turn.wait == pytest.approx(60 * limit.every - limit.slack)


async def test_a_version_with_another_number_of_limits_can_ask_the_same_row(replicas: list[AsyncEngine]) -> None:
    ceilings = PostgresCeilings(replicas[0])
    fewer = Ceiling(CHAT.service, CHAT.name, CHAT.limits[:2])
    assert (await ceilings.ask(fewer, IMPATIENT, now=100.0)).booked
    assert (await ceilings.ask(CHAT, IMPATIENT, now=101.0)).booked
    assert (await ceilings.ask(fewer, IMPATIENT, now=102.0)).booked


async def test_ceilings_of_quiet_conversations_are_forgotten(replicas: list[AsyncEngine]) -> None:
    ceilings = PostgresCeilings(replicas[0])
    await ceilings.ask(CHAT, IMPATIENT)
    await ceilings.ask(TEAMS, IMPATIENT)
    async with replicas[0].begin() as connection:
        await connection.execute(
            text("UPDATE ceilings SET used_at = now() - interval '3 hours' WHERE name LIKE 'conversation:%'")
        )
    assert await ceilings.forget_old() == 1


class Entra:
    """Asks everybody to wait for a minute, and notes who asked it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def now(self) -> datetime:
        return NOON

    async def tick(self, now: datetime) -> int:
        return 0

    async def read(self, *_: Any) -> None:
        await self._wait("read")

    async def remove(self, group: str, entra_id: str) -> None:
        await self._wait("remove")

    async def _wait(self, what: str) -> None:
        self.asked.append(what)
        raise Throttled("429", retry_after=timedelta(seconds=60))


class Uncounting:
    def throttled(self, service: str) -> None: ...

    def put_off(self, service: str, urgency: Urgency) -> None: ...


def below(ceilings: Ceilings) -> Below:
    figures = cast(Any, Uncounting())
    return Below(Paced(ceilings, figures.put_off), figures)


def carrying_out(engine: AsyncEngine, entra: Entra) -> CarryOut:
    one = cast(Any, entra)
    groups = {"exempt_short": "short", "exempt_long": "long"}
    return CarryOut(PostgresBook(engine), one, one, one, POLICY, groups, "tenant")


async def test_where_the_comparison_is_told_to_wait_it_waits_in_every_process(replicas: list[AsyncEngine]) -> None:
    entra, seconds = cast(Any, Entra()), 0.0
    compares = []
    for engine in replicas:
        whole = Reconcile(carrying_out(engine, entra), entra, entra, entra, PostgresDrifts(engine), Noted())
        compares.append(Compare(comparing(whole, below(PostgresCeilings(engine))), entra, lambda: seconds))
    for _ in range(3):
        for compare in compares:
            await compare()
    assert entra.asked == ["read"]


async def test_what_the_watchdog_is_told_holds_for_the_workers_too(replicas: list[AsyncEngine]) -> None:
    entra = cast(Any, Entra())
    one, other = replicas
    ending = replace(request(State.ACTIVE), state=State.ENDING, ends_at=NOON - timedelta(hours=1), next_due=NOON)
    async with PostgresBook(one).page() as page:
        for number in range(10):
            subject, reference = person(f"Person {number}"), f"MFA-{number:04}-AAAA"
            assert await page.add(replace(ending, subject=subject, reference=reference))
    carry_out = carrying_out(one, entra)
    exemptions = PacedExemptions(entra, below(EvenWithout(PostgresCeilings(one))))
    look = Watchdog(PostgresDrifts(one), carry_out, EndExemption(carry_out.book, carry_out, exemptions, Noted()))
    with contextlib.suppress(Throttled):
        assert await look() == 10
    assert entra.asked == ["remove"], "nobody else is asked for"
    turn = await PostgresCeilings(other).ask(GRAPH, PATIENCE[Urgency.END], in_line=False)
    assert not turn.booked
    assert 50 < turn.wait <= 60


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        ("ALTER TABLE ceilings RENAME TO gone", "ALTER TABLE gone RENAME TO ceilings"),
        ("BEGIN; LOCK TABLE ceilings", "COMMIT"),
    ],
    ids=["no table", "locked"],
)
async def test_whoever_has_to_goes_without_a_table_that_does_not_answer(
    replicas: list[AsyncEngine], database: str, breaks: str, mends: str
) -> None:
    ceilings = EvenWithout(PostgresCeilings(replicas[0]))
    await ceilings.pause(GRAPH, timedelta(seconds=60))
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(breaks)
        try:
            assert (await ceilings.ask(GRAPH, PATIENCE[Urgency.END], in_line=False)).booked
        finally:
            other.execute(mends)
    assert not (await ceilings.ask(GRAPH, PATIENCE[Urgency.END], in_line=False)).booked


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "pause"]),
        st.one_of(st.floats(0, 3).map(lambda one: round(one, 3)), st.just(-7_200.0)),
        st.sampled_from([0.0, 0.5, 5.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(steps, st.sampled_from([TEAMS, CHAT]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_statement_does_what_the_arithmetic_does(
    database: str, moves: list[tuple[str, float, float, bool]], ceiling: Ceiling
) -> None:
    async def both() -> None:
        engine = make_engine(database)
        async with engine.begin() as connection:
            await connection.execute(text("TRUNCATE ceilings"))
        ceilings, pace, now = PostgresCeilings(engine), Pace(()), 1_000_000.0
        for what, distance, patience, in_line in moves:
            now += distance
            if what == "pause":
                await ceilings.pause(ceiling, timedelta(seconds=patience), now=now)
                pace = Pace(pace.free_at, pace.later_at, max(pace.paused_until, now + patience))
                continue
            pace, wanted = ask(pace, ceiling.limits, now, patience, in_line=in_line)
            found = await ceilings.ask(ceiling, timedelta(seconds=patience), now=now, in_line=in_line)
            assert found == Turn(wanted.booked, pytest.approx(wanted.wait, abs=1e-6))  # type: ignore[arg-type]
        await engine.dispose()

    asyncio.run(both())
