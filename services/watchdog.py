"""Ends exceptions that are long past their end, without the job engine: for when the workers are dead."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.commands import Tick
from domain.errors import Trouble
from domain.request import Request, State
from services.carry_out import CarryOut
from services.end import EndExemption

log = structlog.get_logger(__name__)
EVERY = 30.0
"""Seconds between two looks."""
OVERDUE = timedelta(minutes=2)
"""Workers end what is due within seconds. After so long they are taken for dead."""
BATCH = 200


class Overdue(Protocol):
    async def overdue(self, before: datetime, limit: int) -> tuple[Request, ...]:
        """Exceptions that are on or ending, and whose end is before this moment; the longest overdue first."""
        ...


@dataclass(frozen=True, slots=True)
class Watchdog:
    """It does what the workers would do, by the same steps, so that it may live beside them."""

    overdue: Overdue
    carry_out: CarryOut
    end: EndExemption

    async def __call__(self) -> int:
        """One look. Gives how many are overdue and could not be ended. Raises `Trouble` where nobody can be read."""
        before = self.carry_out.clock.now() - OVERDUE
        found = await self.overdue.overdue(before, BATCH)
        return sum([not await self._ended(request) for request in found])

    async def _ended(self, request: Request) -> bool:
        with structlog.contextvars.bound_contextvars(reference=request.reference):
            log.error("an exception is past its end and the workers have not ended it", ends_at=str(request.ends_at))
            try:
                await self._end(request)
            except Trouble as trouble:
                log.error("the watchdog could not end it and tries again", message=trouble.message)  # noqa: TRY400
                return False
            except Exception:
                log.exception("our own records cannot be changed")
                return await self._only_in_entra(request)
            log.error("the watchdog ended it: look at why the workers did not")
            return True

    async def _end(self, request: Request) -> None:
        if request.state is not State.ENDING:
            request = await self.carry_out(request.reference, Tick())
        await self.end(request)

    async def _only_in_entra(self, request: Request) -> bool:
        """The account is what matters; the book follows when a worker lives."""
        try:
            if not await self.end.book.held_by(request):
                await self.end.take_out(request)
        except Trouble as trouble:
            log.error("the watchdog could not end it and tries again", message=trouble.message)  # noqa: TRY400
            return False
        log.error("removed in Entra, and not confirmed in our records: the workers have to")
        return True

    async def keep_looking(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until cancelled."""
        while True:
            try:
                await self()
            except Trouble as trouble:
                log.error("the watchdog cannot see", message=trouble.message)  # noqa: TRY400
            await sleep(EVERY)
