"""Changes to tables that are in use, while everybody goes on reading and writing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context, op


def build(name: str, on: str, *, unique: bool = False) -> None:
    """An index. One that was begun and not finished stays behind and is invalid: it is begun anew."""
    begun = f"CREATE {'UNIQUE ' * unique}INDEX {_concurrently()} IF NOT EXISTS {name} ON {on}"
    with _patiently() as cursor:
        cursor.execute("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", (name,))
        if cursor.fetchone():
            cursor.execute(f"DROP INDEX {_concurrently()} {name}")
        cursor.execute(begun)


def drop(name: str) -> None:
    with _patiently() as cursor:
        cursor.execute(f"DROP INDEX {_concurrently()} IF EXISTS {name}")


@contextmanager
def at_once() -> Iterator[Any]:
    """A cursor of which each `execute` is a transaction of its own. It ends the migration's, so all that the migration
    does has to bear being done twice. A new database is nobody's yet: there, all is one transaction."""
    if not _in_use():
        yield op.get_bind().connection.cursor()
        return
    with op.get_context().autocommit_block():
        yield op.get_bind().connection.cursor()


@contextmanager
def _patiently() -> Iterator[Any]:
    """Waits for as long as it takes: nobody waits behind it."""
    with at_once() as cursor:
        cursor.execute("SET lock_timeout = 0")
        try:
            yield cursor
        finally:
            cursor.execute("RESET lock_timeout")


def _in_use() -> bool:
    return bool(context.config.attributes["in_use"])


def _concurrently() -> str:
    return "CONCURRENTLY" if _in_use() else ""
