"""The audit's chain in a real PostgreSQL: who puts on it, at once too, and what is found when it is touched."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RaiseException
from sqlalchemy import event

from adapters.database import migrate, roles
from adapters.database.audit import reading
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.notices import PostgresNotices
from adapters.database.sites import PostgresSites
from adapters.policy_file import BadFileError
from domain.chain import Checked, Finding, Head, check
from domain.effects import Refresh
from domain.errors import Trouble
from domain.site import Site
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON, ROOT

TENANT = "t1"
PLAIN = """
INSERT INTO audit (at, reference, what, by_id, activity, policy_version, details, tenant_id)
VALUES (now(), '', '', '', '', '', '{}', 't1')
"""
ODD = {"b": 'quote " and \\ and \x01\x7f\n\t', "ä": "ü 😀 \u2028 é", "B": "", "aa": "</script>"}


def entry(number: int, reference: str = "MFA-AAAA-AAAA", **details: str) -> Entry:
    at = NOON + timedelta(microseconds=number)
    return Entry(at, reference, "asked", f"person-{number}", f"activity {number}", "1", details)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@dataclass(frozen=True, slots=True)
class Audit:
    url: str

    async def add(self, *entries: Entry, tenant_id: str = TENANT) -> None:
        """One transaction each."""
        engine = make_engine(self.url)
        book = PostgresBook(engine, tenant_id)
        for one in entries:
            async with book.page() as page:
                await page.record([one])
        await engine.dispose()

    def findings(self, *anchors: Head, tenant_id: str = TENANT) -> list[Finding]:
        with reading(self.url) as audit:
            head = audit.heads()[tenant_id]
            known = lambda hashes: audit.known(tenant_id, hashes)  # noqa: E731
            return list(check(audit.links(tenant_id), head, anchors, known, Checked()))

    def found(self, *anchors: Head) -> list[tuple[str, int]]:
        return [(one.kind.value, one.number) for one in self.findings(*anchors)]

    def head(self, tenant_id: str = TENANT) -> Head:
        with reading(self.url) as audit:
            head = audit.heads()[tenant_id]
        assert head is not None
        return head

    def tamper(self, *statements: str) -> None:
        """As a superuser would: with every trigger out of the way."""
        with psycopg.connect(self.url) as connection:
            connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
            connection.execute("DROP INDEX IF EXISTS audit_in_order")
            for statement in statements:
                connection.execute(statement)
            connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            [sys.executable, "app.py", *arguments],
            cwd=ROOT, env=environ | {"DATABASE_URL": self.url}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


_number = 0


@contextmanager
def copy_of(server: str) -> Iterator[Audit]:
    """A database of its own on the same server."""
    global _number
    _number += 1
    name = f"copy{_number}"
    with psycopg.connect(server, autocommit=True) as connection:
        other = server.replace("/postgres?", "/template1?")
        with psycopg.connect(other, autocommit=True) as elsewhere:
            connection.close()
            elsewhere.execute(f"CREATE DATABASE {name} TEMPLATE postgres")
    yield Audit(server.replace("/postgres?", f"/{name}?"))


@pytest.fixture
def audit(server: str) -> Iterator[Audit]:
    with copy_of(server) as one:
        yield one


@pytest.fixture
async def ten(audit: Audit) -> Audit:
    await audit.add(*[entry(number, **ODD) for number in range(1, 11)])
    return audit


async def test_entries_that_nobody_touched_are_whole_whatever_is_in_them(ten: Audit) -> None:
    assert ten.findings() == []
    assert ten.head().number == 10


async def test_every_tenant_has_a_chain_of_its_own(audit: Audit) -> None:
    await audit.add(entry(1), entry(2))
    await audit.add(entry(3), tenant_id="t2")
    assert (audit.head().number, audit.head("t2").number) == (2, 1)
    assert audit.findings(tenant_id="t2") == []


async def test_whoever_does_not_name_a_tenant_is_on_the_only_chain_that_there_is(audit: Audit) -> None:
    await audit.add(entry(1))
    await audit.add(entry(2), tenant_id="")
    assert audit.head().number == 2
    await audit.add(entry(3), tenant_id="t2")
    await audit.add(entry(4), tenant_id="")
    assert (audit.head().number, audit.head("t2").number, audit.head("").number) == (2, 1, 1)
    assert audit.findings() == audit.findings(tenant_id="t2") == audit.findings(tenant_id="") == []


async def test_sites_notices_and_pages_use_the_same_door(audit: Audit) -> None:
    engine = make_engine(audit.url)
    site = Site("ZZ901", "Riverside", "admin@nhs.example", ())
    assert await PostgresSites(engine, TENANT).save([site], [entry(1, "site:ZZ901")])
    await PostgresNotices(engine, TENANT).finish(["key"], way="teams", activity_id="1", at=NOON, entries=[entry(2)])
    async with PostgresBook(engine, TENANT).page() as page:
        await page.record([entry(3), entry(4)])
        await page.record([entry(5)])
    await engine.dispose()
    assert audit.findings() == []
    assert audit.rows("SELECT by_id FROM audit ORDER BY number") == [(f"person-{number}",) for number in range(1, 6)]


async def test_many_writers_at_once_make_one_chain_in_the_order_of_their_commits(audit: Audit) -> None:
    engines = [make_engine(audit.url) for _ in range(3)]
    books = [PostgresBook(engine, TENANT) for engine in engines]

    async def write(number: int) -> None:
        async with books[number % 3].page() as page:
            await page.record([entry(number), entry(number + 1000)])
            await asyncio.sleep(0)
            await page.want([Refresh(f"MFA-{number}")])

    await asyncio.gather(*[write(number) for number in range(90)])
    for engine in engines:
        await engine.dispose()
    assert audit.findings() == []
    assert audit.head().number == 180
    pairs = audit.rows("SELECT count(*) FROM audit a JOIN audit b ON b.number = a.number + 1 WHERE a.number % 2 = 1 "
                       "AND b.by_id = 'person-' || (substr(a.by_id, 8)::int + 1000)")  # fmt: skip
    assert pairs == [(90,)], "entries of one transaction stay together"


async def test_thousands_of_entries_in_one_transaction_and_several_tenants_in_one_statement_are_chained(
    audit: Audit,
) -> None:
    engine = make_engine(audit.url)
    async with PostgresBook(engine, TENANT).page() as page:
        await page.record([entry(number) for number in range(5000)])
    await engine.dispose()
    with psycopg.connect(audit.url) as connection:
        connection.execute(PLAIN + ", (now(), '', '', '', '', '', '{}', 't2'), (now(), '', '', '', '', '', '{}', 't1')")
        connection.execute(PLAIN)
    assert (audit.head().number, audit.head("t2").number) == (5003, 1)
    assert audit.findings() == audit.findings(tenant_id="t2") == []


async def test_entries_go_on_after_a_removed_end_and_hide_nothing(ten: Audit) -> None:
    ten.tamper("DELETE FROM audit WHERE number > 7")
    await ten.add(entry(11), entry(12))
    assert ten.found() == [("removed", 8)]


async def test_a_transaction_that_is_taken_back_leaves_no_gap(ten: Audit) -> None:
    engine = make_engine(ten.url)

    async def fail() -> None:
        async with PostgresBook(engine, TENANT).page() as page:
            await page.record([entry(11)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with psycopg.connect(ten.url) as connection:
        connection.execute(PLAIN)
        connection.rollback()
    await engine.dispose()
    await ten.add(entry(12))
    assert ten.findings() == []
    assert ten.head().number == 11


async def test_a_writer_that_is_killed_before_its_commit_leaves_no_gap(ten: Audit) -> None:
    script = (
        "import os, sys, psycopg\n"
        "connection = psycopg.connect(sys.argv[1])\n"
        "connection.execute(sys.argv[2])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script, ten.url, PLAIN], check=False)
    assert killed.returncode == -9
    await ten.add(entry(12))
    assert ten.findings() == []
    assert ten.head().number == 11


async def test_the_audit_costs_a_transaction_one_statement_and_it_is_the_last_one(audit: Audit) -> None:
    engine = make_engine(audit.url)
    statements: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(*told: Any) -> None:
        statements.append(told[2])

    async with PostgresBook(engine, TENANT).page() as page:
        await page.record([entry(1), entry(2)])
        await page.want([Refresh("MFA-1")])
        await page.record([entry(3)])
    await engine.dispose()
    assert ["INTO audit" in one for one in statements].count(True) == 1
    assert "INTO audit" in statements[-1]


@pytest.mark.parametrize(
    "change",
    ["by_id = 'other'", "what = 'approved'", "reference = 'x'", "activity = ''", "policy_version = '2'",
     "at = at + interval '1 microsecond'", "details = details || '{\"b\": \"\"}'", "details = '{}'",
     "details = details || '{\"new\": \"\"}'", f"hash = '{'0' * 64}'", f"previous = '{'0' * 64}'"],
)  # fmt: skip
async def test_a_changed_field_is_found_and_the_entry_named(ten: Audit, change: str) -> None:
    ten.tamper(f"UPDATE audit SET {change} WHERE number = 4")
    assert ten.found() == [("changed", 4)]
    (identity,) = ten.rows("SELECT id FROM audit WHERE number = 4")[0]
    assert ten.findings()[0].sentence.startswith(f"Entry 4 (id {identity}) was changed")


@pytest.mark.parametrize(("gone", "first"), [("number = 1", 1), ("number = 5", 5), ("number BETWEEN 3 AND 6", 3)])
async def test_a_removed_row_is_found(ten: Audit, gone: str, first: int) -> None:
    ten.tamper(f"DELETE FROM audit WHERE {gone}")
    assert ten.found() == [("removed", first)]


async def test_a_row_that_is_removed_with_the_numbers_closed_up_is_found(ten: Audit) -> None:
    ten.tamper(
        "DELETE FROM audit WHERE number = 5",
        "UPDATE audit SET number = number - 1 WHERE number > 5",
        "UPDATE audit_heads SET number = 9",
    )
    assert ten.found() == [("removed", 5)]


async def test_a_removed_end_is_found_by_the_databases_own_count(ten: Audit) -> None:
    ten.tamper("DELETE FROM audit WHERE number > 7")
    assert ten.found() == [("removed", 8)]


async def test_a_removed_end_is_found_by_an_anchor_when_the_count_is_changed_too(ten: Audit) -> None:
    anchor = Head(9, ten.rows("SELECT hash FROM audit WHERE number = 9")[0][0], "yesterday")
    ten.tamper(
        "DELETE FROM audit WHERE number > 7",
        "UPDATE audit_heads SET number = 7, hash = (SELECT hash FROM audit WHERE number = 7)",
    )
    assert ten.found() == []
    assert ten.found(anchor) == [("removed", 8)]
    await ten.add(*[entry(number) for number in range(20, 25)])
    assert ten.found() == []
    assert ten.found(anchor) == [("changed", 9)]


INSERTED = (
    "INSERT INTO audit "
    "(at, reference, what, by_id, activity, policy_version, details, tenant_id, number, previous, hash) "
    "SELECT at, reference, 'approved', by_id, activity, policy_version, details, tenant_id, {number}, {previous}, "
    "repeat('a', 64) FROM audit WHERE number = 1"
)
SEAL = (
    "UPDATE audit a SET hash = encode(sha256(convert_to(audit_digest(a) || previous, 'UTF8')), 'hex') "
    "WHERE what = 'approved'"
)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("previous", ["repeat('b', 64)", "(SELECT hash FROM audit WHERE number = 4)"])
async def test_an_inserted_row_is_found(ten: Audit, previous: str, sealed: bool) -> None:
    ten.tamper(
        INSERTED.format(number=1005, previous=previous),
        "UPDATE audit SET number = number + 1 WHERE number BETWEEN 5 AND 10",
        "UPDATE audit SET number = 5 WHERE number = 1005",
        *([SEAL] if sealed else []),
        "UPDATE audit_heads SET number = 11",
    )
    assert ten.found() == [("inserted", 5)]


async def test_a_row_with_a_number_that_is_taken_is_found(ten: Audit) -> None:
    ten.tamper(INSERTED.format(number=5, previous="(SELECT hash FROM audit WHERE number = 4)"), SEAL)
    assert ten.found() == [("inserted", 5)]


async def test_a_row_behind_the_end_is_found(ten: Audit) -> None:
    ten.tamper(INSERTED.format(number=11, previous="(SELECT hash FROM audit WHERE number = 10)"), SEAL)
    assert ten.found() == [("inserted", 11)]


@pytest.mark.parametrize(("one", "other"), [(5, 6), (3, 8), (1, 10)])
async def test_rows_that_changed_places_are_found(ten: Audit, one: int, other: int) -> None:
    ten.tamper(
        f"UPDATE audit SET number = CASE number WHEN {one} THEN {other} ELSE {one} END WHERE number IN ({one}, {other})"
    )
    assert ten.found() == [("reordered", one), ("reordered", other)]


async def test_rows_whose_contents_changed_places_are_found(ten: Audit) -> None:
    columns = ("at", "reference", "what", "by_id", "activity", "policy_version", "details")
    ten.tamper(
        f"UPDATE audit a SET ({', '.join(columns)}) = (SELECT {', '.join(columns)} FROM audit b "
        "WHERE b.number = 10 - a.number) WHERE number IN (3, 7)"
    )
    assert ten.found() == [("reordered", 3), ("reordered", 7)]


async def test_a_row_that_was_moved_is_the_only_one_named(ten: Audit) -> None:
    ten.tamper("UPDATE audit SET number = CASE number WHEN 3 THEN 7 ELSE number - 1 END WHERE number BETWEEN 3 AND 7")
    assert ten.found() == [("reordered", 7)]


async def test_a_chain_that_was_computed_anew_is_found_by_an_anchor(ten: Audit) -> None:
    anchor = ten.head()
    ten.tamper(
        "UPDATE audit SET what = 'approved' WHERE number = 10",
        SEAL,
        "UPDATE audit_heads SET hash = (SELECT hash FROM audit WHERE number = 10)",
    )
    assert ten.found() == []
    assert ten.found(anchor) == [("changed", 10)]


async def test_several_things_at_once_are_each_found(ten: Audit) -> None:
    ten.tamper("UPDATE audit SET by_id = '' WHERE number IN (2, 9)", "DELETE FROM audit WHERE number = 6")
    assert sorted(ten.found(), key=lambda one: one[1]) == [("changed", 2), ("removed", 6), ("changed", 9)]


async def test_nobody_gets_round_the_chain_by_giving_hashes(ten: Audit) -> None:
    with psycopg.connect(ten.url) as connection:
        connection.execute(INSERTED.format(number=3, previous="repeat('b', 64)"))
    assert ten.findings() == []
    assert ten.head().number == 11


async def test_the_applications_role_adds_and_reads_and_nothing_else(ten: Audit) -> None:
    with psycopg.connect(ten.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE app LOGIN")
    roles.grant(ten.url, "app")
    as_app = ten.url.replace("postgres:@", "app:@")
    with psycopg.connect(as_app, autocommit=True) as connection:
        for refused in (
            "UPDATE audit SET by_id = ''", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit",
            "ALTER TABLE audit DISABLE TRIGGER ALL", "ALTER TABLE audit DISABLE TRIGGER audit_only_grows",
            "ALTER TABLE audit DISABLE TRIGGER audit_chained", "DROP TRIGGER audit_only_grows ON audit",
            "SET session_replication_role = replica", "UPDATE audit_heads SET number = 0", "DELETE FROM audit_heads",
            "INSERT INTO audit_heads VALUES ('t9', 1, '')",
            "CREATE OR REPLACE FUNCTION audit_chained() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "UPDATE alembic_version SET version_num = ''",
        ):  # fmt: skip
            with pytest.raises(InsufficientPrivilege):
                connection.execute(refused)
        # A table of its own with that name does not stand in for ours.
        connection.execute("CREATE TEMPORARY TABLE audit_heads AS SELECT * FROM public.audit_heads")
        connection.execute(INSERTED.format(number=1, previous="''"))
        assert connection.execute("SELECT number FROM pg_temp.audit_heads").fetchall() == [(10,)]
    await Audit(as_app).add(entry(12))
    engine = make_engine(as_app)
    async with PostgresBook(engine, TENANT).page() as page:
        await page.record([entry(13)])
        await page.want([Refresh("MFA-1")])
    assert await PostgresSites(engine, TENANT).save([Site("ZZ901", "A", "a@nhs.example", ())], [entry(14)])
    await engine.dispose()
    assert ten.findings() == []
    assert ten.head().number == 14


async def test_the_owner_cannot_change_it_by_mistake_either(ten: Audit) -> None:
    with psycopg.connect(ten.url, autocommit=True) as connection:
        for refused in (
            "UPDATE audit SET by_id = ''",
            "DELETE FROM audit",
            "TRUNCATE audit",
            "DELETE FROM audit_heads",
        ):
            with pytest.raises(RaiseException, match="only grows"):
                connection.execute(refused)


@pytest.mark.parametrize(("role", "said"), [("postgres", "superuser"), ("nobody_has_this", "no role")])
def test_a_role_that_cannot_be_kept_out_is_refused(audit: Audit, role: str, said: str) -> None:
    with pytest.raises(BadFileError, match=said):
        roles.grant(audit.url, role)


def test_the_command_says_that_it_is_whole_or_what_is_wrong(ten: Audit, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.jsonl"
    whole = ten.run("audit", "verify")
    assert (whole.returncode, ten.head().hash in whole.stdout, "10 entries" in whole.stdout) == (0, True, True)
    for _ in range(2):
        assert ten.run("audit", "anchor", str(anchors)).returncode == 0
    assert len(anchors.read_text().splitlines()) == 2
    assert ten.run("audit", "verify", "--anchor", str(anchors)).returncode == 0
    ten.tamper(
        "DELETE FROM audit WHERE number = 10",
        "UPDATE audit_heads SET number = 9, hash = (SELECT hash FROM audit WHERE number = 9)",
    )
    assert ten.run("audit", "verify").returncode == 0
    found = ten.run("audit", "verify", "--anchor", str(anchors))
    assert found.returncode == 1
    assert found.stdout.startswith("Entry 10 was removed: the anchor of 20")
    ten.tamper("UPDATE audit SET by_id = '' WHERE number = 3")
    assert "Entry 3 (id " in ten.run("audit", "verify").stdout


def test_bad_files_and_databases_are_a_sentence(audit: Audit, tmp_path: Path) -> None:
    bad = tmp_path / "anchors.jsonl"
    bad.write_text('{"number": 1}\n')
    for arguments, said in (
        (("audit", "verify", "--anchor", str(bad)), "line 1: this is not an anchor"),
        (("audit", "verify", "--anchor", str(tmp_path / "none")), "cannot be read"),
        (("audit", "anchor", str(tmp_path / "no" / "folder")), "cannot be written"),
        (("audit", "export", "--out", str(tmp_path / "out")), "Say what to export"),
        (("audit", "export", "--person", "nobody@nhs.example", "--out", str(tmp_path / "out")), "Nobody had"),
        (("audit", "export", "--request", "x", "--out", str(tmp_path / "out")), "is not a reference"),
    ):
        done = audit.run(*arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr


ADDED_BEFORE = "INSERT INTO audit (at, reference, what, by_id, activity, policy_version, details) "


@pytest.fixture
def before(server: str) -> Audit:
    """A database from before the chain, with rows in it: those of 5 requests of two tenants, and one of none."""
    global _number
    _number += 1
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE before{_number}")
    old = Audit(server.replace("/postgres?", f"/before{_number}?"))
    migrate.migrate(old.url, "0006")
    with psycopg.connect(old.url) as connection:
        connection.execute(
            "INSERT INTO requests (reference, tenant_id, kind, group_id, state, subject, asked_by, reason, details, "
            "methods, policy_version, asked_at, version) SELECT 'MFA-' || n, 't' || 1 + n % 2, '', '', 'ended', "
            "'{\"id\": \"a\"}', '{\"id\": \"a\"}', '', '', '[]', '1', now(), 1 FROM generate_series(1, 5) AS n"
        )
        connection.execute(
            f"{ADDED_BEFORE} SELECT now(), 'MFA-' || n % 6, 'asked', '', '', '1', '{{\"a\": \"é\"}}' "
            "FROM generate_series(1, 12000) AS n"
        )
    return old


async def test_rows_from_before_the_chain_are_chained_by_the_migration(before: Audit) -> None:
    await asyncio.to_thread(migrate.migrate, before.url)
    for tenant_id, number in (("", 2000), ("t1", 4000), ("t2", 6000)):
        assert before.findings(tenant_id=tenant_id) == []
        assert before.head(tenant_id).number == number
    assert before.rows("SELECT 1 FROM audit WHERE number IS NULL OR number > id") == []
    await before.add(entry(6), tenant_id="t1")
    assert before.findings(tenant_id="t1") == []
    with pytest.raises(RaiseException, match="only grows"):
        before.rows("UPDATE audit SET what = ''")


def test_older_versions_write_while_rows_are_chained_and_a_kill_half_way_is_mended(before: Audit) -> None:
    # True where the column is there and the rows from before are still being chained.
    add = f"{ADDED_BEFORE} VALUES (now(), 'MFA-1', 'asked', '', '', '1', '{{}}') RETURNING to_jsonb(audit) @> %s"
    kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5630313"
    number, meanwhile = 12_000, 0
    with ThreadPoolExecutor() as threads, psycopg.connect(before.url, autocommit=True) as writer:
        running = threads.submit(migrate.migrate, before.url)
        while not running.done():
            number += 1
            if writer.execute(add, ('{"number": null}',)).fetchone() == (True,):
                meanwhile += 1
                writer.execute(kill)
        assert meanwhile
        with pytest.raises(Trouble):
            running.result()
        assert writer.execute("SELECT 1 FROM audit WHERE number IS NULL").fetchone()
    migrate.migrate(before.url)
    assert sum(before.head(tenant_id).number for tenant_id in ("", "t1", "t2")) == number
    assert [before.findings(tenant_id=tenant_id) for tenant_id in ("", "t1", "t2")] == [[], [], []]
