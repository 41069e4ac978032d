"""Ends exceptions that are long past their end, without the job engine: for when the workers are dead."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.commands import Tick
from domain.errors import Throttled, Trouble
from domain.policy import Policy
from domain.request import Request, State
from services.carry_out import CarryOut
from services.end import EndExemption
from services.pace import LONGEST_PAUSE

log = structlog.get_logger(__name__)
EVERY = 30.0
"""Seconds between two looks."""
OVERDUE = timedelta(minutes=2)
"""Workers end what is due within seconds. After so long they are taken for dead."""
BATCH = 200


class Overdue(Protocol):
    async def overdue(self, now: datetime, by: timedelta, policy: Policy, limit: int) -> tuple[Request, ...]:
        """Exceptions whose end was due, or was begun, longer ago than `by`; the longest overdue first.

        A grant that was never proved is overdue once the time is over that was approved.
        """
        ...


@dataclass(slots=True)
class Watchdog:
    """It does what the workers would do, by the same steps, so that it may live beside them."""

    overdue: Overdue
    carry_out: CarryOut
    end: EndExemption
    _in_vain: set[str] = field(default_factory=set)
    """Which were tried in vain. Next time they come last, or they alone could keep all others waiting."""

    async def __call__(self) -> int:
        """One look. Gives how many are overdue and could not be ended. Raises `Trouble` where nobody can be read.

        Raises `Throttled` where Entra asks us to wait; the rest is left to the next look.
        """
        now = self.carry_out.clock.now()
        found = await self.overdue.overdue(now, OVERDUE, self.carry_out.policy, BATCH + len(self._in_vain))
        ordered = sorted(found, key=lambda one: one.reference in self._in_vain)
        self._in_vain &= {one.reference for one in found}
        if len(self._in_vain) == len(found):
            self._in_vain.clear()  # all in turn, from the longest overdue
        left = 0
        for request in ordered[:BATCH]:
            self._in_vain.add(request.reference)
            if await self._ended(request):
                self._in_vain.discard(request.reference)
            else:
                left += 1
        return left

    async def _ended(self, request: Request) -> bool:
        with structlog.contextvars.bound_contextvars(reference=request.reference):
            log.error("an end is overdue and the workers have not done it", ends_at=str(request.ends_at))
            try:
                await self._end(request)
            except Throttled:
                raise
            except Trouble as trouble:
                log.error("the watchdog could not end it as usual", message=trouble.message)  # noqa: TRY400
            except Exception:
                log.exception("our own records cannot be changed")
            else:
                log.error("the watchdog ended it: look at why the workers did not")
                return True
            return await self._only_in_entra(request)

    async def _end(self, request: Request) -> None:
        if request.state is not State.ENDING:
            request = await self.carry_out(request.reference, Tick())
        await self.end(request)

    async def _only_in_entra(self, request: Request) -> bool:
        """The account is what matters; the book follows when a worker lives."""
        try:
            held_by = await self.end.held_by(request) or await self.end.take_out(request)
        except Throttled:
            raise
        except Trouble as trouble:
            log.error("the watchdog could not end it and tries again", message=trouble.message)  # noqa: TRY400
            return False
        if held_by:
            log.error("another exception needs the membership, and our records do not say so", held_by=held_by)
            return False
        log.error("removed in Entra, and not confirmed in our records: the workers have to")
        return True

    async def keep_looking(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until cancelled."""
        while True:
            pause = EVERY
            try:
                await self()
            except Throttled as throttled:
                pause = _pause(throttled)
                log.error("Entra asks the watchdog to wait", message=throttled.message, seconds=pause)  # noqa: TRY400
            except Trouble as trouble:
                log.error("the watchdog cannot see", message=trouble.message)  # noqa: TRY400
            await sleep(pause)


def _pause(throttled: Throttled) -> float:
    """Seconds."""
    return max(EVERY, min(throttled.retry_after or timedelta(0), LONGEST_PAUSE).total_seconds())
