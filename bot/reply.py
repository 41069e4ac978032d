"""How one turn answers: in place for a click, below for a typed text."""

from dataclasses import dataclass

import structlog

from bot.incoming import Found, Incoming, InPlace
from cards.card import Card
from cards.plain_words import answered
from domain.errors import Trouble
from services.book import Addresses, Copies
from services.chat import Messenger, Scope, Sent
from texts import say

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Reply:
    """Made for one incoming activity. `in_place` is what an Execute click is answered with."""

    incoming: Incoming
    messenger: Messenger
    copies: Copies
    addresses: Addresses
    in_place: InPlace | Found | None = None

    @property
    def personal(self) -> bool:
        return self.incoming.address.scope is Scope.PERSONAL

    async def show(self, card: Card) -> Sent | None:
        """Shows a card to whoever acts; in a channel, a clicked form is seen by that person only.

        In a chat, a button of a list that has to stay says `below`, and what it opens is a new message.
        Gives where the card is, if it is a message that everybody there sees.
        """
        click = self.incoming.click
        if click is None or (self.personal and click.data.get("below")):
            return await self.send(card)
        if click.in_place:
            self.in_place = InPlace(card=card)
        if click.card_activity_id and self.personal:
            sent = Sent(self.incoming.address, click.card_activity_id)
            await self.copies.forget_at(sent)
            try:
                await self.messenger.replace(sent, card)
            except Trouble as trouble:
                log.warning("card not replaced", message=trouble.message)
            else:
                return sent
        return None if click.in_place else await self.send(card)

    def tell(self, sentence: str) -> None:
        """Answers in place with a sentence; only for what is answered in place."""
        self.in_place = Found(sentence=sentence) if self.incoming.search else InPlace(sentence=sentence)

    async def show_only(self, card: Card) -> None:
        """Shows a card to whoever clicked and to nobody else; what they clicked on stays as it is for the others."""
        if self.incoming.click is not None and self.incoming.click.in_place:
            self.in_place = InPlace(card=card)
        else:
            await self.send(card)

    async def send(self, card: Card) -> Sent | None:
        """A new message. The answer to a click in a place of others goes to the person's own chat instead."""
        address = self.incoming.address
        if self.incoming.click is not None and not await self._may_be_seen_here():
            own = await self.addresses.of(self.incoming.sender.entra_id)
            if own is None:
                await self.messenger.say(address, say("everyone.in_your_chat"))
                return None
            address = own
        return await self.messenger.send(address, card)

    async def _may_be_seen_here(self) -> bool:
        if self.personal:
            return True
        place = await self.addresses.place()
        return place is not None and place.channel_id == self.incoming.address.channel_id

    async def retire(self, old: Sent | None, new: Sent | None, said: str) -> None:
        """Takes the buttons off a card that was gone on from, unless the new one stands in its place."""
        if old is None or (new is not None and new.activity_id == old.activity_id):
            return
        try:
            await self.messenger.replace(old, answered(said, say("everyone.see_below")))
        except Trouble:
            return  # the old card stays as it is, and its buttons answer with the present state
