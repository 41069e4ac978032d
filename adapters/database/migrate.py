"""Brings a database's tables up to this version of the program, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from adapters.database.engine import sqlalchemy_url
from adapters.database.trouble import no_database

_SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 5_630_313
"""Any number, the same in all processes: PostgreSQL lets one holder in at a time."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(url: str) -> None:
    """Blocking: call it in a thread. Raises `Trouble` where the database cannot be reached."""
    with no_database(), _connected(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        command.upgrade(_config(connection), "head")
        connection.commit()


def is_current(url: str) -> bool:
    """Whether the tables are those of this version of the program. Blocking."""
    with no_database(), _connected(url) as connection:
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
        return MigrationContext.configure(connection).get_current_revision() == head


def _connected(url: str) -> Connection:
    return create_engine(sqlalchemy_url(url), poolclass=NullPool).connect()
