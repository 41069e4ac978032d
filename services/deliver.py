"""Around `perform`: counts what becomes of effects, and gives up a notice that will never be delivered.

A notice that what passes keeps from being delivered is tried on, and the helpdesk is told when that takes long. Grants,
ends and all else that changes something outside are never given up.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.effects import (
    STILL_TRIED,
    Alarm,
    Effect,
    Refresh,
    ShowDrift,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)
from domain.errors import PutOff, Trouble, Unreachable
from domain.events import Event, What
from services.book import Entry, Notices, Waiting
from services.carry_out import CarryOut
from services.figures import Figures

log = structlog.get_logger(__name__)
NOTICES = Tell | TellTogether | ShowHelpdesk | Alarm | Warn | ShowDrift | Refresh | WriteToMailbox
MOST_TRIES = 12
"""Of a notice of which Teams or Graph says that it will never be taken."""
LONGEST = timedelta(days=1)
"""For a notice that one of our own mistakes stops: a mended version may deliver it within a day. What passes is tried
on, but somebody has to know by then."""
LOOK_EVERY = 12
"""Tries, about an hour of them: so often is it written down that something which passes has not passed yet."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How often something failed for a reason that will not pass, and since when."""

    tries: int
    since: datetime


class Undelivered(Protocol):
    async def failed(self, key: str, at: datetime, *, anew: bool = False) -> Failures:
        """Once more. `anew`: what is known of an earlier job does not count."""
        ...

    async def forget(self, *keys: str) -> None: ...


def is_over(failures: Failures, now: datetime, *, refused: bool) -> bool:
    """`refused`: for good, by whoever has to take it; otherwise it is a mistake of ours."""
    return failures.tries >= MOST_TRIES if refused else now - failures.since >= LONGEST


def key_of(effect: Effect) -> str:
    return ":".join(str(part) for part in (effect.reference, type(effect).__name__, *astuple(effect)[1:]) if part)


def undelivered_alarm(effect: NOTICES, ending: str) -> Alarm:
    """`ending` of its occasion says how it stands; empty where the notice was given up."""
    about = key_of(effect).removeprefix(f"{effect.reference}:")
    return Alarm(effect.reference, "undelivered", about + ending)


def _about(effect: NOTICES) -> str:
    """Where the audit has it."""
    match effect:
        case Warn():
            return f"account:{effect.subject or effect.by}"
        case ShowDrift(reference=""):
            return f"drift:{effect.key}"
        case _:
            return effect.reference


def _waits(effect: Effect) -> str:
    """Counted apart: what passes uses up none of the tries of what does not."""
    return key_of(effect) + STILL_TRIED


