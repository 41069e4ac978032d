"""The import of sites into the register: all lines are checked, then all changes are made together, or none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from domain.errors import Trouble
from domain.given_site import Fault, Given
from domain.moments import span
from domain.people import Person
from domain.site import Site, SiteStatus, warnings
from services.check_sites import CheckSites
from services.ports import Clock
from services.sites import Change, Plan, Sites, entry_of, kept_owners, plan, settled, site_of, succession_faults

DONE, FAULTS, TROUBLE = 0, 1, 2
"""The exit statuses."""
AT_ONCE = 8
TRIES = 6
EACH = 20
"""Progress is said after as many look-ups."""
LONGEST_WAIT = timedelta(minutes=2)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportSites:
    sites: Sites
    check: CheckSites
    clock: Clock
    policy_version: str
    say: Callable[[str], None]
    command: str
    """How to call this again in order to apply it, as it is typed."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """For the audit: the file, and the account of the machine that this runs under."""
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def __call__(
        self,
        given: Sequence[Given],
        half: Sequence[Given],
        faults: Sequence[Fault],
        codes: Iterable[str],
        *,
        apply: bool,
    ) -> int:
        """The exit status. `given` are the lines without a fault, `half` the others; `codes` are those of all."""
        try:
            return await self._import([*given, *half], faults, frozenset(codes), apply=apply)
        except Trouble as trouble:
            self.say(f"This cannot be done now: {trouble.message}.")
            self.say("Nothing was changed. Try again in a few minutes.")
            return TROUBLE

    async def _import(
        self, given: Sequence[Given], faults: Sequence[Fault], codes: frozenset[str], *, apply: bool
    ) -> int:
        register = {site.ods: site for site in await self.sites.all()}
        wanted = [settled(one, register.get(one.ods)) for one in given]
        circular = succession_faults(wanted, register, codes)
        mailboxes = await self._each("mailboxes", _open_mailboxes(wanted), self.check.mailbox)
        kept = {one.ods: kept_owners(one, register.get(one.ods)) for one in wanted}
        asked = dict.fromkeys(owner for one in wanted for owner in one.owners if owner not in kept[one.ods])
        people = await self._each("owners", tuple(asked), self.check.owner)
        found = [*faults, *circular, *_look_up_faults(wanted, kept, mailboxes, people)]
        bad = {fault.line for fault in found}
        known = {address: one for address, one in people.items() if isinstance(one, Person)}
        good = [site_of(one, known | kept[one.ods]) for one in wanted if one.line not in bad]
        planned = plan(good, register, codes)
        if good or not found:
            self._show(planned)
        if found:
            self._show_faults(found)
            return FAULTS
        return await self._finish(planned, apply=apply)

    async def _finish(self, planned: Plan, *, apply: bool) -> int:
        changes = [*planned.new, *planned.changed]
        if not changes:
            self.say("The register is as the file says. There is nothing to do.")
            return DONE
        if not apply:
            self.say(f"Nothing was changed. To apply: {self.command}")
            return DONE
        at = self.clock.now()
        entries = [entry_of(one, at, by_id="", policy_version=self.policy_version, more=self.origin) for one in changes]
        was = {one.was.ods: one.was for one in changes if one.was is not None}
        if not await self.sites.save([one.site for one in changes], entries, was=was):
            self.say("Somebody changed these sites in the meantime. Nothing was changed. Run this again.")
            return FAULTS
        self.say(f"Done: {_count(len(planned.new))} added, {len(planned.changed)} changed.")
        return DONE

    async def _each(self, what: str, keys: Sequence[str], ask: Callable[[str], Awaitable[T]]) -> dict[str, T]:
        """Asks about each, a few at a time, and says how far it is."""
        found: dict[str, T] = {}
        failed: list[Trouble] = []
        waiting = iter(keys)

        async def some() -> None:
            for key in waiting:
                found[key] = await self._patiently(ask, key)
                if len(found) % EACH == 0 or len(found) == len(keys):
                    self.say(f"Checking {what}: {len(found)} of {len(keys)} ...")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in keys[:AT_ONCE]:
                    group.create_task(some())
        except* Trouble as several:
            failed += [one for one in several.exceptions if isinstance(one, Trouble)]
        if failed:
            raise failed[0]
        return found

    async def _patiently(self, ask: Callable[[str], Awaitable[T]], key: str) -> T:
        """Waits as long as it is asked to, or a little longer each time; in the end the `Trouble` goes on."""
        for tried in range(1, TRIES):
            try:
                return await ask(key)
            except Trouble as trouble:
                wait = trouble.retry_after or timedelta(seconds=2 ** (tried - 1))
                if trouble.for_good or wait > LONGEST_WAIT:
                    raise
                self.say(f"{trouble.message}. Trying again in {span_of(wait)} ...")
                await self.pause(wait.total_seconds())
        return await ask(key)

    def _show(self, planned: Plan) -> None:
        rows = [
            *((one.site.ods, "new", one.site.name, _owners_said(one.site)) for one in planned.new),
            *((one.site.ods, "changed", one.site.name, _difference(one)) for one in planned.changed),
            *((one.ods, "not in the file", one.name, "stays as it is") for one in planned.not_named),
        ]
        self.say("")
        if rows:
            for line in table([("Code", "What", "Name", "Details"), *rows]):
                self.say(line)
            self.say("")
        for one in (*planned.new, *planned.changed):
            for sentence in warnings(one.site):
                self.say(f"Note on {one.site.ods}: {sentence}")
        self.say(
            f"{len(planned.new)} new, {len(planned.changed)} changed, {len(planned.unchanged)} unchanged, "
            f"{len(planned.not_named)} not in the file."
        )

    def _show_faults(self, found: Sequence[Fault]) -> None:
        self.say("")
        for fault in sorted(found, key=lambda one: one.line):
            self.say(str(fault))
        lines = len({fault.line for fault in found})
        self.say("")
        self.say(f"{'1 line has' if lines == 1 else f'{lines} lines have'} to be mended. Nothing was changed.")
        self.say("Mend the file, then run this again.")


def span_of(wait: timedelta) -> str:
    seconds = max(1, round(wait.total_seconds()))
    return f"{seconds} second{'' if seconds == 1 else 's'}" if seconds < 60 else span(wait)


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Plain text in columns; what is long is cut, except in the last column."""
    shown = [(*(_cut(cell) for cell in row[:-1]), row[-1]) for row in rows]
    widths = [max(len(row[at]) for row in shown) for at in range(len(shown[0]) - 1)]
    return [
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1])) for row in shown
    ]


