"""What helpdesk staff do with a request: look, approve, reject, revoke. Who they are is checked at each click."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.asking import CONFIRMING
from bot.reply import Reply
from bot.showing import Showing
from cards import decide as cards
from cards import lists
from cards import review as review_cards
from cards.card import Card
from cards.plain_words import note
from dialogs.ask import verification_in
from dialogs.said import Said
from dialogs.spelling import normal
from domain.commands import AgentCommand, Approve, Reject, Revoke, SendBack, SendCode
from domain.errors import Refusal
from domain.events import Event, What
from domain.people import Person
from domain.permissions import check_agent
from domain.policy import Policy
from domain.request import Request, State
from services.book import Addresses, Book, Draft, Drafts
from services.carry_out import CarryOut
from services.chat import Scope
from services.evidence import EvidenceStore
from services.file_links import FileLinks
from services.show import HELPDESK
from texts import say

TOPIC = "decide"
FORMS: dict[str, tuple[Callable[..., Card], frozenset[State]]] = {
    "approve": (cards.approve, frozenset({State.AWAITING_DECISION})),
    "reject": (cards.reject, frozenset({State.AWAITING_EVIDENCE, State.AWAITING_DECISION})),
    "ask_back": (cards.send_back, frozenset({State.AWAITING_DECISION})),
    "revoke": (cards.revoke, frozenset({State.GRANTING, State.ACTIVE})),
}
"""Each decision's form, and the states in which it makes sense to show it."""
_MENDABLE = frozenset({"not_verified", "words_missing", "too_long", "days"})
_ONLY_DAYS = re.compile(r"\W*(?:for )?\d{1,4}(?: ?days?)?\W*", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")


@dataclass(frozen=True, slots=True)
class Deciding:
    policy: Policy
    book: Book
    drafts: Drafts
    addresses: Addresses
    carry_out: CarryOut
    show: Showing
    evidence: EvidenceStore
    links: FileLinks

    async def queue(self, me: Person, reply: Reply) -> None:
        await self._only_agents(me)
        waiting = await self.book.waiting(lists.MOST + 1)
        now = self.carry_out.clock.now()
        await reply.show(lists.queue(waiting[: lists.MOST], self.policy, now, more=len(waiting) > lists.MOST))

    async def review(self, me: Person, reply: Reply, reference: str, said: str = "", page: int = 0) -> None:
        """The request, with its evidence where only this agent sees it; that it was read is in the audit."""
        await self._only_agents(me)
        request = await self._request(reference)
        await self.drafts.drop(me.id, TOPIC)
        has_evidence = request.given is not None and request.purged_at is None
        if not has_evidence or not self._is_private(reply):
            await self.carry_out.record(reference, Event(What.READ, me.id), reply.incoming.activity_id)
            hint = say("agent.review_in_own_chat", reference=reference)
            await self.show(me, reply, request, HELPDESK, said or (hint if has_evidence else ""))
            return
        details = {"evidence": await self.evidence.digest(reference), "page": str(page + 1)}
        await self.carry_out.record(reference, Event(What.READ, me.id, details), reply.incoming.activity_id)
        answers, files = await self.evidence.answers(reference), await self.evidence.files(reference)
        sent = await reply.show(review_cards.review(request, answers, files, self.policy, page, said))
        await self.show.keep(me, reference, HELPDESK, sent)

    def _is_private(self, reply: Reply) -> bool:
        """Whether only the person who acts sees the answer."""
        click = reply.incoming.click
        return reply.personal or bool(click and click.in_place)

    async def file(self, me: Person, reply: Reply, reference: str, file_id: str) -> None:
        """A link to one file of the evidence, for this agent, once."""
        await self._only_agents(me)
        request = await self._request(reference)
        file = next((one for one in await self.evidence.files(reference) if one.id == file_id), None)
        if file is None or request.given is None or not self._is_private(reply):
            await self.review(me, reply, reference, say("agent.choose_a_file"))
            return
        url = await self.links.issue(reference, file.id, me.id, self.carry_out.clock.now())
        await reply.show(review_cards.file_link(request, file, url, self.policy))

    async def new_code(self, me: Person, reply: Reply, reference: str) -> None:
        await self._only_agents(me)
        request = await self.carry_out(reference, SendCode(me), reply.incoming.activity_id)
        mailbox = request.site.mailbox if request.site else ""
        sentence = say("agent.new_code_goes_to", mailbox=mailbox)
        await reply.show(note(say("agent.new_code_title", reference=reference), sentence, self.policy))

    async def typed(self, me: Person, reply: Reply, draft: Draft, text: str) -> None:
        """A text typed to an open form. Words that others will read are shown before they are sent."""
        verb, reference = draft.answers["verb"], draft.answers["reference"]
        confirming = normal(text) in CONFIRMING | {verb}
        if verb == "approve":
            await self.decide(me, reply, verb, reference, Said(text="" if confirming else text))
        elif confirming and draft.answers.get("why"):
            await self.decide(me, reply, verb, reference, Said(text=draft.answers["why"]))
        else:
            why = "" if confirming else text
            await self.form(me, reply, verb, reference, say("agent.check_words") if why else "", why)

    async def done(self, me: Person, reply: Reply, reference: str) -> None:
        """Shows what this agent did to a request, for whoever was not told of it."""
        await self._only_agents(me)
        await self.show(me, reply, await self._request(reference), HELPDESK)

    async def once_more(self, me: Person, reply: Reply, draft: Draft) -> None:
        """Shows the open form, for whoever was not told of it."""
        await self.form(me, reply, draft.answers["verb"], draft.answers["reference"], why=draft.answers["why"])

    async def form(self, me: Person, reply: Reply, verb: str, reference: str, error: str = "", why: str = "") -> None:
        """The form of a decision, for this agent; the request itself where it is too late for that."""
        await self._only_agents(me)
        request = await self._request(reference)
        form, states = FORMS[verb]
        if request.state not in states:
            await self.show(me, reply, request, HELPDESK, say("agent.too_late_for_form"))
            return
        await self.drafts.drop(me.id, TOPIC)
        answers = {"verb": verb, "reference": reference, "why": why}
        now, activity = self.carry_out.clock.now(), reply.incoming.activity_id
        draft = await self.drafts.keep(Draft(me.id, TOPIC, answers, now, activity=activity))
        sent = await reply.show(form(request, self.policy, error or (say("agent.check_words") if why else ""), why))
        if draft is not None and sent is not None:
            await self.drafts.shown(draft, sent)
        await self.show.keep(me, reference, HELPDESK, sent)

    async def decide(self, me: Person, reply: Reply, verb: str, reference: str, said: Said) -> None:
        """The decision itself. What can be mended shows the form again; whoever is late sees how it stands."""
        try:
            command = await self._command(me, verb, reference, said)
            request = await self.carry_out(reference, command, reply.incoming.activity_id)
        except Refusal as refusal:
            if refusal.rule in _MENDABLE:
                await self.form(me, reply, verb, reference, refusal.sentence)
                return
            if refusal.rule in ("unknown", "not_an_agent"):
                raise
            await self.show(me, reply, await self._request(reference), HELPDESK, refusal.sentence)
            return
        draft = await self.drafts.draft(me.id, TOPIC)
        await self.drafts.drop(me.id, TOPIC)
        await self.show(me, reply, request, HELPDESK)
        if draft is not None and draft.card is not None and draft.answers.get("reference") == reference:
            await self.show.keep(me, reference, HELPDESK, draft.card)

    async def _command(self, me: Person, verb: str, reference: str, said: Said) -> AgentCommand:
        if verb == "approve":
            request = await self.book.request(reference)
            if request is not None and self.policy.kinds[request.kind].evidence is not None:
                return Approve(me, days=self._days(said))
            return Approve(me, *verification_in(said, self.policy))
        words = said.value("words") or said.text
        if verb == "ask_back":
            return SendBack(me, words)
        return Reject(me, words) if verb == "reject" else Revoke(me, words)

    def _days(self, said: Said) -> int | None:
        """The number on the card or in “approve ... 90 days”; None where nothing was said: the policy's length."""
        typed = said.value("days") or said.text
        found = _NUMBER.findall(typed)
        understood = said.data is not None or not typed.strip() or _ONLY_DAYS.fullmatch(typed)
        if len(found) > 1 or not understood or (said.data is not None and not found):
            raise Refusal(say("agent.days_not_a_number"), rule="days")
        return int(found[0]) if found else None

    async def use_this_channel(self, me: Person, reply: Reply) -> None:
        await self._only_agents(me)
        address = reply.incoming.address
        if address.scope is not Scope.CHANNEL or not address.channel_id:
            raise Refusal(say("agent.channel_needed"), rule="no_channel")
        await self.addresses.set_place(address, self.carry_out.clock.now(), only_first=False)
        await reply.show(note(say("agent.channel_used_title"), say("agent.channel_used"), self.policy))

    async def _request(self, reference: str) -> Request:
        request = await self.book.request(reference)
        if request is None:
            raise Refusal(say("agent.no_such_request", reference=reference), rule="unknown")
        return request

    async def _only_agents(self, me: Person) -> None:
        check_agent(await self.carry_out.helpdesk_groups(me.id))
