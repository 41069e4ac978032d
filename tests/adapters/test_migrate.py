"""Whether the tables are those of this version of the program, and how they become so while others use them."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from adapters.database import embedded, migrate
from domain.errors import Trouble
from tests.adapters.postgres import postgres
from tests.adapters.test_upgrade import FIRST, PERSON, REFERENCE
from tests.builders import NOON, ROOT


def test_the_newest_migration_is_the_only_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.head()]


def test_a_database_is_current_only_once_it_is_migrated() -> None:
    with postgres() as url, psycopg.connect(url, autocommit=True) as connection:
        assert migrate.is_current(url)
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        assert not migrate.is_current(url)


def test_an_empty_database_is_not_current(tmp_path: Path) -> None:
    url = embedded.start(tmp_path / "pg")
    assert not migrate.is_current(url)
    migrate.migrate(url)
    assert migrate.is_current(url)


# --- While others use it -------------------------------------------------------------------------

Rows = list[tuple[Any, ...]]
BUILDING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
    AND query LIKE 'CREATE INDEX CONCURRENTLY%requests_by_person%'
"""
UNFINISHED = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
WRITE = "UPDATE requests SET details = 'x' WHERE reference = 'MFA-0000-0000'"
_numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def older(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of an older version, with two requests and an entry of the audit."""
    monkeypatch.setattr(migrate, "_PAUSE", 0.1)
    name = f"older{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = server.replace("/postgres?", f"/{name}?")
    migrate.migrate(url, "0001")
    with psycopg.connect(url) as connection:
        for number, reference in enumerate((REFERENCE, "MFA-0000-0000")):
            person = json.dumps(PERSON | {"id": f"id-{number}"})
            connection.execute(FIRST, {"reference": reference, "person": person, "noon": NOON, "decided": None})
        connection.execute(
            "INSERT INTO audit (at, reference, what, by_id, activity, policy_version, details) "
            "VALUES (now(), %s, 'approved', 'agent', '', '1', '{}')", (REFERENCE,),
        )  # fmt: skip
    migrate.migrate(url, "0006")
    return url


def rows(url: str, query: str) -> Rows:
    """As the program would: it waits 8 seconds for a lock, and not longer."""
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=8000") as connection:
        done = connection.execute(query)
        return done.fetchall() if done.description else []


def until(found: Callable[[], Any]) -> Any:
    for _ in range(400):
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_a_table_in_use_holds_up_its_own_migration_and_nobody_else(older: str) -> None:
    with ThreadPoolExecutor() as threads, psycopg.connect(older) as reader:
        reader.execute("SELECT * FROM drafts")
        migrating = threads.submit(migrate.migrate, older)
        until(lambda: rows(older, "SELECT version_num FROM alembic_version") == [("0012",)])
        until(lambda: rows(older, "SELECT 1 FROM pg_locks WHERE NOT granted"))
        rows(older, WRITE)
        rows(older, "DELETE FROM drafts")
        reader.commit()
        migrating.result(30)
    assert migrate.is_current(older)


def test_a_table_that_is_never_free_is_a_sentence_and_leaves_what_is_done(
    older: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_TRIES", 2)
    with psycopg.connect(older) as reader:
        reader.execute("SELECT * FROM drafts")
        with pytest.raises(Trouble, match="run migrate again"):
            migrate.migrate(older)
    assert rows(older, "SELECT version_num FROM alembic_version") == [("0012",)]
    migrate.migrate(older)
    assert migrate.is_current(older)


def test_requests_are_written_while_their_index_is_built(older: str) -> None:
    with ThreadPoolExecutor() as threads, psycopg.connect(older) as writer:
        writer.execute("UPDATE requests SET details = 'y' WHERE reference = %s", (REFERENCE,))
        migrating = threads.submit(migrate.migrate, older)
        until(lambda: rows(older, BUILDING))
        rows(older, WRITE)
        assert rows(older, "SELECT details FROM requests ORDER BY reference") == [("x",), ("",)]
        assert rows(older, BUILDING)
        writer.commit()
        migrating.result(30)
    assert migrate.is_current(older)


def test_an_index_whose_migration_was_killed_is_built_by_the_next(older: str) -> None:
    with ThreadPoolExecutor() as threads, psycopg.connect(older) as writer:
        writer.execute("UPDATE requests SET details = 'y'")
        migrating = threads.submit(migrate.migrate, older)
        until(lambda: rows(older, BUILDING))
        rows(older, f"SELECT pg_terminate_backend(pid) FROM ({BUILDING}) AS building")
        with pytest.raises(Trouble):
            migrating.result(30)
    assert rows(older, UNFINISHED) == [("requests_by_person",)]
    migrate.migrate(older)
    assert rows(older, UNFINISHED) == []
    assert migrate.is_current(older)


@pytest.mark.parametrize("revision", ["0007", "0010", "0012", "0014"])
def test_a_migration_of_several_transactions_can_be_run_again(older: str, server: str, revision: str) -> None:
    """As where it was killed right before the last one."""
    before = f"{int(revision) - 1:04}"
    migrate.migrate(older, revision)
    rows(older, f"UPDATE alembic_version SET version_num = '{before}'")
    migrate.migrate(older)
    assert migrate.is_current(older)
    assert rows(older, INDEXES) == rows(server, INDEXES), "as in a new database"
    assert rows(older, "SELECT count(*), max(number) FROM audit") == [(1, 1)]


def test_two_that_migrate_at_once_both_succeed(older: str) -> None:
    with ThreadPoolExecutor() as threads, psycopg.connect(older) as writer:
        writer.execute("UPDATE requests SET details = 'y'")
        first = threads.submit(migrate.migrate, older)
        until(lambda: rows(older, BUILDING))
        second = threads.submit(migrate.migrate, older)
        time.sleep(2)  # PostgreSQL looks for deadlocks after one
        writer.commit()
        first.result(30)
        second.result(30)
    assert migrate.is_current(older)


def test_two_that_find_an_empty_database_both_succeed(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    url = server.replace("/postgres?", "/empty?")
    with ThreadPoolExecutor() as threads:
        for one in [threads.submit(migrate.migrate, url) for _ in range(3)]:
            one.result(60)
    assert migrate.is_current(url)
