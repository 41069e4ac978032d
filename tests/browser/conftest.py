"""The program as `make run` starts it, for a browser."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.builders import ROOT
from tests.journeys.world import free_port


class Running:
    """`app.py serve --sandbox` with its two seats, as it prints them."""

    def __init__(self, lines: list[str]) -> None:
        self.requester = _address("Requester", lines)
        self.agent = _address("Helpdesk agent", lines)
        self.sandbox = _address("The pretend tenant", lines).removesuffix("/sandbox")

    async def advance(self, duration: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.sandbox}/sandbox/clock", json={"advance": duration}) as answer,
        ):
            assert answer.status == 200

    async def mails(self) -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{self.sandbox}/sandbox/mail") as answer:
            return await answer.json()


def _address(begins: str, lines: list[str]) -> str:
    line = next((line for line in lines if line.startswith(begins)), "")
    found = re.search(r"http://\S+", line)
    assert found, f"no line that begins with {begins!r} in {lines}"
    return found[0]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory(prefix="mfa-") as folder:
        ports = {"PORT": free_port(), "SANDBOX_PORT": free_port(), "SEATS_PORT": free_port()}
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
        yield Running(lines)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(Running(lines).agent)
