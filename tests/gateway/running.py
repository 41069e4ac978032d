"""The gateway under test as a real HTTP server, with a turn that notes what it was given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.gateway.connection import Connection
from bot.gateway.gateway import Gateway
from bot.gateway.messenger import TeamsMessenger
from bot.gateway.settings import GatewaySettings
from bot.incoming import Found, Handle, Incoming, InPlace
from cards.card import Card
from services.chat import Address, Begun, Scope
from tests.microsoft import ANNA, Microsoft
from tests.microsoft.people import TENANT

CARD = Card({"type": "AdaptiveCard", "version": "1.5", "body": ({"type": "TextBlock", "text": "Hello"},)}, "Hello")


class SeenInMemory:
    """Not for production: it forgets, and knows of one process only."""

    def __init__(self) -> None:
        self.done_turns: list[tuple[str, str]] = []
        self._pairs: set[tuple[str, str]] = set()

    async def begin(self, conversation_id: str, activity_id: str) -> Begun | None:
        await asyncio.sleep(0)
        new = (conversation_id, activity_id) not in self._pairs
        self._pairs.add((conversation_id, activity_id))
        return Begun.FIRST if new else None

    async def done(self, conversation_id: str, activity_id: str) -> None:
        self.done_turns.append((conversation_id, activity_id))


@dataclass
class Bot:
    url: str
    messenger: TeamsMessenger
    connection: Connection
    turn: Handle | None = None
    """What to do in a turn; without one, nothing."""
    turns: list[Incoming] = field(default_factory=list)

    async def handle(self, incoming: Incoming) -> InPlace | Found | None:
        self.turns.append(incoming)
        return await self.turn(incoming) if self.turn else None


@asynccontextmanager
async def running(settings: GatewaySettings, turn: Handle | None = None, seen: Any = None) -> AsyncIterator[Bot]:
    async with Connection(settings) as connection:
        bot = Bot("", TeamsMessenger(connection), connection, turn)
        gateway = Gateway(settings, connection, bot.handle, seen or SeenInMemory())
        app = web.Application()
        app.router.add_post("/api/messages", gateway.messages)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        bot.url = f"http://{host}:{port}/api/messages"
        await gateway.start()
        try:
            yield bot
        finally:
            await runner.cleanup()
            await gateway.close()


def chat(microsoft: Microsoft) -> Address:
    return Address(microsoft.service_url, ANNA.chat_id, TENANT, microsoft.teams.bot_id, Scope.PERSONAL)
