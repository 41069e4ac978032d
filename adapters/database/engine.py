"""Connections: one pool for the book, with JSON that knows our values."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pydantic_core import to_json
from sqlalchemy import Executable, RowMapping, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn


def sqlalchemy_url(url: str) -> str:
    """The same server for SQLAlchemy on psycopg 3. `url` is a libpq URL: postgresql://..."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


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
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        json_serializer=lambda value: to_json(value).decode(),
        connect_args={
            "options": "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=8000",
            "connect_timeout": 5,
            "application_name": f"mfa-exceptions {uuid4().hex}",
        },
    )
