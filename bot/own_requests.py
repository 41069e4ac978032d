"""What people do with their own requests: see them, take them back, end them."""

from dataclasses import dataclass

from bot.reply import Reply
from bot.showing import Showing
from cards import lists
from cards import plain_words as cards
from domain.commands import EndEarly, StillNeeded, Withdraw
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Policy
from domain.request import Request, State
from services.book import Book, Draft, Drafts
from services.carry_out import CarryOut, no_such
from services.show import MINE
from texts import say

SURE = "sure"


@dataclass(frozen=True, slots=True)
class OwnRequests:
    policy: Policy
    book: Book
    drafts: Drafts
    carry_out: CarryOut
    show: Showing

    async def mine(self, me: Person, reply: Reply) -> None:
        await reply.show(lists.mine(await self.book.of_person(me.id, lists.MOST), me.id, self.policy))

    async def status(self, me: Person, reply: Reply, reference: str) -> None:
        """One request; without a reference the only one that there is, else the list."""
        if not reference:
            requests = await self.book.of_person(me.id, 2)
            if len(requests) != 1:
                await self.mine(me, reply)
                return
            reference = requests[0].reference
        await self.show(me, reply, await self.theirs(me, reference), MINE)

    async def give_up(self, me: Person, reply: Reply, reference: str, verb: str) -> None:
        """`withdraw` or `end`. “end” on a request that is still waiting takes it back."""
        request = await self.theirs(me, reference) if reference else await self._only_open(me, verb)
        ends = verb == "end" and request.state not in (State.AWAITING_EVIDENCE, State.AWAITING_DECISION)
        command = EndEarly(me) if ends else Withdraw(me)
        try:
            request = await self.carry_out(request.reference, command, reply.incoming.activity_id)
        except Refusal as refusal:
            latest = await self.book.request(request.reference)
            await self.show(me, reply, latest or request, MINE, refusal.sentence)
        else:
            await self.show(me, reply, request, MINE)

    async def ask_first(self, me: Person, reply: Reply, reference: str, verb: str) -> None:
        """Shows which request would be given up. “yes” does it; anything else leaves it as it is."""
        request = await self.theirs(me, reference) if reference else await self._only_open(me, verb)
        await self.drafts.drop(me.id, SURE)
        answers = {"verb": verb, "reference": request.reference}
        now, activity = self.carry_out.clock.now(), reply.incoming.activity_id
        await self.drafts.keep(Draft(me.id, SURE, answers, now, activity=activity))
        await reply.show(cards.sure_to_give_up(request, verb, self.policy))

    async def answered(self, me: Person, reply: Reply, draft: Draft, answer: str) -> bool:
        """The answer to that question: `yes`, `no` or a command. False where it was about something else."""
        verb, reference = draft.answers["verb"], draft.answers["reference"]
        if answer == "yes":
            await self.give_up(me, reply, reference, verb)
        elif answer in ("no", "cancel", "back"):
            await self.show(me, reply, await self.theirs(me, reference), MINE, say("requester.nothing_changed"))
        await self.drafts.drop(me.id, SURE)
        return answer in ("yes", "no", "cancel", "back")

    async def needed(self, me: Person, reply: Reply, reference: str) -> None:
        """The answer to the question half way."""
        request = await self.theirs(me, reference)
        request = await self.carry_out(request.reference, StillNeeded(me), reply.incoming.activity_id)
        await self.show(me, reply, request, MINE)

    async def theirs(self, me: Person, reference: str) -> Request:
        request = await self.book.request(reference)
        if request is None or not request.concerns(me.id):
            raise no_such(reference)
        return request

    async def _only_open(self, me: Person, verb: str) -> Request:
        found = [request for request in await self.book.of_person(me.id, 20) if request.is_open]
        if len(found) == 1:
            return found[0]
        if not found:
            raise Refusal(say("requester.no_open_request"), rule="unknown")
        listed = ", ".join(request.reference for request in found)
        raise Refusal(say("everyone.which_of_these", verb=verb, listed=listed), rule="which")
