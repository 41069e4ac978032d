"""Runs the conversation in which the site gives its evidence. Answers go into the store, never into a draft."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import structlog

from bot.incoming import IncomingFile
from bot.reply import Reply
from bot.showing import Showing
from cards import evidence as cards
from cards.card import Card
from dialogs import give_evidence as dialog
from dialogs.give_evidence import Page
from dialogs.said import Said
from domain.checklist import problem
from domain.commands import GiveEvidence, SendCode
from domain.errors import Refusal, Trouble
from domain.events import Event, What
from domain.evidence import EvidenceFile, check_file, clean_name
from domain.moments import UK
from domain.people import Person
from domain.policy import Evidence, Policy
from domain.request import Request, State
from domain.vouching import check_giver
from services.book import Book, Draft, Drafts, Entry
from services.carry_out import CarryOut, no_such
from services.chat import Sent
from services.codes import read_code
from services.evidence import EvidenceStore, FileFetcher
from services.show import MINE
from texts import say

log = structlog.get_logger(__name__)
TOPIC = "evidence"


@dataclass(frozen=True, slots=True)
class Giving:
    policy: Policy
    book: Book
    drafts: Drafts
    store: EvidenceStore
    fetch: FileFetcher
    carry_out: CarryOut
    show: Showing

    async def start(self, me: Person, reply: Reply, reference: str, error: str = "") -> None:
        """Opens the evidence for whoever quoted the code, and asks everybody else for it."""
        request = await self._request(me, reply, reference)
        if request is None:
            return
        before = await self.drafts.draft(me.id, TOPIC)
        await self.drafts.drop(me.id, TOPIC)
        draft = Draft(me.id, TOPIC, dialog.begin(reference), self.carry_out.clock.now())
        await self._page(me, reply, request, draft, error)
        if before is not None:
            await reply.retire(before.card, None, say("owner.saved"))

    async def clicked(self, me: Person, reply: Reply, verb: str, reference: str, data: Mapping[str, Any]) -> None:
        """A button of one of this conversation's cards. An old card's button shows where it stands."""
        draft = await self.drafts.draft(me.id, TOPIC)
        if draft is None or draft.answers["reference"] != reference:
            await self.start(me, reply, reference)
        elif str(data.get("card", "")) != str(draft.version):
            await self._again(me, reply, draft, say("everyone.old_card"))
        else:
            await self._do(me, reply, draft, verb.removeprefix("evidence."), Said(data=data))

    async def once_more(self, me: Person, reply: Reply, draft: Draft) -> None:
        """Shows the present page, for whoever was not told of it; the request where it waits for no evidence now."""
        request = await self.book.request(draft.answers["reference"])
        if request is not None and request.state is State.AWAITING_EVIDENCE:
            await self._page(me, reply, request, draft)
            return
        await self.drafts.drop(me.id, TOPIC)
        if request is not None:
            await self.show(me, reply, request, MINE)

    async def typed(self, me: Person, reply: Reply, draft: Draft, text: str, command: str) -> None:
        await self._do(me, reply, draft, dialog.meant(draft.answers, text, command), Said(text=text))

    async def files(self, me: Person, reply: Reply, files: tuple[IncomingFile, ...]) -> None:
        """Files that were sent in the chat; what cannot be taken is said, the others are kept."""
        draft = await self.drafts.draft(me.id, TOPIC)
        if draft is None:
            raise Refusal(
                say("owner.file_for_what"),
                rule="no_evidence_open",
            )
        request = await self._request(me, reply, draft.answers["reference"])
        if request is None:
            return
        check_giver(request, me)
        contents = await asyncio.gather(*[self._fetched(request, file) for file in files])
        activity = reply.incoming.activity_id
        said = [
            await self._add(me, request, file, content, activity) for file, content in zip(files, contents, strict=True)
        ]
        draft = replace(draft, answers=dialog.on(draft.answers, Page.FILES))
        await self._page(me, reply, request, draft, " ".join(sentence for sentence in said if sentence))

    async def _fetched(self, request: Request, file: IncomingFile) -> bytes | str:
        """The content, or a sentence about why it cannot be had. All are fetched at once: Teams waits 15 seconds."""
        name = clean_name(file.name, "")
        if not file.url:
            return say("owner.picture_in_text", name=name)
        try:
            return await self.fetch.fetch(file.url, most_bytes=self._rules(request).files.bytes)
        except Refusal as refusal:
            log.info("file refused", rule=refusal.rule)
            return say("owner.about_file", name=name, sentence=refusal.sentence)
        except Trouble as trouble:
            log.warning("file not fetched", message=trouble.message)
            return say("owner.file_not_fetched", name=name)

    async def _add(self, me: Person, request: Request, file: IncomingFile, content: bytes | str, activity: str) -> str:
        """A sentence about why the file was not taken, or nothing."""
        if isinstance(content, str):
            return content
        rules = self._rules(request).files
        held = await self.store.files(request.reference)
        try:
            kind = await asyncio.to_thread(
                lambda: check_file(
                    file.name, content, held, most_files=rules.most, most_bytes=rules.bytes, kinds=rules.kinds
                )
            )
        except Refusal as refusal:
            log.info("file refused", rule=refusal.rule)
            return refusal.sentence
        new = EvidenceFile(
            id=secrets.token_hex(8),
            name=clean_name(file.name, kind),
            kind=kind,
            size=len(content),
            sha256=sha256(content).hexdigest(),
            added_at=self.carry_out.clock.now(),
            added_by=me.id,
        )
        entry = self._entry(What.FILE_ADDED, request.reference, new, me, activity)
        await self.store.add_file(request.reference, new, content, entry)
        return ""

    async def _do(self, me: Person, reply: Reply, draft: Draft, verb: str, said: Said) -> None:
        request = await self._request(me, reply, draft.answers["reference"])
        if request is None:
            return
        try:
            if verb == "close":
                await self.drafts.drop(me.id, TOPIC)
                await self._leave(reply, draft, cards.closed(request, self.policy))
                return
            if verb == "send":
                await self._send(me, reply, draft, request, said)
                return
            request, answers = await self._step(me, reply, draft.answers, request, verb, said)
        except Refusal as refusal:
            await self._again(me, reply, draft, refusal.sentence)
            return
        except Trouble as trouble:
            log.warning("evidence not kept", message=trouble.message)
            await self._again(me, reply, draft, say("owner.not_saved"))
            return
        await self._page(me, reply, request, replace(draft, answers=answers))

    async def _step(
        self, me: Person, reply: Reply, answers: Mapping[str, Any], request: Request, verb: str, said: Said
    ) -> tuple[Request, Mapping[str, Any]]:
        reference, activity = request.reference, reply.incoming.activity_id
        if verb == "new_code":
            return await self.carry_out(reference, SendCode(me), activity), dialog.on(answers, Page.CODE)
        if verb == "code" and said.data is None and not read_code(said.text):
            raise Refusal(
                say("owner.code_expected"),
                rule="code",
            )
        if verb == "code":
            request = await self.carry_out.give_code(reference, me, said.value("code") or said.text, activity)
            return request, dialog.on(answers, Page.LIST)
        check_giver(request, me)
        items = self.policy.kinds[request.kind].checklist(request.reason)
        held = await self.store.answers(reference)
        if verb == "answer":
            item = dialog.item_of(answers, said, items)
            text = (said.value("answer") or said.text).strip()
            now = self.carry_out.clock.now()
            wrong = problem(item, text, now.astimezone(UK).date(), self._rules(request).longest)
            if wrong:
                raise Refusal(wrong, rule="answer")
            await self.store.keep_answer(reference, item.id, text, now)
            return request, dialog.next_item(answers, items, {**held, item.id: text})
        if verb == "remove":
            files = await self.store.files(reference)
            chosen = dialog.file_of(said, files)
            file = next(one for one in files if one.id == chosen)
            entry = self._entry(What.FILE_REMOVED, reference, file, me, activity)
            await self.store.remove_file(reference, file.id, entry)
            return request, answers
        return request, dialog.turned_to(answers, verb, said, items, held)

    def _entry(self, what: What, reference: str, file: EvidenceFile, me: Person, activity: str) -> Entry:
        event = Event(what, me.id, {"file": file.sha256})
        return self.carry_out.entry(reference, event, self.carry_out.clock.now(), activity)

    async def _send(self, me: Person, reply: Reply, draft: Draft, request: Request, said: Said) -> None:
        statement = said.value("statement") == "true" or dialog.confirms(said.text)
        try:
            sent = await self.carry_out(request.reference, GiveEvidence(me, statement), reply.incoming.activity_id)
        except Refusal as refusal:
            typed = said.data is None and refusal.rule == "no_statement"
            error = say("owner.confirm_by_typing", sentence=refusal.sentence) if typed else refusal.sentence
            listed = replace(draft, answers=dialog.on(draft.answers, Page.LIST))
            await self._page(me, reply, request, listed, error)
            return
        await self.drafts.drop(me.id, TOPIC)
        card = await self._leave(reply, draft, cards.sent(sent, self.policy))
        await self.show.keep(me, sent.reference, MINE, card)

    async def _request(self, me: Person, reply: Reply, reference: str) -> Request | None:
        """The request while it waits for evidence; otherwise it is shown as it stands, to whom it concerns."""
        request = await self.book.request(reference)
        if request is None or request.site is None:
            raise no_such(reference)
        if request.state is State.AWAITING_EVIDENCE:
            return request
        await self.drafts.drop(me.id, TOPIC)
        if not request.concerns(me.id):
            raise no_such(reference)
        await self.show(me, reply, request, MINE, say("owner.cannot_give_now"))
        return None

    async def _again(self, me: Person, reply: Reply, draft: Draft, error: str) -> None:
        request = await self._request(me, reply, draft.answers["reference"])
        if request is not None:
            await self._page(me, reply, request, draft, error)

    async def _page(self, me: Person, reply: Reply, request: Request, draft: Draft, error: str = "") -> None:
        now, activity = self.carry_out.clock.now(), reply.incoming.activity_id
        kept = await self.drafts.keep(replace(draft, updated_at=now, activity=activity))
        if kept is None:
            latest = await self.drafts.draft(me.id, TOPIC)
            if latest is None:
                raise Refusal(say("owner.go_on_with", reference=request.reference), rule="closed_elsewhere")
            kept, error = latest, say("everyone.answered_twice")
        sent = await reply.show(await self._card(me, request, kept, error))
        if sent is not None:
            await self.drafts.shown(kept, sent)
            await reply.retire(draft.card, sent, say("owner.saved"))

    async def _card(self, me: Person, request: Request, draft: Draft, error: str) -> Card:
        giving = cards.Giving(request, self.policy, draft.version, error)
        if request.giver is None or request.giver.id != me.id:
            return cards.code(giving)
        answers = await self.store.answers(request.reference)
        match dialog.page_of(draft.answers):
            case Page.ITEM:
                item = next((one for one in giving.items if one.id == draft.answers["item"]), None)
                if item is not None:
                    return cards.item(giving, item, answers.get(item.id, ""), self._rules(request).longest)
            case Page.CHANGE:
                return cards.change(giving, answers)
            case Page.FILES:
                return cards.files(giving, await self.store.files(request.reference))
        return cards.overview(giving, answers, await self.store.files(request.reference))

    async def _leave(self, reply: Reply, draft: Draft, card: Card) -> Sent | None:
        sent = await reply.show(card)
        await reply.retire(draft.card, sent, say("owner.saved"))
        return sent

    def _rules(self, request: Request) -> Evidence:
        rules = self.policy.kinds[request.kind].evidence
        assert rules is not None, "a request with a site is of a kind with evidence"
        return rules
