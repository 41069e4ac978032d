"""Finds what time alone moves on, and moves it on. Called every few seconds, however the clock may have jumped."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.commands import SeeAccount, Tick
from domain.errors import Refusal, Trouble
from domain.gathering import WITHIN
from services.book import Book, Drafts, Notices
from services.carry_out import CarryOut

log = structlog.get_logger(__name__)
BATCH = 500
ACCOUNTS = 20
"""Accounts looked at in one sweep: three Graph calls each, so at most 60 calls every few seconds."""
TIDY = timedelta(hours=1)


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
    _tidied: datetime | None = field(default=None)

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
        """Moves on what is due, a batch of it; gives how many that were."""
        due = await self.book.due(now, BATCH)
        for reference in due:
            try:
                await self.carry_out(reference, Tick())
            except Refusal:
                log.exception("time was refused", reference=reference)
        return len(due)

    async def _tell_together(self, now: datetime) -> None:
        """What has waited long enough to be told with others of its sort."""
        due = await self.notices.to_tell_together(now - WITHIN, BATCH)
        if due:
            async with self.book.page() as page:
                await page.want(due)

    async def _look_at_accounts(self, now: datetime) -> None:
        """Somebody who left, was disabled or became an administrator; the ends never wait for this."""
        before = now - self.carry_out.policy.limits.look_at_accounts
        for request in await self.book.to_look_at(before, ACCOUNTS):
            try:
                account = await self.carry_out.account(request.subject.id)
                await self.carry_out(request.reference, SeeAccount(account))
            except Trouble as trouble:
                log.warning("accounts not looked at", reference=request.reference, message=trouble.message)
                return
            except Refusal:
                log.exception("an account was refused", reference=request.reference)
