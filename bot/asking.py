"""Runs the conversation that asks for an exception: keeps the answers, looks things up, shows the next card."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.reply import Reply
from bot.showing import Showing
from cards import ask as cards
from cards import ask_site as site_cards
from cards.card import Card
from cards.plain_words import note
from dialogs import ask as dialog
from dialogs import ask_site
from dialogs.ask import Step
from dialogs.said import Answers, NotNeeded, Said
from dialogs.spelling import normal
from dialogs.understand import Heard, corrects, hear
from domain import eligibility, judging, watching
from domain.commands import Approve, Ask
from domain.errors import Refusal, Trouble
from domain.outcome import Facts
from domain.people import Person
from domain.policy import SHORT, Policy
from domain.request import Request
from domain.site import Site
from services.book import Book, Draft, Drafts, LookUps
from services.carry_out import CarryOut, UsedUp
from services.look_up import LookUp
from services.ports import Directory
from services.show import HELPDESK, MINE
from services.sites import Sites
from texts import say

_TOPIC = "ask"
MOST_MATCHES = 8
CONFIRMING = frozenset(
    {"yes", "y", "yep", "yeah", "yup", "aye", "send", "send it", "ok", "okay", "confirm", "grant", "go ahead"}
) | {"send request", "yes please", "yes send", "looks good", "that is right", "thats right", "correct"}
NO = frozenset({"no", "nope", "nah", "wrong", "not right", "that is wrong", "thats wrong", "incorrect"})
FREE = frozenset({Step.DETAILS, Step.TRIED, Step.REMEDIES, Step.SINCE})
"""Questions that are answered in somebody's own words."""
_YES_OR_NO = FREE | {Step.MORE, Step.REMEDY}
"""Questions to which “no” is an answer."""


def topic(kind: str) -> str:
    """Each kind has a conversation of its own: a long one that is half finished keeps nobody from a short one."""
    return f"{_TOPIC}:{kind}"


def is_asking(draft_topic: str) -> bool:
    return draft_topic.startswith(f"{_TOPIC}:")


