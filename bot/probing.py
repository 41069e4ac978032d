"""Looking at what must be reachable, once for everybody who asks at about the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Check = Callable[[], Awaitable[None]]
_SECONDS = 0.25


class Shared:
    """Four looks a second at most, however many ask: probes are open to everybody, and Graph must not pay for that.

    Raises what the look raised.
    """

    def __init__(self, check: Check, now: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._now = now
        self._looked_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._looking is None or (self._looking.done() and self._now() - self._looked_at >= _SECONDS):
            self._looked_at = self._now()
            self._looking = asyncio.create_task(self._look())
            # Nobody may be left to hear it: fetching the exception keeps asyncio from complaining.
            self._looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        # One who gives up must not stop the look that the others wait for.
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        await self._check()
