"""The program as in production: real tokens in, MSAL over TLS, the connector over TLS, and Graph over HTTP."""

import asyncio
import dataclasses
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from adapters.database import embedded
from bot.gateway.login import GRAPH, token_source
from bot.gateway.settings import ClientSecret
from bot.gateway.token import BotToken
from domain.errors import Trouble
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant
from tests.builders import ROOT
from tests.journeys.world import free_port, text_of, until
from tests.microsoft import Channel, Microsoft, Mode, Person
from tests.microsoft.people import TENANT


def settings_of(microsoft: Microsoft, sandbox: Sandbox, url: str, folder: Path) -> dict[str, str]:
    """The environment of `serve` as in production."""
    tenant = sandbox.tenant
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return (
        kept
        | microsoft.environment()
        | {
            "PORT": str(free_port()),
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
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
    )


@asynccontextmanager
async def serving(microsoft: Microsoft, sandbox: Sandbox, url: str, folder: Path) -> AsyncIterator[str]:
    environment = settings_of(microsoft, sandbox, url, folder)
    port = environment["PORT"]

    async def start(command: str) -> asyncio.subprocess.Process:
        # What it says goes where pytest shows it when a test fails.
        return await asyncio.create_subprocess_exec(sys.executable, "app.py", command, cwd=ROOT, env=environment)

    assert await (await start("serve")).wait() == 2, "the tables are not there yet"
    assert await (await start("migrate")).wait() == 0
    process = await start("serve")
    async with aiohttp.ClientSession() as session:

        async def lives() -> bool:
            assert process.returncode is None
            try:
                async with session.get(f"http://127.0.0.1:{port}/healthz"):
                    return True
            except aiohttp.ClientError:
                return False

        await until(lives, 30)
    try:
        yield f"http://127.0.0.1:{port}/api/messages"
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a_request_is_asked_for_and_granted_with_real_tokens() -> None:
    with tempfile.TemporaryDirectory(prefix="mfa-") as name:
        folder = Path(name)
        url = await asyncio.to_thread(embedded.start, folder / "pg")
        sandbox = Sandbox(dataclasses.replace(read_tenant(), tenant_id=TENANT), folder, port=0)
        await sandbox.start()
        async with Microsoft() as microsoft, serving(microsoft, sandbox, url, folder) as bot:
            teams, tenant = microsoft.teams, sandbox.tenant
            anna = Person(tenant.users[0].name, tenant.users[0].id)
            agent = next(Person(one.name, one.id) for one in tenant.users if "helpdesk" in one.groups)
            channel = Channel("19:real@thread.tacv2", "19:team@thread.tacv2", tenant.helpdesk.team)

            def shown(person: Person) -> str:
                return "\n".join(text_of(one) for one in microsoft.connector.showing(person.chat_id).values())

            assert (await teams.post(bot, teams.message("hello", anna), token="")).status == 401
            assert (await teams.post(bot, teams.installed(agent, channel))).status == 200
            for text in ("I lost my phone", "me", "send"):
                assert (await teams.post(bot, teams.message(text, anna))).status == 200
            found = [line for line in shown(anna).splitlines() if line.startswith("MFA-")]
            assert found, shown(anna)
            reference = found[0]
            await microsoft.connector.wait_for(lambda call: call.conversation_id.startswith(channel.channel_id))
            await teams.post(bot, teams.message(f"approve {reference} called back", agent))
            await until(lambda: "is on until" in shown(anna))
            assert all(call.authorization.startswith("Bearer ey") for call in microsoft.connector.sent)
        await sandbox.close()


@asynccontextmanager
async def graph_token(microsoft: Microsoft, **changes: Any) -> AsyncIterator[BotToken]:
    token = BotToken(token_source(microsoft.settings(**changes), GRAPH))
    yield token
    await token.close()


async def test_graphs_token_comes_from_the_login_service_once_however_many_ask() -> None:
    async with Microsoft() as microsoft:
        async with graph_token(microsoft) as token:
            found = await asyncio.gather(*(token.value() for _ in range(20)))
        assert len(set(found)) == 1
        assert len(microsoft.login.requests) == 1
        assert microsoft.login.requests[0]["scope"].startswith("https://graph.microsoft.com/.default")


async def test_a_login_service_that_is_down_or_says_no_is_trouble() -> None:
    async with Microsoft() as microsoft:
        async with graph_token(microsoft, credentials=ClientSecret("wrong")) as token:
            with pytest.raises(Trouble):
                await token.value()
        microsoft.login.mode = Mode.DOWN
        async with graph_token(microsoft) as token:
            with pytest.raises(Trouble):
                await token.value()


async def test_a_login_service_with_an_unknown_certificate_gets_no_secret() -> None:
    async with Microsoft() as microsoft:
        async with graph_token(microsoft, ca_file="") as token:
            with pytest.raises(Trouble):
                await token.value()
        assert microsoft.login.requests == []