@dataclass(frozen=True, slots=True)
class Asking:
    policy: Policy
    book: Book
    drafts: Drafts
    directory: Directory
    look_up: LookUp
    carry_out: CarryOut
    show: Showing
    sites: Sites
    look_ups: LookUps

    async def start(self, me: Person, reply: Reply, answers: Answers) -> None:
        """Begins, or goes on with what is half finished."""
        draft = await self.drafts.draft(me.id, topic(answers["kind"]))
        if draft is None:
            draft = Draft(me.id, topic(answers["kind"]), answers, self.carry_out.clock.now())
        await self._proceed(me, reply, draft, draft.answers)

    async def again(self, me: Person, reply: Reply, request: Request) -> None:
        """A new request with what an earlier one said filled in; it takes the place of what is half finished."""
        kind = request.kind if request.kind in self.policy.kinds else SHORT
        await self.drafts.drop(me.id, topic(kind))
        answers = dialog.for_the_same(request, me) if request.site else dialog.begin(kind)
        await self.start(me, reply, answers)

    async def renew(self, me: Person, reply: Reply, request: Request) -> None:
        already = await self.book.open_requests(request.subject.id)
        now = self.carry_out.clock.now()
        eligibility.check_already(already, request.kind, self.policy, now, request.reference)
        before = await self.drafts.draft(me.id, topic(request.kind))
        if before is not None and before.answers.get("renews") != request.reference:
            await self.drafts.drop(me.id, topic(request.kind))
        await self.start(me, reply, dialog.renewing(request, me))

    async def clicked(self, me: Person, reply: Reply, verb: str, data: Mapping[str, Any]) -> None:
        """A button of one of this conversation's cards. An old card's button shows the present question."""
        kind = data.get("kind")
        named = kind if isinstance(kind, str) and kind in self.policy.kinds else SHORT
        draft = await self.drafts.draft(me.id, topic(named))
        said = Said(data=data)
        if draft is None:
            await self._nothing_open(me, reply)
        elif str(data.get("card", "")) != str(draft.version):
            await self._proceed(me, reply, draft, draft.answers, say("everyone.old_card"))
        else:
            await self._do(me, reply, draft, verb, said)

    async def other_kind(self, me: Person, reply: Reply, draft: Draft, kind: str) -> None:
        """Another kind is wanted than the one that a sentence was taken for: what it said of people stands."""
        await self.drafts.drop(me.id, draft.topic)
        await reply.retire(draft.card, None, say("requester.question_answered"))
        await self.start(me, reply, dialog.of_kind(draft.answers, kind))

    async def once_more(self, me: Person, reply: Reply, draft: Draft) -> None:
        """Shows the present question, for whoever was not told of it."""
        await self._proceed(me, reply, draft, draft.answers)

    async def told(self, me: Person, reply: Reply, draft: Draft, sentence: str) -> None:
        """Says something that was asked in between, and repeats the question."""
        await self._proceed(me, reply, draft, draft.answers, said=sentence)

    async def typed(self, me: Person, reply: Reply, draft: Draft, text: str, command: str) -> None:
        step = dialog.next_step(draft.answers, self.policy)
        plain = normal(text)
        if step not in _YES_OR_NO and (plain in NO or command == "back"):
            guessed = dialog.guesses(draft.answers)
            verb = (
                "ask.back" if guessed or command == "back" else "ask.change" if step is Step.CONFIRM else "ask.answer"
            )
            await self._do(me, reply, draft, verb, Said(text=text))
            return
        if step not in FREE and not command and (step in (Step.CONFIRM, Step.CHECK) or corrects(text)):
            heard = hear(text, self.policy, me.address, kind=draft.answers["kind"])
            if heard.who or heard.reason or heard.site:
                await self._correct(me, reply, draft, heard)
                return
        confirming = step is Step.CONFIRM and plain in CONFIRMING
        refused = step is Step.CHECK and plain in ("yes", "again", "check again", "retry", "try again")
        verb = {"back": "back", "change": "change", "cancel": "cancel"}.get(command, "answer")
        verb = "send" if confirming else "check" if refused else verb
        await self._do(me, reply, draft, f"ask.{verb}", Said(text=text))

    async def _correct(self, me: Person, reply: Reply, draft: Draft, heard: Heard) -> None:
        error = ""
        try:
            answers = dialog.corrected(draft.answers, heard)
        except Refusal as refusal:
            answers, error = draft.answers, refusal.sentence
        await self._proceed(me, reply, draft, answers, error)

    async def _do(self, me: Person, reply: Reply, draft: Draft, verb: str, said: Said) -> None:
        answers, error = draft.answers, ""
        try:
            match verb:
                case "ask.answer":
                    answers = dialog.answer(answers, said, self.policy)
                case "ask.back":
                    answers = dialog.back(answers)
                case "ask.change":
                    answers = dialog.asks_to_change(answers)
                case "ask.change_to":
                    answers = dialog.change_to(answers, said.value("change"))
                case "ask.cancel":
                    await self._leave(reply, draft, cards.cancelled(self.policy, answers["kind"]))
                    return
                case "ask.send":
                    await self._send(me, reply, draft)
                    return
        except NotNeeded:
            await self._leave(reply, draft, cards.remedied(self.policy, answers["kind"]))
            return
        except ask_site.Missing as missing:
            answers, error = missing.answers, missing.sentence
        except Refusal as refusal:
            typed = said.data is None and refusal.rule in dialog.NOT_UNDERSTOOD
            error = cards.not_understood(said.text, refusal.sentence) if typed else refusal.sentence
        await self._proceed(me, reply, draft, answers, error)

    async def _proceed(
        self, me: Person, reply: Reply, draft: Draft, answers: Answers, error: str = "", said: str = ""
    ) -> None:
        now, activity = self.carry_out.clock.now(), reply.incoming.activity_id
        answers, error, refusal = await self._known(me, answers, error, activity)
        kept = await self.drafts.keep(replace(draft, answers=answers, updated_at=now, activity=activity))
        if kept is None:
            latest = await self.drafts.draft(me.id, draft.topic)
            if latest is None:
                await self._nothing_open(me, reply)
                return
            kept, refusal, error = latest, None, say("everyone.answered_twice")
        card = await self._card(me, kept, error, refusal, said or self._understood(kept.answers))
        sent = await reply.show(card)
        if sent is not None:
            await self.drafts.shown(kept, sent)
            await reply.retire(draft.card, sent, say("requester.question_answered"))

    async def _known(
        self, me: Person, answers: Answers, error: str, activity: str
    ) -> tuple[Answers, str, Refusal | None]:
        """Looks up and checks whatever the answers need, until there is a question or a refusal."""
        while True:
            step = dialog.next_step(answers, self.policy)
            try:
                if step is Step.LOOK_UP:
                    answers = dialog.found(answers, await self._find(me, answers["typed"]), most=MOST_MATCHES)
                elif step is Step.LOOK_UP_SITE:
                    sites = await self.sites.find(answers["site_typed"], limit=MOST_MATCHES + 1)
                    answers = ask_site.found_sites(answers, sites, most=MOST_MATCHES)
                elif step is Step.CHECK:
                    answers = dialog.checked(await self._check(me, answers, activity))
                else:
                    return answers, error, None
            except Trouble:
                if step is Step.CHECK:
                    return answers, "", Refusal(say("requester.check_again_later"), rule="trouble")
                return _not_found(answers, step), say("requester.check_again_later"), None
            except Refusal as refusal:
                if step is Step.CHECK:
                    return answers, "", refusal
                answers, error = _not_found(answers, step), refusal.sentence

    async def _find(self, me: Person, typed: str) -> tuple[Person, ...]:
        """People by name or address. Nobody lists the directory through this: look-ups are counted."""
        now, most = self.carry_out.clock.now(), self.policy.limits_for_people.look_ups_per_hour
        before = await self.look_ups.one_more(me.id, now, since=now - watching.HOUR, most=most)
        try:
            watching.check_look_ups(before, self.policy)
        except Refusal:
            if not await self.look_up.is_agent(me.id):
                raise
        return await self.directory.find(typed, limit=MOST_MATCHES + 1)

    async def _check(self, me: Person, answers: Answers, activity: str) -> Answers:
        """The answers, with a mark where a lead has to approve. Raises `Refusal` where it is not possible."""
        caller = answers["who"] == cards.FOR_CALLER
        groups = await self.carry_out.helpdesk_groups(me.id) if caller else frozenset()
        if caller and "helpdesk" not in groups:
            raise Refusal(say("requester.only_helpdesk_takes_calls"), rule="not_an_agent")
        if caller and dialog.subject_of(answers, me).id == me.id:
            raise Refusal(say("agent.own_call"), rule="own_request")
        kind, now = answers["kind"], self.carry_out.clock.now()
        for subject in dialog.subjects_of(answers, me):
            try:
                eligibility.check_account(await self.carry_out.account(subject.id), self.policy)
            except Refusal as refusal:
                await self.carry_out.tried(refusal, me.id, subject.id, activity)
                raise
            already, renews = await self.book.open_requests(subject.id), answers.get("renews", "")
            if caller:
                eligibility.check_already(already, kind, self.policy, now, renews)
            else:
                eligibility.check_already_for(me, subject, already, kind, self.policy, now, renews)
        if not caller:
            return answers
        history = await self.carry_out.history(dialog.subject_of(answers, me).id, kind)
        try:
            judging.check_repeat(self.policy.kinds[kind], Facts(history=history, groups=groups))
        except Refusal:
            return {**answers, "lead": True}
        return answers

    async def _known_sites(self, me: Person) -> tuple[Site, ...]:
        """Sites that this person is likely to mean: those that they answer for, then those that they asked for."""
        own = await self.sites.of_owner(me.id)
        asked = [request.site for request in await self.book.of_person(me.id, 10) if request.site]
        return tuple({site.ods: site for site in (*own, *asked)}.values())

    def _understood(self, answers: Answers) -> str:
        guessed = dialog.guesses(answers)
        if not guessed or answers.get("changing"):
            return ""
        said = {key: answers.get(key, "") for key in ("who", "typed", "site_typed", "reason")}
        told = [said[key] if key in guessed else "" for key in ("who", "site_typed", "reason")]
        return cards.understood(dialog.kind_of(answers, self.policy), told[0], said["typed"], told[1], told[2])

    async def _card(self, me: Person, draft: Draft, error: str, refusal: Refusal | None, said: str) -> Card:
        answers = draft.answers
        kind = dialog.kind_of(answers, self.policy)
        asking = cards.Asking(self.policy, kind, draft.version, dialog.place(answers, self.policy), error, said)
        caller = answers.get("who") == cards.FOR_CALLER
        reason = dialog.reason_of(answers, self.policy)
        evidence = kind.evidence
        step = dialog.next_step(answers, self.policy)
        if refusal is not None:
            return cards.refused(asking, refusal.sentence, refusal.link, for_me=answers["who"] == cards.FOR_ME)
        if evidence is not None and step in (Step.TRIED, Step.REMEDIES):
            offered = ask_site.next_remedy(answers, evidence)
            if step is Step.REMEDIES and offered is not None:
                return site_cards.remedy(asking, offered)
            return site_cards.tried(asking, ask_site.untold(answers, evidence))
        match step:
            case Step.WHO:
                agent = evidence is None and await self._is_agent(me)
                return cards.who(asking, agent=agent)
            case Step.MORE:
                return site_cards.more(asking, dialog.subjects_of(answers, me))
            case Step.SITE:
                return site_cards.site(asking, answers.get("site_typed", ""), await self._known_sites(me))
            case Step.CHOOSE_SITE:
                matches = [ask_site.site_of({"site": one}) for one in answers["site_matches"]]
                return site_cards.choose_site(asking, answers["site_typed"], [one for one in matches if one])
            case Step.SINCE:
                return site_cards.since(asking, answers.get("since", ""))
            case Step.PERSON:
                return cards.person(asking, caller=caller, typed=answers.get("typed", ""))
            case Step.CHOOSE:
                return cards.choose(asking, answers["typed"], [Person(**one) for one in answers["matches"]])
            case Step.DETAILS if reason:
                return cards.details(asking, reason, answers.get("details", ""))
            case Step.REMEDY if reason:
                return cards.remedy(asking, reason)
            case Step.VERIFICATION:
                return cards.verification(asking, dialog.subject_of(answers, me), "", answers.get("ticket", ""))
            case Step.CONFIRM:
                shown = [(name, value) for _, name, value in dialog.rows(answers, me, self.policy)]
                now = dialog.grants_now(answers, self.policy)
                return cards.confirm(asking, shown, answers["who"], granted_now=now)
            case Step.CHANGE:
                return cards.change(asking, dialog.rows(answers, me, self.policy))
            case Step.CHECK:
                return cards.refused(
                    asking, say("requester.check_again_later"), None, for_me=answers["who"] == cards.FOR_ME
                )
        return cards.reason(asking, answers.get("reason", ""))

    async def _is_agent(self, me: Person) -> bool:
        try:
            return await self.look_up.is_agent(me.id)
        except Trouble:
            return False

    async def _send(self, me: Person, reply: Reply, draft: Draft) -> None:
        answers = draft.answers
        if dialog.next_step(answers, self.policy) is not Step.CONFIRM:
            await self._proceed(me, reply, draft, answers)
            return
        caller = answers["who"] == cards.FOR_CALLER
        approve = None
        if dialog.grants_now(answers, self.policy):
            approve = Approve(me, answers["verification"], answers.get("ticket", ""))
        try:
            asks = await self._asks(me, answers)
            requests = await self.carry_out.ask(asks, draft, reply.incoming.activity_id, approve)
        except UsedUp:
            await self._nothing_open(me, reply)
        except Refusal as refusal:
            await self._proceed(me, reply, draft, {**answers, "checked": False}, refusal.sentence)
        except Trouble:
            await self._proceed(me, reply, draft, answers, say("requester.check_again_later"))
        else:
            if len(requests) == 1:
                sent = await self.show(me, reply, requests[0], HELPDESK if caller else MINE)
                if sent is not None:
                    await reply.retire(draft.card, sent, say("requester.question_answered"))
                return
            asking = cards.Asking(self.policy, dialog.kind_of(answers, self.policy), draft.version, (1, 1))
            await self._leave(reply, draft, cards.sent([(one.reference, one.subject.name) for one in requests], asking))

    async def _asks(self, me: Person, answers: Answers) -> list[Ask]:
        """One for each subject; the site is read again, because its owners may have changed meanwhile."""
        caller = answers["who"] == cards.FOR_CALLER
        chosen = ask_site.site_of(answers)
        site = await self.sites.by_code(chosen.ods) if chosen else None
        return [
            Ask(
                by=subject if caller else me,
                subject=subject,
                kind=answers["kind"],
                reason=answers["reason"],
                details=answers.get("details", ""),
                taken_by=me if caller else None,
                site=site,
                tried=ask_site.told(answers, "tried"),
                remedies=ask_site.told(answers, "remedies"),
                since=answers.get("since", ""),
                renews=answers.get("renews", ""),
            )
            for subject in dialog.subjects_of(answers, me)
        ]

    async def _leave(self, reply: Reply, draft: Draft, card: Card) -> None:
        await self.drafts.drop(draft.person_id, draft.topic)
        await reply.retire(draft.card, await reply.show(card), say("requester.question_answered"))

    async def _nothing_open(self, me: Person, reply: Reply) -> None:
        """An old card's button, and nothing is half finished: shows the latest request, else where to begin."""
        latest = await self.book.of_person(me.id, 1)
        if latest:
            await self.show(me, reply, latest[0], MINE)
        else:
            await reply.show(note(say("requester.nothing_open_title"), say("requester.nothing_open"), self.policy))


def _not_found(answers: Answers, step: Step) -> Answers:
    return ask_site.no_site_found(answers) if step is Step.LOOK_UP_SITE else dialog.not_found(answers)
