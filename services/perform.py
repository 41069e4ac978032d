"""The one door out: carries out effects in Entra, Teams and mail. Each looks at the request again before it acts."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import structlog

from cards import alarms, mails
from domain import timeline
from domain.audience import people
from domain.commands import ConfirmGrant, ConfirmPurge, IssueCode, ReportTrouble
from domain.correlation import Change
from domain.effects import (
    START,
    Alarm,
    Audience,
    Effect,
    End,
    Grant,
    Purge,
    Refresh,
    RevokeSessions,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)
from domain.errors import NotPermitted, PutOff, Trouble, Unproved, Unreachable
from domain.events import Event, What
from domain.gathering import WITHIN, can_be_gathered
from domain.people import Person
from domain.request import Request, State
from services import codes
from services.asking_first import mailer_asking_first, messenger_asking_first
from services.book import Addresses, Book, Copies, Copy, Notices
from services.carry_out import CarryOut
from services.chat import Messenger, Sent
from services.end import NOT_YET, EndExemption
from services.evidence import EvidenceStore
from services.expecting import expecting
from services.figures import Figures
from services.keep_true import draw, keep_true
from services.lateness import count_reminder
from services.once import Once
from services.pace import LONGEST_STAY, coming_back
from services.ports import Exemptions, Mailer, Proof, Sessions
from services.reach import Reach, helpdesk_channel
from services.show import HELPDESK, Show, notice_view, still_says_so
from services.tell_together import TellsTogether

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Perform:
    book: Book
    carry_out: CarryOut
    exemptions: Exemptions
    messenger: Messenger
    mailer: Mailer
    addresses: Addresses
    copies: Copies
    notices: Notices
    show: Show
    evidence: EvidenceStore
    reach: Reach
    chat_link: Callable[[str], str]
    """An address that opens the bot's chat with these words ready to be sent."""
    figures: Figures
    proof: Proof | None = None
    """None: a grant is believed when Entra, read again, shows the membership."""
    sessions: Sessions | None = None
    """None: nobody is signed out."""

    @property
    def _ending(self) -> EndExemption:
        return EndExemption(self.book, self.carry_out, self.exemptions, self.figures)

    @property
    def _together(self) -> TellsTogether:
        return TellsTogether(
            self.carry_out, self.messenger, self.addresses, self.copies, self.notices, self.show, self.reach, self._once
        )

    async def apart(self, effect: TellTogether) -> None:
        """May raise `Trouble`."""
        await self._together.apart(effect)

    @property
    def _once(self) -> Once:
        return Once(self.carry_out, self.notices, self.figures)

    async def __call__(self, effect: Effect, attempts: int) -> None:
        """Raises `Trouble` where it has to be tried again; `attempts` is how often it was tried before."""
        with structlog.contextvars.bound_contextvars(reference=effect.reference, effect=type(effect).__name__):
            await (self._asking_first if attempts else self)._act(effect, attempts)

    @property
    def _asking_first(self) -> "Perform":
        return replace(self, messenger=messenger_asking_first(self.messenger), mailer=mailer_asking_first(self.mailer))

    async def _act(self, effect: Effect, attempts: int) -> None:
        if isinstance(effect, Warn):
            await self._warn(effect)
        elif isinstance(effect, TellTogether):
            await self._together(effect)
        else:
            request = await self.book.request(effect.reference)
            if request is None:
                log.error("effect of a request that does not exist")
                return
            try:
                await self._perform(effect, request, attempts)
            except Trouble as trouble:
                if isinstance(effect, Grant | End) and not isinstance(trouble, PutOff):
                    await self.carry_out(effect.reference, _report(trouble, attempts + 1))
                raise

    async def _perform(self, effect: Effect, request: Request, attempts: int) -> None:
        match effect:
            case Grant():
                await self._grant(request, attempts)
            case End():
                await self._ending(request)
            case RevokeSessions():
                await self._revoke_sessions(effect, request)
            case Tell():
                await self._tell(effect, request)
            case ShowHelpdesk():
                await self._show_helpdesk(effect, request)
            case WriteToMailbox():
                await self._write_to_mailbox(effect, request)
            case Purge():
                await self._purge(request)
            case Alarm():
                await self._alarm(effect, request)
            case Refresh():
                await self._refresh(request)

    async def _grant(self, request: Request, attempts: int) -> None:
        """An end may have overtaken this attempt, or an earlier one that was cut short: then the account comes out."""
        trouble: Trouble | None = None
        if request.state is State.GRANTING:
            try:
                request = await self._exempt(request)
            except Trouble as failed:
                trouble = failed
                request = await self.book.request(request.reference) or request
        elif not attempts:
            return
        if request.state in (State.ENDING, State.ENDED):
            await self._ending.let_go(request)
        elif trouble:
            raise trouble

    async def _exempt(self, request: Request) -> Request:
        """Gives the request as it then stands."""
        until = await self._ending.until(request)
        with expecting(request, Change.ADD, until):
            await self.exemptions.add(request.group_id, request.subject.id, until=until, reference=request.reference)
        if not await self.exemptions.contains(request.group_id, request.subject.id):
            raise Unproved("Entra does not show the account in the exemption group yet", retry_after=NOT_YET)
        if self.proof:
            await self.proof.not_asked(request.subject.id)
        return await self.carry_out(request.reference, ConfirmGrant())

    async def _revoke_sessions(self, effect: RevokeSessions, request: Request) -> None:
        """Once for each occasion, while it is still about something. Nothing waits for it."""
        wanted = {State.ACTIVE, State.ENDING} if effect.occasion == START else {State.ENDED}
        if self.sessions is None or request.state not in wanted or await self._signed_out(effect):
            return
        if request.state is State.ENDED and await self._ending.held_by(request):
            return
        details = {"occasion": effect.occasion}
        try:
            await self.sessions.revoke(request.subject.id)
        except NotPermitted as trouble:
            log.warning("sessions not revoked", message=trouble.message)
            event = Event(What.SESSIONS_NOT_REVOKED, details=details | {"message": trouble.message})
        else:
            event = Event(What.SESSIONS_REVOKED, details=details)
        await self.carry_out.record(request.reference, event)

    async def _signed_out(self, effect: RevokeSessions) -> bool:
        """Whether the audit says already what came of it."""
        done = (What.SESSIONS_REVOKED.value, What.SESSIONS_NOT_REVOKED.value)
        return any(
            entry.what in done and entry.details.get("occasion") == effect.occasion
            for entry in await self.book.entries(effect.reference)
        )

    async def _tell(self, tell: Tell, request: Request) -> None:
        if not still_says_so(request, tell.notice) or timeline.is_overtaken(request, tell):
            return
        meant = people(request, tell.to, await self.carry_out.leads(tell.to))
        if tell.to is Audience.LEADS and not meant:
            await self._no_lead(tell, request)
        await _each(partial(self._tell_one, person, tell, request) for person in meant)

    async def _no_lead(self, tell: Tell, request: Request) -> None:
        """What a second pair of eyes should have seen does not end with nobody: the helpdesk's channel is told."""
        log.warning("no lead to tell", notice=tell.notice.value)
        event = Event(What.NOT_DELIVERED, details={"notice": tell.key, "why": "no lead who had no part in it"})
        entry = self.carry_out.entry(tell.reference, event, self.carry_out.clock.now())
        about = ":".join(part for part in (tell.notice.value, tell.occasion) if part)
        async with self.book.page() as page:
            if await page.is_recorded(tell.reference, event.what, tell.key, request.asked_at):
                return  # by a process that died before it had said that this is done
            await page.record([entry])
            await page.want((Alarm(tell.reference, "no_lead", about),))

    async def _tell_one(self, person: Person, tell: Tell, request: Request) -> None:
        key = tell.key if tell.to in _ONE_PERSON else f"{tell.key}:{person.id}"
        if not await self._begun(tell, key, person):
            return
        reached = await self._once({key: tell}, lambda: self._reach(person, request, tell, key))
        if reached is None:
            return
        way, sent = reached
        if sent is not None:
            await self._keep_copy(request, notice_view(tell.notice, tell.to), person.id, sent)
        await self._finish(request, key, person.id, way, sent.activity_id if sent else "")
        count_reminder(tell, request, self.carry_out.policy, self.carry_out.clock.now(), self.figures)

    async def _begun(self, tell: Tell, key: str, person: Person) -> bool:
        if not can_be_gathered(tell):
            return await self._once.begin(key, tell)
        now = self.carry_out.clock.now()
        return await self._once.is_left(
            key, tell, await self.notices.begin_or_wait(key, tell, person.id, now, now - WITHIN)
        )

    async def _finish(self, request: Request, key: str, to: str, way: str, activity_id: str = "") -> None:
        """Writes that this notice went to somebody, and the line of the audit. `to`: an Entra id or an address."""
        now = self.carry_out.clock.now()
        entry = self.carry_out.told(request.reference, key, to, way, now)
        await self.notices.finish([key], way=way, activity_id=activity_id, at=now, entries=[entry])

    async def _reach(self, person: Person, request: Request, tell: Tell, key: str) -> tuple[str, Sent | None]:
        """In Teams, else by e-mail. Gives the way, and where the message is in Teams."""
        card = await self.show(request, notice_view(tell.notice, tell.to), viewer_id=person.id)
        address = await self.reach(person)
        if address is not None:
            tried_at = self.carry_out.clock.now()
            try:
                return "teams", await self.messenger.send(address, card)
            except Unreachable:
                await self.addresses.dead(person.id, address, tried_at)
        link, now = self.chat_link(f"status {request.reference}"), self.carry_out.clock.now()
        mail = mails.notice(request, tell.notice, tell.to, link, self.carry_out.policy, now)
        await self.mailer.send(to=person.address, mail=mail, key=key)
        return "mail", None

    async def _write_to_mailbox(self, effect: WriteToMailbox, request: Request) -> None:
        """A code is made for each e-mail that goes out, so the newest one counts; only its hash is kept.

        One that was quoted already came with an e-mail of which it was not known whether it had gone out.
        """
        wanted = request.state is State.AWAITING_EVIDENCE and effect.occasion == str(request.codes)
        if not wanted or request.site is None:
            return
        key, mailbox = f"{request.reference}:mailbox:{effect.occasion}", request.site.mailbox
        if not await self._once.begin(key, effect):
            return
        if await self._once({key: effect}, lambda: self._mailed(effect, request, mailbox, key)):
            await self._finish(request, key, mailbox, "mail")

    async def _mailed(self, effect: WriteToMailbox, request: Request, mailbox: str, key: str) -> bool:
        """Always true: there is nothing else to do about it."""
        code, salt = codes.fresh_code(), codes.fresh_salt()
        hashed = await asyncio.to_thread(codes.digest, code, salt)
        issued = await self.carry_out(request.reference, IssueCode(salt, hashed, int(effect.occasion)))
        if issued.code is not None and issued.code.salt == salt:
            link = self.chat_link(f"evidence {request.reference}")
            mail = mails.to_mailbox(issued, code, link, self.carry_out.policy)
            # Another code makes another e-mail: it must not be taken for the one before it.
            await self.mailer.send(to=mailbox, mail=mail, key=f"{key}:{salt}")
        return True

    async def _purge(self, request: Request) -> None:
        if request.is_open or request.purged_at is not None:
            return
        await self.evidence.purge(request.reference)
        await self.carry_out(request.reference, ConfirmPurge())

    async def _show_helpdesk(self, effect: ShowHelpdesk, request: Request) -> None:
        """Only while it waits for a decision: nobody is sent what is decided."""
        if request.state is not State.AWAITING_DECISION:
            return
        key = ":".join(part for part in (request.reference, "helpdesk", effect.occasion) if part)
        place = await helpdesk_channel(self.addresses)
        if not await self._once.begin(key, effect):
            return

        async def post() -> Sent:
            return await self.messenger.post(place, await self.show(request, HELPDESK))

        sent = await self._once({key: effect}, post)
        if sent is not None:
            await self._keep_copy(request, HELPDESK, "", sent)
            await self._posted(key, sent)

    async def _posted(self, key: str, sent: Sent) -> None:
        await self.notices.finish([key], way="channel", activity_id=sent.activity_id, at=self.carry_out.clock.now())

    async def _alarm(self, effect: Alarm, request: Request) -> None:
        if not alarms.still_says_so(request, effect.about):
            return
        key = f"{request.reference}:alarm:{effect.about}:{effect.occasion}"
        place = await helpdesk_channel(self.addresses)
        if not await self._once.begin(key, effect):
            return
        now = self.carry_out.clock.now()
        card = alarms.alarm(request, effect.about, self.carry_out.policy, now, effect.occasion)
        sent = await self._once({key: effect}, lambda: self.messenger.post(place, card))
        if sent is not None:
            await self._posted(key, sent)

    async def _warn(self, effect: Warn) -> None:
        place, now = await helpdesk_channel(self.addresses), self.carry_out.clock.now()
        by = await self._whoever(effect.by)
        subject = await self._whoever(effect.subject) if effect.subject else None
        key = f"warn:{effect.about}:{effect.subject or effect.by}:{effect.occasion}"
        if not await self._once.begin(key, effect):
            return
        card = alarms.attempt(effect.about, by, subject, now, self.carry_out.policy)
        sent = await self._once({key: effect}, lambda: self.messenger.post(place, card))
        if sent is not None:
            await self._posted(key, sent)

    async def _whoever(self, entra_id: str) -> Person:
        """By their id alone where Entra does not know them any more."""
        return await self.carry_out.directory.person(entra_id) or Person(entra_id, entra_id, "")

    async def _keep_copy(self, request: Request, view: str, viewer_id: str, sent: Sent) -> None:
        copy = Copy(request.reference, view, viewer_id, sent)
        await keep_true(copy, request.version, self.show, self.copies, self.messenger)

    async def _refresh(self, request: Request) -> None:
        until = monotonic() + LONGEST_STAY

        async def drawn(copy: Copy) -> None:
            card = await self.show(request, copy.view, viewer_id=copy.viewer_id)
            await coming_back(partial(draw, copy, card, self.copies, self.messenger), until)

        copies = [*await self.copies.copies(request.reference)]
        random.shuffle(copies)  # or those at the end would never be drawn while there is little room
        await _each(partial(drawn, copy) for copy in copies)


MOST_SILENT = 2


async def _each(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Makes each call though others fail; raises what passes soonest.

    Not where nobody answers twice in a row: an end may be waiting for the place in the worker.
    """
    failed: list[Exception] = []
    silent = 0
    for call in calls:
        try:
            await call()
        except Exception as failure:
            failed.append(failure)
            silent = silent + 1 if isinstance(failure, Trouble) and failure.silent else 0
            if silent == MOST_SILENT:
                break
        else:
            silent = 0
    if failed:
        raise min(failed, key=_how_lasting)


def _how_lasting(failure: Exception) -> int:
    """What passes counts first: whoever it keeps from being told is not given up because of somebody else.

    Before it what may have gone out: its one repeat is a try that asks first, and not as soon as there is room.
    """
    if not isinstance(failure, Trouble):
        return 2
    if failure.for_good:
        return 3
    return 0 if failure.unanswered else 1


def _report(trouble: Trouble, attempts: int) -> ReportTrouble:
    return ReportTrouble(trouble.message, attempts, unproved=isinstance(trouble, Unproved))


_ONE_PERSON = frozenset({Audience.SUBJECT, Audience.ASKED_BY})
