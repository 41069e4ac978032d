"""The sandbox's clock, followed: how far it is ahead is asked for each second, so that all processes agree."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import aiohttp
import structlog

log = structlog.get_logger(__name__)
EVERY = 1.0
"""Seconds between two looks."""


class SandboxClock:
    """`start` it inside the event loop and `close` it. While the sandbox does not answer, time goes on as it was."""

    def __init__(self, sandbox_url: str) -> None:
        self._url = f"{sandbox_url}/sandbox/clock"
        self._offset = timedelta(0)
        self._session: aiohttp.ClientSession | None = None
        self._following: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2))
        await self._look(self._session)
        self._following = asyncio.create_task(self._follow(self._session))

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        if self._session is not None:
            await self._session.close()

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._look(session)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url) as response:
                body = await response.json()
            self._offset = datetime.fromisoformat(body["now"]) - datetime.now(UTC)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("the sandbox's clock does not answer", error=type(error).__name__)
