"""A notice and the line of the audit about it are written together; many of one sort wait for each other. On a real
database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.notices import PostgresNotices
from domain.effects import Audience, Notice, Tell, TellTogether
from domain.gathering import WITHIN
from services.book import Entry, Waiting
from tests.adapters.postgres import postgres
from tests.builders import NOON

KEY, REFERENCE = "MFA-7K3Q-9XDM:granted:subject", "MFA-7K3Q-9XDM"
ENTRY = Entry(NOON, REFERENCE, "notice", "", "", "1", {"notice": KEY, "way": "teams"})


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    async with one.begin() as connection:
        await connection.execute(text("DELETE FROM notices"))
    yield one
    await one.dispose()


async def test_a_notice_that_was_sent_is_in_the_audit(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert [await notices.begin(KEY, REFERENCE, NOON) for _ in range(2)] == [0, 0]
    await notices.finish([KEY], way="teams", activity_id="17", at=NOON, entries=[ENTRY])
    assert await notices.begin(KEY, REFERENCE, NOON) is None
    assert await PostgresBook(engine).entries(REFERENCE) == (ENTRY,)


async def test_where_the_audit_cannot_be_written_the_notice_counts_as_not_sent(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await notices.begin(KEY, REFERENCE, NOON) == 0
    await notices.going_out([KEY])
    nobody: str = None  # type: ignore[assignment]  # the database refuses it
    with pytest.raises(IntegrityError):
        await notices.finish([KEY], way="teams", activity_id="17", at=NOON, entries=[replace(ENTRY, by_id=nobody)])
    assert await notices.begin(KEY, REFERENCE, NOON) == 1


async def test_a_try_that_did_not_send_anything_does_not_count(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    for _ in range(3):
        assert await notices.begin(KEY, REFERENCE, NOON) == 0
        await notices.going_out([KEY, "a key that does not exist"])
        await notices.not_sent([KEY])
    await notices.not_sent([KEY, "a key that does not exist"])
    assert await notices.begin(KEY, REFERENCE, NOON) == 0
    await notices.going_out([KEY])
    await notices.finish([KEY], way="teams", activity_id="17", at=NOON)
    await notices.going_out([KEY])
    await notices.not_sent([KEY])
    assert await attempts(engine) == {REFERENCE: 1}


async def over(engine: AsyncEngine, *keys: str) -> tuple[str, ...]:
    async with PostgresBook(engine).page() as page:
        return await page.end_unanswered(keys)


async def test_what_may_have_gone_out_twice_is_over_and_what_went_out_is_not_called_back(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    for times in range(2):
        assert await notices.begin(KEY, REFERENCE, NOON) == times
        assert await over(engine, KEY) == ()
        await notices.going_out([KEY])
    assert await notices.begin(KEY, REFERENCE, NOON) == 2
    assert await over(engine, KEY) == (KEY,)
    assert await notices.begin(KEY, REFERENCE, NOON) is None
    assert await over(engine, KEY) == ()
    await notices.not_sent([KEY])
    assert await attempts(engine) == {REFERENCE: 2}
    await notices.begin("another", REFERENCE, NOON)
    for _ in range(2):
        await notices.going_out(["another"])
    await notices.finish(["another"], way="teams", activity_id="17", at=NOON)
    assert await over(engine, "another") == ()


# --- Notices that are told together ---------------------------------------------------------------

HELEN, PRIYA = "helen", "priya"
LANE = TellTogether(HELEN, Notice.EVIDENCE_WANTED)


def wanted(number: int, notice: Notice = Notice.EVIDENCE_WANTED) -> Tell:
    return Tell(f"MFA-2222-22{number:02}", notice, Audience.OWNERS)


async def begun(notices: PostgresNotices, tell: Tell, whom: str = HELEN, at: datetime = NOON) -> bool:
    """Whether it is to be sent now."""
    return await notices.begin_or_wait(f"{tell.key}:{whom}", tell, whom, at, at - WITHIN) is not None


async def attempts(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT reference, attempts FROM notices"))
        return {row.reference: row.attempts for row in rows}


async def test_the_first_of_a_sort_is_told_at_once_and_what_follows_soon_waits(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    assert not await begun(notices, wanted(2), at=NOON + WITHIN / 2)
    assert await begun(notices, wanted(3), PRIYA)
    assert await begun(notices, wanted(4, Notice.LAPSED))
    assert await notices.to_tell_together(NOON, 10) == ()
    assert await notices.to_tell_together(NOON + WITHIN, 10) == (LANE,)
    assert await notices.take(LANE, 10) == (Waiting(f"{wanted(2).key}:{HELEN}", wanted(2)),)


@pytest.mark.parametrize("column", ["notice", "audience"])
async def test_what_only_a_newer_version_knows_waits_for_it_and_holds_up_nothing(
    engine: AsyncEngine, column: str
) -> None:
    notices = PostgresNotices(engine)
    for number in range(3):
        await begun(notices, wanted(number))
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE notices SET {column} = 'of_tomorrow' WHERE key LIKE '%1%'"))
    assert await notices.to_tell_together(NOON + WITHIN, 10) == (LANE,)
    assert len(await notices.take(LANE, 10)) == 1


async def test_after_a_while_the_next_is_told_at_once_again(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    await notices.finish([f"{wanted(1).key}:{HELEN}"], way="teams", activity_id="1", at=NOON)
    assert await begun(notices, wanted(2), at=NOON + WITHIN)


async def test_while_anything_waits_all_that_comes_waits(engine: AsyncEngine) -> None:
    """Nobody is told of the tenth before the second, however late the workers are."""
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    assert not await begun(notices, wanted(2), at=NOON + timedelta(minutes=1))
    assert not await begun(notices, wanted(3), at=NOON + timedelta(hours=3))


async def test_of_many_at_the_same_moment_one_is_told_at_once(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    told = await asyncio.gather(*(begun(notices, wanted(number)) for number in range(10, 22)))
    assert sorted(told) == [False] * 11 + [True]
    assert len(await notices.take(LANE, 50)) == 11


async def test_a_repeat_changes_nothing_of_what_waits(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    assert not await begun(notices, wanted(2))
    assert not await begun(notices, wanted(2))
    assert await begun(notices, wanted(1)), "its answer was lost, so it is sent again"
    assert await attempts(engine) == {wanted(1).reference: 0, wanted(2).reference: 0}


async def test_what_is_taken_waits_until_it_is_finished_and_each_try_is_counted(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    for number in range(1, 5):
        await begun(notices, wanted(number))
    for times in range(2):
        first = await notices.take(LANE, 2)
        assert [(one.tell, one.attempts) for one in first] == [(wanted(2), times), (wanted(3), times)]
        await notices.going_out([one.key for one in first])
    keys = [one.key for one in first]
    entries = [replace(ENTRY, reference=one.tell.reference) for one in first]
    await notices.finish(keys, way="teams", activity_id="17", at=NOON, entries=entries)
    assert [one.tell for one in await notices.take(LANE, 2)] == [wanted(4)]
    assert await attempts(engine) == {f"MFA-2222-22{number:02}": times for number, times in enumerate((0, 2, 2, 0), 1)}
    for one in first:
        assert len(await PostgresBook(engine).entries(one.tell.reference)) == 1
        assert not await begun(notices, one.tell)


async def test_what_is_released_is_told_alone(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    assert not await begun(notices, wanted(2))
    (one,) = await notices.take(LANE, 10)
    async with PostgresBook(engine).page() as page:
        await page.release([one.key])
        await page.want([one.tell])
    assert await begun(notices, wanted(2))
    assert (await attempts(engine))[wanted(2).reference] == 0
    assert await notices.take(LANE, 10) == ()


async def test_of_a_list_that_may_have_gone_out_twice_nothing_waits_and_nothing_is_told_again(
    engine: AsyncEngine,
) -> None:
    notices = PostgresNotices(engine)
    for number in range(1, 4):
        await begun(notices, wanted(number))
    keys = [one.key for one in await notices.take(LANE, 10)]
    for _ in range(2):
        await notices.going_out(keys)
    assert not await begun(notices, wanted(4))
    assert [one.attempts for one in await notices.take(LANE, 10)] == [2, 2, 0]
    assert sorted(await over(engine, *keys, f"{wanted(4).key}:{HELEN}")) == sorted(keys)
    assert [one.tell for one in await notices.take(LANE, 10)] == [wanted(4)]
    assert not await begun(notices, wanted(2))


async def test_what_was_overtaken_is_forgotten_and_what_was_sent_is_not(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    assert await begun(notices, wanted(1))
    assert not await begun(notices, wanted(2))
    await notices.forget([f"{wanted(1).key}:{HELEN}", f"{wanted(2).key}:{HELEN}"])
    assert await attempts(engine) == {wanted(1).reference: 0}


async def test_where_the_audit_cannot_be_written_none_of_the_list_counts_as_sent(engine: AsyncEngine) -> None:
    notices = PostgresNotices(engine)
    for number in range(1, 4):
        await begun(notices, wanted(number))
    waiting = await notices.take(LANE, 10)
    nobody: str = None  # type: ignore[assignment]  # the database refuses it
    entries = [ENTRY, replace(ENTRY, by_id=nobody)]
    with pytest.raises(IntegrityError):
        await notices.finish([one.key for one in waiting], way="teams", activity_id="17", at=NOON, entries=entries)
    assert await notices.take(LANE, 10) == waiting
