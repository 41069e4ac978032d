"""One message in place of many: what waits for one person, of one sort, is told on one card."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from cards.together import MOST, notices_together
from domain import timeline
from domain.audience import people
from domain.effects import TellTogether
from domain.errors import Trouble, Unreachable
from domain.people import Person
from domain.request import Request
from services.book import Addresses, Copies, Copy, Notices, Waiting
from services.carry_out import CarryOut
from services.chat import Messenger, Sent
from services.keep_true import keep_true
from services.lateness import count_reminder
from services.once import Once
from services.reach import Reach
from services.show import Show, still_says_so, together_view

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TellsTogether:
    carry_out: CarryOut
    messenger: Messenger
    addresses: Addresses
    copies: Copies
    notices: Notices
    show: Show
    reach: Reach
    once: Once

    async def __call__(self, effect: TellTogether) -> None:
        """May raise `Trouble`. What cannot be told in one message in Teams is told alone, as if it had not waited."""
        waiting = await self.notices.take(effect, MOST)
        leads = await self.carry_out.leads(waiting[0].tell.to) if waiting else ()
        left = [one for one in waiting if await self.once.is_left(one.key, one.tell, one.attempts)]
        told, requests, person = await self._still_meant(effect, left, leads)
        if person is None:
            return
        wanted = {one.key: one.tell for one in told}
        sent = await self.once(wanted, lambda: self._sent(effect, person, told, requests))
        if sent is not None:
            await self._finish(effect, told, requests, sent)

    async def _still_meant(
        self, effect: TellTogether, waiting: Sequence[Waiting], leads: Sequence[Person]
    ) -> tuple[Sequence[Waiting], Sequence[Request], Person | None]:
        """What of it is still true, and about which requests; the rest is forgotten. And who they are, if any is."""
        told: list[Waiting] = []
        requests: dict[str, Request] = {}
        person: Person | None = None
        for one in waiting:
            request = await self.show.book.request(one.tell.reference)
            found = _still_meant(effect, one, request, leads)
            if request is None or found is None:
                await self.notices.forget([one.key])
                continue
            person = found
            told.append(one)
            requests[request.reference] = request
        return told, sorted(requests.values(), key=lambda one: (one.subject.name, one.reference)), person

    async def _sent(
        self, effect: TellTogether, person: Person, told: Sequence[Waiting], requests: Sequence[Request]
    ) -> Sent | None:
        """None where each is told alone."""
        sent = await self._taken(effect, person, requests) if len(requests) > 1 else None
        if sent is None:
            await self._each_alone(told)
        return sent

    async def apart(self, effect: TellTogether) -> None:
        """Whatever waits is told alone, as if it had not waited."""
        while waiting := await self.notices.take(effect, MOST):
            await self._each_alone(waiting)

    async def _taken(self, effect: TellTogether, person: Person, requests: Sequence[Request]) -> Sent | None:
        """None where only e-mail is left, or where Teams will never take the list."""
        address = await self.reach(person)
        if address is None:
            return None
        policy, now = self.carry_out.policy, self.carry_out.clock.now()
        try:
            return await self.messenger.send(address, notices_together(effect.notice, requests, (), policy, now))
        except Unreachable:
            await self.addresses.dead(person.id, address, now)
        except Trouble as trouble:
            if not trouble.for_good:
                raise
            log.warning("notices cannot be told together", message=trouble.message)
        except Exception:
            log.exception("notices cannot be told together, by a mistake of ours")
        return None

    async def _each_alone(self, waiting: Sequence[Waiting]) -> None:
        async with self.carry_out.book.page() as page:
            await page.release([one.key for one in waiting])
            await page.want([one.tell for one in waiting])

    async def _finish(
        self, effect: TellTogether, told: Sequence[Waiting], requests: Sequence[Request], sent: Sent
    ) -> None:
        view, now = together_view(effect.notice, (one.reference for one in requests)), self.carry_out.clock.now()
        for request in requests:
            copy = Copy(request.reference, view, effect.person, sent)
            await keep_true(copy, request.version, self.show, self.copies, self.messenger)
        entries = [self.carry_out.told(one.tell.reference, one.key, effect.person, "teams", now) for one in told]
        keys = [one.key for one in told]
        await self.notices.finish(keys, way="teams", activity_id=sent.activity_id, at=now, entries=entries)
        by_reference = {request.reference: request for request in requests}
        for one in told:
            count_reminder(one.tell, by_reference[one.tell.reference], self.carry_out.policy, now, self.once.figures)


def _still_meant(effect: TellTogether, one: Waiting, request: Request | None, leads: Sequence[Person]) -> Person | None:
    """Whoever waits, where the notice is still true and they are still among those who are told."""
    if request is None or not still_says_so(request, effect.notice) or timeline.is_overtaken(request, one.tell):
        return None
    return next((person for person in people(request, one.tell.to, leads) if person.id == effect.person), None)
