"""Finds requests from where people write messages, and opens the card that is shared there: for one viewer at a time.

What is shared tells nothing. What a viewer sees of it is drawn for them alone, and is never kept or sent to others.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.buckets import Buckets
from bot.incoming import Found, InPlace, Search, Suggestion
from bot.reply import Reply
from cards import shared as cards
from cards.card import Card
from domain.errors import Refusal
from domain.events import Event, What
from domain.finding import linked, wanted
from domain.people import Person
from domain.permissions import may_find
from domain.policy import Policy
from services.book import Book
from services.carry_out import CarryOut
from services.show import HELPDESK, MINE, Show
from texts import say

FIND = "findRequest"
"""The command's id in the app's manifest."""
PATH = "/r/"
MOST = 10


def a_search_a_letter() -> Buckets:
    """For each person: a name typed letter by letter a few times over, then one search in five seconds."""
    return Buckets(60, 0.2)


@dataclass(frozen=True, slots=True)
class Finding:
    policy: Policy
    book: Book
    carry_out: CarryOut
    show: Show
    public_url: str
    chat_link: Callable[[str], str]
    """The address that opens the bot's chat with these words ready to be sent."""
    searches: Buckets = field(default_factory=a_search_a_letter)

    async def search(self, me: Person, search: Search) -> Found:
        """Raises `Refusal` where somebody searches too often."""
        if search.link is not None:
            # Whether there is such a request is not looked up, so the answer cannot tell.
            reference = linked(search.link, f"{self.public_url}{PATH}")
            return (
                Found((self._suggestion(reference, say("everyone.shared_title", reference=reference)),))
                if reference
                else Found()
            )
        if search.command != FIND:
            return Found(sentence=say("everyone.search_not_known"))
        if not self.searches.take(me.id):
            raise Refusal(say("everyone.too_many_searches"), rule="too_many_searches")
        groups = await self.carry_out.helpdesk_groups(me.id)
        looked_for = wanted(search.text)
        if looked_for is not None:
            found = await self.book.find(looked_for, MOST, of="" if groups else me.id)
        elif search.text:
            return Found(sentence=say("everyone.search_too_short"))
        else:
            found = await (self.book.newest_waiting(MOST) if groups else self.book.of_person(me.id, MOST))
        seen = [one for one in found if may_find(one, me.id, groups)]
        if not seen:
            return Found(sentence=_nothing(agent=bool(groups), typed=bool(search.text)))
        return Found(tuple(self._suggestion(one.reference, cards.title(one), cards.line(one)) for one in seen))

    def _suggestion(self, reference: str, title: str, text: str = "") -> Suggestion:
        return Suggestion(title, text, self._shared(reference))

    def _shared(self, reference: str) -> Card:
        return cards.shared(reference, self.chat_link(f"status {reference}"), self.policy)

    async def open(self, me: Person, reply: Reply, reference: str) -> None:
        """A shared card's button, or the card by itself. Raises `Refusal` for whoever may not see the request.

        By itself it opens only for people whom it concerns: helpdesk staff press the button, and the audit keeps that
        they read it.
        """
        click = reply.incoming.click
        by_itself = click is not None and click.automatic
        request = await self.book.request(reference)
        if request is not None and request.concerns(me.id):
            await self._for_one(reply, reference, await self.show(request, MINE, viewer_id=me.id))
        elif by_itself:
            reply.in_place = InPlace(card=self._shared(reference))
        # Asked for in any case: how long it takes must not tell whether there is such a request.
        elif await self.carry_out.helpdesk_groups(me.id) and request is not None:
            await self.carry_out.record(reference, Event(What.READ, me.id), reply.incoming.activity_id)
            await self._for_one(reply, reference, await self.show(request, HELPDESK))
        else:
            raise Refusal(
                say("everyone.not_shown", reference=reference, **self.policy.helpdesk.contact),
                rule="not_shown",
            )

    async def _for_one(self, reply: Reply, reference: str, card: Card) -> None:
        await reply.show_only(cards.only_you(card, f"{self.public_url}{PATH}{reference}"))


def _nothing(*, agent: bool, typed: bool) -> str:
    if not typed:
        return say("agent.search_none_waiting" if agent else "requester.search_none")
    return say("agent.search_nothing_fits" if agent else "requester.search_nothing_fits")
