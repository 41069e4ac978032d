"""`python -m sandbox`: started by itself, told to stop, or told what is wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.tenants import file

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """With a free port and a tenant and data of its own, unless `settings` say otherwise."""
    own = {"SANDBOX_TENANT": str(folder / "tenant.toml"), "SANDBOX_PORT": "0", "DATA_DIR": str(folder / "data")}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", cwd=ROOT, env=kept | own | settings,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_and_stops_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    file(tmp_path)
    async with started(tmp_path) as process, aiohttp.ClientSession() as session:
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode()
        assert said.startswith("The pretend tenant is at http://127.0.0.1:")
        async with session.get(f"{said.split()[-1]}/identity") as answer:
            assert (await answer.json())["tenant_id"] == "a-tenant"
        process.send_signal(how)
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
    assert (tmp_path / "data" / "sandbox.sqlite3").exists()


async def test_what_was_done_is_there_after_it_was_killed(tmp_path: Path) -> None:
    file(tmp_path)
    for round_ in (1, 2):
        async with started(tmp_path) as process, aiohttp.ClientSession() as session:
            assert process.stdout is not None
            door = (await process.stdout.readline()).decode().split()[-1]
            if round_ == 1:
                body = {"set": "2031-05-06T07:00:00Z"}
                async with session.post(f"{door}/clock", json=body) as answer:
                    assert answer.status == 200
            async with session.get(f"{door}/clock") as answer:
                assert (await answer.json())["now"].startswith("2031-05-06T07:")
            process.kill()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"SANDBOX_PORT": "http"}, "SANDBOX_PORT is 'http'. Write a number, as in 3979."),
        ({"SANDBOX_PORT": "-1"}, "SANDBOX_PORT is '-1'. Write a number, as in 3979."),
        (
            {"SANDBOX_PORT": "99999"},
            "The sandbox cannot listen on 127.0.0.1, port 99999: bind(): port must be 0-65535.",
        ),
        ({"HOST": "0.0.0.0"}, "The sandbox listens on loopback only. Set HOST to 127.0.0.1 instead of '0.0.0.0'."),
        ({"SANDBOX_TENANT": "no.toml"}, "no.toml: the tenant file cannot be read: No such file or directory."),
        ({"DATA_DIR": "/dev/null"}, "The data folder /dev/null cannot be used: File exists."),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_a_sentence_and_it_ends_with_2(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    file(tmp_path)
    async with started(tmp_path, **settings) as process:
        said, errors = await process.communicate()
        assert (process.returncode, said, errors.decode()) == (2, b"", f"{sentence}\n")