@dataclass(frozen=True, slots=True)
class Deliver:
    perform: Callable[[Effect, int], Awaitable[None]]
    carry_out: CarryOut
    undelivered: Undelivered
    figures: Figures
    apart: Callable[[TellTogether], Awaitable[None]]
    """What cannot be told together is not given up, but told one by one."""

    async def __call__(self, effect: Effect, attempts: int) -> None:
        """Raises what `perform` raises, in order to be called again; unless it is given up."""
        try:
            await self.perform(effect, attempts)
        except Trouble as trouble:
            log.warning(
                "effect put off", reference=effect.reference, effect=type(effect).__name__, key=key_of(effect),
                message=trouble.message, attempts=attempts + 1,
            )  # fmt: skip
            if isinstance(trouble, PutOff):
                raise
            self.figures.tried_again(type(effect).__name__, "for_good" if trouble.for_good else "trouble")
            if not await self._ended(effect, attempts, trouble):
                raise
        except Exception as mistake:
            log.exception(
                "effect failed by a mistake of ours", reference=effect.reference, effect=type(effect).__name__
            )
            self.figures.tried_again(type(effect).__name__, "bug")
            if not await self._given_up(effect, attempts, type(mistake).__name__, refused=False):
                raise
        else:
            await self._done(effect, attempts)

    async def _ended(self, effect: Effect, attempts: int, trouble: Trouble) -> bool:
        if isinstance(effect, Alarm) and effect.occasion.endswith(STILL_TRIED):
            return True  # wanted again while it is so: else all of them came when Teams is back, and none was true
        if not trouble.for_good:
            return await self._look_how_long(effect, attempts, trouble.message)
        # Nobody reached in the channel may only mean that the app has to be added to the team again.
        refused = not isinstance(trouble, Unreachable)
        return await self._given_up(effect, attempts, trouble.message, refused=refused)

    async def _look_how_long(self, effect: Effect, attempts: int, why: str) -> bool:
        """Looks now and then, so that a notice which is late for an hour costs no write. After a day it is said.

        True where it is told one by one instead.
        """
        if not isinstance(effect, NOTICES) or not attempts or attempts % LOOK_EVERY:
            return False
        now = self.carry_out.clock.now()
        failures = await self.undelivered.failed(_waits(effect), now, anew=attempts == LOOK_EVERY)
        if now - failures.since < LONGEST:
            return False
        if isinstance(effect, TellTogether):
            await self._tell_apart(effect, why)
            return True
        await self._say(effect, What.NOT_DELIVERED_YET, why, now, failures.since)
        return False

    async def _given_up(self, effect: Effect, attempts: int, why: str, *, refused: bool) -> bool:
        if not isinstance(effect, NOTICES):
            return False
        now = self.carry_out.clock.now()
        failures = await self.undelivered.failed(key_of(effect), now, anew=not attempts)
        if not is_over(failures, now, refused=refused):
            return False
        if isinstance(effect, TellTogether):
            await self._tell_apart(effect, why)
            return True
        # A process that died right after it had forgotten counts once more: by then it was said within the last day.
        await self._say(effect, What.NOT_DELIVERED, why, now, failures.since - LONGEST)
        await self._forget(effect)
        return True

    async def _tell_apart(self, effect: TellTogether, why: str) -> None:
        log.warning("told one by one", effect=type(effect).__name__, why=why)
        await self.apart(effect)
        await self._forget(effect)

    async def _say(self, effect: NOTICES, what: What, why: str, now: datetime, since: datetime) -> None:
        """Into the audit, unless that was done since, and before the helpdesk's eyes.

        What cannot be shown in the channel, and is about no other message, raises no alarm there.
        """
        key, about, gone = key_of(effect), _about(effect), what is What.NOT_DELIVERED
        async with self.carry_out.book.page() as page:
            known = await page.is_recorded(about, what, key, since)
            if not known:
                event = Event(what, details={"notice": key, "why": why})
                await page.record([self.carry_out.entry(about, event, now)])
            if not (known and gone) and not isinstance(effect, Alarm | Warn | ShowDrift):
                await page.want((undelivered_alarm(effect, "" if gone else STILL_TRIED),))
        if known:
            return
        said = "given up" if gone else "not delivered for long"
        log.error(said, reference=effect.reference, effect=type(effect).__name__, why=why)
        self.figures.notice("none", "given_up" if gone else "still_tried")

    async def _forget(self, effect: NOTICES) -> None:
        await self.undelivered.forget(key_of(effect), _waits(effect))

    async def _done(self, effect: Effect, attempts: int) -> None:
        if attempts and isinstance(effect, NOTICES):
            await self._forget(effect)


@dataclass(frozen=True, slots=True)
class CountedNotices:
    """The same notices, and a figure for each that was sent."""

    inner: Notices
    figures: Figures

    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        return await self.inner.begin(key, reference, at)

    async def begin_or_wait(self, key: str, tell: Tell, person_id: str, at: datetime, since: datetime) -> int | None:
        return await self.inner.begin_or_wait(key, tell, person_id, at, since)

    async def to_tell_together(self, before: datetime, limit: int) -> tuple[TellTogether, ...]:
        return await self.inner.to_tell_together(before, limit)

    async def take(self, together: TellTogether, limit: int) -> tuple[Waiting, ...]:
        return await self.inner.take(together, limit)

    async def going_out(self, keys: Sequence[str]) -> None:
        await self.inner.going_out(keys)

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
