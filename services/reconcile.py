"""Compares the exemption groups in Entra with the book, both ways, and does what may be done about it.

Whoever has overstayed is removed at once. Everything else is only shown: somebody of the helpdesk settles it. Where
reading is in doubt, nothing is done.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from domain.commands import PutBack, Tick
from domain.drift import FEW, Drift, Entitlement, Sort, compare, compare_exclusions, few_at_once
from domain.errors import NoSuchGroup, NotPermitted, Refusal, Throttled, Trouble
from domain.events import Event, What
from domain.outcome import filled
from domain.people import Person
from domain.permissions import check_agent
from domain.policy import GROUPS, SHORT
from domain.request import State
from services.book import Entry
from services.carry_out import CarryOut
from services.drifts import NOT_PERMITTED, Added, DirectoryAudit, Drifts, Known, Members, MfaPolicy, Seen
from services.end import EndExemption
from services.expecting import expecting_removal
from services.figures import Figures
from services.ports import Exemptions
from texts import say

log = structlog.get_logger(__name__)
WHOLE_EVERY = timedelta(days=1)
"""Entra's changes are believed for so long; then everybody is read again."""
MOST_LOOKED_AT = 300
"""So many at once are looked at again before they are called too many: Entra may just be late."""
ASKED_FOR = timedelta(hours=2)
"""So long after the removal Entra's audit is asked who had added whoever was removed at once."""
_OF_EXCLUSIONS = frozenset({Sort.EXCLUSION_GONE, Sort.EXCLUSION_MORE})
_LATER = "not done yet, will be tried again"


@dataclass(frozen=True, slots=True)
class Found:
    drift: Drift
    done: str
    """What was, or would be, done about it."""
    trouble: str = ""
    """Why it could not be looked at again, or be done."""
    wait: timedelta | None = None
    """How long Entra asked us to wait."""


@dataclass(frozen=True, slots=True)
class Report:
    drifts: tuple[Found, ...]
    troubles: tuple[str, ...] = ()
    """What could not be read or done, a sentence each."""
    wait: timedelta | None = None
    """How long Entra asked us to wait, at the most."""


