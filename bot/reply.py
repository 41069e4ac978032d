"""How one turn answers: in place for a click, below for a typed text."""

from dataclasses import dataclass

import structlog

from bot.incoming import Incoming, InPlace
from cards.card import Card
from cards.plain_words import answered
from domain.errors import Trouble
from services.book import Copies
from services.chat import Messenger, Scope, Sent
from texts import say

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Reply:
    """Made for one incoming activity. `in_place` is what an Execute click is answered with."""

    incoming: Incoming
    messenger: Messenger
    copies: Copies
    in_place: InPlace | None = None

    @property
    def personal(self) -> bool:
        return self.incoming.address.scope is Scope.PERSONAL

    async def show(self, card: Card) -> Sent | None:
        """Shows a card to whoever acts; in a channel, a clicked form is seen by that person only.

        Gives where the card is, if it is a message that everybody there sees.
        """
        click = self.incoming.click
        if click is None:
            return await self.messenger.send(self.incoming.address, card)
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
        return None if click.in_place else await self.messenger.send(self.incoming.address, card)

    async def retire(self, old: Sent | None, new: Sent | None, said: str) -> None:
        """Takes the buttons off a card that was gone on from, unless the new one stands in its place."""
        if old is None or (new is not None and new.activity_id == old.activity_id):
            return
        try:
            await self.messenger.replace(old, answered(said, say("everyone.see_below")))
        except Trouble:
            return  # the old card stays as it is, and its buttons answer with the present state
