"""`python app.py person export` and `erase`, as whoever answers a subject access request types them."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.chat import PostgresAddresses, PostgresCopies
from adapters.database.drafts import PostgresDrafts
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.notices import PostgresNotices
from adapters.database.person_records import PostgresPersonRecords
from domain.request import Answer, State
from services.book import Copy, Draft, Entry
from services.chat import Address, Scope, Sent
from tests.adapters.postgres import postgres
from tests.builders import AGENT, ASKER, NOON, OWNER, ROOT, STRANGER, SUBJECT, long_request, request

CLOSED, OPEN, OF_ANOTHER = "MFA-2222-2222", "MFA-3333-3333", "MFA-4444-4444"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as started:
        yield started


@pytest.fixture
async def database(url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(url)
    async with engine.begin() as connection:
        names = "requests, drafts, addresses, copies, notices, evidence, evidence_files, file_links"
        await connection.execute(text(f"TRUNCATE {names}"))
        await connection.execute(text("DELETE FROM procrastinate_jobs"))
    yield engine
    await engine.dispose()


def chat_of(name: str) -> Address:
    return Address("https://smba.trafficmanager.net/uk/", f"a:{name}", "tenant", "28:bot", Scope.PERSONAL)


async def keep(database: AsyncEngine, *, still_open: bool = False) -> None:
    """A closed long-term request about Sam, asked for by Alex; where wanted an open one; and a stranger's."""
    book, evidence = PostgresBook(database), PostgresEvidence(database, [Fernet.generate_key().decode()])
    closed = long_request(
        State.ENDED,
        reference=CLOSED,
        asked_by=ASKER,
        tried=(Answer("phone", "words about why it fails"),),
    )
    other = request(State.AWAITING_DECISION, reference=OF_ANOTHER, subject=STRANGER, asked_by=STRANGER)
    wanted = [closed, other]
    if still_open:
        wanted.append(request(State.AWAITING_DECISION, reference=OPEN))
    async with book.page() as page:
        for one in wanted:
            assert await page.add(replace(one, next_due=None))
            await page.record([Entry(NOON, one.reference, "asked", one.asked_by.id, "", "2026-1", {"reason": "x"})])
    await evidence.keep_answer(CLOSED, "why", "about health", NOON)
    addresses = PostgresAddresses(database)
    for person in (SUBJECT, ASKER, STRANGER):
        await addresses.remember(person.id, f"29:{person.id}", chat_of(person.name), NOON)
        await PostgresDrafts(database).keep(Draft(person.id, "short", {"words": f"draft of {person.name}"}, NOON))
        reference = OF_ANOTHER if person is STRANGER else CLOSED
        await PostgresCopies(database).add_copy(Copy(reference, "mine", person.id, Sent(chat_of(person.name), "17")))
    await PostgresNotices(database).begin(f"{CLOSED}:granted:subject", CLOSED, NOON)


async def rows(database: AsyncEngine, table: str) -> list[dict[str, Any]]:
    async with database.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(f"SELECT * FROM {table}"))).mappings()]


