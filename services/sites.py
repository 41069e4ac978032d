"""The register of sites: what the services need of it, and what a change of it means. Plans here are pure.

Each call of a port may raise `Trouble`; nothing else that is expected.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from domain.given_site import Fault, Given
from domain.people import Person
from domain.site import Site, SiteStatus
from services.book import Entry
from texts import say


class Sites(Protocol):
    async def by_code(self, ods: str) -> Site | None:
        """The site with this ODS code, in any case; None where there is none."""
        ...

    async def find(self, words: str, *, limit: int) -> tuple[Site, ...]:
        """The site with this code, else those with this mailbox, else those whose name has every word.

        At most `limit`; open sites first, then by name.
        """
        ...

    async def of_owner(self, person_id: str) -> tuple[Site, ...]:
        """The open sites that this person answers for, by name."""
        ...

    async def all(self) -> tuple[Site, ...]:
        """Every site, by code."""
        ...

    async def save(
        self, sites: Sequence[Site], entries: Sequence[Entry], *, was: Mapping[str, Site] | None = None
    ) -> bool:
        """Adds or changes these sites and writes the audit, all in one transaction.

        `was` is what the register held of these sites when it was read, by code: where it holds something else now,
        nothing is written, and the answer is False.
        """
        ...


class Mailboxes(Protocol):
    async def purpose(self, address: str) -> str:
        """What Exchange says that a mailbox is for: `shared`, `user`, `room` ...; empty where there is no mailbox."""
        ...


SITE_ADDED = "site_added"
SITE_CHANGED = "site_changed"


@dataclass(frozen=True, slots=True)
class Change:
    site: Site
    was: Site | None = None
    """None: the site is new."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what differs; the order of the owners does not count."""
        if self.was is None:
            return tuple(Site.__dataclass_fields__)
        now, before = _comparable(self.site), _comparable(self.was)
        return tuple(name for name in now if now[name] != before[name])


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. It takes nothing out: a site that closed is marked as closed."""

    new: tuple[Change, ...]
    changed: tuple[Change, ...]
    unchanged: tuple[Site, ...]
    not_named: tuple[Site, ...]
    """In the register and not in the file: they stay as they are."""


def plan(sites: Iterable[Site], register: Mapping[str, Site], codes: Collection[str] = ()) -> Plan:
    """`codes` are others that the file names, on lines that cannot be taken."""
    changes = [Change(site, register.get(site.ods)) for site in sites]
    named = {*codes, *(change.site.ods for change in changes)}
    return Plan(
        new=tuple(one for one in changes if one.was is None),
        changed=tuple(one for one in changes if one.was is not None and one.fields),
        unchanged=tuple(one.was for one in changes if one.was is not None and not one.fields),
        not_named=tuple(site for code, site in register.items() if code not in named),
    )


def settled(given: Given, was: Site | None) -> Given:
    """What was given, with what the register says of the status where nothing was said about it."""
    if given.status is not None:
        return given
    if was is None:
        return replace(given, status=SiteStatus.OPEN)
    return replace(given, status=was.status, succeeded_by=was.succeeded_by)


def site_of(given: Given, people: Mapping[str, Person]) -> Site:
    """`given` is settled, and `people` has each of its owners by the address. Two addresses may be one person."""
    owners = tuple({person.id: person for person in (people[address] for address in given.owners)}.values())
    return Site(given.ods, given.name, given.mailbox, owners, given.status or SiteStatus.OPEN, given.succeeded_by)


def kept_owners(given: Given, was: Site | None) -> dict[str, Person]:
    """Owners by address who need not be looked up: those of a site that is not open, where they are known already.

    Who answered for a closed site may have left, and it must still be possible to close it.
    """
    if was is None or given.status in (None, SiteStatus.OPEN):
        return {}
    return {owner.address.lower(): owner for owner in was.owners if owner.address.lower() in given.owners}


def succession_faults(
    sites: Sequence[Given], register: Mapping[str, Site], codes: Collection[str] = ()
) -> tuple[Fault, ...]:
    """Which of these settled sites are succeeded by an unknown site or in a circle.

    `codes` are others that are about to be known.
    """
    known = {*register, *codes, *(given.ods for given in sites)}
    successors = {code: site.succeeded_by for code, site in register.items() if site.succeeded_by}
    for given in reversed(sites):  # so that the first line of a code counts
        successors.pop(given.ods, None)
        if given.succeeded_by:
            successors[given.ods] = given.succeeded_by
    round_about = _circles(successors)
    found = []
    for given in sites:
        if given.succeeded_by and given.succeeded_by not in known:
            sentence = say("agent.successor_unknown", ods=given.succeeded_by)
            found.append(Fault(given.line, sentence))
        elif given.ods in round_about:
            way = " → ".join(round_about[given.ods][:MOST_SHOWN])
            sentence = say("agent.successors_in_a_circle", way=way)
            found.append(Fault(given.line, sentence))
    return tuple(found)


MOST_SHOWN = 8


def _circles(successors: Mapping[str, str]) -> dict[str, list[str]]:
    """Each code that leads back to itself, with the codes of its circle, itself first and last."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for start in successors:
        path: list[str] = []
        code = start
        while code in successors and code not in seen:
            seen.add(code)
            path.append(code)
            code = successors[code]
        if code in path:
            circle = path[path.index(code) :]
            found |= {one: [*circle[at:], *circle[:at], one] for at, one in enumerate(circle)}
    return found


def entry_of(
    change: Change,
    at: datetime,
    *,
    by_id: str,
    policy_version: str,
    activity: str = "",
    more: Mapping[str, str] | None = None,
) -> Entry:
    """The audit's line: what each field is and was."""
    details = dict(more or {})
    for name in change.fields:
        details[name] = _written(change.site, name)
        if change.was is not None:
            details[f"{name}_was"] = _written(change.was, name)
    what = SITE_ADDED if change.was is None else SITE_CHANGED
    return Entry(at, f"site:{change.site.ods}", what, by_id, activity, policy_version, details)


def _written(site: Site, name: str) -> str:
    if name == "owners":
        return "; ".join(f"{owner.address} {owner.id}" for owner in site.owners)
    return str(getattr(site, name))


def _comparable(site: Site) -> dict[str, object]:
    values = {name: getattr(site, name) for name in Site.__dataclass_fields__}
    return values | {"owners": frozenset(site.owners)}


async def add_missing(sites: Sites, wanted: Sequence[Site], at: datetime, policy_version: str) -> None:
    """Adds those whose code is not in the register, and leaves the others as they are."""
    while True:
        known = {site.ods for site in await sites.all()}
        missing = [Change(site) for site in wanted if site.ods not in known]
        entries = [entry_of(one, at, by_id="", policy_version=policy_version) for one in missing]
        if not missing or await sites.save([one.site for one in missing], entries, was={}):
            return
