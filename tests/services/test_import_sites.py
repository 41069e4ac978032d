"""The import of sites: what it plans, what it asks, how long it waits, and that it does all or nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.errors import Trouble
from domain.given_site import Fault, Given
from domain.people import Person
from domain.site import Site, SiteStatus
from services.book import Entry
from services.check_sites import CheckSites
from services.import_sites import AT_ONCE, DONE, FAULTS, TRIES, TROUBLE, ImportSites
from services.sites import Change, add_missing, entry_of, kept_owners, plan, settled, succession_faults
from tests.builders import AGENT, NOON, account, person

HELEN, IMRAN = person("Helen Marsh"), person("Imran Sheikh")
RIVERSIDE = Site("ZZ901", "Riverside", "river@nhs.example", (HELEN, IMRAN))
HIGHTOWN = Site("ZZP42", "Hightown", "high@nhs.example", (HELEN,))


def given(site: Site = RIVERSIDE, line: int = 2, **parts: object) -> Given:
    owners = tuple(owner.address for owner in site.owners)
    one = Given(site.ods, site.name, site.mailbox, owners, site.status, site.succeeded_by, line)
    return replace(one, **parts)  # type: ignore[arg-type]


@dataclass
class Register:
    kept: dict[str, Site] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    before_save: Sequence[Site] = ()
    """What somebody else writes in the meantime."""

    async def by_code(self, ods: str) -> Site | None:
        return self.kept.get(ods)

    async def find(self, words: str, *, limit: int) -> tuple[Site, ...]:
        return tuple(site for site in self.kept.values() if site.ods == words)[:limit]

    async def of_owner(self, person_id: str) -> tuple[Site, ...]:
        return ()

    async def all(self) -> tuple[Site, ...]:
        return tuple(self.kept.values())

    async def save(
        self, sites: Sequence[Site], entries: Sequence[Entry], *, was: Mapping[str, Site] | None = None
    ) -> bool:
        self.kept |= {site.ods: site for site in self.before_save}
        self.before_save = ()
        now = {site.ods: self.kept[site.ods] for site in sites if site.ods in self.kept}
        if was is not None and now != {code: site for code, site in was.items() if code in now or code in was}:
            return False
        self.kept |= {site.ods: site for site in sites}
        self.entries += entries
        return True


@dataclass
class World:
    """Entra and Exchange, with faults in a row."""

    people: tuple[Person, ...] = (HELEN, IMRAN)
    disabled: tuple[Person, ...] = ()
    shared: frozenset[str] = frozenset({RIVERSIDE.mailbox, HIGHTOWN.mailbox})
    troubles: list[Trouble] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    now_asking: int = 0
    most_at_once: int = 0

    async def person(self, entra_id: str) -> Person | None:
        return None

    async def find(self, words: str, *, limit: int) -> tuple[Person, ...]:
        self.asked.append(words)
        if self.troubles:
            raise self.troubles.pop(0)
        self.now_asking += 1
        self.most_at_once = max(self.most_at_once, self.now_asking)
        for _ in range(3):
            await asyncio.sleep(0)
        self.now_asking -= 1
        return tuple(one for one in self.people if one.address == words)

    async def account(self, entra_id: str) -> object:
        found = next(one for one in self.people if one.id == entra_id)
        return account(person=found, enabled=found not in self.disabled)

    async def groups_of(self, entra_id: str, among: object) -> frozenset[str]:
        return frozenset()

    async def purpose(self, address: str) -> str:
        return "shared" if address in self.shared else "user"

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


class Noon:
    def now(self) -> datetime:
        return NOON


async def run(
    register: Register,
    world: World,
    lines: Sequence[Given],
    *,
    half: Sequence[Given] = (),
    faults: Sequence[Fault] = (),
    apply: bool = True,
) -> tuple[int, str]:
    said: list[str] = []
    importing = ImportSites(
        sites=register,
        check=CheckSites(world, world),  # type: ignore[arg-type]  # two ports in one fake
        clock=Noon(),
        policy_version="1",
        say=said.append,
        command="import it --apply",
        origin={"file": "sites.csv"},
        pause=world.pause,
    )
    codes = {one.ods for one in (*lines, *half)}
    status = await importing(lines, half, faults, codes, apply=apply)
    return status, "\n".join(said)


async def test_a_dry_run_shows_and_changes_nothing() -> None:
    register = Register()
    status, said = await run(register, World(), [given()], apply=False)
    assert status == DONE
    assert register.kept == {}
    assert "ZZ901  new   Riverside" in said
    assert said.endswith("Nothing was changed. To apply: import it --apply")


async def test_applying_writes_the_sites_and_who_and_what_to_the_audit() -> None:
    register = Register({RIVERSIDE.ods: replace(RIVERSIDE, name="Old", owners=(HELEN,))})
    status, said = await run(register, World(), [given(), given(HIGHTOWN, 3)])
    assert status == DONE
    assert register.kept[RIVERSIDE.ods] == RIVERSIDE
    assert "name: Old becomes Riverside; owners: imran.sheikh@nhs.net comes" in said
    assert "Done: 1 site added, 1 changed." in said
    assert [one.reference for one in register.entries] == ["site:ZZP42", "site:ZZ901"]
    changed = register.entries[1]
    assert changed.what == "site_changed"
    assert changed.details == {
        "file": "sites.csv",
        "name": "Riverside",
        "name_was": "Old",
        "owners": f"{HELEN.address} {HELEN.id}; {IMRAN.address} {IMRAN.id}",
        "owners_was": f"{HELEN.address} {HELEN.id}",
    }


async def test_one_bad_line_stops_all_and_every_fault_is_told() -> None:
    register = Register()
    world = World(disabled=(IMRAN,))
    half = given(HIGHTOWN, 3, name="", mailbox="not.shared@nhs.example")
    status, said = await run(
        register, world, [given(), given(HIGHTOWN, 4, ods="X", owners=())],
        half=[half], faults=[Fault(3, "The name is missing.")],
    )  # fmt: skip
    assert status == FAULTS
    assert register.kept == {}
    assert [line for line in said.splitlines() if line.startswith("line ")] == [
        "line 2: the account of the owner imran.sheikh@nhs.net is disabled. Name another owner, or take the address "
        "out.",
        "line 3: the name is missing.",
        "line 3: the mailbox not.shared@nhs.example is not a shared mailbox. Write the address of the site's shared "
        "mailbox.",
    ]
    assert "2 lines have to be mended. Nothing was changed." in said


async def test_sites_that_the_file_does_not_name_stay_as_they_are() -> None:
    register = Register({HIGHTOWN.ods: HIGHTOWN})
    _, said = await run(register, World(), [given()])
    assert "ZZP42  not in the file  Hightown" in said
    assert register.kept[HIGHTOWN.ods] == HIGHTOWN


async def test_nothing_is_written_where_nothing_differs() -> None:
    register = Register({RIVERSIDE.ods: RIVERSIDE})
    status, said = await run(register, World(), [given(owners=(IMRAN.address, HELEN.address))])
    assert status == DONE
    assert register.entries == []
    assert "nothing to do" in said


async def test_an_import_does_not_undo_what_somebody_did_meanwhile() -> None:
    register = Register({RIVERSIDE.ods: replace(RIVERSIDE, name="Old")})
    theirs = replace(RIVERSIDE, name="Theirs")
    register.before_save = [theirs]
    status, said = await run(register, World(), [given()])
    assert status == FAULTS
    assert register.kept[RIVERSIDE.ods] == theirs
    assert "Nothing was changed. Run this again." in said


async def test_each_owner_is_asked_for_once_and_a_few_at_a_time() -> None:
    people = tuple(person(f"Owner N{number}") for number in range(45))
    world = World(people=people)
    sites = [replace(RIVERSIDE, ods=f"N{number}", owners=(one, people[0])) for number, one in enumerate(people)]
    status, said = await run(Register(), world, [given(site, n + 2) for n, site in enumerate(sites)])
    assert status == DONE
    assert sorted(world.asked) == sorted(one.address for one in people)
    assert world.most_at_once <= AT_ONCE
    for progress in ("Checking owners: 20 of 45 ...", "40 of 45", "45 of 45"):
        assert progress in said


async def test_a_throttled_question_is_asked_again_after_the_wait() -> None:
    world = World(troubles=[Trouble("Graph answered 429", retry_after=timedelta(seconds=7)), Trouble("Graph is away")])
    status, said = await run(Register(), world, [given(owners=(HELEN.address,))])
    assert status == DONE
    assert world.waits == [7.0, 2.0]
    assert "Graph answered 429. Trying again in 7 seconds ..." in said


async def test_waiting_has_an_end_and_then_nothing_is_changed() -> None:
    register = Register()
    world = World(troubles=[Trouble("Graph answered 503")] * 100)
    status, said = await run(register, world, [given(owners=(HELEN.address,))])
    assert status == TROUBLE
    assert len(world.asked) == TRIES
    assert register.kept == {}
    assert said.endswith("Nothing was changed. Try again in a few minutes.")
    assert "Graph answered 503." in said


async def test_a_very_long_wait_is_not_waited_for() -> None:
    world = World(troubles=[Trouble("Graph answered 429", retry_after=timedelta(hours=1))])
    status, _ = await run(Register(), world, [given(owners=(HELEN.address,))])
    assert status == TROUBLE
    assert world.waits == []


async def test_a_site_can_be_closed_although_its_owner_and_its_mailbox_are_gone() -> None:
    register = Register({RIVERSIDE.ods: RIVERSIDE})
    world = World(people=(), shared=frozenset())
    status, _ = await run(register, world, [given(status=SiteStatus.CLOSED)])
    assert status == DONE
    assert register.kept[RIVERSIDE.ods] == replace(RIVERSIDE, status=SiteStatus.CLOSED)


async def test_two_addresses_of_one_person_are_one_owner() -> None:
    class Aliased(World):
        async def find(self, words: str, *, limit: int) -> tuple[Person, ...]:
            return (HELEN,)

    register = Register()
    await run(register, Aliased(), [given(owners=("helen.marsh@nhs.net", "h.marsh@nhs.net"))])
    assert register.kept[RIVERSIDE.ods].owners == (HELEN,)


async def test_an_address_that_two_accounts_share_is_refused() -> None:
    class Doubled(World):
        async def find(self, words: str, *, limit: int) -> tuple[Person, ...]:
            return (HELEN, IMRAN)

    status, said = await run(Register(), Doubled(), [given(owners=(HELEN.address,))])
    assert status == FAULTS
    assert "several accounts have the address" in said


def test_a_status_that_was_not_given_stays_as_it_is() -> None:
    closed = replace(RIVERSIDE, status=SiteStatus.SUCCEEDED, succeeded_by="ZZP42")
    silent = given(status=None)
    assert settled(silent, None).status is SiteStatus.OPEN
    assert (settled(silent, closed).status, settled(silent, closed).succeeded_by) == (SiteStatus.SUCCEEDED, "ZZP42")
    assert settled(given(), closed).status is SiteStatus.OPEN


def test_an_open_site_has_all_its_owners_looked_up() -> None:
    assert kept_owners(given(), RIVERSIDE) == {}
    assert set(kept_owners(given(status=SiteStatus.CLOSED), RIVERSIDE)) == {HELEN.address, IMRAN.address}


def succeeded(code: str, by: str, line: int = 0) -> Given:
    return given(line=line, ods=code, status=SiteStatus.SUCCEEDED, succeeded_by=by)


def test_a_circle_of_successors_is_told_on_each_of_its_lines_also_through_the_register() -> None:
    register = {"C": replace(RIVERSIDE, ods="C", status=SiteStatus.SUCCEEDED, succeeded_by="A")}
    found = succession_faults([succeeded("A", "B", 2), succeeded("B", "C", 3), succeeded("D", "A", 4)], register)
    assert [fault.line for fault in found] == [2, 3]
    assert "A to B to C to A" in found[0].sentence


def test_a_successor_is_known_from_the_register_or_from_the_file() -> None:
    lines = [succeeded("A", "B", 2), given(line=3, ods="B"), succeeded("C", "ZZ901", 4), succeeded("D", "BAD", 5)]
    assert succession_faults(lines, {"ZZ901": RIVERSIDE}, {"BAD"}) == ()
    assert [fault.line for fault in succession_faults([succeeded("A", "NONE", 2)], {})] == [2]


def test_a_circle_that_the_file_opens_is_no_fault() -> None:
    register = {
        code: replace(RIVERSIDE, ods=code, status=SiteStatus.SUCCEEDED, succeeded_by=by)
        for code, by in (("A", "B"), ("B", "A"))
    }
    assert succession_faults([given(ods="A")], register) == ()


def test_twenty_thousand_sites_after_each_other_are_looked_through() -> None:
    lines = [succeeded(f"N{number}", f"N{number + 1}", number) for number in range(20_000)]
    assert len(succession_faults(lines, {})) == 1
    assert len(succession_faults([*lines, succeeded("N20000", "N0")], {})) == 20_001


def test_a_plan_tells_new_changed_unchanged_and_not_named() -> None:
    register = {one.ods: one for one in (RIVERSIDE, HIGHTOWN, replace(HIGHTOWN, ods="X"), replace(HIGHTOWN, ods="BAD"))}
    new, changed = replace(HIGHTOWN, ods="N"), replace(HIGHTOWN, name="Other")
    planned = plan([new, changed, RIVERSIDE], register, {"BAD"})
    assert [one.site for one in planned.new] == [new]
    assert [(one.site, one.fields) for one in planned.changed] == [(changed, ("name",))]
    assert planned.unchanged == (RIVERSIDE,)
    assert [one.ods for one in planned.not_named] == ["X"]


def test_the_audit_says_what_was_and_what_is() -> None:
    change = Change(replace(RIVERSIDE, status=SiteStatus.CLOSED), RIVERSIDE)
    entry = entry_of(change, NOON, by_id=AGENT.id, policy_version="1", activity="f:1")
    assert (entry.reference, entry.what, entry.by_id, entry.activity) == (
        "site:ZZ901", "site_changed", AGENT.id, "f:1"
    )  # fmt: skip
    assert entry.details == {"status": "closed", "status_was": "open"}


async def test_sites_of_the_tenant_file_are_added_once_and_never_overwrite() -> None:
    mine = replace(RIVERSIDE, name="Corrected in chat")
    register = Register({RIVERSIDE.ods: mine})
    for _ in range(2):
        await add_missing(register, [RIVERSIDE, HIGHTOWN], NOON, "1")
    assert register.kept == {RIVERSIDE.ods: mine, HIGHTOWN.ods: HIGHTOWN}
    assert [(one.reference, one.what) for one in register.entries] == [("site:ZZP42", "site_added")]
