"""The watchdog, with a book and an Entra of ten lines each: what it ends, in which order, and what stops it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

import services.watchdog
from domain.commands import Command, ConfirmEnd, Revoke, Tick
from domain.decisions import decide
from domain.drift import ending_since, entitlement_of
from domain.errors import Throttled, Trouble
from domain.policy import Policy
from domain.request import Cause, Closing, Request, State
from domain.timeline import granting_until
from services.end import EndExemption
from services.pace import LONGEST_PAUSE
from services.watchdog import EVERY, OVERDUE, Watchdog
from tests.builders import AGENT, NOON, POLICY, SUBJECT, facts, person, request

ON = request(State.ACTIVE)
OTHER = replace(ON, reference="MFA-2222-2222")


@dataclass
class World:
    requests: dict[str, Request]
    members: set[str] = field(default_factory=lambda: {SUBJECT.id})
    said: list[Command] = field(default_factory=list)
    later: timedelta = timedelta(days=2)
    broken: Exception | None = None
    """What the door in raises."""
    throttled: dict[str, timedelta] = field(default_factory=dict)
    """For how long Entra asks us to wait, by account."""
    refused: set[str] = field(default_factory=set)
    """Accounts that Entra does not let us remove."""
    removals: list[str] = field(default_factory=list)
    """Which Entra was asked for, in order."""
    stubborn: bool = False
    """Entra goes on showing the membership."""
    granted_meanwhile: Request | None = None
    policy = POLICY

    def late(self, what: str, by: timedelta) -> None: ...

    @property
    def clock(self) -> "World":
        return self

    def now(self) -> datetime:
        return NOON + self.later

    async def overdue(self, now: datetime, by: timedelta, policy: Policy, limit: int) -> tuple[Request, ...]:
        def due(one: Request) -> datetime | None:
            if one.state is not State.ENDING:
                return granting_until(one, policy) if one.state in (State.GRANTING, State.ACTIVE) else None
            return min([ending_since(entitlement_of(one), policy, now), *([one.ends_at] if one.ends_at else [])])

        assert policy is POLICY
        return tuple(one for one in self.requests.values() if (at := due(one)) and at < now - by)[:limit]

    async def request(self, reference: str) -> Request | None:
        return self.requests.get(reference)

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        return tuple(one for one in self.requests.values() if one.is_open)

    async def held_by(self, one: Request, now: datetime) -> str:
        others = [other for other in self.requests.values() if other.reference != one.reference]
        holding = [other for other in others if other.state in (State.GRANTING, State.ACTIVE)]
        return next((other.reference for other in holding if other.ends_at is None or other.ends_at > now), "")

    async def add(self, group: str, entra_id: str, **_: Any) -> None:
        self.members.add(entra_id)

    async def remove(self, group: str, entra_id: str) -> None:
        self.removals.append(entra_id)
        if wait := self.throttled.get(entra_id):
            raise Throttled("429", retry_after=wait)
        if entra_id in self.refused:
            raise Trouble("Graph answered 403")
        if not self.stubborn:
            self.members.discard(entra_id)
        if self.granted_meanwhile:
            self.requests[self.granted_meanwhile.reference] = self.granted_meanwhile

    async def contains(self, group: str, entra_id: str) -> bool:
        return entra_id in self.members

    async def __call__(self, reference: str, command: Command, activity: str = "") -> Request:
        if self.broken:
            raise self.broken
        self.said.append(command)
        state = {Tick: State.ENDING, ConfirmEnd: State.ENDED}[type(command)]
        changed = replace(self.requests[reference], state=state, closing=Closing(Cause.EXPIRED))
        self.requests[reference] = changed
        return changed


def watchdog(*requests: Request) -> tuple[World, Watchdog]:
    world: Any = World({one.reference: one for one in requests})
    return world, Watchdog(world, cast(Any, world), EndExemption(world, world, world, world))


async def test_what_is_overdue_is_ended_by_the_usual_steps() -> None:
    world, look = watchdog(ON)
    assert await look() == 0
    assert [type(one) for one in world.said] == [Tick, ConfirmEnd]
    assert world.members == set()


async def test_the_workers_have_two_minutes() -> None:
    world, look = watchdog(ON)
    assert ON.ends_at is not None
    world.later = ON.ends_at - NOON + OVERDUE
    await look()
    assert world.members == {SUBJECT.id}
    world.later += timedelta(seconds=1)
    await look()
    assert world.members == set()


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(request(State.ACTIVE), id="revoked while it was on"),
        pytest.param(request(State.GRANTING), id="stopped while it was being granted, so without an end"),
    ],
)
async def test_an_end_before_its_time_is_ended_as_soon(before: Request) -> None:
    revoked = decide(before, Revoke(AGENT, "A stolen account"), facts(), POLICY, NOON).request
    world, look = watchdog(revoked)
    world.later = OVERDUE
    await look()
    assert world.members == {SUBJECT.id}
    world.later += timedelta(seconds=1)
    assert await look() == 0
    assert [type(one) for one in world.said] == [ConfirmEnd]
    assert world.members == set()


async def test_a_grant_that_nobody_proved_ends_when_the_time_is_over_that_was_approved() -> None:
    never_proved = request(State.GRANTING)
    assert never_proved.decided is not None
    world, look = watchdog(never_proved)
    world.later = never_proved.decided.at + timedelta(days=1) + OVERDUE - NOON
    await look()
    assert world.members == {SUBJECT.id}
    world.later += timedelta(seconds=1)
    assert await look() == 0
    assert [type(one) for one in world.said] == [Tick, ConfirmEnd]
    assert world.members == set()


async def test_an_end_that_was_begun_is_brought_to_its_end() -> None:
    world, look = watchdog(replace(request(State.ENDING), ends_at=NOON))
    assert await look() == 0
    assert [type(one) for one in world.said] == [ConfirmEnd]
    assert world.members == set()


async def test_a_second_look_and_a_second_watchdog_find_nothing_to_do() -> None:
    world, look = watchdog(ON)
    await look()
    await look()
    assert len(world.said) == 2


async def test_who_has_another_exception_keeps_the_membership() -> None:
    longer = replace(OTHER, ends_at=NOON + timedelta(days=99))
    world, look = watchdog(ON, longer)
    assert await look() == 0
    assert world.said[-1] == ConfirmEnd(OTHER.reference)
    assert world.members == {SUBJECT.id}


@pytest.mark.parametrize("state", [State.ACTIVE, State.GRANTING])
async def test_who_is_granted_another_one_meanwhile_gets_the_membership_back(state: State) -> None:
    world, look = watchdog(ON)
    world.granted_meanwhile = replace(OTHER, state=state, ends_at=NOON + timedelta(days=99))
    assert await look() == 0
    assert world.members == {SUBJECT.id}
    assert world.said[-1] == ConfirmEnd(OTHER.reference)


async def test_where_entra_does_not_do_as_asked_nothing_is_confirmed_and_it_is_tried_again() -> None:
    world, look = watchdog(ON)
    world.stubborn = True
    assert await look() == 1
    assert [type(one) for one in world.said] == [Tick]
    world.stubborn = False
    assert await look() == 0
    assert world.members == set()


@pytest.mark.parametrize(
    "broken", [KeyError("a kind that the policy no longer has"), Trouble("the database cannot be reached")]
)
async def test_where_our_own_records_cannot_be_changed_the_account_is_removed_all_the_same(broken: Exception) -> None:
    world, look = watchdog(ON)
    world.broken = broken
    assert await look() == 0
    assert world.members == set()
    assert world.said == []


async def test_where_they_cannot_be_changed_and_another_exception_holds_the_membership_it_is_not_called_ended() -> None:
    world, look = watchdog(ON, replace(OTHER, ends_at=NOON + timedelta(days=99)))
    world.broken = Trouble("the database cannot be reached")
    assert await look() == 1
    assert world.members == {SUBJECT.id}


async def test_one_that_fails_keeps_nobody_from_the_next() -> None:
    world, look = watchdog(ON, replace(OTHER, ends_at=NOON))
    world.stubborn = True
    assert await look() == 2


def several() -> list[Request]:
    people = [person(f"Person {number}") for number in range(4)]
    return [replace(ON, reference=f"MFA-{n}", subject=one) for n, one in enumerate(people)]


async def test_where_entra_asks_to_wait_the_look_is_over_and_nothing_is_asked_twice() -> None:
    world, look = watchdog(*several())
    world.throttled = {one.subject.id: timedelta(minutes=2) for one in several()}
    with pytest.raises(Throttled):
        await look()
    assert len(world.removals) == 1


async def test_nor_where_our_own_records_cannot_be_changed() -> None:
    world, look = watchdog(*several())
    world.broken = Trouble("the database cannot be reached")
    world.throttled = {one.subject.id: timedelta(minutes=2) for one in several()}
    with pytest.raises(Throttled):
        await look()
    assert len(world.removals) == 1


async def test_one_at_which_entra_asks_to_wait_each_time_keeps_the_others_waiting_once() -> None:
    requests = several()
    world, look = watchdog(*requests)
    world.members = {one.subject.id for one in requests}
    always = {requests[0].subject.id, requests[1].subject.id}
    world.throttled = dict.fromkeys(always, timedelta(minutes=2))
    for _ in range(3):
        with pytest.raises(Throttled):
            await look()
    assert world.members == always
    world.throttled.clear()
    assert await look() == 0
    assert world.members == set()


async def test_however_many_there_are_each_has_its_turn_in_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.watchdog, "BATCH", 2)
    requests = [replace(ON, reference=f"MFA-{n}", subject=person(f"Person {n}")) for n in range(19)]
    world, look = watchdog(*requests)
    world.members = {one.subject.id for one in requests}
    world.refused = {one.subject.id for one in requests[:7]}
    for _ in range(2):
        world.removals.clear()
        assert await look() == 7
        assert world.members == world.refused
        assert world.refused <= set(world.removals)
    world.refused = set()
    assert await look() == 0
    assert world.members == set()


async def test_what_our_own_records_cannot_be_told_is_done_once_in_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.watchdog, "BATCH", 2)
    requests = [replace(ON, reference=f"MFA-{n}", subject=person(f"Person {n}")) for n in range(5)]
    world, look = watchdog(*requests)
    world.broken = Trouble("the database cannot be written")
    assert await look() == 0
    assert sorted(world.removals) == sorted(one.subject.id for one in requests)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (timedelta(seconds=5), EVERY),
        (timedelta(minutes=2), 120.0),
        (timedelta(days=1), LONGEST_PAUSE.total_seconds()),
    ],
)
async def test_it_waits_as_long_as_entra_asks_but_not_for_ever(asked: timedelta, seconds: float) -> None:
    world, look = watchdog(ON)
    world.throttled = {SUBJECT.id: asked}
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt
        world.throttled.clear()

    with pytest.raises(KeyboardInterrupt):
        await look.keep_looking(sleep)
    assert slept == [seconds, EVERY]
    assert world.members == set()


async def test_it_goes_on_looking_where_it_cannot_see() -> None:
    world, look = watchdog(ON)
    looks: list[float] = []

    async def unseen(*_: object) -> tuple[Request, ...]:
        raise Trouble("the database cannot be reached")

    async def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    cast(Any, world).overdue = unseen
    with pytest.raises(KeyboardInterrupt):
        await look.keep_looking(sleep)
    assert len(looks) == 3