@dataclass(frozen=True, slots=True)
class Reconcile:
    carry_out: CarryOut
    exemptions: Exemptions
    members: Members
    audit: DirectoryAudit
    drifts: Drifts
    figures: Figures
    mfa_policy: MfaPolicy | None = None
    """None: the settings do not name it."""
    most: int | None = None
    """Instead of the policy's `most_removals`."""

    @property
    def groups(self) -> frozenset[str]:
        """The exemption groups of the settings; both kinds may share one."""
        return frozenset(self.carry_out.groups[name] for name in GROUPS if self.carry_out.groups.get(name))

    @property
    def _ending(self) -> EndExemption:
        return EndExemption(self.carry_out.book, self.carry_out, self.exemptions, self.figures)

    async def is_due(self) -> bool:
        at, now = await self.drifts.compared_at(), self.carry_out.clock.now()
        return at is None or abs(now - at) >= self.carry_out.policy.reconcile.every

    async def __call__(self, began: datetime, *, dry_run: bool = False) -> Report:
        """`began`: a moment from before what is due was moved on. What only becomes due meanwhile is no drift.

        Raises `Trouble` where the members or the book cannot be read; then nothing was done.
        """
        known, unread = await self._read(began, dry_run=dry_run)
        done = await self._each(await self._of_members(known, began), began, dry_run=dry_run)
        exclusions, cannot = await self._of_exclusions()
        done += await self._each(exclusions, began, dry_run=dry_run)
        troubles = [f"{one.drift.key}: {one.trouble}" for one in done if one.trouble]
        troubles += [f"members of {group}: {message}" for group, message in unread.items()]
        if not dry_run:
            await self._over([one.drift for one in done], began, unread, exclusions_read=cannot is None)
            if not troubles:
                await self.drifts.compared(began)
            if cannot is None or isinstance(cannot, NotPermitted):  # which is optional
                await self.drifts.policy_compared(began)
            await self._find_earlier(began)
        if cannot is not None:
            troubles.append(f"the MFA policy's exclusions were not read: {cannot.message}")
        wait = max((one.wait for one in done if one.wait), default=None)
        return Report(tuple(done), tuple(troubles), wait)

    async def _each(self, drifts: Iterable[Drift], began: datetime, *, dry_run: bool) -> list[Found]:
        """Those that are so still, or may be. Whoever has overstayed comes first.

        Once Entra asks us to wait, only their removals are still tried: the others would make us wait for longer.
        """
        done: list[Found] = []
        for drift in sorted(drifts, key=lambda one: one.sort is not Sort.OVERSTAYED):
            wait = next((one.wait for one in reversed(done) if one.wait), None)
            if wait and drift.sort is not Sort.OVERSTAYED:
                done.append(Found(drift, _LATER, "Entra asks us to wait", wait))
            elif found := await self._one(drift, began, dry_run=dry_run):
                done.append(found)
        return done

    async def _one(self, drift: Drift, began: datetime, *, dry_run: bool) -> Found | None:
        """None where it is no more so, or was settled meanwhile. One that cannot be read keeps nobody from the next."""
        try:
            return await self._do(drift, began, dry_run=dry_run) if await self._is_so(drift) else None
        except Trouble as trouble:
            wait = trouble.retry_after if isinstance(trouble, Throttled) else None
            return Found(drift, _LATER, trouble.message, wait)
        except Exception:
            log.exception("a drift could not be dealt with", key=drift.key)
            return Found(drift, _LATER, "a mistake of the program, which its log describes")

    async def _read(self, began: datetime, *, dry_run: bool) -> tuple[Known, dict[str, str]]:
        """Members first and the book afterwards: whoever is being granted meanwhile is in the book already.

        And the older groups that could not be read, with why.
        """
        known = None if dry_run else await self.drifts.known()
        fresh = known is not None and known.whole_at is not None and abs(began - known.whole_at) < WHOLE_EVERY
        read = await self.members.read(self.groups, known if fresh else None)
        if not (fresh and known and read.whole_at == known.whole_at):
            read = replace(read, whole_at=began)
        if not dry_run:
            await self.drifts.keep(read)
        older, unread = await self._older()
        return replace(read, members={**read.members, **older}), unread

    async def _older(self) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
        """Who is in the groups of exceptions from before the settings changed, and which of them were not read.

        Also of a drift that is still open there. One of them keeps nobody else from being compared. One that Entra does
        not know any more exempts nobody.
        """
        members: dict[str, frozenset[str]] = {}
        unread: dict[str, str] = {}
        drifting = {one.drift.group for one in await self.drifts.open() if one.drift.group}
        for group in sorted((await self.drifts.groups_in_use() | drifting) - self.groups):
            try:
                members |= (await self.members.read({group}, None)).members
            except Throttled:
                raise
            except NoSuchGroup:
                log.warning("there is an older exemption group no more", group=group)
            except Trouble as trouble:
                unread[group] = trouble.message
        return members, unread

    async def _of_members(self, known: Known, began: datetime) -> tuple[Drift, ...]:
        policy = self.carry_out.policy
        everybody = frozenset(one for ids in known.members.values() for one in ids)
        entitlements = await self.drifts.entitlements(known.members, everybody)
        # In a thread, so that people get their answers meanwhile.
        found = await asyncio.to_thread(compare, known.members, entitlements, policy, began)
        shown = {one.drift.key for one in await self.drifts.open()}
        few = self._few(found, known, shown)
        many = {one.entra_id for one in few if one.sort is Sort.MANY}
        doubtful = [one for one in found if one.sort in many]
        if not doubtful or len(doubtful) > MOST_LOOKED_AT:
            return few
        certain = [one for one in found if one.sort not in many]
        return self._few([*certain, *await self._still_so(doubtful)], known, shown)

    def _few(self, found: Sequence[Drift], known: Known, shown: Collection[str]) -> tuple[Drift, ...]:
        if self.most is None:
            return few_at_once(found, known.members, self.carry_out.policy.reconcile.most_removals, shown=shown)
        return few_at_once(found, known.members, self.most, shown=shown, few=max(FEW, self.most))

    async def _still_so(self, drifts: Sequence[Drift]) -> list[Drift]:
        """Those that are so when they are looked at again, and all that cannot be looked at."""
        kept: list[Drift] = []
        for number, drift in enumerate(drifts):
            try:
                if await self._is_so(drift):
                    kept.append(drift)
            except Throttled:
                return [*kept, *drifts[number:]]
            except Exception as error:
                log.warning("one of many could not be looked at again", key=drift.key, error=repr(error))
                kept.append(drift)
        return kept

    async def _is_so(self, drift: Drift) -> bool:
        """Looks again at this one, in Entra and then in the book: what was read of everybody may be minutes old."""
        if not drift.group:
            return True
        member = await self._is_member(drift)
        return drift.key in {one.key for one in await self._about(drift.group, drift.entra_id, member=member)}

    async def _is_member(self, drift: Drift) -> bool:
        if await self.exemptions.contains(drift.group, drift.entra_id):
            return True
        if drift.sort is not Sort.STRANGER or await self.carry_out.directory.person(drift.entra_id) is not None:
            return False
        # Another group within the group, say, or a deleted account: that was asked of people only.
        return await self.members.holds(drift.group, drift.entra_id)

    async def _about(self, group: str, entra_id: str, *, member: bool) -> tuple[Drift, ...]:
        theirs = await self.drifts.entitlements({group}, {entra_id}, of=entra_id)
        now = self.carry_out.clock.now()
        return compare({group: {entra_id} if member else set()}, theirs, self.carry_out.policy, now)

    async def _of_exclusions(self) -> tuple[tuple[Drift, ...], Trouble | None]:
        """What is wrong with whom the MFA policy leaves out; or why that cannot be read."""
        if self.mfa_policy is None:
            return (), None
        try:
            left_out = await self.mfa_policy.left_out()
        except Trouble as trouble:
            log.warning("exclusions not read", message=trouble.message)
            return (), trouble
        if left_out is None:
            log.error("there is no policy with the id that MFA_POLICY_ID says")
            left_out = frozenset()
        groups = self.groups | await self.drifts.groups_in_use()
        return compare_exclusions(left_out, groups, self.carry_out.policy.reconcile.other_exclusions), None

    async def _do(self, drift: Drift, began: datetime, *, dry_run: bool) -> Found | None:
        overstayed = drift.sort is Sort.OVERSTAYED
        if dry_run:
            return Found(drift, "would be removed, with an alarm" if overstayed else "an alarm would be shown")
        seen = await self._see(drift, began)
        if seen is None:
            return None
        try:
            if overstayed:
                await self._remove(drift)
        finally:
            if seen.drift.sort in (Sort.STRANGER, Sort.OVERSTAYED) and not seen.added.at:
                await self._find_who(seen)
        if overstayed:
            return Found(drift, "removed, alarm shown")
        return Found(drift, "alarm shown" if seen.first_seen == seen.last_seen else "alarm shown before")

    async def _see(self, drift: Drift, began: datetime) -> Seen | None:
        now = self.carry_out.clock.now()
        details = _details(drift) | filled(number=str(drift.number or ""))
        seen = await self.drifts.see(drift, now, self._entry(drift, What.DRIFT, now, details), began)
        if seen is not None:
            log.warning("drift", sort=drift.sort.value, key=drift.key, reference=drift.reference)
        return seen

    async def _find_earlier(self, began: datetime) -> None:
        """Of those that were removed at once, when Entra's audit could not have it yet."""
        for seen in await self.drifts.removed_since(began - ASKED_FOR):
            if seen.over_at is not None and seen.over_at <= began:
                await self._find_who(seen)

    async def _find_who(self, seen: Seen) -> None:
        """Entra's audit comes some minutes late, so it is looked at again with each comparison."""
        try:
            added = await self.audit.added(seen.drift.group, seen.drift.entra_id, seen.last_seen)
        except NotPermitted:
            added = Added(NOT_PERMITTED)
        except Trouble as trouble:
            log.warning("who added a member is not known", message=trouble.message)
            return
        if added != seen.added:
            await self.drifts.know(seen.drift.key, added)

    async def _remove(self, drift: Drift) -> None:
        """Takes out whoever has overstayed, by the same steps as any end."""
        request = await self.carry_out.book.request(drift.reference)
        assert request is not None
        if request.state is State.ACTIVE:
            request = await self.carry_out(request.reference, Tick())
        if request.state is State.ENDING:
            await self._ending(request)
        elif request.state is State.ENDED:
            await self._ending.take_out(request)
        await self._settle(drift, "removed", "", What.MEMBER_REMOVED)

    async def _over(
        self, found: Sequence[Drift], began: datetime, unread: Collection[str], *, exclusions_read: bool
    ) -> None:
        """What was found earlier and is no more. Another comparison may have found some of it since this one began."""
        keys = {one.key for one in found}
        unknown = {Sort(one.entra_id) for one in found if one.sort is Sort.MANY}
        unknown |= frozenset() if exclusions_read else _OF_EXCLUSIONS
        unknown |= {Sort.MANY} if unread else frozenset()
        for seen in await self.drifts.open():
            not_read = seen.drift.sort in unknown or seen.drift.group in unread
            if seen.drift.key not in keys and not not_read and seen.last_seen <= began:
                await self._gone(seen)

    async def _gone(self, seen: Seen) -> None:
        """It is no more, because of whoever asked for the removal or put it back, or without anybody here."""
        if by := await self._put_back_by(seen):
            await self._settle(seen.drift, "put_back", by)
        elif seen.by_id and await self._held(seen.drift) is None:
            await self._settle(seen.drift, "removed", seen.by_id, What.MEMBER_REMOVED)
        else:
            await self._settle(seen.drift, "gone", "")

    async def remove(self, key: str, by: Person, activity: str) -> None:
        """Somebody of the helpdesk takes a stranger out of the group. Raises `Refusal`."""
        seen = await self._open(key, by, Sort.STRANGER)
        drift = seen.drift
        if not await self._is_so(drift):
            await self._gone(seen)
            if seen.by_id:
                return
            raise _over_already()
        now = self.carry_out.clock.now()
        asked = self._entry(drift, What.REMOVAL_ASKED, now, _details(drift), by.id, activity)
        if not await self.drifts.ask(key, by.id, asked):
            raise _over_already()
        tenant = self.carry_out.tenant_id
        with expecting_removal(tenant, drift.group, drift.entra_id, by.id, f"{drift.key}:{seen.occasion}"):
            await self.exemptions.remove(drift.group, drift.entra_id)
        if await self._is_member(drift):
            raise Trouble("Entra still shows the account in the exemption group")
        if await self._held(drift):
            await self._give_back(drift)
        await self._settle(drift, "removed", by.id, What.MEMBER_REMOVED, activity)

    async def put_back(self, key: str, by: Person, activity: str) -> None:
        """Somebody of the helpdesk has whoever is missing granted again. Raises `Refusal`."""
        seen = await self._open(key, by, Sort.MISSING)
        done_by = await self._put_back_by(seen)
        if not done_by:
            await self.carry_out(seen.drift.reference, PutBack(by), activity)
        await self._settle(seen.drift, "put_back", done_by or by.id, activity=activity)

    async def _put_back_by(self, seen: Seen) -> str:
        """Who did, where the process died before it could be written here; empty where nobody did."""
        if seen.drift.sort is not Sort.MISSING:
            return ""
        entries = await self.carry_out.book.entries(seen.drift.reference)
        mine = [one.by_id for one in entries if one.what == What.PUT_BACK.value and one.at >= seen.first_seen]
        return mine[-1] if mine else ""

    async def stranger(self, key: str, by: Person) -> tuple[Person, str]:
        """Who it is and the kind of exception to ask for, where somebody of the helpdesk adopts a stranger."""
        drift = (await self._open(key, by, Sort.STRANGER)).drift
        person = await self.carry_out.directory.person(drift.entra_id)
        if person is None:
            raise Refusal(say("agent.drift_not_a_person"), rule="person")
        if person.id == by.id:
            raise Refusal(say("agent.drift_own_account"), rule="own_request")
        return person, kind_of(drift.group, self.carry_out)

    async def _open(self, key: str, by: Person, sort: Sort) -> Seen:
        await self.only_agents(by)
        seen = await self.drifts.one(key)
        if seen is None or seen.drift.sort is not sort or seen.over_at is not None:
            raise _over_already()
        return seen

    async def only_agents(self, by: Person) -> None:
        check_agent(await self.carry_out.helpdesk_groups(by.id))

    async def _held(self, drift: Drift) -> Entitlement | None:
        theirs = await self.drifts.entitlements({drift.group}, set(), of=drift.entra_id)
        return next((one for one in theirs if one.state in (State.GRANTING, State.ACTIVE)), None)

    async def _give_back(self, drift: Drift) -> None:
        """They were granted an exception while they were being removed."""
        held = await self._held(drift)
        if held is not None:
            await self._ending.hand_over(held.reference, begins=True)

    async def _settle(
        self, drift: Drift, outcome: str, by_id: str, also: What | None = None, activity: str = ""
    ) -> None:
        now = self.carry_out.clock.now()
        details = _details(drift) | {"outcome": outcome}
        entries = [self._entry(drift, what, now, details, by_id, activity) for what in (also, What.DRIFT_OVER) if what]
        await self.drifts.settle(drift.key, outcome=outcome, by_id=by_id, at=now, entries=entries)

    def _entry(
        self, drift: Drift, what: What, at: datetime, details: dict[str, str], by_id: str = "", activity: str = ""
    ) -> Entry:
        about = drift.reference or (f"account:{drift.entra_id}" if drift.group else "mfa_policy")
        return self.carry_out.entry(about, Event(what, by_id, details), at, activity)


def _details(drift: Drift) -> dict[str, str]:
    return filled(sort=drift.sort.value, group=drift.group, subject=drift.entra_id)


def _over_already() -> Refusal:
    return Refusal(say("agent.drift_over"), rule="drift_over")


def kind_of(group: str, carry_out: CarryOut) -> str:
    """The kind of exception whose group this is; the short one where both share it."""
    kinds = kinds_of(group, carry_out)
    return SHORT if SHORT in kinds or not kinds else next(iter(kinds))


def kinds_of(group: str, carry_out: CarryOut) -> Collection[str]:
    return [name for name, kind in carry_out.policy.kinds.items() if carry_out.groups.get(kind.group) == group]
