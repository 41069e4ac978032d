"""Who stops the program while it starts, as a container's runtime does."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.fernet import Fernet

from tests.builders import ROOT

AN_ID = "3f0a1b2c-0000-4b1c-a2d3-e4f506172800"


@asynccontextmanager
async def waiting(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program, while it waits for a database that takes the connection and never says a word."""
    database = socket.create_server(("127.0.0.1", 0))
    database.setblocking(False)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ids = ("HELPDESK_GROUP_ID", "LEADS_GROUP_ID", "EXEMPT_SHORT_GROUP_ID", "EXEMPT_LONG_GROUP_ID", "HELPDESK_TEAM_ID")
    environment = {
        "MicrosoftAppId": AN_ID,
        "MicrosoftAppTenantId": AN_ID,
        "MicrosoftAppPassword": "a secret",
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{database.getsockname()[1]}/none",
        "HELPDESK_MAILBOX": "mfa@nhs.example",
        "EVIDENCE_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "https://bot.nhs.example",
    } | dict.fromkeys(ids, AN_ID)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", *arguments, cwd=ROOT, env=kept | environment
    )
    try:
        connection, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(database), 60)
        with connection:
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        database.close()


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_bot_that_is_told_to_stop_while_it_starts_ends_at_once_and_well(command: str) -> None:
    async with waiting(command) as process:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_a_migration_that_is_told_to_stop_is_not_taken_for_done() -> None:
    async with waiting("migrate") as process:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 5) == -signal.SIGTERM


async def test_a_bot_that_is_told_to_stop_while_it_loads_ends_well() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "importtime", "app.py", "serve", cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if line.split()[-1] == b"domain":  # the first of ours, far from the last
            break
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
