"""One turn: who acts, what they want, and who does it. Refusals and trouble become sentences here, and only here."""

from dataclasses import dataclass, replace

import structlog

from bot.asking import CONFIRMING, FREE, NO, Asking, is_asking
from bot.deciding import FORMS, Deciding
from bot.deciding import TOPIC as DECIDE
from bot.drifts import SettlingDrifts
from bot.finding import Finding
from bot.giving import TOPIC as GIVE
from bot.giving import Giving
from bot.incoming import Click, Found, Incoming, InPlace, Kind
from bot.own_requests import SURE, OwnRequests
from bot.reply import Reply
from bot.sites import KeepingSites
from cards import plain_words
from cards.ask import FOR_CALLER, FOR_COLLEAGUE
from cards.shared import SHOW
from dialogs import ask as dialog
from dialogs import commands, understand
from dialogs.give_evidence import Page, page_of
from dialogs.said import Said
from dialogs.spelling import normal
from dialogs.understand import corrected_by, corrects
from domain import reference as references
from domain.errors import Refusal, Trouble
from domain.people import Person
from domain.permissions import check_caller
from domain.policy import LONG, SHORT, Policy
from services.book import Addresses, Book, Draft, Drafts
from services.carry_out import no_such
from services.chat import Scope
from services.codes import read_code
from services.look_up import LookUp
from services.ports import Clock
from texts import say

log = structlog.get_logger(__name__)
_LEAVES = frozenset({"help", "tour", "queue", "short", "long"})
"""What leaves a question that is answered in somebody's own words."""


