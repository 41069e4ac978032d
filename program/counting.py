"""Reads the figures of the tables and gives them to the metrics."""

from dataclasses import dataclass

import structlog

from adapters.database.figures import PostgresFigures
from bot import metrics
from domain.errors import Trouble
from domain.policy import Policy
from services.ports import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counting:
    tables: PostgresFigures
    clock: Clock
    policy: Policy

    async def __call__(self) -> None:
        """Raises `Trouble` where what the alarms look at cannot be read."""
        now = self.clock.now()
        metrics.show_late(await self.tables.late(now), self.policy.kinds)
        metrics.show_drifts(await self.tables.drifts(now))
        metrics.show_compared(await self.tables.compared_at(), now, self.policy.reconcile.every)
        metrics.show_jobs(await self.tables.jobs())
        try:
            metrics.show_requests(await self.tables.requests())
        except Trouble as trouble:
            # The alarms must not be blind because a large table is slow. What was counted last is still shown.
            log.warning("requests not counted", message=trouble.message)
