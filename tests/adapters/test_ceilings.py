"""The ceilings in PostgreSQL, as several processes keep them at once: the same arithmetic as `services.pace`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.ceilings import PostgresCeilings
from adapters.database.engine import make_engine
from services.pace import GRAPH, TEAMS, Ceiling, Limit, Pace, Turn, ask, conversation
from tests.adapters.postgres import postgres
from tests.services.test_pace import most_within

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
    one = Ceiling("one", "one", (Limit(3, timedelta(hours=1), burst=1),))
    ceilings = [PostgresCeilings(engine) for engine in replicas]
    turns = await asyncio.gather(*(ceilings[number % 2].ask(one, PATIENT, now=100.0) for number in range(20)))
    waits = sorted(turn.wait for turn in turns if turn.booked)
    assert waits == [0.0, 1800.0, 3600.0]
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


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "pause"]),
        st.floats(0, 3).map(lambda one: round(one, 3)),
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
        ceilings, pace, now = PostgresCeilings(engine), Pace(()), 1_000.0
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