@dataclass(frozen=True, slots=True)
class Turns:
    policy: Policy
    clock: Clock
    addresses: Addresses
    book: Book
    drafts: Drafts
    look_up: LookUp
    asking: Asking
    deciding: Deciding
    own: OwnRequests
    sites: KeepingSites
    giving: Giving
    drifts: SettlingDrifts
    finding: Finding
    helpdesk_team: str
    """The Entra group id of the helpdesk's team, in lower case."""

    async def __call__(self, reply: Reply) -> InPlace | Found | None:
        incoming = reply.incoming
        with structlog.contextvars.bound_contextvars(activity=incoming.activity_id, by=incoming.sender.entra_id):
            try:
                await self._turn(reply)
            except Refusal as refusal:
                log.info("refused", rule=refusal.rule)
                await self._say(reply, refusal)
            except Trouble as trouble:
                log.warning("turn failed", message=trouble.message)
                await self._sorry(reply)
        if incoming.click and incoming.click.in_place and reply.in_place is None:
            return InPlace(sentence=say("everyone.done_below"))
        return reply.in_place

    async def _say(self, reply: Reply, refusal: Refusal) -> None:
        if reply.incoming.search or (reply.incoming.in_place and not reply.personal):
            reply.tell(refusal.sentence)
        elif reply.incoming.in_place:
            reply.in_place = InPlace(card=plain_words.refused(refusal, self.policy))
        else:
            await reply.send(plain_words.refused(refusal, self.policy))

    async def _sorry(self, reply: Reply) -> None:
        """What was asked for may have been kept before something failed, as when only its card cannot be sent."""
        sentence = say("everyone.out_of_reach", **self.policy.helpdesk.contact)
        if reply.incoming.in_place:
            reply.tell(sentence)
            return
        try:
            await reply.messenger.send(reply.incoming.address, plain_words.went_wrong(sentence, self.policy))
        except Trouble as trouble:
            log.warning("could not even say so", message=trouble.message)

    async def _turn(self, reply: Reply) -> None:
        incoming = reply.incoming
        if incoming.search is not None:
            reply.in_place = await self.finding.search(await self._me(incoming), incoming.search)
            return
        welcomed = await self._remember(incoming)
        if incoming.kind is Kind.ADDED and reply.personal and incoming.sender.entra_id:
            if await self.addresses.welcome(incoming.sender.entra_id):
                groups = await self._shown_groups(incoming.sender.entra_id)
                await reply.messenger.send(incoming.address, plain_words.welcome(self.policy, groups))
        elif incoming.kind in (Kind.MESSAGE, Kind.CLICK):
            me = await self._me(incoming)
            if incoming.click is not None:
                await self._click(me, reply, incoming.click)
            elif incoming.again and await self._shown_what_was_done(me, reply):
                pass
            elif incoming.files:
                await self.giving.files(me, reply, incoming.files)
            else:
                await self._text(me, reply, incoming.text)
            if reply.personal and not welcomed:
                await self.addresses.welcome(me.id)

    async def _shown_what_was_done(self, me: Person, reply: Reply) -> bool:
        """Teams sends again what was heard by a process that died. What it did then is shown, and not done once more.

        A text would otherwise answer the next question. A click needs none of this: its card says what it answers.
        """
        activity = reply.incoming.activity_id
        draft = await self.drafts.latest(me.id)
        if draft is not None and draft.activity == activity:
            await self._once_more(me, reply, draft)
            return True
        done = await self.book.done_by(activity, me.id)
        if not done:
            return False
        about = draft.answers.get("reference") if draft is not None else None
        if draft is not None and draft.topic == GIVE and about in done:
            await self.giving.once_more(me, reply, draft)
            return True
        if draft is not None and draft.topic in (DECIDE, SURE) and about in done:
            await self.drafts.drop(me.id, draft.topic)
        if len(done) > 1:
            await self.own.mine(me, reply)
            return True
        try:
            await self.own.status(me, reply, done[0])
        except Refusal:
            await self.deciding.done(me, reply, done[0])
        return True

    async def _once_more(self, me: Person, reply: Reply, draft: Draft) -> None:
        if draft.topic == GIVE:
            await self.giving.once_more(me, reply, draft)
        elif draft.topic == DECIDE:
            await self.deciding.once_more(me, reply, draft)
        elif draft.topic == SURE:
            await self.own.ask_first(me, reply, draft.answers["reference"], draft.answers["verb"])
        else:
            await self.asking.once_more(me, reply, draft)

    async def _remember(self, incoming: Incoming) -> bool:
        """Where people and the helpdesk's channel are. True where this person was welcomed before."""
        now = self.clock.now()
        if incoming.address.scope is Scope.PERSONAL and incoming.sender.entra_id and incoming.kind is not Kind.REMOVED:
            sender = incoming.sender
            return await self.addresses.remember(sender.entra_id, sender.teams_id, incoming.address, now)
        if (
            incoming.kind is Kind.ADDED
            and incoming.address.channel_id
            and incoming.address.team_id == self.helpdesk_team
            and await self.addresses.set_place(incoming.address, now, only_first=True)
        ):
            log.info("the helpdesk's channel is known", channel=incoming.address.channel_id)
        return False

    async def _me(self, incoming: Incoming) -> Person:
        if not incoming.sender.entra_id:
            raise Refusal(say("everyone.not_said_who"), rule="nobody")
        caller = await self.look_up.caller(incoming.sender.entra_id)
        if caller is None:
            raise Refusal(
                say("everyone.own_account_unknown", **self.policy.helpdesk.contact),
                rule="unknown_account",
            )
        check_caller(caller, self.policy)
        return caller.person

    async def _shown_as_agent(self, entra_id: str) -> bool:
        return "helpdesk" in await self._shown_groups(entra_id)

    async def _shown_groups(self, entra_id: str) -> frozenset[str]:
        """Only for what is offered; what is done is checked when it is done."""
        try:
            return await self.look_up.groups(entra_id)
        except Trouble:
            return frozenset()

    async def _click(self, me: Person, reply: Reply, click: Click) -> None:
        given = click.data.get("reference", "")
        reference = references.read(given) or "" if isinstance(given, str) else ""
        verb = click.verb
        if click.automatic and verb not in ("status", "review", SHOW):
            reply.in_place = InPlace(sentence="")
        elif verb == "site" or verb.startswith("site."):
            await self.sites.clicked(me, reply, verb, click.data)
        elif verb.startswith("drift."):
            await self.drifts.clicked(me, reply, verb, click.data)
        elif verb in ("ask.start", "ask.long"):
            kind = LONG if verb == "ask.long" or click.data.get("kind") == LONG else SHORT
            await self._ask(me, reply, kind)
        elif verb.startswith("ask."):
            await self.asking.clicked(me, reply, verb, click.data)
        elif verb in ("mine", "queue", "tour", "help"):
            await self._do(me, reply, commands.Typed(verb, reference))
        else:
            self._needs(reference, given)
            await self._click_request(me, reply, verb, reference, click)

    async def _click_request(self, me: Person, reply: Reply, verb: str, reference: str, click: Click) -> None:
        if verb.endswith(".yes") and verb[:-4] in FORMS:
            await self.deciding.decide(me, reply, verb[:-4], reference, Said(data=click.data))
        elif verb.startswith("evidence."):
            await self.giving.clicked(me, reply, verb, reference, click.data)
        elif verb == "review":
            page = Said(data=click.data).value("page")
            await self.deciding.review(
                me, reply, reference, page=int(page) if page.isdecimal() and len(page) < 4 else 0
            )
        elif verb == SHOW:
            await self.finding.open(me, reply, reference)
        elif verb == "file":
            await self.deciding.file(me, reply, reference, Said(data=click.data).value("file"))
        elif verb == "again":
            await self.asking.again(me, reply, await self.own.theirs(me, reference))
        elif verb in (*FORMS, "status", "withdraw", "end", "renew", "evidence", "needed", "code"):
            await self._do(me, reply, commands.Typed(verb, reference))
        else:
            raise Refusal(say("everyone.button_not_known"), rule="unknown_verb")

    def _needs(self, reference: str, given: object) -> None:
        if not reference:
            raise no_such(str(given)[:20] if isinstance(given, str) and given else say("everyone.this_reference"))

    async def _text(self, me: Person, reply: Reply, text: str) -> None:
        typed = commands.command_in(text)
        draft = await self.drafts.latest(me.id)
        if draft is not None and draft.topic == SURE:
            answer = "yes" if normal(text) in CONFIRMING else "no" if normal(text) in NO else typed.command
            if await self.own.answered(me, reply, draft, answer):
                return
            draft = await self.drafts.latest(me.id)
        giving = draft is not None and draft.topic == GIVE and not typed.reference
        if giving and draft and self._goes_to_evidence(draft, typed.command):
            await self.giving.typed(me, reply, draft, text, typed.command)
            return
        if draft is not None and is_asking(draft.topic) and not typed.reference:
            own = typed.command in ("", "back", "change", "cancel") or self._answers(draft, typed.command, text)
            if own:
                await self._to_question(me, reply, draft, text, typed.command)
                return
        if draft is not None and draft.topic == DECIDE and not typed.reference:
            command = "" if typed.command == draft.answers["verb"] else typed.command
            if command in ("", "cancel", "back"):
                await self._decide_typed(me, reply, draft, text, command)
                return
        if not typed.command and typed.reference:
            typed = commands.about_request(text, typed.reference)
        if typed.command:
            await self._do(me, reply, typed)
            return
        await self._sentence(me, reply, text)

    async def _to_question(self, me: Person, reply: Reply, draft: Draft, text: str, command: str) -> None:
        """An answer to the open question, or something else that is said in between: then the question is repeated."""
        step = dialog.next_step(draft.answers, self.policy)
        aside = "" if step in FREE or command in ("back", "change", "cancel") else self._aside(text, command)
        if aside:
            await self.asking.told(me, reply, draft, aside)
            return
        wanted = commands.command_in(corrected_by(text)).command if not command and corrects(text) else command
        kind = {"ask": SHORT, "long": LONG}.get(wanted, "")
        if kind in self.policy.kinds and kind != draft.answers["kind"] and step not in FREE:
            await self.asking.other_kind(me, reply, draft, kind)
            return
        await self.asking.typed(me, reply, draft, text, command)

    def _aside(self, text: str, command: str) -> str:
        heard = understand.hear(text, self.policy) if not command else understand.Heard(command=command)
        if heard.elsewhere:
            one = next(one for one in self.policy.elsewhere if one.id == heard.elsewhere)
            return f"{one.says} {plain_words.whom_to_telephone(self.policy)}"
        if heard.command == "how_long":
            return plain_words.how_long(self.policy)
        return plain_words.whom_to_telephone(self.policy) if heard.command == "telephone" else ""

    def _goes_to_evidence(self, draft: Draft, command: str) -> bool:
        """Whether a text belongs to the open evidence: all but what asks for something else by name."""
        words = ("how_long", "telephone") if page_of(draft.answers) is Page.ITEM else ()
        return command in ("", "back", "cancel", "change", "code", "evidence", "status", "end", "review", *words)

    def _answers(self, draft: Draft, command: str, text: str) -> bool:
        """Whether what looks like a command is meant as an answer: a short one to a question for free words."""
        step = dialog.next_step(draft.answers, self.policy)
        if step is dialog.Step.CONFIRM and normal(text) in CONFIRMING:
            return True
        if command == "mine":
            return step is dialog.Step.WHO and normal(text) == "mine"
        if step in FREE:
            return normal(text) not in _LEAVES
        begun_otherwise = command in ("ask", "long") and bool(dialog.guesses(draft.answers))
        return begun_otherwise or command in ("how_long", "telephone")

    async def _decide_typed(self, me: Person, reply: Reply, draft: Draft, text: str, command: str) -> None:
        if command:
            await self.deciding.review(me, reply, draft.answers["reference"], say("agent.nothing_changed"))
        else:
            await self.deciding.typed(me, reply, draft, text)

    async def _sentence(self, me: Person, reply: Reply, text: str) -> None:
        """Free words: a reason, an address or something about exceptions begins the conversation."""
        if read_code(text) and not any(letter.isalpha() for letter in text):
            raise Refusal(
                say("everyone.code_alone"),
                rule="code_alone",
            )
        heard = understand.hear(text, self.policy, me.address)
        if heard.command:
            await self._do(me, reply, commands.Typed(heard.command, sure=False, whole=False))
            return
        if heard.elsewhere:
            one = next(one for one in self.policy.elsewhere if one.id == heard.elsewhere)
            await reply.show(plain_words.elsewhere(one, self.policy))
            return
        if heard.kind:
            if heard.who == FOR_CALLER and not await self._shown_as_agent(me.id):
                heard = replace(heard, who=FOR_COLLEAGUE if heard.whom else "")
            await self.asking.start(me, reply, dialog.begun_by(heard))
            return
        agent = await self._shown_as_agent(me.id)
        likely = understand.likely(text, agent=agent, long=LONG in self.policy.kinds)
        await reply.show(plain_words.not_understood(self.policy, likely))

    async def _ask(self, me: Person, reply: Reply, kind: str) -> None:
        if kind not in self.policy.kinds:
            raise Refusal(
                say(
                    "requester.no_long_ones_here",
                    length=self.policy.kinds[SHORT].length,
                    **self.policy.helpdesk.contact,
                ),
                rule="no_such_kind",
                link=(say("everyone.guide_button"), self.policy.links.guide),
            )
        await self.asking.start(me, reply, dialog.begin(kind))

    async def _do(self, me: Person, reply: Reply, typed: commands.Typed) -> None:
        match typed.command:
            case "withdraw" | "end" if not (typed.sure and typed.reference):
                await self.own.ask_first(me, reply, typed.reference, typed.command)
            case "thanks":
                await reply.show(plain_words.thanks())
            case "how_long" | "telephone":
                sentence = self._aside("", typed.command)
                title = say("everyone.how_long_title" if typed.command == "how_long" else "everyone.telephone_title")
                await reply.show(plain_words.note(title, sentence, self.policy))
            case "ask" if typed.reference:
                await self._do(me, reply, replace(typed, command="ask_back"))
            case "ask" | "long":
                await self._ask(me, reply, LONG if typed.command == "long" else SHORT)
            case "mine":
                await self.own.mine(me, reply)
            case "status":
                await self._status(me, reply, typed.reference)
            case "withdraw" | "end":
                await self.own.give_up(me, reply, typed.reference, typed.command)
            case "queue":
                await self.deciding.queue(me, reply)
            case "review" | "approve" | "reject" | "revoke" if not typed.reference:
                await self.deciding.queue(me, reply)
            case "review":
                await self.deciding.review(me, reply, typed.reference)
            case "renew" | "evidence" | "needed" | "code" if not typed.reference:
                raise Refusal(
                    say("everyone.which_request", command=typed.command),
                    rule="which",
                )
            case "renew":
                await self.asking.renew(me, reply, await self.own.theirs(me, typed.reference))
            case "evidence":
                await self.giving.start(me, reply, typed.reference)
            case "needed":
                await self.own.needed(me, reply, typed.reference)
            case "code" if not await self._shown_as_agent(me.id):
                await self.giving.start(me, reply, typed.reference)
            case "code":
                await self.deciding.new_code(me, reply, typed.reference)
            case "approve" | "reject" | "revoke" | "ask_back" if typed.words and typed.sure:
                await self.deciding.decide(me, reply, typed.command, typed.reference, Said(text=typed.words))
            case "approve" | "reject" | "revoke" | "ask_back":
                await self.deciding.form(me, reply, typed.command, typed.reference, why=typed.words)
            case "site":
                await self.sites.show(me, reply, typed.words)
            case "use this channel":
                await self.deciding.use_this_channel(me, reply)
            case "cancel" | "back" | "change":
                raise Refusal(say("everyone.nothing_open"), rule="nothing_open")
            case _:
                groups = await self._shown_groups(me.id)
                if "helpdesk" in groups and typed.command == "tour":
                    await reply.show(plain_words.tour(self.policy))
                    return
                await reply.show(plain_words.how_to(self.policy, groups))

    async def _status(self, me: Person, reply: Reply, reference: str) -> None:
        try:
            await self.own.status(me, reply, reference)
        except Refusal:
            if not await self._shown_groups(me.id):
                raise
            await self.deciding.review(me, reply, reference)
