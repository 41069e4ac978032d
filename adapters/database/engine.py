"""Connections: one pool for the book, with JSON that knows our values."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ReadOnlySqlTransaction
from pydantic_core import to_json
from sqlalchemy import Executable, RowMapping, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn


def sqlalchemy_url(url: str) -> str:
    """The same server for SQLAlchemy on psycopg 3. `url` is a libpq URL: postgresql://..."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def session_settings(url: str) -> dict[str, Any]:
    """What libpq is told about each session of a pool that writes. What `url` itself says goes before it.

    After a failover the address may lead to the old server for a while, which is a standby then: no pool takes it. A
    primary that only reads, as one whose disk is full, is taken: the watchdog can act on what it reads. A server that
    is gone without a word is noticed within a minute, and a process that stands still lets go of its locks.
    """
    ours = {
        "target_session_attrs": "primary",
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    given = conninfo_to_dict(url)
    options = f"-c idle_in_transaction_session_timeout=30000 {given.get('options', '')}".strip()
    return {name: given.get(name, value) for name, value in ours.items()} | {"options": options}


def each_alone(engine: AsyncEngine) -> AsyncEngine:
    """The same pool for work of one statement each, which needs no BEGIN and no COMMIT of its own."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def first(alone: AsyncEngine, query: Executable, values: Mapping[str, Any]) -> RowMapping | None:
    """Carries out one statement by itself, of an engine from `each_alone`, and gives its first row.

    SQLAlchemy changes over to its own greenlet once, and not for each of connecting, beginning, sending and closing.
    """

    def row() -> RowMapping | None:
        with alone.sync_engine.connect() as connection:
            return connection.execute(query, values).mappings().first()

    return await greenlet_spawn(row)


def make_engine(url: str) -> AsyncEngine:
    """A pool with a name of its own, by which `PostgresSeen` tells whether the process lives.

    Without a question before each use: the first failure after an outage empties the pool, and the sweep,
    which runs every few seconds, meets it before most people do.
    """
    session = session_settings(url)
    engine = create_async_engine(
        sqlalchemy_url(url),
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        json_serializer=lambda value: to_json(value).decode(),
        connect_args=session
        | {
            "options": f"-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=8000 {session['options']}",
            "application_name": f"mfa-exceptions {uuid4().hex}",
        },
    )
    event.listen(engine.sync_engine, "handle_error", _leave_what_only_reads)
    return engine


def _leave_what_only_reads(context: ExceptionContext) -> None:
    """A server that only reads is no longer the one for us, so its connections are as good as lost: the pool is
    emptied, and `no_database` makes `Trouble` of it."""
    if isinstance(context.original_exception, ReadOnlySqlTransaction):
        context.is_disconnect = True
