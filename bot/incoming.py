"""What comes in from Teams, in our own words. The gateway makes these; nothing here knows Bot Framework."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cards.card import Card
from services.chat import Address


@dataclass(frozen=True, slots=True)
class Sender:
    """Who acts. Only `entra_id` is Teams' word; `name` is only for showing."""

    entra_id: str
    """`from.aadObjectId` in lower case; empty where Teams gave none: that is nobody."""
    teams_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Click:
    """A pressed button: an Execute (answered in place) or its Submit fallback (a message with a value)."""

    verb: str
    """Empty where the card sent none or something that is not text."""
    data: Mapping[str, Any]
    """All that the card sent: the button's own data and the inputs. Not to be believed, types included."""
    in_place: bool
    """True for `adaptiveCard/action`: the answer is returned in the HTTP response."""
    card_activity_id: str
    """`replyToId`: the message that holds the card; empty where Teams did not say."""
    automatic: bool = False
    """True when a card refreshed itself (`trigger: automatic`): only reading is allowed."""


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that came with a message. Nothing of it is to be believed."""

    name: str
    url: str = field(repr=False)
    """Where it can be downloaded for a few minutes by whoever knows the address: never logged, never kept.

    Empty for what cannot be downloaded (a picture put into the text, a recording, a card): it has to be sent as a file.
    """
    file_type: str
    """What Teams says: an extension without the dot, else a content type; empty where it says nothing."""


@dataclass(frozen=True, slots=True)
class Search:
    """Somebody looks for something from where they write a message, or pasted a link there. Nothing is sent yet.

    Each letter that they type may come as a search of its own.
    """

    command: str = ""
    """The id of the command in the app's manifest; empty for a link."""
    text: str = ""
    """What was typed so far; empty where the box was only opened."""
    link: str | None = None
    """What was pasted; None where it was typed into the box."""


class Kind(StrEnum):
    MESSAGE = "message"
    CLICK = "click"
    ADDED = "added"
    """The bot was added (installed) to a chat, a team or a channel."""
    REMOVED = "removed"
    """The bot was removed from there."""
    SEARCH = "search"
    """The conversation is the one in which they write: the bot need not be in it."""
    OTHER = "other"
    """Reactions, typing, edits, members who come and go: nothing to answer, but the address is fresh."""


@dataclass(frozen=True, slots=True)
class Incoming:
    kind: Kind
    activity_id: str
    sender: Sender
    address: Address
    text: str = ""
    """What was typed, without the mention of the bot itself, trimmed."""
    click: Click | None = None
    files: tuple[IncomingFile, ...] = ()
    """What was attached, in personal chats only: nowhere else does Teams hand files to a bot."""
    search: Search | None = None
    again: bool = False
    """Its turn was begun before and its process died: what it did until then stands, and nobody was told of it."""

    @property
    def in_place(self) -> bool:
        """Whether the answer is returned in the HTTP response."""
        return self.search is not None or (self.click is not None and self.click.in_place)


@dataclass(frozen=True, slots=True)
class InPlace:
    """The answer to an Execute click: a card in place of the old one, else a sentence."""

    card: Card | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line of what a search found: only whoever searched sees `title` and `text`, in plain words.

    `card` is what they share by choosing it, and is the same for all who see it.
    """

    title: str
    text: str
    card: Card


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search: suggestions, else a sentence; neither shows nothing."""

    suggestions: tuple[Suggestion, ...] = ()
    sentence: str = ""


Handle = Callable[[Incoming], Awaitable[InPlace | Found | None]]
"""The bot's turn, as the gateway calls it. None for anything that is not answered in place."""
