"""What time has to move on, in the order in which the sweep takes it, on a real database."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.people import Person
from domain.request import Decided, Request, State
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON, long_request, request

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE requests"))
    yield engine
    await engine.dispose()


def due(name: str, state: State, *, ended: timedelta, due: timedelta) -> Request:
    """Of somebody else each; its end and what is next about it, so long before noon."""
    one = request(state, reference=name, subject=Person(name, name, f"{name}@nhs.net"))
    return replace(one, starts_at=NOON - 24 * HOUR, ends_at=NOON - ended, next_due=NOON - due)


async def test_after_an_outage_the_ends_come_first_and_then_the_longest_overdue(engine: AsyncEngine) -> None:
    book = PostgresBook(engine)
    async with book.page() as page:
        for one in (
            due("reminder", State.ACTIVE, ended=-4 * HOUR, due=9 * HOUR),
            due("end", State.ACTIVE, ended=HOUR, due=HOUR),
            due("asked", State.AWAITING_DECISION, ended=-24 * HOUR, due=8 * HOUR),
            due("refused_end", State.ENDING, ended=-4 * HOUR, due=2 * HOUR),
            due("later", State.ACTIVE, ended=-HOUR, due=-HOUR),
        ):
            assert await page.add(one)
    assert await book.due(NOON, 10) == ("refused_end", "end", "reminder", "asked")
    assert await book.due(NOON, 2) == ("refused_end", "end")


async def test_evidence_that_is_to_be_removed_waits_for_the_ends_though_its_exception_is_long_over(
    engine: AsyncEngine,
) -> None:
    book = PostgresBook(engine)
    async with book.page() as page:
        for one in (
            due("purge", State.ENDED, ended=90 * 24 * HOUR, due=10 * HOUR),
            due("put_back", State.GRANTING, ended=HOUR, due=HOUR),
        ):
            assert await page.add(one)
    assert await book.due(NOON, 1) == ("put_back",)
    assert await book.due(NOON, 2) == ("put_back", "purge")


async def test_however_many_are_due_or_wait_only_a_batch_of_them_is_read(engine: AsyncEngine) -> None:
    """20,000 reminders, 100 ends and 100 that are ending; 3,000 wait for a decision."""
    book = PostgresBook(engine)
    async with book.page() as page:
        assert await page.add(due("one", State.ACTIVE, ended=-HOUR, due=HOUR))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(await _more(connection)))
        await connection.execute(text("ANALYZE requests"))
    found = await book.due(NOON, 50)
    assert len(set(found)) == 50
    assert not [one for one in found if one.startswith("MFA-REMIND")]
    plans: list[Any] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
    def explained(_: object, cursor: Any, statement: str, values: Any, *__: object) -> tuple[str, Any]:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        plans.append(cursor.fetchone()[0][0]["Plan"])
        return statement, values

    await book.due(NOON, 50)
    assert len(await book.waiting(50)) == 50
    assert len(await book.newest_waiting(50)) == 50
    assert len(plans) == 3
    for plan in plans:
        assert _most_rows(plan) <= 3 * 50, plan


async def _more(connection: AsyncConnection) -> str:
    names = await connection.execute(
        text(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'requests' AND is_generated = 'NEVER'"
        )
    )
    columns = list(names.scalars())
    changed = {
        "reference": "'MFA-' || sort || n",
        "subject": "jsonb_set(subject, '{id}', to_jsonb(sort || n))",
        "state": "CASE sort WHEN 'ENDING' THEN 'ending' WHEN 'WAIT' THEN 'awaiting_decision' ELSE 'active' END",
        "ends_at": "ends_at + CASE sort WHEN 'END' THEN interval '-90 minutes' ELSE '0' END",
    }
    values = ", ".join(changed.get(name, name) for name in columns)
    return f"""
        INSERT INTO requests ({", ".join(columns)}) SELECT {values}
        FROM requests,
            (VALUES ('REMIND', 20000), ('END', 100), ('ENDING', 100), ('WAIT', 3000)) AS sorts (sort, number),
            generate_series(1, number) AS n
        WHERE reference = 'one'
    """


def _most_rows(plan: dict[str, Any]) -> Any:
    """That any step of the plan gives or throws away."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return max([own, *map(_most_rows, plan.get("Plans", []))])


async def test_what_time_still_has_to_move_on_by_rules_that_the_policy_no_longer_has_is_counted(
    engine: AsyncEngine,
) -> None:
    book = PostgresBook(engine)
    async with book.page() as page:
        assert await page.add(request(State.ACTIVE, reference="short"))
        assert await page.add(long_request(State.ACTIVE, reference="long"))
        assert await page.add(replace(long_request(State.ENDED, reference="ended"), next_due=NOON))
        assert await page.add(replace(long_request(State.ENDED, reference="purged"), next_due=None))
    assert await book.left_besides(["short"], []) == {"long": 2}
    assert await book.left_besides(["long"], ["long"]) == {"short": 1}
    assert await book.left_besides(["short", "long"], []) == {"long": 2}
    assert await book.left_besides(["short", "long"], ["long"]) == {}


async def test_the_accounts_of_whoever_is_exempt_or_is_to_be_are_looked_at_in_turn(engine: AsyncEngine) -> None:
    book = PostgresBook(engine)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE requests"))
    approved = Decided(AGENT, NOON - HOUR, approved=True)
    async with book.page() as page:
        for name, state, seen, decided in (
            ("on", State.ACTIVE, NOON - HOUR, approved),
            ("on, never looked at", State.ACTIVE, None, approved),
            ("on, just looked at", State.ACTIVE, NOON, approved),
            ("to be", State.GRANTING, None, approved),
            ("to be, just looked at", State.GRANTING, NOON, approved),
            ("to be, just approved", State.GRANTING, None, replace(approved, at=NOON)),
            ("ended", State.ENDED, None, approved),
            ("put back", State.GRANTING, NOON - HOUR, approved),
        ):
            one = request(state, reference=name, subject=Person(name, name, f"{name}@nhs.net"))
            ends_at = NOON + HOUR if name == "put back" else one.ends_at
            assert await page.add(replace(one, looked_at=seen, decided=decided, ends_at=ends_at))
    found = [one.reference for one in await book.to_look_at(NOON - HOUR / 4, 10)]
    assert sorted(found[:2]) == ["put back", "to be"]
    assert found[2:] == ["on, never looked at", "on"]
    assert len(await book.to_look_at(NOON - HOUR / 4, 2)) == 2
