"""The pretend tenant as a server on loopback, inside any event loop. It wires; it holds no rule of Graph's."""

import errno
import hashlib
import ipaddress
import socket
from pathlib import Path

from aiohttp import web

from sandbox.audits import Audits
from sandbox.calls import Calls
from sandbox.clock import MovableClock
from sandbox.conditional_access import Access
from sandbox.control import Control
from sandbox.delta import Delta
from sandbox.directory import Directory
from sandbox.faults import Faults
from sandbox.mailboxes import Mailboxes
from sandbox.memberships import Memberships
from sandbox.people import People
from sandbox.pim import Pim
from sandbox.state import State
from sandbox.teamwork import Teamwork
from sandbox.tenant import Tenant

DEFAULT_PORT = 3979


class SandboxError(Exception):
    """The pretend tenant cannot start. The message is a sentence that says what to do."""


def identity(tenant: Tenant, data_dir: Path) -> str:
    """The same for two processes that would play the same tenant in the same data folder."""
    return hashlib.sha256(f"{tenant.digest}\n{data_dir.resolve()}".encode()).hexdigest()


class Sandbox:
    """`await start()`, then `url`; `await close()` at the end. Port 0 takes a free one."""

    def __init__(self, tenant: Tenant, data_dir: Path, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        self.tenant = tenant
        self.clock = MovableClock()
        self._data_dir = data_dir
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._state: State | None = None

    @property
    def url(self) -> str:
        """As in `http://127.0.0.1:3979`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def graph_url(self) -> str:
        return f"{self.url}/v1.0"

    async def start(self) -> None:
        """Raises `SandboxError` when the address is not loopback, or taken, or the data folder cannot be used."""
        # The port comes first: a second process must not touch the state of the one that runs.
        listener = _listener(self._host, self._port)
        try:
            self._state = State(self.tenant, self._data_dir / "sandbox.sqlite3")
        except Exception as error:
            listener.close()
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise SandboxError(f"The data folder {self._data_dir} cannot be used: {reason}.") from error
        self._port = listener.getsockname()[1]
        self.clock.offset = self._state.offset
        self._runner = web.AppRunner(self._application(self._state), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._state is not None:
            self._state.close()

    def _application(self, state: State) -> web.Application:
        directory = Directory(self.tenant, state)
        faults = Faults()
        calls = Calls(self.clock, faults)
        control = Control(directory, self.clock, faults, calls, identity(self.tenant, self._data_dir))
        pim, access = Pim(directory, self.clock), Access(directory, self.clock)
        audits = Audits(directory, self.clock)
        application = web.Application(middlewares=[calls.watch, audits.watch, pim.watch, access.watch])
        mailboxes, memberships = Mailboxes(directory, self.clock), Memberships(directory)
        people, teamwork, delta = People(directory), Teamwork(directory), Delta(directory)
        for part in (people, delta, memberships, mailboxes, teamwork, pim, access, audits, control):
            application.add_routes(part.routes())
        return application


def _listener(host: str, port: int) -> socket.socket:
    address = "127.0.0.1" if host.lower() == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SandboxError(f"The sandbox listens on loopback only. Set HOST to 127.0.0.1 instead of {host!r}.")
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)  # on Linux a second bind with SO_REUSEADDR fails only against a listening socket
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise SandboxError(
                f"Port {port} on {host} is taken by another program. Stop that, or set SANDBOX_PORT to another port."
            ) from error
        reason = str(error).rstrip(".")
        raise SandboxError(f"The sandbox cannot listen on {host}, port {port}: {reason}.") from error
    listener.setblocking(False)
    return listener