def run(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "app.py", "person", *arguments],
        cwd=ROOT,
        env=kept | {"DATABASE_URL": url, "USER": "records.officer"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_an_export_holds_all_that_is_kept_about_a_person(url: str, database: AsyncEngine, tmp_path: Path) -> None:
    await keep(database)
    out = tmp_path / "sam.json"
    done = await asyncio.to_thread(run, "export", SUBJECT.id, "--out", str(out), url=url)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert [one["reference"] for one in found["requests"]] == [CLOSED]
    assert found["requests"][0]["tried"] == [{"id": "phone", "words": "words about why it fails"}]
    assert {one["reference"] for one in found["audit"]} == {CLOSED}
    assert [one["answers"]["words"] for one in found["drafts"]] == ["draft of Sam Price"]
    assert [one["person_id"] for one in found["addresses"]] == [SUBJECT.id]
    assert [one["key"] for one in found["notices"]] == [f"{CLOSED}:granted:subject"]
    assert [(one["reference"], one["files"]) for one in found["evidence"]] == [(CLOSED, 0)]
    assert STRANGER.id not in out.read_text()
    assert "about health" not in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


async def test_a_person_is_found_by_their_address_however_it_is_written(
    url: str, database: AsyncEngine, tmp_path: Path
) -> None:
    await keep(database)
    out = tmp_path / "sam.json"
    done = await asyncio.to_thread(run, "export", SUBJECT.address.upper(), "--out", str(out), url=url)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["about"]["entra_ids"] == [SUBJECT.id]


async def test_an_export_never_writes_over_a_file(url: str, database: AsyncEngine, tmp_path: Path) -> None:
    await keep(database)
    out = tmp_path / "sam.json"
    out.write_text("mine")
    done = await asyncio.to_thread(run, "export", SUBJECT.id, "--out", str(out), url=url)
    assert (done.returncode, out.read_text()) == (1, "mine")
    assert "Traceback" not in done.stderr


async def test_whoever_only_decided_or_answers_for_the_site_is_not_given_somebody_elses_story(
    database: AsyncEngine,
) -> None:
    await keep(database)
    records = PostgresPersonRecords(database)
    for person in (OWNER, AGENT):
        (one,) = (await records.everything([person.id]))["requests"]
        said = json.dumps(one)
        assert person.name in said
        assert "another person" in said
        assert "why it fails" not in said
        assert "authenticator" not in said.lower()


async def test_whoever_asked_for_a_colleague_reads_what_they_wrote_and_not_the_colleagues_methods(
    database: AsyncEngine,
) -> None:
    await keep(database)
    (one,) = (await PostgresPersonRecords(database).everything([ASKER.id]))["requests"]
    assert one["tried"]
    assert "methods" not in one


async def test_without_yes_nothing_is_erased_and_it_is_said_what_would_be(url: str, database: AsyncEngine) -> None:
    await keep(database)
    done = await asyncio.to_thread(run, "erase", SUBJECT.id, url=url)
    assert done.returncode == 1
    assert "half-finished conversations 1, Teams addresses 1, cards 1" in done.stdout
    assert "Run it again with --yes" in done.stdout
    assert len(await rows(database, "drafts")) == 3


async def test_what_need_not_stay_is_erased_and_the_rest_stays_with_the_reason(url: str, database: AsyncEngine) -> None:
    await keep(database)
    before = await rows(database, "audit")
    done = await asyncio.to_thread(run, "erase", SUBJECT.id, "--yes", url=url)
    assert done.returncode == 0, done.stderr
    assert "The requests and the audit stay" in done.stdout
    assert "article 17(3)(b)" in done.stdout
    others = {ASKER.id, STRANGER.id}
    assert {one["person_id"] for one in await rows(database, "drafts")} == others
    assert {one["person_id"] for one in await rows(database, "addresses")} == others
    assert {one["viewer_id"] for one in await rows(database, "copies")} == others
    assert await rows(database, "evidence") == []
    assert {one["reference"] for one in await rows(database, "requests")} == {CLOSED, OF_ANOTHER}
    audit = await rows(database, "audit")
    assert audit[: len(before)] == before
    (erased,) = audit[len(before) :]
    assert (erased["reference"], erased["what"]) == (f"person:{SUBJECT.id}", "erased")
    assert erased["details"] == {
        "account": "records.officer",
        "drafts": "1",
        "addresses": "1",
        "cards": "1",
        "evidence": CLOSED,
    }
    (job,) = await rows(database, "procrastinate_jobs")
    assert job["args"]["reference"] == CLOSED, "the bot writes it on the request"


async def test_while_a_request_is_open_the_address_stays_because_the_person_must_be_told(
    url: str, database: AsyncEngine
) -> None:
    await keep(database, still_open=True)
    done = await asyncio.to_thread(run, "erase", SUBJECT.id, "--yes", url=url)
    assert done.returncode == 0, done.stderr
    assert f"Not closed yet: {OPEN}" in done.stdout
    assert SUBJECT.id in {one["person_id"] for one in await rows(database, "addresses")}
    assert SUBJECT.id not in {one["person_id"] for one in await rows(database, "drafts")}


async def test_evidence_of_a_request_that_is_open_is_not_erased(database: AsyncEngine) -> None:
    evidence = PostgresEvidence(database, [Fernet.generate_key().decode()])
    async with PostgresBook(database).page() as page:
        await page.add(long_request(State.AWAITING_DECISION, reference=OPEN))
    await evidence.keep_answer(OPEN, "why", "words", NOON)
    found = await PostgresPersonRecords(database).erase([SUBJECT.id], NOON, {})
    assert found.evidence == ()
    assert await evidence.answers(OPEN) == {"why": "words"}


async def test_nothing_about_somebody_is_said_as_such(url: str, database: AsyncEngine, tmp_path: Path) -> None:
    await keep(database)
    for arguments in (
        ("export", "nobody@nhs.net", "--out", str(tmp_path / "x.json")),
        ("erase", "no-such-id", "--yes"),
    ):
        done = await asyncio.to_thread(run, *arguments, url=url)
        assert done.returncode == 1
        assert "There is nothing about" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.json").exists()


def test_without_a_database_it_says_so() -> None:
    done = run("erase", "somebody", url="")
    assert done.returncode == 2
    assert "DATABASE_URL is missing" in done.stderr