def _cut(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _open_mailboxes(wanted: Iterable[Given]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.mailbox for one in wanted if one.mailbox and one.status is SiteStatus.OPEN))


def _look_up_faults(
    wanted: Iterable[Given],
    kept: Mapping[str, Mapping[str, Person]],
    mailboxes: Mapping[str, str],
    people: Mapping[str, Person | str],
) -> list[Fault]:
    found = []
    for one in wanted:
        if one.status is SiteStatus.OPEN and mailboxes.get(one.mailbox):
            found.append(Fault(one.line, mailboxes[one.mailbox]))
        for address in one.owners:
            person = None if address in kept[one.ods] else people[address]
            if isinstance(person, str):
                found.append(Fault(one.line, person))
    return found


def _owners_said(site: Site) -> str:
    owners = len(site.owners)
    return f"{owners} owner{'' if owners == 1 else 's'}, {site.mailbox}"


def _difference(change: Change) -> str:
    assert change.was is not None
    said = []
    for name in change.fields:
        if name == "owners":
            said.append(f"owners: {_owners_difference(change.site, change.was)}")
        else:
            now, before = getattr(change.site, name), getattr(change.was, name)
            said.append(f"{name.replace('_', ' ')}: {before or 'nothing'} becomes {now or 'nothing'}")
    return "; ".join(said)


def _owners_difference(site: Site, was: Site) -> str:
    now, before = ({one.id: one.address for one in owners} for owners in (site.owners, was.owners))
    added = [f"{address} comes" for entra_id, address in now.items() if entra_id not in before]
    gone = [f"{address} goes" for entra_id, address in before.items() if entra_id not in now]
    return ", ".join([*added, *gone]) or "their names or addresses, as Entra has them now"


def _count(number: int) -> str:
    return f"{number} site{'' if number == 1 else 's'}"
