"""Counts a notice at the last moment before it leaves: what a process that dies earlier has begun did not go out."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cards.card import Card
from cards.mail_layout import Mail
from domain.errors import Trouble
from services.book import Notices
from services.chat import Address, Messenger, Sent
from services.ports import Mailer

_TELLS: ContextVar[Sequence[str]] = ContextVar("tells", default=())


@contextmanager
def telling(keys: Sequence[str]) -> Iterator[None]:
    """Within it, whatever is sent tells the notices with these keys."""
    token = _TELLS.set(keys)
    try:
        yield
    finally:
        _TELLS.reset(token)


@asynccontextmanager
async def _counted(notices: Notices) -> AsyncIterator[None]:
    keys = _TELLS.get()
    if keys:
        await notices.going_out(keys)
    try:
        yield
    except Trouble as trouble:
        if keys and not trouble.unanswered:
            await notices.not_sent(keys)
        raise


@dataclass(frozen=True, slots=True)
class MessengerThatCounts:
    inner: Messenger
    notices: Notices

    async def send(self, to: Address, card: Card) -> Sent:
        async with _counted(self.notices):
            return await self.inner.send(to, card)

    async def say(self, to: Address, text: str) -> Sent:
        async with _counted(self.notices):
            return await self.inner.say(to, text)

    async def post(self, channel: Address, card: Card) -> Sent:
        async with _counted(self.notices):
            return await self.inner.post(channel, card)

    async def replace(self, at: Sent, card: Card) -> None:
        await self.inner.replace(at, card)

    async def find(self, team: Address, entra_id: str) -> Address | None:
        return await self.inner.find(team, entra_id)

    async def answers(self, at: Address) -> None:
        await self.inner.answers(at)


@dataclass(frozen=True, slots=True)
class MailerThatCounts:
    inner: Mailer
    notices: Notices

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        async with _counted(self.notices):
            await self.inner.send(to=to, mail=mail, key=key)

    async def answers(self) -> None:
        await self.inner.answers()
