"""Turns what the database driver raises into `Trouble`, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import OperationalError as PsycopgOperationalError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.errors import Trouble


@contextmanager
def no_database() -> Iterator[None]:
    """Raises `Trouble` where the database cannot be reached or is too busy; what is wrong with a statement is a bug."""
    try:
        yield
    except (OperationalError, PoolTimeoutError, PsycopgOperationalError, ConnectionError) as error:
        raise Trouble(f"the database cannot be reached ({type(error).__name__})") from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Trouble("the connection to the database is of no more use") from error
