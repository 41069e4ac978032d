"""Sends a notice that was begun, and settles what became of it where that fails: it is repeated once at most."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from domain.effects import UNANSWERED, Alarm, Effect, ShowHelpdesk, Tell, WriteToMailbox
from domain.errors import Trouble
from domain.events import Event, What
from services.book import MOST_TIMES, Entry, Notices
from services.carry_out import CarryOut
from services.deliver import undelivered_alarm
from services.figures import Figures
from services.going_out import telling

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
BEFORE_THE_REPEAT = timedelta(seconds=30)
"""There is only one: it is not spent on what is over in a few seconds."""
_NOT_WRITTEN = "what became of it could not be written down twice"


@dataclass(frozen=True, slots=True)
class Once:
    carry_out: CarryOut
    notices: Notices
    figures: Figures

    async def begin(self, key: str, effect: Effect) -> bool:
        """False where it must not be sent: it was sent before, or may have gone out twice already."""
        now = self.carry_out.clock.now()
        return await self.is_left(key, effect, await self.notices.begin(key, effect.reference, now))

    async def is_left(self, key: str, effect: Effect, attempts: int | None) -> bool:
        """Whether it may be sent. `attempts`: as `Notices.begin` gave it.

        Where processes died while they sent it, or could not write that it was sent, that was not settled then.
        """
        if attempts is None:
            return False
        if attempts >= MOST_TIMES:
            await self._over({key: effect}, _NOT_WRITTEN)
            return False
        return True

    async def __call__(self, wanted: Mapping[str, Effect], send: Callable[[], Awaitable[_T]]) -> _T | None:
        """`wanted`: by its key each notice that was begun, and the effect that it is of. `send` sends one message.

        Raises what `send` raises, where that may be tried again. None where all of it is over: it may have gone out
        twice already.
        """
        try:
            with telling(tuple(wanted)):
                return await send()
        except Trouble as trouble:
            if not trouble.unanswered:
                raise
            if len(await self._over(wanted, trouble.message)) == len(wanted):
                return None
            trouble.retry_after = max(trouble.retry_after or BEFORE_THE_REPEAT, BEFORE_THE_REPEAT)
            raise

    async def _over(self, wanted: Mapping[str, Effect], why: str) -> tuple[str, ...]:
        now = self.carry_out.clock.now()
        async with self.carry_out.book.page() as page:
            over = await page.end_unanswered(list(wanted))
            await page.record([self._entry(key, wanted[key], why, now) for key in over])
            alarms = (_alarm(wanted[key]) for key in over)
            await page.want(list(dict.fromkeys(alarm for alarm in alarms if alarm)))
        for key in over:
            log.error("not known to have arrived", notice=key, why=why)
            self.figures.notice("none", "unknown")
        return over

    def _entry(self, key: str, effect: Effect, why: str, now: datetime) -> Entry:
        details = {"notice": key, "why": why, "outcome": "unknown"}
        return self.carry_out.entry(effect.reference or key, Event(What.NOT_DELIVERED, details=details), now)


def _alarm(effect: Effect) -> Alarm | None:
    """None for what goes to the channel's own eyes only: there nobody would see an alarm either."""
    if not isinstance(effect, Tell | ShowHelpdesk | WriteToMailbox):
        return None
    return undelivered_alarm(effect, UNANSWERED)
