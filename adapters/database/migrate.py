"""Brings a database's tables up to this version of the program, one process at a time, while others use them."""

import time
from pathlib import Path

from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from adapters.database.engine import sqlalchemy_url
from adapters.database.trouble import no_database
from domain.errors import Trouble

_SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 5_630_313
"""Any number, the same in all processes: PostgreSQL lets one holder in at a time."""
_ASK_AGAIN = 0.1
_LOCK_TIMEOUT = "2s"
"""While a migration waits for a table, everybody else who wants it waits behind: so not for long, and again later."""
_PAUSE = 3.0
_TRIES = 60


def migrate(url: str, to: str = "head") -> None:
    """Blocking: call it in a thread. Raises `Trouble` where the database cannot be reached or a table is never free.

    A database that a newer version has brought further stays as it is.
    """
    # Imported here: a process that only serves does without its 7 MB.
    from alembic import command
    from alembic.config import Config

    with no_database(), _connected(url) as connection:
        _wait_for_our_turn(connection)
        found = _revision(connection)
        if found is not None and found >= head():
            return
        if found is not None:
            # Each migration is then a transaction of its own. The tables of a new database are nobody's yet, so they
            # come in the one transaction that is open: Alembic joins it.
            connection.commit()
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.attributes["connection"] = connection
        config.attributes["in_use"] = found is not None
        for _ in range(_TRIES):
            try:
                command.upgrade(config, to)
                connection.commit()
                return
            except (DBAPIError, LockNotAvailable, DeadlockDetected) as error:
                if not isinstance(getattr(error, "orig", error), LockNotAvailable | DeadlockDetected):
                    raise
            connection.rollback()
            time.sleep(_PAUSE)
    raise Trouble(
        "others have used a table for minutes without a pause. What is done so far stays; "
        "run migrate again when they are finished"
    )


def _wait_for_our_turn(connection: Connection) -> None:
    """Asks again and again: who waits inside PostgreSQL has a transaction open, for whose end an index being built
    waits in turn."""
    while True:
        ours = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}).scalar()
        connection.commit()
        if ours:
            return
        time.sleep(_ASK_AGAIN)


def is_current(url: str) -> bool:
    """Whether this version of the program can work with the tables: they are its own or, while another version takes
    its place, newer ones (see `docs/running.md`, “A new version”). Blocking."""
    with no_database(), _connected(url) as connection:
        found = _revision(connection)
    return found is not None and found >= head()


def _revision(connection: Connection) -> str | None:
    """The newest migration that this database has; None for an empty database."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def head() -> str:
    """The newest migration of this version of the program: their files begin with their numbers."""
    return max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def _connected(url: str) -> Connection:
    options = {"options": f"-c lock_timeout={_LOCK_TIMEOUT}"}
    return create_engine(sqlalchemy_url(url), poolclass=NullPool, connect_args=options).connect()
