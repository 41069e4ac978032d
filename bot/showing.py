"""Shows a request to whoever acts, and keeps the card true from then on."""

from dataclasses import dataclass

from bot.reply import Reply
from domain.people import Person
from domain.request import Request
from services.book import Copies, Copy
from services.chat import Sent
from services.keep_true import keep_true
from services.show import Show


@dataclass(frozen=True, slots=True)
class Showing:
    copies: Copies
    show: Show

    async def __call__(self, me: Person, reply: Reply, request: Request, view: str, said: str = "") -> Sent | None:
        """`view`, `said`: as for `Show`."""
        sent = await reply.show(await self.show(request, view, said, viewer_id=me.id))
        if sent is not None:
            copy = Copy(request.reference, view, me.id, sent)
            await keep_true(copy, request.version, self.show, self.copies, reply.messenger)
        return sent

    async def keep(self, me: Person, reference: str, view: str, sent: Sent | None) -> None:
        """Takes a card that this person sees for the request's own: it is drawn again when the request changes."""
        if sent is not None:
            await self.copies.add_copy(Copy(reference, view, me.id, sent))
