"""Brings a database's tables up to this version of the program, one process at a time."""

from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from adapters.database.engine import sqlalchemy_url
from adapters.database.trouble import no_database

_SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 5_630_313
"""Any number, the same in all processes: PostgreSQL lets one holder in at a time."""


def migrate(url: str, to: str = "head") -> None:
    """Blocking: call it in a thread. Raises `Trouble` where the database cannot be reached.

    A database that a newer version has brought further stays as it is.
    """
    # Imported here: a process that only serves does without its 7 MB.
    from alembic import command
    from alembic.config import Config

    with no_database(), _connected(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        if _serves(connection):
            return
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.commit()


def is_current(url: str) -> bool:
    """Whether this version of the program can work with the tables: they are its own or, while another version takes
    its place, newer ones (see `docs/running.md`, “A new version”). Blocking."""
    with no_database(), _connected(url) as connection:
        return _serves(connection)


def _serves(connection: Connection) -> bool:
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return False
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found is not None and found >= head()


def head() -> str:
    """The newest migration of this version of the program: their files begin with their numbers."""
    return max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def _connected(url: str) -> Connection:
    return create_engine(sqlalchemy_url(url), poolclass=NullPool).connect()
