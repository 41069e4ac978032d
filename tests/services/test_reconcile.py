"""The comparison, with a book and an Entra of ten lines each: what it does by itself, and what it never does."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from domain.commands import Command, ConfirmEnd, PutBack, Tick
from domain.drift import FEW, Drift, Entitlement, Sort, entitlement_of
from domain.errors import NoSuchGroup, NotPermitted, Refusal, Throttled, Trouble
from domain.events import Event, What
from domain.people import Person
from domain.request import Cause, Closing, Request, State
from services.book import Entry
from services.drifts import NOT_PERMITTED, Added, Known, Seen
from services.reconcile import ASKED_FOR, MOST_LOOKED_AT, Reconcile
from tests.builders import AGENT, NOON, POLICY, STRANGER, SUBJECT, person, request

GROUP = "group"
ON, ENDED = request(State.ACTIVE), request(State.ENDED)
LATER = NOON + timedelta(hours=2)


@dataclass
class World:
    """Entra, the book and the table of drifts in one."""

    requests: list[Request] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    read_before: set[str] | None = None
    """What reading everybody gives, where it is not what is so by now."""
    older: set[str] = field(default_factory=set)
    """The members of each group that the settings do not name."""
    unreadable_groups: dict[str, Trouble] = field(default_factory=dict)
    """What reading this group raises."""
    moment: datetime = LATER
    sleeps: timedelta = timedelta(0)
    """By how much the clock jumps while members are read."""
    agents: frozenset[str] = frozenset({AGENT.id})
    seen: dict[str, Seen] = field(default_factory=dict)
    written: list[Entry] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[Known] = field(default_factory=list)
    ended_at: list[datetime] = field(default_factory=list)
    unreadable: Trouble | None = None
    unreadable_ones: dict[str, Exception] = field(default_factory=dict)
    """What asking about this account raises."""
    asked: list[str] = field(default_factory=list)
    """About whom Entra was asked again."""
    meanwhile: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    """What happens while the comparison deals with a drift, by its key."""
    stubborn: bool = False
    dies: bool = False
    """The process does, once Entra has removed somebody."""
    audit: Added | Trouble = field(default_factory=lambda: Added("Sam Price", NOON))
    excluded: frozenset[str] | Trouble | None = frozenset({GROUP})
    """None: there is no such policy."""
    groups: dict[str, str] = field(default_factory=lambda: {"exempt_short": GROUP, "exempt_long": GROUP})
    policy = POLICY
    tenant_id = "tenant"
    late_ends: list[timedelta] = field(default_factory=list)
    policy_read_at: list[datetime] = field(default_factory=list)
    removed_before_asking: list[str] = field(default_factory=list)
    """Who was, when Entra was last asked who had added somebody."""

    @property
    def clock(self) -> "World":
        return self

    book = directory = clock

    def now(self) -> datetime:
        return self.moment

    async def person(self, entra_id: str) -> Person | None:
        known = (SUBJECT, STRANGER, AGENT)
        return next((one for one in known if one.id == entra_id), None)

    async def helpdesk_groups(self, entra_id: str) -> frozenset[str]:
        return frozenset({"helpdesk"}) if entra_id in self.agents else frozenset()

    def entry(self, reference: str, event: Any, at: datetime, activity: str = "") -> Entry:
        return Entry(at, reference, event.what.value, event.by, activity, "1", dict(event.details))

    async def request(self, reference: str) -> Request | None:
        return next((one for one in self.requests if one.reference == reference), None)

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        return tuple(one for one in self.requests if one.is_open)

    async def held_by(self, one: Request, now: datetime) -> str:
        return ""

    def late(self, what: str, by: timedelta) -> None:
        assert what == "end"
        self.late_ends.append(by)

    async def __call__(self, reference: str, command: Command, activity: str = "") -> Request:
        now = next(one for one in self.requests if one.reference == reference)
        if isinstance(command, PutBack):
            return self._put_back(now, command.by, activity)
        states: dict[type[Command], State] = {Tick: State.ENDING, ConfirmEnd: State.ENDED}
        changed = replace(now, state=states[type(command)], closing=Closing(Cause.EXPIRED), closed_at=self.moment)
        self.requests = [changed if one is now else one for one in self.requests]
        return changed

    def _put_back(self, one: Request, by: Person, activity: str) -> Request:
        if one.state is not State.ACTIVE:
            raise Refusal("It is not on.", rule="state")
        changed = replace(one, state=State.GRANTING)
        self.requests = [changed if one.reference == other.reference else other for other in self.requests]
        self.written.append(self.entry(one.reference, Event(What.PUT_BACK, by.id), self.moment, activity))
        if self.dies:
            raise KeyboardInterrupt
        return changed

    async def entries(self, reference: str) -> tuple[Entry, ...]:
        return tuple(one for one in self.written if one.reference == reference)

    async def remove(self, group: str, entra_id: str) -> None:
        self.removed.append(entra_id)
        if not self.stubborn:
            self._in(group).discard(entra_id)
        if self.dies:
            raise KeyboardInterrupt

    async def contains(self, group: str, entra_id: str) -> bool:
        self.asked.append(entra_id)
        if entra_id in self.unreadable_ones:
            raise self.unreadable_ones[entra_id]
        return entra_id in self._in(group) and entra_id != "a-group"

    def _in(self, group: str) -> set[str]:
        return self.members if group == GROUP else self.older

    async def read(self, groups: Collection[str], known: Known | None) -> Known:
        if self.unreadable:
            raise self.unreadable
        self.moment += self.sleeps
        found = self.members if self.read_before is None else self.read_before
        for unreadable in set(groups) & set(self.unreadable_groups):
            raise self.unreadable_groups[unreadable]
        members = {group: frozenset(found) if group == GROUP else frozenset(self.older) for group in groups}
        return Known(members, "link", known.whole_at if known else None)

    async def holds(self, group: str, entra_id: str) -> bool:
        return entra_id in self._in(group)

    async def added(self, group: str, entra_id: str, seen: datetime) -> Added:
        self.removed_before_asking = list(self.removed)
        if isinstance(self.audit, Trouble):
            raise self.audit
        return self.audit

    async def left_out(self) -> frozenset[str] | None:
        if isinstance(self.excluded, Trouble):
            raise self.excluded
        return self.excluded

    async def entitlements(
        self, groups: Collection[str], members: Collection[str], *, of: str = ""
    ) -> tuple[Entitlement, ...]:
        holding = (State.GRANTING, State.ACTIVE, State.ENDING)
        return tuple(
            entitlement_of(one)
            for one in self.requests
            if one.state in holding or (one.state is State.ENDED and one.subject.id in members)
            if of in ("", one.subject.id)
        )

    async def groups_in_use(self) -> frozenset[str]:
        holding = (State.GRANTING, State.ACTIVE, State.ENDING)
        return frozenset(one.group_id for one in self.requests if one.state in holding)

    async def known(self) -> Known | None:
        return self.kept[-1] if self.kept else None

    async def keep(self, known: Known) -> None:
        self.kept.append(known)

    async def compared_at(self) -> datetime | None:
        return self.ended_at[-1] if self.ended_at else None

    async def policy_compared(self, at: datetime) -> None:
        self.policy_read_at.append(at)

    async def compared(self, at: datetime) -> None:
        self.ended_at.append(at)

    async def open(self) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen.values() if one.over_at is None)

    async def removed_since(self, since: datetime) -> tuple[Seen, ...]:
        over = [one for one in self.seen.values() if one.over_at is not None and one.over_at >= since]
        return tuple(one for one in over if one.drift.sort is Sort.OVERSTAYED and one.added.at is None)

    async def one(self, key: str) -> Seen | None:
        return self.seen.get(key)

    async def see(self, drift: Drift, at: datetime, entry: Entry, began: datetime | None = None) -> Seen | None:
        before = self.seen.get(drift.key)
        if before and before.over_at and (began or at) < before.over_at <= at:
            return None
        if before is None or before.over_at is not None:
            self.written.append(entry)
            before = Seen(drift, at, at, before.occasion + 1 if before else 1)
        self.seen[drift.key] = replace(before, last_seen=at)
        if meanwhile := self.meanwhile.pop(drift.key, None):
            await meanwhile()
        return self.seen[drift.key]

    async def know(self, key: str, added: Added) -> None:
        self.seen[key] = replace(self.seen[key], added=added)

    async def ask(self, key: str, by_id: str, entry: Entry) -> bool:
        if self.seen[key].by_id != by_id:
            self.written.append(entry)
        self.seen[key] = replace(self.seen[key], by_id=by_id)
        return True

    async def settle(self, key: str, *, outcome: str, by_id: str, at: datetime, entries: Sequence[Entry]) -> bool:
        if self.seen[key].over_at is not None:
            return False
        self.written += entries
        self.seen[key] = replace(self.seen[key], over_at=at, outcome=outcome, by_id=by_id)
        return True


def comparing(*, mfa_policy: bool = False, **given: Any) -> tuple[World, Reconcile]:
    world = World(**given)
    same = cast(Any, world)
    return world, Reconcile(same, same, same, same, same, same, same if mfa_policy else None)


def outcomes(world: World) -> list[tuple[Sort, str]]:
    return [(one.drift.sort, one.outcome) for one in world.seen.values()]


async def test_a_stranger_is_shown_with_who_added_them_and_is_not_touched() -> None:
    world, reconcile = comparing(members={STRANGER.id})
    report = await reconcile(world.moment)
    assert [(one.drift.sort, one.done) for one in report.drifts] == [(Sort.STRANGER, "alarm shown")]
    world.moment += timedelta(hours=1)
    assert [one.done for one in (await reconcile(world.moment)).drifts] == ["alarm shown before"]
    assert world.members == {STRANGER.id}
    assert [one.added for one in world.seen.values()] == [Added("Sam Price", NOON)]
    assert [entry.what for entry in world.written] == ["drift"]


async def test_who_added_somebody_is_asked_again_until_entra_says_so() -> None:
    world, reconcile = comparing(members={STRANGER.id}, audit=NotPermitted("403"))
    key = Drift(Sort.STRANGER, GROUP, STRANGER.id).key
    await reconcile(world.moment)
    assert world.seen[key].added.by == NOT_PERMITTED
    for answer, by in ((Trouble("503"), NOT_PERMITTED), (Added(), ""), (Added("Sam Price", NOON), "Sam Price")):
        world.audit = answer
        await reconcile(world.moment)
        assert world.seen[key].added.by == by


async def test_who_had_added_whoever_was_removed_at_once_is_asked_for_two_hours() -> None:
    world, reconcile = comparing(requests=[ENDED], members={SUBJECT.id}, audit=Added())
    await reconcile(world.moment)
    [key] = world.seen
    world.moment += ASKED_FOR
    world.audit = Added("Sam Price", NOON)
    await reconcile(world.moment)
    assert world.seen[key].added == Added("Sam Price", NOON)
    world.seen[key] = replace(world.seen[key], added=Added())
    world.moment += timedelta(seconds=1)
    await reconcile(world.moment)
    assert world.seen[key].added == Added()


async def test_whoever_overstayed_is_removed_by_the_usual_steps_and_it_is_shown() -> None:
    for one, steps in ((ON, 2), (ENDED, 0), (request(State.ENDING), 1)):
        world, reconcile = comparing(requests=[one], members={SUBJECT.id}, moment=NOON + timedelta(days=3))
        report = await reconcile(world.moment)
        assert [found.done for found in report.drifts] == ["removed, alarm shown"], steps
        assert world.members == set()
        assert outcomes(world) == [(Sort.OVERSTAYED, "removed")]
        assert world.requests[0].state is State.ENDED
        assert [entry.what for entry in world.written] == ["drift", "member_removed", "drift_over"]
        assert (await reconcile(world.moment)).drifts == ()
        assert one.ends_at
        assert world.late_ends == ([world.moment - one.ends_at] if steps else [])
        assert world.removed_before_asking == [SUBJECT.id]


OLDER = replace(ON, reference="MFA-2222-2222", group_id="older")


async def test_a_group_that_only_exceptions_from_before_a_change_of_the_settings_name_is_compared_too() -> None:
    world, reconcile = comparing(requests=[OLDER], older={SUBJECT.id, STRANGER.id})
    await reconcile(world.moment)
    assert outcomes(world) == [(Sort.STRANGER, "")]
    world.moment = NOON + timedelta(days=3)
    await reconcile(world.moment)
    assert world.removed == [SUBJECT.id]
    assert world.older == {STRANGER.id}
    assert [set(one.members) for one in world.kept] == [{GROUP}, {GROUP}]


async def test_an_older_group_that_entra_has_no_more_keeps_nobody_from_being_compared() -> None:
    world, reconcile = comparing(requests=[OLDER], older={SUBJECT.id, STRANGER.id})
    await reconcile(world.moment)
    world.unreadable_groups = {"older": NoSuchGroup()}
    world.members = {STRANGER.id}
    world.moment += timedelta(hours=1)
    report = await reconcile(world.moment)
    assert [one.drift.group for one in report.drifts] == [GROUP]
    assert report.troubles == ()
    assert world.ended_at == [LATER, world.moment]
    assert outcomes(world) == [(Sort.STRANGER, "gone"), (Sort.STRANGER, "")]


@pytest.mark.parametrize("raised", [Trouble("503"), NotPermitted("403")])
async def test_an_older_group_that_cannot_be_read_is_said_so_and_nothing_in_it_counts_as_gone(raised: Trouble) -> None:
    world, reconcile = comparing(requests=[OLDER], older={SUBJECT.id, STRANGER.id})
    await reconcile(world.moment)
    world.unreadable_groups = {"older": raised}
    world.members = {STRANGER.id}
    world.moment += timedelta(hours=1)
    report = await reconcile(world.moment)
    assert report.troubles == (f"members of older: {raised.message}",)
    assert world.ended_at == [LATER], "it is tried again"
    assert outcomes(world) == [(Sort.STRANGER, ""), (Sort.STRANGER, "")]
    world.unreadable_groups, world.members = {}, set()
    assert (await reconcile(world.moment)).troubles == ()
    assert world.ended_at == [LATER, world.moment]
    assert outcomes(world) == [(Sort.STRANGER, ""), (Sort.STRANGER, "gone")]
    assert [entry.what for entry in world.written] == ["drift", "drift", "drift_over"]


async def test_a_stranger_in_an_older_group_stays_shown_after_its_last_exception_has_ended() -> None:
    world, reconcile = comparing(requests=[OLDER], older={SUBJECT.id, STRANGER.id})
    await reconcile(world.moment)
    world.moment = NOON + timedelta(days=3)
    for _ in range(2):
        await reconcile(world.moment)
        assert world.older == {STRANGER.id}
        assert outcomes(world) == [(Sort.STRANGER, ""), (Sort.OVERSTAYED, "removed")]
    world.older.clear()
    await reconcile(world.moment)
    assert outcomes(world)[0] == (Sort.STRANGER, "gone")


async def test_a_removal_that_entra_does_not_do_is_trouble_and_the_comparison_is_not_over() -> None:
    world, reconcile = comparing(requests=[ENDED], members={SUBJECT.id}, stubborn=True)
    report = await reconcile(world.moment)
    assert report.troubles
    assert world.ended_at == []
    assert outcomes(world) == [(Sort.OVERSTAYED, "")]
    world.stubborn = False
    assert (await reconcile(world.moment)).troubles == ()
    assert world.ended_at == [LATER]


@pytest.mark.parametrize("raised", [Trouble("500"), NotPermitted("403"), KeyError("a mistake of ours")])
async def test_one_account_that_cannot_be_read_keeps_nobody_from_being_removed(raised: Exception) -> None:
    world, reconcile = comparing(requests=[ENDED], members={SUBJECT.id, STRANGER.id})
    world.unreadable_ones[STRANGER.id] = raised
    report = await reconcile(world.moment)
    assert world.members == {STRANGER.id}
    assert len(report.troubles) == 1
    assert outcomes(world) == [(Sort.OVERSTAYED, "removed")]
    assert world.ended_at == []
    world.unreadable_ones.clear()
    assert (await reconcile(world.moment)).troubles == ()
    assert world.ended_at == [LATER]


async def test_what_cannot_be_looked_at_again_is_not_over() -> None:
    world, reconcile = comparing(members={STRANGER.id})
    await reconcile(world.moment)
    world.unreadable_ones[STRANGER.id] = Trouble("500")
    world.moment += timedelta(hours=1)
    await reconcile(world.moment)
    assert outcomes(world) == [(Sort.STRANGER, "")]


async def test_once_entra_asks_us_to_wait_only_the_removals_are_still_tried() -> None:
    others = [person(f"Person {number}").id for number in range(3)]
    other = replace(ENDED, reference="MFA-2222-2222", subject=AGENT)
    world, reconcile = comparing(requests=[ENDED, other], members={SUBJECT.id, AGENT.id, *others})
    overstayed = sorted([SUBJECT.id, AGENT.id])
    world.unreadable_ones[overstayed[0]] = Throttled("429", retry_after=timedelta(minutes=5))
    report = await reconcile(world.moment)
    assert world.removed == [overstayed[1]]
    assert not set(others) & set(world.asked)
    assert (len(report.troubles), report.wait) == (4, timedelta(minutes=5))


async def test_what_was_read_of_everybody_is_looked_at_again_before_anything_is_done() -> None:
    for requests, read, now in (
        ([ENDED], {SUBJECT.id}, set[str]()),
        ([], {STRANGER.id}, set()),
        ([ON], set(), {SUBJECT.id}),
    ):
        world, reconcile = comparing(requests=requests, read_before=read, members=now)
        assert (await reconcile(world.moment)).drifts == ()
        assert world.removed == []


async def test_a_group_within_the_group_is_a_stranger_too() -> None:
    world, reconcile = comparing(members={"a-group"})
    assert [one.drift.sort for one in (await reconcile(world.moment)).drifts] == [Sort.STRANGER]
    with pytest.raises(Refusal, match="not a person"):
        await reconcile.stranger(Drift(Sort.STRANGER, GROUP, "a-group").key, AGENT)


async def test_a_group_within_the_group_that_entra_does_not_let_go_is_trouble() -> None:
    world, reconcile = comparing(members={"a-group"}, stubborn=True)
    key = Drift(Sort.STRANGER, GROUP, "a-group").key
    await reconcile(world.moment)
    with pytest.raises(Trouble, match="still shows"):
        await reconcile.remove(key, AGENT, "activity")
    assert outcomes(world) == [(Sort.STRANGER, "")]
    world.stubborn = False
    await reconcile.remove(key, AGENT, "activity")
    assert outcomes(world) == [(Sort.STRANGER, "removed")]


async def test_a_deleted_account_that_was_read_as_a_member_and_is_none_is_no_alarm() -> None:
    world, reconcile = comparing(members={"deleted"})
    await reconcile(world.moment)
    world.members, world.read_before = set(), {"deleted"}
    assert (await reconcile(world.moment)).drifts == ()
    assert outcomes(world) == [(Sort.STRANGER, "gone")]


async def test_where_members_cannot_be_read_nothing_is_done() -> None:
    world, reconcile = comparing(requests=[ENDED], members={SUBJECT.id}, unreadable=Trouble("503"))
    with pytest.raises(Trouble):
        await reconcile(world.moment)
    assert (world.removed, world.seen, world.written, world.kept, world.ended_at) == ([], {}, [], [], [])


async def test_a_dry_run_writes_nothing_anywhere() -> None:
    strangers = {STRANGER.id, SUBJECT.id}
    world, reconcile = comparing(requests=[ENDED], members=set(strangers))
    report = await reconcile(world.moment, dry_run=True)
    assert sorted(one.done for one in report.drifts) == ["an alarm would be shown", "would be removed, with an alarm"]
    assert (world.removed, world.seen, world.written, world.kept, world.ended_at) == ([], {}, [], [], [])
    assert world.members == strangers


async def test_more_than_the_policy_lets_remove_at_once_are_not_touched() -> None:
    people = [person(f"Person {number}") for number in range(POLICY.reconcile.most_removals + 1)]
    ended = [replace(ENDED, reference=f"MFA-{n}", subject=one) for n, one in enumerate(people)]
    world, reconcile = comparing(requests=ended, members={one.id for one in people})
    report = await reconcile(world.moment)
    assert [(one.drift.sort, one.drift.number) for one in report.drifts] == [(Sort.MANY, len(people))]
    assert world.removed == []
    few = replace(reconcile, most=len(people))
    assert len((await few(world.moment)).drifts) == len(people)
    assert world.members == set()
    assert (Sort.MANY, "gone") in outcomes(world)


async def test_the_mfa_policy_rightly_leaves_out_an_older_group_while_an_exception_is_in_it() -> None:
    world, reconcile = comparing(
        mfa_policy=True, requests=[OLDER], older={SUBJECT.id}, excluded=frozenset({GROUP, "older"})
    )
    assert (await reconcile(world.moment)).drifts == ()


async def test_what_somebody_said_is_right_is_not_too_many_at_the_next_comparison() -> None:
    strangers = {person(f"Person {number}").id for number in range(POLICY.reconcile.most_removals + 1)}
    world, reconcile = comparing(members=set(strangers))
    [many] = (await reconcile(world.moment)).drifts
    assert (many.drift.sort, many.drift.number) == (Sort.MANY, len(strangers))
    await replace(reconcile, most=len(strangers))(world.moment)
    world.moment += timedelta(hours=1)
    report = await reconcile(world.moment)
    assert {one.drift.entra_id for one in report.drifts} == strangers
    assert {one.done for one in report.drifts} == {"alarm shown before"}
    assert (await world.one(many.drift.key) or Seen(many.drift, NOON, NOON)).outcome == "gone"


async def test_a_group_that_was_emptied_on_purpose_can_be_said_to_be_right() -> None:
    on = [replace(ON, reference=f"MFA-{n}", subject=person(f"Person {n}")) for n in range(FEW + 1)]
    world, reconcile = comparing(requests=on)
    assert [one.drift.sort for one in (await reconcile(world.moment)).drifts] == [Sort.MANY]
    for compares in (replace(reconcile, most=len(on)), reconcile):
        assert {one.drift.sort for one in (await compares(world.moment)).drifts} == {Sort.MISSING}


async def test_many_that_entra_has_only_not_told_of_yet_are_not_too_many() -> None:
    people = [person(f"Person {number}") for number in range(POLICY.reconcile.most_removals + 5)]
    everybody = {one.id for one in people}
    world, reconcile = comparing(read_before=everybody, members={people[0].id})
    world.unreadable_ones[people[1].id] = Trouble("500")
    report = await reconcile(world.moment)
    assert sorted(one.drift.entra_id for one in report.drifts) == sorted([people[0].id, people[1].id])
    assert len(report.troubles) == 1


async def test_so_many_that_looking_again_would_take_long_are_too_many_at_once() -> None:
    world, reconcile = comparing(members={f"somebody-{number}" for number in range(MOST_LOOKED_AT + 1)})
    assert [one.drift.number for one in (await reconcile(world.moment)).drifts] == [MOST_LOOKED_AT + 1]
    assert world.asked == []


async def test_what_is_no_more_is_over_and_what_could_not_be_read_is_not() -> None:
    world, reconcile = comparing(mfa_policy=True, members={STRANGER.id}, excluded=frozenset({"other"}))
    await reconcile(world.moment)
    world.members.clear()
    world.excluded = Trouble("503")
    report = await reconcile(world.moment)
    assert report.troubles == ("the MFA policy's exclusions were not read: 503",)
    assert dict(outcomes(world)) == {Sort.STRANGER: "gone", Sort.EXCLUSION_GONE: "", Sort.EXCLUSION_MORE: ""}
    assert len(world.ended_at) == 2, "members are compared all the same"
    assert len(world.policy_read_at) == 1
    world.excluded = frozenset({GROUP})
    await reconcile(world.moment)
    assert len(world.policy_read_at) == 2
    world.excluded = NotPermitted("403")
    assert len((await reconcile(world.moment)).troubles) == 1
    assert len(world.policy_read_at) == 3, "the permission is optional"
    assert {outcome for _, outcome in outcomes(world)} == {"gone"}


async def test_an_mfa_policy_that_is_not_there_leaves_none_of_our_groups_out() -> None:
    world, reconcile = comparing(mfa_policy=True, excluded=None)
    report = await reconcile(world.moment)
    assert report.troubles == ()
    assert [one.drift for one in report.drifts] == [Drift(Sort.EXCLUSION_GONE, entra_id=GROUP)]


async def test_it_is_due_at_the_interval_wherever_the_clock_jumps() -> None:
    world, reconcile = comparing()
    assert await reconcile.is_due()
    await reconcile(world.moment)
    assert not await reconcile.is_due()
    every = POLICY.reconcile.every
    for jump in (every, -every):
        world.moment = LATER + jump
        assert await reconcile.is_due()


async def test_everybody_is_read_anew_once_a_day() -> None:
    world, reconcile = comparing()
    await reconcile(world.moment)
    world.moment += timedelta(hours=23)
    await reconcile(world.moment)
    world.moment += timedelta(hours=2)
    await reconcile(world.moment)
    assert [one.whole_at for one in world.kept] == [LATER, LATER, LATER + timedelta(hours=25)]


async def test_only_the_helpdesk_removes_and_only_what_is_still_a_stranger() -> None:
    world, reconcile = comparing(members={STRANGER.id})
    key = Drift(Sort.STRANGER, GROUP, STRANGER.id).key
    await reconcile(world.moment)
    with pytest.raises(Refusal, match="Only helpdesk staff"):
        await reconcile.remove(key, SUBJECT, "")
    world.requests = [replace(ON, subject=STRANGER)]
    with pytest.raises(Refusal, match="This is over"):
        await reconcile.remove(key, AGENT, "")
    assert world.removed == []
    assert outcomes(world) == [(Sort.STRANGER, "gone")]
    world.requests = []
    await reconcile(world.moment)
    await reconcile.remove(key, AGENT, "activity")
    assert world.removed == [STRANGER.id]
    assert [(one.what, one.by_id, one.activity) for one in world.written[-3:]] == [
        ("removal_asked", AGENT.id, "activity"),
        ("member_removed", AGENT.id, "activity"),
        ("drift_over", AGENT.id, "activity"),
    ]
    for again in (key, "no such drift"):
        with pytest.raises(Refusal, match="This is over"):
            await reconcile.remove(again, AGENT, "")


@pytest.mark.parametrize("again", ["click", "comparison"])
async def test_whoever_removed_a_stranger_is_known_also_where_the_process_died_at_it(again: str) -> None:
    world, reconcile = comparing(members={STRANGER.id})
    key = Drift(Sort.STRANGER, GROUP, STRANGER.id).key
    await reconcile(world.moment)
    world.dies = True
    with pytest.raises(KeyboardInterrupt):
        await reconcile.remove(key, AGENT, "activity")
    assert world.members == set()
    if again == "click":
        await reconcile.remove(key, AGENT, "activity")
    else:
        await reconcile(world.moment)
    assert (world.seen[key].outcome, world.seen[key].by_id) == ("removed", AGENT.id)
    assert [(one.what, one.by_id) for one in world.written[1:]] == [
        ("removal_asked", AGENT.id),
        ("member_removed", AGENT.id),
        ("drift_over", AGENT.id),
    ]


async def test_a_stranger_who_was_adopted_after_all_was_removed_by_nobody() -> None:
    world, reconcile = comparing(members={STRANGER.id}, stubborn=True)
    await reconcile(world.moment)
    with pytest.raises(Trouble, match="still shows"):
        await reconcile.remove(Drift(Sort.STRANGER, GROUP, STRANGER.id).key, AGENT, "activity")
    world.requests = [replace(ON, subject=STRANGER)]
    await reconcile(world.moment)
    assert outcomes(world) == [(Sort.STRANGER, "gone")]


@pytest.mark.parametrize("delayed", [False, True])
async def test_who_is_removed_while_a_comparison_is_under_way_is_no_new_alarm(delayed: bool) -> None:
    first, second = sorted([STRANGER.id, AGENT.id])
    world, reconcile = comparing(members={first, second})
    await reconcile(world.moment)
    key = Drift(Sort.STRANGER, GROUP, second).key
    world.moment += timedelta(hours=1)
    began = world.moment

    async def removed() -> None:
        world.moment += timedelta(seconds=5)
        await reconcile.remove(key, AGENT, "activity")
        if delayed:
            world.members.add(second)

    world.meanwhile[Drift(Sort.STRANGER, GROUP, first).key] = removed
    assert [one.drift.entra_id for one in (await reconcile(began)).drifts] == [first]
    assert (world.seen[key].occasion, world.seen[key].outcome) == (1, "removed")


async def test_of_two_comparisons_at_once_one_removes_and_says_so() -> None:
    other = replace(ENDED, reference="MFA-2222-2222", subject=AGENT)
    world, reconcile = comparing(requests=[ENDED, other], members={SUBJECT.id, AGENT.id})
    began = world.moment
    first, second = sorted([Drift(Sort.OVERSTAYED, GROUP, one.subject.id, one.reference).key for one in (ENDED, other)])

    async def another() -> None:
        world.moment += timedelta(seconds=5)
        await reconcile(world.moment)
        world.moment += timedelta(seconds=5)

    world.meanwhile[first] = another
    await reconcile(began)
    assert [world.seen[key].occasion for key in (first, second)] == [1, 1]
    assert [entry.what for entry in world.written].count("drift") == 2
    assert [entry.what for entry in world.written].count("member_removed") == 2


async def test_what_another_comparison_has_found_since_is_not_over() -> None:
    world, reconcile = comparing(members={STRANGER.id})
    began = world.moment
    world.moment += timedelta(seconds=5)
    await reconcile(world.moment)
    world.read_before = set()
    await reconcile(began)
    assert outcomes(world) == [(Sort.STRANGER, "")]
    await reconcile(world.moment)
    assert outcomes(world) == [(Sort.STRANGER, "gone")]


@pytest.mark.parametrize("members", [{SUBJECT.id}, set()])
async def test_an_end_that_comes_while_a_comparison_is_under_way_is_no_drift(members: set[str]) -> None:
    world, reconcile = comparing(requests=[ON], members=members, sleeps=timedelta(days=2))
    world.moment = ON.ends_at - timedelta(hours=1) if ON.ends_at else LATER
    began = world.moment
    assert (await reconcile(began)).drifts == ()
    assert world.ended_at == [began]


async def test_nobody_adopts_themselves() -> None:
    world, reconcile = comparing(members={AGENT.id, STRANGER.id})
    await reconcile(world.moment)
    with pytest.raises(Refusal, match="your own account"):
        await reconcile.stranger(Drift(Sort.STRANGER, GROUP, AGENT.id).key, AGENT)
    assert await reconcile.stranger(Drift(Sort.STRANGER, GROUP, STRANGER.id).key, AGENT) == (STRANGER, "short")
    world.groups = {"exempt_short": "another", "exempt_long": GROUP}
    assert (await reconcile.stranger(Drift(Sort.STRANGER, GROUP, STRANGER.id).key, AGENT))[1] == "long"


@pytest.mark.parametrize("pressed_again", [True, False])
async def test_who_had_somebody_put_back_is_known_though_the_process_died_right_after(*, pressed_again: bool) -> None:
    world, reconcile = comparing(requests=[ON])
    await reconcile(world.moment)
    [missing] = await world.open()
    world.dies = True
    with pytest.raises(KeyboardInterrupt):
        await reconcile.put_back(missing.drift.key, AGENT, "click")
    world.dies = False
    assert await world.open() == (missing,)
    if pressed_again:
        await reconcile.put_back(missing.drift.key, AGENT, "click")
    else:
        world.moment += timedelta(hours=1)
        await reconcile(world.moment)
    assert [(one.outcome, one.by_id) for one in world.seen.values()] == [("put_back", AGENT.id)]
    assert [one.what for one in world.written] == ["drift", "put_back", "drift_over"]


async def test_whoever_was_put_back_earlier_has_nothing_to_do_with_who_is_missing_now() -> None:
    world, reconcile = comparing(requests=[ON])
    world.written.append(world.entry(ON.reference, Event(What.PUT_BACK, AGENT.id), world.moment - timedelta(days=1)))
    await reconcile(world.moment)
    world.members.add(SUBJECT.id)
    await reconcile(world.moment + timedelta(hours=1))
    assert [(one.outcome, one.by_id) for one in world.seen.values()] == [("gone", "")]
