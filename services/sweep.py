"""Finds what time alone moves on, and moves it on. Called every few seconds, however the clock may have jumped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Protocol

import structlog

from domain.commands import SeeAccount, Tick
from domain.errors import Refusal, Throttled, Trouble
from domain.gathering import WITHIN
from domain.request import Request
from services.book import Book, Drafts, Notices
from services.carry_out import CarryOut
from services.pace import GRAPH, METHODS, Urgency
from services.paced import Below

log = structlog.get_logger(__name__)
BATCH = 500
ACCOUNTS = 20
"""Accounts looked at in one sweep: three Graph calls each, so at most 60 calls every few seconds."""
LOOK = 2.0
"""Seconds after which no other account is looked at in this sweep: what is due next must not wait for a slow Graph."""
TIDY = timedelta(hours=1)
TROUBLES = 3
"""So many in one sweep, and it is not about one request: the sweep is put off."""


class Forgets(Protocol):
    async def forget_old(self) -> int: ...


@dataclass(slots=True)
class Sweep:
    book: Book
    drafts: Drafts
    notices: Notices
    forget: tuple[Forgets, ...]
    """What keeps rows that are of no use after some hours."""
    carry_out: CarryOut
    below: Below
    seconds: Callable[[], float] = monotonic
    _tidied: datetime | None = field(default=None)
    _not_seen: dict[str, datetime] = field(default_factory=dict)
    """Whose account could not be looked at, and when: the others are not to wait for it."""

    async def __call__(self) -> None:
        now = self.carry_out.clock.now()
        await self.tick(now)
        await self._tell_together(now)
        await self._look_at_accounts(now)
        if self._tidied is None or abs(now - self._tidied) >= TIDY:
            self._tidied = now
            await self.drafts.forget_before(now - self.carry_out.policy.limits.draft_kept)
            for one in self.forget:
                await one.forget_old()

    async def tick(self, now: datetime) -> int:
        """Moves on what is due, a batch of it, the ends first; gives how many that were.

        What cannot be moved on holds up nobody else. Raises `Trouble` where several cannot.
        """
        due = await self.book.due(now, BATCH)
        troubles = 0
        for reference in due:
            try:
                await self.carry_out(reference, Tick())
            except Trouble as trouble:
                troubles += 1
                if troubles == TROUBLES:
                    raise
                log.warning("time could not move a request on", reference=reference, message=trouble.message)
            except Exception:
                log.exception("time did not move a request on", reference=reference)
                self.below.figures.tried_again(Tick.__name__, "bug")
        return len(due)

    async def _tell_together(self, now: datetime) -> None:
        """What has waited long enough to be told with others of its sort."""
        due = await self.notices.to_tell_together(now - WITHIN, BATCH)
        if due:
            async with self.book.page() as page:
                await page.want(due)

    async def _look_at_accounts(self, now: datetime) -> None:
        """Somebody who left, was disabled or became an administrator; the ends wait for one of these at most.

        Who cannot be looked at holds up nobody else.
        """
        every = self.carry_out.policy.limits.look_at_accounts
        self._not_seen = {one: at for one, at in self._not_seen.items() if abs(now - at) < every}
        found = await self.book.to_look_at(now - every, ACCOUNTS + len(self._not_seen))
        wanted = [request for request in found if request.reference not in self._not_seen][:ACCOUNTS]
        troubles, until = 0, self.seconds() + LOOK
        for request in wanted:
            if self.seconds() >= until:
                return
            try:
                await self._look_at(request)
            except Throttled as asked_to_wait:
                log.warning("accounts not looked at", message=asked_to_wait.message)
                return
            except Trouble as trouble:
                log.warning("an account was not looked at", reference=request.reference, message=trouble.message)
                self._not_seen[request.reference] = now
                troubles += 1
                if troubles == TROUBLES:
                    return
            except Refusal:
                log.exception("an account was refused", reference=request.reference)
                self._not_seen[request.reference] = now
            except Exception:
                log.exception("an account was not looked at", reference=request.reference)
                self._not_seen[request.reference] = now
                self.below.figures.tried_again(SeeAccount.__name__, "bug")

    async def _look_at(self, request: Request) -> None:
        """Graph's pause is for whoever reads, too."""
        look = partial(self.carry_out.account, request.subject.id)
        account = await self.below(look, Urgency.REPORT, METHODS, GRAPH)
        await self.carry_out(request.reference, SeeAccount(account))
