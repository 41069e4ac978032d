"""Has Entra compared with the book at the policy's interval, however the clock may have jumped. Called often."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import structlog

from domain.errors import Trouble
from services.pace import LONGEST_PAUSE
from services.reconcile import Reconcile
from services.sweep import BATCH, Sweep

log = structlog.get_logger(__name__)
PAUSE = 60.0
"""Seconds before it is tried again where something could not be read or done."""
MOST_BATCHES = 40


@dataclass(slots=True)
class Compare:
    reconcile: Reconcile
    sweep: Sweep
    seconds: Callable[[], float] = monotonic
    _not_before: float = field(default=0.0)

    async def __call__(self) -> None:
        if self.seconds() < self._not_before:
            return
        try:
            if await self.reconcile.is_due():
                await self._compare()
        except Trouble as trouble:
            log.warning("Entra and the book were not compared", message=trouble.message)
            self._pause(trouble.retry_after)

    async def _compare(self) -> None:
        """What is only due is no drift: it is moved on first."""
        now = self.reconcile.carry_out.clock.now()
        for _ in range(MOST_BATCHES):
            if await self.sweep.tick(now) < BATCH:
                break
        report = await self.reconcile(now)
        log.info("Entra and the book compared", drifts=len(report.drifts), troubles=len(report.troubles))
        for sentence in report.troubles:
            log.warning("a comparison is not complete", message=sentence)
        if report.troubles:
            self._pause(report.wait)

    def _pause(self, wait: timedelta | None) -> None:
        asked = min(wait, LONGEST_PAUSE).total_seconds() if wait else 0.0
        self._not_before = self.seconds() + max(PAUSE, asked)
