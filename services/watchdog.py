"""Ends exceptions that are long past their end, without the job engine: for when the workers are dead."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
    _turns: dict[str, int] = field(default_factory=dict)
    """The last turn that each had, of those still overdue. Or a few that fail could keep all others waiting."""
    _turn: int = 0

    async def __call__(self) -> int:
        """One look, in which each that is overdue has one turn. Gives how many of them could not be ended.

        Raises `Trouble` where nobody can be read, and `Throttled` where Entra asks us to wait: the next look begins
        with those that were left.
        """
        began, left = self._turn, 0
        while waiting := await self._waiting(began):
            for request in waiting:
                self._turn += 1
                self._turns[request.reference] = self._turn
                left += not await self._ended(request)
        return left

    async def _waiting(self, began: int) -> Sequence[Request]:
        """Some that have had no turn in this look; first those that have never had one, then by when it was."""
        now, most = self.carry_out.clock.now(), BATCH + len(self._turns)
        found = await self.overdue.overdue(now, OVERDUE, self.carry_out.policy, most)
        last = {one.reference: self._turns.get(one.reference, 0) for one in found}
        self._turns = {reference: turn for reference, turn in last.items() if turn}
        waiting = [one for one in found if last[one.reference] <= began]
        return sorted(waiting, key=lambda one: last[one.reference])[:BATCH]

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
