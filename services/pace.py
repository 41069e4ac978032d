"""How fast jobs may speak to Teams and Graph: the generic cell rate algorithm as pure arithmetic, and its port.

Of a ceiling only the moments are kept at which its limits are free again, so that one row of a table holds it.
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from time import monotonic
from typing import Protocol, TypeVar

import structlog

from domain.errors import PutOff

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
LONGEST_PAUSE = timedelta(minutes=15)
"""However long somebody asks us to wait: after this, one tries again. An end must not wait for a mistaken header."""

FARTHEST = LONGEST_PAUSE + timedelta(minutes=1)
"""No pause is longer, and nobody books so far ahead. What says otherwise was written before the clock was set back."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in any stretch of `within`; `burst` of them at once, the rest at even distances."""

    most: int
    within: timedelta
    burst: int

    @property
    def every(self) -> float:
        """Seconds between two, once the burst is used up."""
        return self.within.total_seconds() / (self.most - self.burst)

    @property
    def slack(self) -> float:
        """Seconds by which a limit may be overdrawn: the burst."""
        return (self.burst - 1) * self.every


@dataclass(frozen=True, slots=True)
class Ceiling:
    """`service` is what the figures call it; `name` tells one conversation from the next."""

    service: str
    name: str
    limits: tuple[Limit, ...]


TEAMS = Ceiling("teams", "teams", (Limit(50, timedelta(seconds=1), burst=10),))
"""https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""
_WRITES = (Limit(3000, timedelta(seconds=150), burst=100),)
GRAPH = Ceiling("graph", "graph", _WRITES)
"""Writes to Entra's directory, and all that has no name of its own below.

https://learn.microsoft.com/graph/throttling-limits
"""
MAIL, AUDIT, POLICIES, METHODS, TEAMWORK = (
    Ceiling("graph", f"graph:{service}", _WRITES) for service in ("mail", "audit", "policies", "methods", "teamwork")
)
"""Services of their own behind Graph's address, with limits of their own: where one asks to wait, no end waits."""
OF_GRAPH = {one.name: one for one in (GRAPH, MAIL, AUDIT, POLICIES, METHODS, TEAMWORK)}
_CONVERSATION = (
    Limit(7, timedelta(seconds=1), burst=2),
    Limit(8, timedelta(seconds=2), burst=3),
    Limit(60, timedelta(seconds=30), burst=15),
    Limit(1800, timedelta(hours=1), burst=300),
)


def conversation(conversation_id: str) -> Ceiling:
    return Ceiling("conversation", f"conversation:{conversation_id}", _CONVERSATION)


class Urgency(StrEnum):
    """Who goes first when there is not room for all."""

    END = "end"
    GRANT = "grant"
    NOTICE = "notice"
    REPORT = "report"
    """What shows how things stand: nobody waits for it."""


PATIENCE = {
    Urgency.END: timedelta(seconds=5),
    Urgency.GRANT: timedelta(seconds=2),
    Urgency.NOTICE: timedelta(seconds=0.5),
    Urgency.REPORT: timedelta(0),
}
"""How far ahead each may book its turn, and so how long it may hold a worker's place while it waits. Who is more
urgent books further ahead, and then the others find no turn that is near enough, and come back later."""
IN_LINE = frozenset({Urgency.NOTICE, Urgency.REPORT})
"""Who comes back later stands in line there, a moment each. An end or a grant comes back as soon as there is room, and
not behind all notices that were put off before it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a ceiling stands. Moments in seconds, of whatever clock; all zeros is one that was never used."""

    free_at: tuple[float, ...]
    later_at: float = 0.0
    """The last moment that was given to somebody to come back at."""
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """`booked`: go after `wait` seconds. Otherwise nothing was booked: ask again after `wait` seconds."""

    booked: bool
    wait: float


