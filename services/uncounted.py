"""What people's own turns send to Teams: they ask for no room, are counted afterwards and are tried twice at most.

What Teams or Graph asks of them holds for all processes.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import structlog

from cards.card import Card
from domain.errors import Passing, Throttled, Trouble
from services.chat import Address, Messenger, Sent
from services.figures import Figures
from services.pace import LONGEST_PAUSE, TEAMS, Ceiling, Ceilings

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
EVERY = 1.0
"""Seconds between two counts."""
LONGEST_WAIT = 2.0
"""Seconds that somebody's turn waits before it tries once more."""


@dataclass(slots=True)
class Uncounted:
    sent: int = 0
    pauses: dict[Ceiling, timedelta] = field(default_factory=dict)

    def asked(self, by: Ceiling, wait: timedelta) -> None:
        """For patience."""
        self.pauses[by] = max(self.pauses.get(by, timedelta(0)), min(wait, LONGEST_PAUSE))


@dataclass(frozen=True, slots=True)
class NotedMessenger:
    """The same messenger, with one more try, and a note of what went through it."""

    inner: Messenger
    uncounted: Uncounted
    figures: Figures
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def send(self, to: Address, card: Card) -> Sent:
        return await self._noted(lambda: self.inner.send(to, card))

    async def say(self, to: Address, text: str) -> Sent:
        return await self._noted(lambda: self.inner.say(to, text))

    async def post(self, channel: Address, card: Card) -> Sent:
        return await self._noted(lambda: self.inner.post(channel, card))

    async def replace(self, at: Sent, card: Card) -> None:
        await self._noted(lambda: self.inner.replace(at, card))

    async def find(self, team: Address, entra_id: str) -> Address | None:
        return await self._noted(lambda: self.inner.find(team, entra_id))

    async def answers(self, at: Address) -> None:
        await self._noted(lambda: self.inner.answers(at))

    async def _noted(self, send: Callable[[], Awaitable[_T]]) -> _T:
        """Once more where that may help while the person still waits. Not after a 504 or no answer: it may be there."""
        try:
            return await self._once(send)
        except (Throttled, Passing) as trouble:
            # Jitter, so that many chats that were slowed down together do not come back together.
            wait = (trouble.retry_after or timedelta(0)).total_seconds() + random.uniform(0.1, 0.3)  # noqa: S311
            if wait > LONGEST_WAIT:
                raise
        await self.sleep(wait)
        return await self._once(send)

    async def _once(self, send: Callable[[], Awaitable[_T]]) -> _T:
        self.uncounted.sent += 1
        try:
            return await send()
        except Throttled as throttled:
            self.figures.throttled(TEAMS.service)
            self.uncounted.asked(TEAMS, throttled.retry_after or timedelta(0))
            raise


async def count(uncounted: Uncounted, ceilings: Ceilings) -> None:
    """Tells all processes what was sent since the last time, and that Teams or Graph asked to wait."""
    sent, pauses = uncounted.sent, uncounted.pauses
    uncounted.sent, uncounted.pauses = 0, {}
    if sent:
        await ceilings.spend(TEAMS, sent)
    for ceiling, wait in pauses.items():
        await ceilings.pause(ceiling, wait)


async def keep_counting(
    uncounted: Uncounted, ceilings: Ceilings, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Until cancelled. What cannot be counted, as when the database is away, is let go: it is over by then."""
    while True:
        await sleep(EVERY)
        try:
            await count(uncounted, ceilings)
        except Trouble as trouble:
            log.warning("what was sent was not counted", message=trouble.message)
        except Exception:
            log.exception("what was sent was not counted")
