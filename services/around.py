"""A messenger and a mailer with something around each message that leaves. All else is handed on as it is."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from cards.card import Card
from cards.mail_layout import Mail
from services.chat import Address, Messenger, Sent
from services.ports import Mailer

Around = Callable[[Callable[[], Awaitable[None]]], AbstractAsyncContextManager[None]]
"""It is given a question to whoever takes the message, which changes nothing."""


@dataclass(frozen=True, slots=True)
class MessengerWith:
    inner: Messenger
    around: Around

    async def send(self, to: Address, card: Card) -> Sent:
        async with self.around(partial(self.inner.answers, to)):
            return await self.inner.send(to, card)

    async def say(self, to: Address, text: str) -> Sent:
        async with self.around(partial(self.inner.answers, to)):
            return await self.inner.say(to, text)

    async def post(self, channel: Address, card: Card) -> Sent:
        async with self.around(partial(self.inner.answers, channel)):
            return await self.inner.post(channel, card)

    async def replace(self, at: Sent, card: Card) -> None:
        await self.inner.replace(at, card)

    async def find(self, team: Address, entra_id: str) -> Address | None:
        return await self.inner.find(team, entra_id)

    async def answers(self, at: Address) -> None:
        await self.inner.answers(at)


@dataclass(frozen=True, slots=True)
class MailerWith:
    inner: Mailer
    around: Around

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        async with self.around(self.inner.answers):
            await self.inner.send(to=to, mail=mail, key=key)

    async def answers(self) -> None:
        await self.inner.answers()
