"""What is kept of drifts and of who is in the groups. On a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.figures import PostgresFigures
from domain.drift import Drift, Sort, entitlement_of, was_exempt
from domain.request import State, Stuck
from services.book import Entry
from services.chat import Address, Scope, Sent
from services.drifts import Added, Known, Seen
from tests.adapters.postgres import postgres
from tests.builders import NOON, OTHER_OWNER, POLICY, request

STRANGER = Drift(Sort.STRANGER, "group", "somebody")
ENTRY = Entry(NOON, "account:somebody", "drift", "", "", "1", {"sort": "stranger"})
OVER = replace(ENTRY, what="drift_over", by_id="an-agent")
CARD = Sent(Address("https://teams", "19:channel;messageid=1", "t", "28:bot", Scope.CHANNEL), "1")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    async with one.begin() as connection:
        for table in ("drifts", "group_members", "comparisons", "procrastinate_jobs", "requests"):
            await connection.execute(text(f"TRUNCATE {table} CASCADE"))
    yield one
    await one.dispose()


async def shows(engine: AsyncEngine) -> int:
    """How often the channel is to be shown a drift; they are taken out, as by a worker."""
    async with engine.begin() as connection:
        query = text("DELETE FROM procrastinate_jobs WHERE args ->> 'effect' = 'ShowDrift' RETURNING id")
        return len((await connection.execute(query)).all())


async def written(engine: AsyncEngine, reference: str = "account:somebody") -> list[str]:
    return [entry.what for entry in await PostgresBook(engine).entries(reference)]


async def found(drifts: PostgresDrifts, at: datetime) -> Seen:
    seen = await drifts.see(STRANGER, at, ENTRY)
    assert seen is not None
    return seen


async def test_a_drift_is_shown_and_written_down_once_until_it_is_over(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    before = len(await written(engine))
    first = await found(drifts, NOON)
    again = await found(drifts, NOON + HOUR)
    assert (first.first_seen, again.first_seen, again.last_seen) == (NOON, NOON, NOON + HOUR)
    assert await shows(engine) == 1
    assert len(await written(engine)) == before + 1
    assert [seen.drift for seen in await drifts.open()] == [STRANGER]


async def test_what_only_a_newer_version_knows_is_left_to_it(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    await found(drifts, NOON)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE drifts SET sort = 'of_tomorrow'"))
    assert await drifts.open() == ()


async def test_who_asks_for_it_to_be_settled_is_kept_while_it_is_open(engine: AsyncEngine) -> None:
    drifts, asked = PostgresDrifts(engine), replace(ENTRY, what="removal_asked", by_id="an-agent")
    assert not await drifts.ask(STRANGER.key, "an-agent", asked)
    await drifts.see(STRANGER, NOON, ENTRY)
    for by_id in ("an-agent", "an-agent", "another", "another"):
        assert await drifts.ask(STRANGER.key, by_id, replace(asked, by_id=by_id))
        assert (await found(drifts, NOON + HOUR)).by_id == by_id
    assert (await written(engine))[-3:] == ["drift", "removal_asked", "removal_asked"]
    await drifts.settle(STRANGER.key, outcome="gone", by_id="", at=NOON + HOUR, entries=[OVER])
    assert not await drifts.ask(STRANGER.key, "an-agent", asked)
    assert (await written(engine))[-1] == "drift_over"


async def test_what_is_over_begins_anew_with_another_card(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    await drifts.see(STRANGER, NOON, ENTRY)
    await drifts.know(STRANGER.key, Added("Sam Price", NOON))
    await drifts.shown(STRANGER.key, 1, CARD)
    assert (seen := await drifts.one(STRANGER.key))
    assert (seen.card, seen.added) == (CARD, Added("Sam Price", NOON))
    assert await drifts.settle(STRANGER.key, outcome="removed", by_id="an-agent", at=NOON + HOUR, entries=[OVER])
    assert not await drifts.settle(STRANGER.key, outcome="gone", by_id="", at=NOON + HOUR, entries=[OVER])
    assert await drifts.open() == ()
    assert (seen := await drifts.one(STRANGER.key))
    assert (seen.outcome, seen.by_id, seen.over_at) == ("removed", "an-agent", NOON + HOUR)
    await shows(engine)
    anew = await found(drifts, NOON + 2 * HOUR)
    assert (anew.occasion, anew.first_seen, anew.over_at, anew.card, anew.added, anew.outcome, anew.by_id) == (
        2, NOON + 2 * HOUR, None, None, Added(), "", "",
    )  # fmt: skip
    assert await shows(engine) == 1
    await drifts.shown(STRANGER.key, 1, CARD)
    assert (seen := await drifts.one(STRANGER.key))
    assert seen.card is None, "a card of the time before is not taken for the new one"


async def test_a_comparison_does_not_reopen_what_was_settled_since_it_began(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    await found(drifts, NOON)
    await drifts.settle(STRANGER.key, outcome="removed", by_id="", at=NOON + HOUR, entries=[OVER])
    before = await shows(engine), len(await written(engine))
    assert await drifts.see(STRANGER, NOON + 2 * HOUR, ENTRY, NOON) is None
    assert (await shows(engine), len(await written(engine))) == (0, before[1])
    assert (seen := await drifts.one(STRANGER.key))
    assert (seen.occasion, seen.over_at) == (1, NOON + HOUR)
    later = await drifts.see(STRANGER, NOON + 3 * HOUR, ENTRY, NOON + 2 * HOUR)
    assert later is not None
    assert later.occasion == 2


async def test_what_was_settled_before_the_clock_was_set_back_is_seen_all_the_same(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    await found(drifts, NOON)
    await drifts.settle(STRANGER.key, outcome="removed", by_id="", at=NOON + 50 * HOUR, entries=[OVER])
    seen = await drifts.see(STRANGER, NOON + 2 * HOUR, ENTRY, NOON + HOUR)
    assert seen is not None
    assert seen.occasion == 2


async def test_of_two_comparisons_at_once_one_removes_and_the_other_does_not_begin_it_anew(
    engine: AsyncEngine,
) -> None:
    drifts = PostgresDrifts(engine)

    async def compare(second: int) -> bool:
        seen = await drifts.see(STRANGER, NOON + timedelta(seconds=second), ENTRY, NOON)
        at = NOON + timedelta(seconds=second + 1)
        return seen is not None and await drifts.settle(
            STRANGER.key, outcome="removed", by_id="", at=at, entries=[OVER]
        )

    before = len(await written(engine))
    removals = await asyncio.gather(*(compare(second) for second in range(2, 40, 2)))
    assert removals.count(True) == 1
    assert len(await written(engine)) == before + 2
    assert (seen := await drifts.one(STRANGER.key))
    assert seen.occasion == 1


async def test_who_had_added_whoever_was_removed_can_still_be_asked(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    overstayed = Drift(Sort.OVERSTAYED, "group", "somebody", "MFA-2222-2222")
    for drift in (STRANGER, overstayed):
        await drifts.see(drift, NOON, ENTRY)
        assert await drifts.removed_since(NOON) == ()
        await drifts.settle(drift.key, outcome="removed", by_id="", at=NOON + HOUR, entries=[OVER])
    assert [one.drift for one in await drifts.removed_since(NOON + HOUR)] == [overstayed]
    assert await drifts.removed_since(NOON + 2 * HOUR) == ()
    await drifts.know(overstayed.key, Added("Sam Price", NOON))
    assert await drifts.removed_since(NOON) == ()


async def test_many_are_shown_again_when_they_are_another_number(engine: AsyncEngine) -> None:
    drifts, many = PostgresDrifts(engine), Drift(Sort.MANY, entra_id="stranger", number=21)
    for number, expected in ((21, 1), (21, 0), (40, 1), (22, 1)):
        seen = await drifts.see(replace(many, number=number), NOON, ENTRY)
        assert seen is not None
        assert (seen.drift.number, seen.occasion) == (number, 1)
        assert await shows(engine) == expected


async def test_an_unknown_drift_is_none_and_settles_nothing(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    assert await drifts.one("stranger:group:nobody") is None
    assert not await drifts.settle("no", outcome="gone", by_id="", at=NOON, entries=[OVER])
    await drifts.know("no", Added("x"))
    assert await shows(engine) == 0


async def test_members_and_the_link_are_kept_together(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    assert await drifts.known() is None
    many = frozenset(f"id-{n}" for n in range(12_000))
    for known in (
        Known({"a": many, "b": frozenset()}, "https://graph/1", NOON),
        Known({"a": many - {"id-7"} | {"new"}, "b": frozenset({"x"})}, "https://graph/2", NOON),
        Known({"a": frozenset()}, "", NOON + HOUR),
    ):
        await drifts.keep(known)
        assert await drifts.known() == known


async def test_when_a_comparison_ended_is_known_to_all(engine: AsyncEngine) -> None:
    drifts = PostgresDrifts(engine)
    assert await drifts.compared_at() is None
    await drifts.compared(NOON)
    await drifts.keep(Known({"a": frozenset()}, "x", NOON))
    assert await drifts.compared_at() == NOON
    await drifts.compared(NOON + HOUR)
    await drifts.policy_compared(NOON)
    assert await drifts.compared_at() == NOON + HOUR
    figures = PostgresFigures(engine, POLICY)
    assert await figures.compared_at() == NOON, "whichever is longer ago"
    await drifts.policy_compared(NOON + 2 * HOUR)
    assert await figures.compared_at() == NOON + HOUR
    assert await drifts.known() == Known({"a": frozenset()}, "x", NOON)


async def test_the_requests_that_bind_members_are_those_that_hold_and_those_that_have_ended(
    engine: AsyncEngine,
) -> None:
    book, drifts = PostgresBook(engine), PostgresDrifts(engine)
    made = {
        state: request(state, reference=f"MFA-{number}", subject=replace(OTHER_OWNER, id=f"id-{state}"))
        for number, state in enumerate(State)
        if state is not State.AWAITING_EVIDENCE
    }
    made[State.ENDING] = replace(made[State.ENDING], stuck=Stuck(NOON + HOUR, "Graph answered 503", 3))
    async with book.page() as page:
        for one in made.values():
            assert await page.add(one)
    everybody = {one.subject.id for one in made.values()}
    entitlements = {state: entitlement_of(one) for state, one in made.items() if was_exempt(state)}
    assert set(entitlements) == {State.GRANTING, State.ACTIVE, State.ENDING, State.ENDED}
    assert set(await drifts.entitlements({"group"}, everybody)) == set(entitlements.values())
    ended = entitlements.pop(State.ENDED)
    assert ended.closed_at is not None
    assert set(await drifts.entitlements({"group"}, set())) == set(entitlements.values())
    assert entitlements[State.ENDING].refused_since == NOON + HOUR
    assert await drifts.entitlements({"another"}, everybody) == ()
    assert [one.state for one in await drifts.entitlements({"group"}, everybody, of="id-active")] == [State.ACTIVE]
    assert await drifts.entitlements({"group"}, set(), of="id-ended") == ()
    assert await drifts.groups_in_use() == {"group"}
