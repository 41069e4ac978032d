"""Connections: one pool for the book, with JSON that knows our values."""

from pydantic_core import to_json
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def sqlalchemy_url(url: str) -> str:
    """The same server for SQLAlchemy on psycopg 3. `url` is a libpq URL: postgresql://..."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def make_engine(url: str) -> AsyncEngine:
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        pool_pre_ping=True,
        json_serializer=lambda value: to_json(value).decode(),
        connect_args={
            "options": "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=8000",
            "connect_timeout": 5,
        },
    )
