"""For what was tried before: asks first whether anybody answers. The one repeat is not spent on an outage."""

from collections.abc import Awaitable
from dataclasses import dataclass

from cards.card import Card
from cards.mail_layout import Mail
from domain.errors import Trouble
from services.chat import Address, Messenger, Sent
from services.ports import Mailer


async def answered(question: Awaitable[None]) -> None:
    """Raises `Trouble` where there is no answer: then nothing was sent. A refusal is an answer."""
    try:
        await question
    except Trouble as trouble:
        if not trouble.for_good:
            trouble.unanswered = False
            raise


@dataclass(frozen=True, slots=True)
class MessengerAskingFirst:
    inner: Messenger

    async def send(self, to: Address, card: Card) -> Sent:
        await answered(self.inner.answers(to))
        return await self.inner.send(to, card)

    async def say(self, to: Address, text: str) -> Sent:
        await answered(self.inner.answers(to))
        return await self.inner.say(to, text)

    async def post(self, channel: Address, card: Card) -> Sent:
        await answered(self.inner.answers(channel))
        return await self.inner.post(channel, card)

    async def replace(self, at: Sent, card: Card) -> None:
        await self.inner.replace(at, card)

    async def find(self, team: Address, entra_id: str) -> Address | None:
        return await self.inner.find(team, entra_id)

    async def answers(self, at: Address) -> None:
        await self.inner.answers(at)


@dataclass(frozen=True, slots=True)
class MailerAskingFirst:
    inner: Mailer

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        await answered(self.inner.answers())
        await self.inner.send(to=to, mail=mail, key=key)

    async def answers(self) -> None:
        await self.inner.answers()
