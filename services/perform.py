"""The one door out: carries out effects in Entra, Teams and mail. Each looks at the request again before it acts."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from cards.card import Card
from cards.request import alarm
from domain.commands import ConfirmEnd, ConfirmGrant, ReportTrouble
from domain.effects import Alarm, Audience, Effect, End, Grant, Refresh, ShowHelpdesk, Tell
from domain.errors import Trouble, Unreachable
from domain.events import Event, What
from domain.people import Person
from domain.request import Request, State
from services.book import Addresses, Book, Copies, Copy, Notices
from services.carry_out import CarryOut
from services.chat import Messenger, Sent
from services.ports import Exemptions, Mail
from services.show import HELPDESK, Show, notice_view, still_says_so

log = structlog.get_logger(__name__)
NOT_YET = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Perform:
    book: Book
    carry_out: CarryOut
    exemptions: Exemptions
    messenger: Messenger
    mail: Mail
    addresses: Addresses
    copies: Copies
    notices: Notices
    show: Show

    async def __call__(self, effect: Effect, attempts: int) -> None:
        """Raises `Trouble` where it has to be tried again; `attempts` is how often it was tried before."""
        with structlog.contextvars.bound_contextvars(reference=effect.reference, effect=type(effect).__name__):
            request = await self.book.request(effect.reference)
            if request is None:
                log.error("effect of a request that does not exist")
                return
            try:
                await self._perform(effect, request)
            except Trouble as trouble:
                log.warning("effect put off", message=trouble.message, attempts=attempts + 1)
                if isinstance(effect, Grant | End):
                    await self.carry_out(effect.reference, ReportTrouble(trouble.message, attempts + 1))
                raise

    async def _perform(self, effect: Effect, request: Request) -> None:
        match effect:
            case Grant():
                await self._grant(request)
            case End():
                await self._end(request)
            case Tell():
                await self._tell(effect, request)
            case ShowHelpdesk():
                await self._show_helpdesk(request)
            case Alarm():
                await self._alarm(effect, request)
            case Refresh():
                await self._refresh(request)

    async def _grant(self, request: Request) -> None:
        if request.state is not State.GRANTING:
            return
        await self.exemptions.add(request.group_id, request.subject.id)
        if not await self.exemptions.contains(request.group_id, request.subject.id):
            raise Trouble("Entra does not show the account in the exemption group yet", retry_after=NOT_YET)
        await self.carry_out(request.reference, ConfirmGrant())

    async def _end(self, request: Request) -> None:
        if request.state is not State.ENDING:
            return
        await self.exemptions.remove(request.group_id, request.subject.id)
        if await self.exemptions.contains(request.group_id, request.subject.id):
            raise Trouble("Entra still shows the account in the exemption group", retry_after=NOT_YET)
        await self.carry_out(request.reference, ConfirmEnd())

    async def _tell(self, tell: Tell, request: Request) -> None:
        if not still_says_so(request, tell.notice):
            return
        if not await self.notices.begin(tell.key, request.reference, self.carry_out.clock.now()):
            return
        person = request.subject if tell.to is Audience.SUBJECT else request.asked_by
        view = notice_view(tell.notice, tell.to)
        way, activity_id = await self._reach(person, request, view)
        await self.notices.finish(tell.key, way=way, activity_id=activity_id, at=self.carry_out.clock.now())
        await self.carry_out.record(
            request.reference, Event(What.NOTICE, details={"notice": tell.key, "to": person.id, "way": way})
        )

    async def _reach(self, person: Person, request: Request, view: str) -> tuple[str, str]:
        """In Teams, else by e-mail. Gives the way and the id of the message."""
        card = await self.show(request, view)
        address = await self.addresses.of(person.id)
        if address is not None:
            try:
                sent = await self.messenger.send(address, card)
            except Unreachable:
                await self.addresses.dead(person.id)
            else:
                await self._keep_copy(request, view, person.id, sent)
                return "teams", sent.activity_id
        await self.mail.send(to=person.address, subject=card.summary.split(". ")[0], text=mail_text(card, request))
        return "mail", ""

    async def _show_helpdesk(self, request: Request) -> None:
        key = f"{request.reference}:helpdesk"
        place = await self.addresses.place()
        if place is None:
            raise Trouble("the helpdesk's channel is not known yet: add the app to the helpdesk's team")
        if not await self.notices.begin(key, request.reference, self.carry_out.clock.now()):
            return
        sent = await self.messenger.post(place, await self.show(request, HELPDESK))
        await self._keep_copy(request, HELPDESK, "", sent)
        await self.notices.finish(key, way="channel", activity_id=sent.activity_id, at=self.carry_out.clock.now())

    async def _alarm(self, effect: Alarm, request: Request) -> None:
        key = f"{request.reference}:alarm:{effect.occasion}"
        place = await self.addresses.place()
        if request.stuck is None or place is None:
            return
        if not await self.notices.begin(key, request.reference, self.carry_out.clock.now()):
            return
        sent = await self.messenger.post(place, alarm(request, self.carry_out.policy))
        await self.notices.finish(key, way="channel", activity_id=sent.activity_id, at=self.carry_out.clock.now())

    async def _keep_copy(self, request: Request, view: str, viewer_id: str, sent: Sent) -> None:
        """Remembers a card so that it is kept true, and mends it at once if the request moved on while it was sent."""
        copy = Copy(request.reference, view, viewer_id, sent)
        await self.copies.add_copy(copy)
        latest = await self.book.request(request.reference)
        if latest is not None and latest.version != request.version:
            await self._draw(copy, await self.show(latest, view))

    async def _refresh(self, request: Request) -> None:
        trouble: Trouble | None = None
        for copy in await self.copies.copies(request.reference):
            try:
                await self._draw(copy, await self.show(request, copy.view))
            except Trouble as failed:
                trouble = failed
        if trouble:
            raise trouble

    async def _draw(self, copy: Copy, card: Card) -> None:
        try:
            await self.messenger.replace(copy.sent, card)
        except Unreachable:
            await self.copies.forget_copy(copy)


def mail_text(card: Card, request: Request) -> str:
    """The card's words as plain text, with the reference below."""
    return f"{card.summary}\n\nReference: {request.reference}\n\nThis e-mail was sent by the MFA exceptions bot.\n"
