"""`python app.py sites import`, as whoever looks after the register types it."""

import asyncio
import dataclasses
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from adapters.database import embedded, migrate
from sandbox.server import Sandbox
from tests.builders import ROOT
from tests.journeys.test_real import settings_of
from tests.journeys.world import World
from tests.microsoft import Microsoft
from tests.microsoft.people import TENANT

HEADER = "ods,name,mailbox,owners,status,succeeded_by"
RIVERSIDE = "ZZ901,Riverside Surgery,admin.riverside@nhs.example,helen.marsh@nhs.example imran.sheikh@nhs.example,,"
NEW = "ZZ777,Hightown Clinic,pharmacy.hightown@nhs.example,joy.adeyemi@nhs.example,open,"
USER_PURPOSE = "/v1.0/users/*/mailboxSettings/userPurpose"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as one:
        yield one


async def run(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """The exit status, and all that was printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", "sites", "import", *arguments, cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    text = said.decode()
    assert "Traceback" not in text, text
    assert process.returncode is not None
    return process.returncode, text


def write(world: World, *lines: str) -> str:
    path = world.folder / "sites.csv"
    path.write_text("\n".join((HEADER, *lines)))
    return str(path)


async def test_a_dry_run_then_the_import_itself_and_the_bot_knows_the_sites(world: World) -> None:
    file = write(world, RIVERSIDE, NEW)
    agent = world.seat(world.agent)
    status, said = await run(world.environment, file, "--sandbox")
    assert status == 0
    for part in ("Checking owners: 3 of 3 ...", "ZZ777  new", "name: Riverside Medical Practice becomes", "ZZT07"):
        assert part in said
    assert said.rstrip().endswith(f"Nothing was changed. To apply: python app.py sites import {file} --apply --sandbox")
    assert "no site “ZZ777”" in await agent.say("site ZZ777")

    status, said = await run(world.environment, file, "--apply", "--sandbox")
    assert status == 0
    assert "Done: 1 site added, 1 changed." in said
    assert "Joy Adeyemi" in await agent.say("site ZZ777")
    assert "Riverside Surgery" in await agent.say("site ZZ901")
    assert "Northmoor" in await agent.say("site ZZT07")


async def test_one_bad_line_and_nothing_is_written(world: World) -> None:
    wrong = "ZZ778,,anna.baker@nhs.example,farah.aziz@nhs.example;nobody@nhs.example,shut,"
    status, said = await run(world.environment, write(world, NEW, "", wrong), "--apply", "--sandbox")
    assert status == 1
    for sentence in (
        "line 4: the name is missing",
        "line 4: the status “shut” is not known",
        "line 4: the mailbox anna.baker@nhs.example is not a shared mailbox",
        "line 4: the account of the owner farah.aziz@nhs.example is disabled",
        "line 4: nobody has the address nobody@nhs.example",
        "1 line has to be mended. Nothing was changed.",
    ):
        assert sentence in said
    assert "no site “ZZ777”" in await world.seat(world.agent).say("site ZZ777")


async def test_a_file_that_is_no_table_of_sites_says_so_and_nothing_else(world: World) -> None:
    path = world.folder / "sites.csv"
    path.write_bytes(b"PK\x03\x04 a workbook")
    status, said = await run(world.environment, str(path), "--apply", "--sandbox")
    assert status == 1
    assert "line 1: the file is a workbook" in said
    assert "not in the file" not in said


async def test_entra_that_throttles_is_waited_for_and_one_that_stays_away_changes_nothing(world: World) -> None:
    file = write(world, NEW)
    await world.fault(method="GET", path=USER_PURPOSE, status=429, retry_after=1, times=2)
    status, said = await run(world.environment, file, "--sandbox")
    assert status == 0
    assert said.count("Graph answered 429") == 2
    await world.fault(method="GET", path=USER_PURPOSE, status=429, retry_after=3600, times=1)
    status, said = await run(world.environment, file, "--apply", "--sandbox")
    assert status == 2
    assert "Nothing was changed. Try again" in said
    assert "no site “ZZ777”" in await world.seat(world.agent).say("site ZZ777")


@pytest.fixture
def alone() -> Iterator[World]:
    """The settings of a world in which nothing runs."""
    world = World()
    yield world
    shutil.rmtree(world.folder, ignore_errors=True)


async def test_it_needs_no_running_bot(alone: World) -> None:
    file = write(alone, NEW)
    assert (await run(alone.environment, file, "--apply", "--sandbox"))[0] == 0
    status, said = await run(alone.environment, file, "--sandbox")
    assert status == 0
    assert "There is nothing to do." in said


async def test_a_file_that_is_not_there_and_missing_settings_exit_with_2(alone: World) -> None:
    missing = str(alone.folder / "none.csv")
    status, said = await run(alone.environment, missing, "--sandbox")
    assert status == 2
    assert "none.csv: cannot be read" in said
    status, said = await run(alone.environment, missing)
    assert status == 2
    assert "DATABASE_URL is missing" in said


async def test_it_asks_entra_with_a_real_token_and_wants_the_tables_first(alone: World) -> None:
    file = write(alone, NEW)
    sandbox = Sandbox(dataclasses.replace(alone.tenant, tenant_id=TENANT), alone.folder, port=0)
    await sandbox.start()
    url = await asyncio.to_thread(embedded.start, alone.folder / "pg")
    async with Microsoft() as microsoft:
        environment = settings_of(microsoft, sandbox, url, alone.folder)
        status, said = await run(environment, file)
        assert status == 2
        assert "Run “python app.py migrate” first" in said
        await asyncio.to_thread(migrate.migrate, url)
        status, said = await run(environment, file, "--apply")
        assert status == 0
        assert "Done: 1 site added, 0 changed." in said
        assert microsoft.login.requests
    await sandbox.close()