def ask(
    pace: Pace, limits: tuple[Limit, ...], now: float, patience: float, *, in_line: bool = True
) -> tuple[Pace, Turn]:
    """Books a turn where there is one within `patience` seconds; otherwise gives a moment to come back at.

    `in_line`: one of their own, after all that were given before. After the clock was set back far, it begins anew.

    `adapters.database.ceilings` does the same in one statement, and a test holds the two together.
    """
    free = pace.free_at or (0.0,) * len(limits)
    pairs = tuple(zip(free, limits, strict=True))
    at = max(now, pace.paused_until, *(moment - limit.slack for moment, limit in pairs))
    if at > now + max(FARTHEST.total_seconds(), patience):
        return ask(Pace(()), limits, now, patience, in_line=in_line)
    if at <= now + patience:
        taken = tuple(max(moment, at) + limit.every for moment, limit in pairs)
        return replace(pace, free_at=taken), Turn(booked=True, wait=at - now)
    if not in_line:
        return pace, Turn(booked=False, wait=at - now)
    back = max(pace.later_at, at)
    return replace(pace, later_at=back + limits[0].every), Turn(booked=False, wait=back - now)


class Ceilings(Protocol):
    """Kept by all processes together. Each call may raise `Trouble`."""

    async def ask(self, ceiling: Ceiling, patience: timedelta, *, in_line: bool) -> Turn: ...

    async def spend(self, ceiling: Ceiling, number: int) -> None:
        """Counts what went out without asking."""
        ...

    async def pause(self, ceiling: Ceiling, wait: timedelta) -> None:
        """Nobody goes for so long."""
        ...


ANSWER = 2.0
"""Seconds in which the ceilings have to answer whoever can go without them."""


@dataclass(frozen=True, slots=True)
class EvenWithout:
    """The same ceilings, for what has to work when all else is dead: where they do not answer, there is room."""

    inner: Ceilings

    async def ask(self, ceiling: Ceiling, patience: timedelta, *, in_line: bool) -> Turn:
        turn = await self._if_it_answers(self.inner.ask(ceiling, patience, in_line=in_line))
        return turn or Turn(booked=True, wait=0.0)

    async def spend(self, ceiling: Ceiling, number: int) -> None:
        await self._if_it_answers(self.inner.spend(ceiling, number))

    async def pause(self, ceiling: Ceiling, wait: timedelta) -> None:
        await self._if_it_answers(self.inner.pause(ceiling, wait))

    async def _if_it_answers(self, call: Awaitable[_T]) -> _T | None:
        try:
            async with asyncio.timeout(ANSWER):
                return await call
        except Exception as error:  # whatever is wrong with them
            log.warning("going on without the ceilings", error=str(error) or type(error).__name__)
            return None


@dataclass(frozen=True, slots=True)
class Paced:
    """Waits for a turn, or raises `PutOff` where it is too far away to hold a worker's place for it."""

    ceilings: Ceilings
    put_off: Callable[[str, Urgency], None]
    """Counts it: the service and who had to come back later."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def turn(self, urgency: Urgency, *ceilings: Ceiling) -> None:
        """The scarcest last: what was booked of the others is then lost."""
        for ceiling in ceilings:
            turn = await self.ceilings.ask(ceiling, PATIENCE[urgency], in_line=urgency in IN_LINE)
            if not turn.booked:
                self.put_off(ceiling.service, urgency)
                raise PutOff(ceiling.service, retry_after=timedelta(seconds=turn.wait))
            if turn.wait > 0:
                await self.sleep(turn.wait)

    async def pause(self, ceiling: Ceiling, wait: timedelta | None) -> None:
        if wait:
            await self.ceilings.pause(ceiling, min(wait, LONGEST_PAUSE))


SOON = timedelta(seconds=5)
LONGEST_STAY = 30.0
"""Seconds for which the calls of one job may hold a worker's place while they wait for room."""


async def coming_back(
    call: Callable[[], Awaitable[_T]],
    until: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = monotonic,
) -> _T:
    """Makes a call that is put off again when there is room, where that is soon.

    For one of several calls of a job: if the whole job came back, it would use up the room with what it did before,
    and never come to its end. Where others take the room each time, it raises `PutOff` at `until`, in `seconds`: all
    calls of a job together hold a worker's place no longer than `LONGEST_STAY`.
    """
    while True:
        try:
            return await call()
        except PutOff as later:
            wait = later.retry_after
            if wait is None or wait > SOON or seconds() + wait.total_seconds() > until:
                raise
            await sleep(wait.total_seconds())
