"""A token of the bot's, kept fresh. It never blocks the loop and knows nothing about who issues it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from bot.gateway.login import Issued
from domain.errors import Trouble

_SECONDS_BEFORE_EXPIRY = 300
_SECONDS_TO_WAIT = 10
_SECONDS_AFTER_FAILURE = 1
_SECONDS_AFTER_REFUSAL = 60
"""A service that takes no token at all, or a login that is away, must not keep all others waiting for a new one."""
log = structlog.get_logger(__name__)


class BotToken:
    """One token for all calls, one refresh at a time, in its own thread. `fetch` blocks and may raise `Trouble`."""

    def __init__(self, fetch: Callable[[], Issued], now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="login")
        self._value = ""
        self._refresh_at = 0.0
        self._expires_at = 0.0
        self._refused = False
        self._refused_at = float("-inf")
        self._failed: tuple[float, Trouble] | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def value(self) -> str:
        """The token, refreshed in the background before it expires. Raises `Trouble` when none is to be had."""
        if self._now() < self._expires_at and not self._refused:
            if self._now() >= self._refresh_at:
                self._refresh()
            return self._value
        try:
            await self._another()
        except Trouble as trouble:
            if self._now() >= self._expires_at:
                raise
            # Others than the one that refused it may still take it.
            self._refused = False
            log.warning("a token was refused, and there is no other", message=trouble.message)
        return self._value

    def refused(self, value: str) -> None:
        """Teams or Graph did not take this token: the next caller gets another one, if there is one."""
        if value == self._value and self._now() >= self._refused_at + _SECONDS_AFTER_REFUSAL:
            self._refused, self._refused_at = True, self._now()

    async def _another(self) -> None:
        task = self._refresh()
        try:
            async with asyncio.timeout(_SECONDS_TO_WAIT):
                # One caller that gives up must not stop the refresh that the others wait for.
                await asyncio.shield(task)
        except TimeoutError as error:
            raise Trouble("The Microsoft login service is too slow.", silent=True) from error

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._fetch_one())
            # Nobody may be waiting for it: fetching the exception keeps asyncio from complaining.
            self._refreshing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._refreshing

    async def _fetch_one(self) -> None:
        if self._failed is not None and self._now() < self._failed[0]:
            raise Trouble(self._failed[1].message)
        try:
            issued = await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch)
        except Trouble as trouble:
            self._failed = (self._now() + _SECONDS_AFTER_FAILURE, trouble)
            raise
        now = self._now()
        self._failed, self._value, self._refused = None, issued.value, False
        self._expires_at = now + issued.lifetime
        self._refresh_at = now + max(issued.lifetime - _SECONDS_BEFORE_EXPIRY, issued.lifetime / 2)
