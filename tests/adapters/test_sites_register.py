"""The register of sites in a real PostgreSQL."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import embedded, migrate
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.sites import PostgresSites
from domain.people import Person
from domain.site import Site, SiteStatus
from services.book import Entry
from tests.builders import AGENT, NOON, person

HELEN, IMRAN = person("Helen Marsh"), person("Imran Sheikh")
RIVERSIDE = Site("ZZ901", "Riverside Medical Practice", "admin.riverside@nhs.example", (HELEN, IMRAN))
HIGHTOWN = Site("ZZP42", "Hightown Pharmacy", "pharmacy.hightown@nhs.example", (HELEN,))
OLD = Site("A0O1I", "A Riverside branch", "branch@nhs.example", (HELEN,), SiteStatus.SUCCEEDED, "ZZ901")


@dataclass
class Register:
    sites: PostgresSites
    book: PostgresBook
    engine: AsyncEngine


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="mfa-"))
    address = embedded.start(folder / "pg")
    migrate.migrate(address)
    yield address
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def register(url: str) -> AsyncIterator[Register]:
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE sites"))
    yield Register(PostgresSites(engine), PostgresBook(engine), engine)
    await engine.dispose()


def entry(site: Site, **details: str) -> Entry:
    return Entry(NOON, f"site:{site.ods}", "site_changed", AGENT.id, "", "1", details)


async def test_a_site_comes_back_as_it_was_saved(register: Register) -> None:
    assert await register.sites.save([RIVERSIDE, OLD], [])
    assert await register.sites.by_code(" zz901 ") == RIVERSIDE
    assert await register.sites.all() == (OLD, RIVERSIDE)
    assert await register.sites.by_code("ZZ902") is None


async def test_a_site_that_is_there_is_changed_and_who_did_it_is_written(register: Register) -> None:
    await register.sites.save([RIVERSIDE], [])
    changed = replace(RIVERSIDE, name="Riverside Surgery", owners=(IMRAN,))
    await register.sites.save([changed], [entry(changed, name="x")])
    assert await register.sites.all() == (changed,)
    assert (await register.book.entries("site:ZZ901"))[-1] == entry(changed, name="x")


async def test_sites_and_audit_are_saved_together_or_not_at_all(register: Register) -> None:
    before = await register.book.entries("site:ZZP42")
    broken = replace(entry(HIGHTOWN), by_id=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="null value"):
        await register.sites.save([HIGHTOWN], [broken])
    assert await register.sites.all() == ()
    assert await register.book.entries("site:ZZP42") == before


async def test_a_site_that_has_moved_on_is_not_overwritten(register: Register) -> None:
    await register.sites.save([RIVERSIDE], [])
    first, second = replace(RIVERSIDE, name="First"), replace(RIVERSIDE, name="Second")
    was = {RIVERSIDE.ods: RIVERSIDE}
    both = await asyncio.gather(*(register.sites.save([one], [], was=was) for one in (first, second)))
    assert sorted(both) == [False, True]
    assert await register.sites.all() == ((first,) if both[0] else (second,))


async def test_a_site_that_somebody_else_added_is_not_overwritten(register: Register) -> None:
    await register.sites.save([RIVERSIDE], [])
    assert not await register.sites.save([replace(RIVERSIDE, name="Mine"), HIGHTOWN], [], was={})
    assert await register.sites.all() == (RIVERSIDE,)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("zzp42", [HIGHTOWN]),
        ("ADMIN.Riverside@nhs.example", [RIVERSIDE]),
        ("riverside", [RIVERSIDE, OLD]),
        ("practice river", [RIVERSIDE]),
        ("river pharmacy", []),
        ("%", []),
        ("_", []),
        ("high%own", []),
        ("", []),
        ("\x00\ud800", []),
        ("nobody@nhs.example", []),
    ],
)
async def test_a_site_is_found_by_code_mailbox_or_words(register: Register, words: str, found: list[Site]) -> None:
    await register.sites.save([RIVERSIDE, HIGHTOWN, OLD], [])
    assert await register.sites.find(words, limit=10) == tuple(found)


async def test_wildcards_in_a_name_are_found_as_they_are(register: Register) -> None:
    odd = replace(RIVERSIDE, ods="X1", name="100% Health_Care / North")
    await register.sites.save([odd, RIVERSIDE], [])
    for words in ("100%", "health_care", "/"):
        assert await register.sites.find(words, limit=10) == (odd,)


async def test_no_more_are_found_than_asked_for(register: Register) -> None:
    await register.sites.save([RIVERSIDE, replace(RIVERSIDE, ods="X2"), OLD], [])
    assert [site.ods for site in await register.sites.find("riverside", limit=2)] == ["X2", "ZZ901"]


async def test_an_owner_has_the_open_sites_by_name(register: Register) -> None:
    await register.sites.save([RIVERSIDE, HIGHTOWN, OLD], [])
    assert await register.sites.of_owner(HELEN.id) == (HIGHTOWN, RIVERSIDE)
    assert await register.sites.of_owner(IMRAN.id) == (RIVERSIDE,)
    assert await register.sites.of_owner(Person("id-of", "", "").id) == ()


async def test_twenty_thousand_sites_are_saved_in_one_go(register: Register) -> None:
    many = [replace(RIVERSIDE, ods=f"N{number}") for number in range(20_000)]
    assert await register.sites.save(many, [entry(site) for site in many], was={})
    assert len(await register.sites.all()) == 20_000


async def test_the_table_is_the_one_that_the_migration_makes(register: Register) -> None:
    async with register.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_name = 'sites' ORDER BY ordinal_position"
            )
        )
        assert list(found.scalars()) == ["ods", "name", "mailbox", "owners", "status", "succeeded_by", "updated_at"]
