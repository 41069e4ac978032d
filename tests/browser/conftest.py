"""The program as `make run` starts it, for a browser."""

import asyncio
import os
import random
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.seats import Seats, Sitter
from sandbox.tenant import read_tenant
from tests.builders import ROOT
from tests.journeys.world import free_port


class Running:
    """`app.py serve --sandbox` with its two seats, as it prints them."""

    def __init__(self, lines: list[str]) -> None:
        self.bot = _address("The bot answers", lines)
        self.requester = _address("Requester", lines)
        self.agent = _address("Helpdesk agent", lines)
        self.sandbox = _address("The pretend tenant", lines).removesuffix("/sandbox")

    async def advance(self, duration: str) -> None:
        await self._move({"advance": duration})

    async def to_the_morning(self) -> None:
        """Pictures show a working day: what is approved at night is unusual, and says so."""
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        await self._move({"set": tomorrow.replace(hour=10, minute=0).isoformat()})

    async def _move(self, clock: dict[str, str]) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.sandbox}/sandbox/clock", json=clock) as answer,
        ):
            assert answer.status == 200

    @asynccontextmanager
    async def seat_of(self, name: str) -> AsyncIterator[str]:
        """The address of a seat that `make run` does not open."""
        tenant, seats = read_tenant(), Seats()
        one = Sitter(name, next(user for user in tenant.users if user.name == name))
        with tempfile.TemporaryDirectory(prefix="mfa-seat-") as folder:
            try:
                [seat] = await seats.open(tenant, [one], self.bot, ROOT, Path(folder), lambda _: None, free_port())
                yield seat.url
            finally:
                await seats.close()

    async def mails(self) -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{self.sandbox}/sandbox/mail") as answer:
            return await answer.json()


def _address(begins: str, lines: list[str]) -> str:
    line = next((line for line in lines if line.startswith(begins)), "")
    found = re.search(r"http://\S+", line)
    assert found, f"no line that begins with {begins!r} in {lines}"
    return found[0]


def _two_free_ports() -> int:
    """The first of two neighbours, outside of the range that outgoing connections take theirs from."""
    for port in random.sample(range(20_000, 32_000, 2), 100):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no two neighbouring ports are free")


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory(prefix="mfa-") as folder:
        ports = {"PORT": free_port(), "SANDBOX_PORT": free_port(), "SEATS_PORT": _two_free_ports()}
        environment = os.environ | {"DATA_DIR": folder} | {name: str(port) for name, port in ports.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "app.py", "serve", "--sandbox", cwd=ROOT, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(90):
            async for line in process.stdout:
                lines.append(line.decode().strip())
                if lines[-1].startswith("Ready."):
                    break
        running = Running(lines)
        await running.to_the_morning()
        yield running
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(running.agent)
