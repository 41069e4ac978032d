"""Around `perform`: counts what becomes of effects, and gives up a notice that will never be delivered.

Grants, ends and all else that changes something outside are never given up.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.effects import Alarm, Effect, Refresh, ShowHelpdesk, Tell, TellTogether, WriteToMailbox
from domain.errors import PutOff, Trouble, Unreachable
from domain.events import Event, What
from services.book import Entry, Notices, Waiting
from services.carry_out import CarryOut
from services.figures import Figures

log = structlog.get_logger(__name__)
NOTICES = Tell | ShowHelpdesk | Alarm | Refresh | WriteToMailbox
MOST_TRIES = 12
"""Of a notice of which Teams or Graph says that it will never be taken."""
LONGEST = timedelta(days=1)
"""For a notice that one of our own mistakes stops: a mended version may deliver it within a day."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How often something failed for a reason that will not pass, and since when."""

    tries: int
    since: datetime


class Undelivered(Protocol):
    async def failed(self, key: str, at: datetime) -> Failures:
        """Once more."""
        ...

    async def forget(self, key: str) -> None: ...


def is_over(failures: Failures, now: datetime, *, refused: bool) -> bool:
    """`refused`: for good, by whoever has to take it; otherwise it is a mistake of ours."""
    return failures.tries >= MOST_TRIES if refused else now - failures.since >= LONGEST


def key_of(effect: Effect) -> str:
    return ":".join(str(part) for part in (effect.reference, type(effect).__name__, *astuple(effect)[1:]) if part)


@dataclass(frozen=True, slots=True)
class Deliver:
    perform: Callable[[Effect, int], Awaitable[None]]
    carry_out: CarryOut
    undelivered: Undelivered
    figures: Figures

    async def __call__(self, effect: Effect, attempts: int) -> None:
        """Raises what `perform` raises, in order to be called again; unless it is given up."""
        try:
            await self.perform(effect, attempts)
        except PutOff:
            raise
        except Trouble as trouble:
            self.figures.tried_again(type(effect).__name__, "for_good" if trouble.for_good else "trouble")
            # Nobody reached in the channel may only mean that the app has to be added to the team again.
            refused = not isinstance(trouble, Unreachable)
            if not (trouble.for_good and await self._given_up(effect, trouble.message, refused=refused)):
                raise
        except Exception as mistake:
            log.exception(
                "effect failed by a mistake of ours", reference=effect.reference, effect=type(effect).__name__
            )
            self.figures.tried_again(type(effect).__name__, "bug")
            if not await self._given_up(effect, type(mistake).__name__, refused=False):
                raise
        else:
            await self._done(effect, attempts)

    async def _given_up(self, effect: Effect, why: str, *, refused: bool) -> bool:
        if not isinstance(effect, NOTICES):
            return False
        now = self.carry_out.clock.now()
        failures = await self.undelivered.failed(key_of(effect), now)
        if not is_over(failures, now, refused=refused):
            return False
        await self._give_up(effect, why, now)
        await self.undelivered.forget(key_of(effect))
        return True

    async def _give_up(self, effect: NOTICES, why: str, now: datetime) -> None:
        """Into the audit, and before the helpdesk's eyes; an alarm that cannot be shown raises no other one."""
        log.error("given up", reference=effect.reference, effect=type(effect).__name__, why=why)
        self.figures.notice("none", "given_up")
        event = Event(What.NOT_DELIVERED, details={"notice": key_of(effect), "why": why})
        async with self.carry_out.book.page() as page:
            await page.record([self.carry_out.entry(effect.reference, event, now)])
            if not isinstance(effect, Alarm):
                about = key_of(effect).removeprefix(f"{effect.reference}:")
                await page.want((Alarm(effect.reference, "undelivered", about),))

    async def _done(self, effect: Effect, attempts: int) -> None:
        if attempts and isinstance(effect, NOTICES):
            await self.undelivered.forget(key_of(effect))


@dataclass(frozen=True, slots=True)
class CountedNotices:
    """The same notices, and a figure for each that was sent."""

    inner: Notices
    figures: Figures

    async def begin(self, key: str, reference: str, at: datetime) -> bool:
        return await self.inner.begin(key, reference, at)

    async def begin_or_wait(self, key: str, tell: Tell, person_id: str, at: datetime, since: datetime) -> bool:
        return await self.inner.begin_or_wait(key, tell, person_id, at, since)

    async def to_tell_together(self, before: datetime, limit: int) -> tuple[TellTogether, ...]:
        return await self.inner.to_tell_together(before, limit)

    async def take(self, together: TellTogether, limit: int) -> tuple[Waiting, ...]:
        return await self.inner.take(together, limit)

    async def not_sent(self, keys: Sequence[str]) -> None:
        await self.inner.not_sent(keys)

    async def forget(self, keys: Sequence[str]) -> None:
        await self.inner.forget(keys)

    async def finish(
        self, keys: Sequence[str], *, way: str, activity_id: str, at: datetime, entries: Sequence[Entry] = ()
    ) -> None:
        await self.inner.finish(keys, way=way, activity_id=activity_id, at=at, entries=entries)
        for _ in keys:
            self.figures.notice(way, "sent")
