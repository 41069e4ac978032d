"""Where people are reached in Teams, and the port through which anything is said there. `bot.gateway` makes it real."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cards.card import Card


class Scope(StrEnum):
    PERSONAL = "personal"
    CHANNEL = "channel"
    GROUP = "groupChat"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message can be sent to: a chat, or a thread of a channel."""

    service_url: str
    conversation_id: str
    tenant_id: str
    bot_id: str
    """The bot's own id there (`28:...`), as `recipient.id` of what came in."""
    scope: Scope
    channel_id: str = ""
    """The Teams channel (`19:...`), where the scope is a channel."""
    team_id: str = ""
    """The Entra group id of the team (`channelData.team.aadGroupId`), in lower case, where Teams says it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message ended up: needed in order to replace it later."""

    address: Address
    activity_id: str


class Begun(StrEnum):
    """A turn begins, for the first time or again."""

    FIRST = "first"
    AGAIN = "again"
    """It was begun before and never done. What it did until then stands."""


class Messenger(Protocol):
    """Each call may raise `Unreachable`, `TooLarge` or `Trouble` (with Retry-After); nothing else is expected."""

    async def send(self, to: Address, card: Card) -> Sent:
        """A card (card only, with its summary) into a chat or a thread that exists."""
        ...

    async def say(self, to: Address, text: str) -> Sent:
        """A plain sentence into a chat or a thread that exists."""
        ...

    async def replace(self, at: Sent, card: Card) -> None:
        """Puts another card in the place of one that was sent."""
        ...

    async def find(self, team: Address, entra_id: str) -> Address | None:
        """The chat with somebody of the team that `team` is in; None where they are not in it."""
        ...

    async def answers(self, at: Address) -> None:
        """Asks Teams about a chat or a channel, which changes nothing."""
        ...

    async def post(self, channel: Address, card: Card) -> Sent:
        """Starts a new thread in `channel.channel_id`; the result's address is the new thread's."""
        ...
