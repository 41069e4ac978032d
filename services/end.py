"""Ends an exception in Entra, in the order that loses nobody: by the jobs, by the comparison and by the watchdog."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain import lasting
from domain.commands import ConfirmEnd
from domain.correlation import Change
from domain.errors import Trouble
from domain.request import Request, State
from services.book import Book
from services.carry_out import CarryOut
from services.expecting import expecting
from services.figures import Figures
from services.lateness import count_end
from services.ports import Exemptions

NOT_YET = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class EndExemption:
    """May be called by several processes at once: each step looks at the book again, and Entra's calls are idempotent.

    Raises `Trouble` where it has to be tried again.
    """

    book: Book
    carry_out: CarryOut
    exemptions: Exemptions
    figures: Figures

    async def __call__(self, request: Request) -> Request:
        """Gives the request as it then stands."""
        if request.state is State.ENDING:
            ended = await self.carry_out(request.reference, ConfirmEnd(await self.let_go(request)))
            count_end(ended, self.figures)
            return ended
        if request.state is State.ENDED and request.starts_at is None:
            await self.let_go(request)
        return request

    async def let_go(self, request: Request) -> str:
        """Takes the subject out, or leaves the membership to whoever needs it, and gives their reference."""
        held_by = await self.held_by(request)
        if not held_by:
            return await self.take_out(request)
        await self.hand_over(held_by)
        return held_by

    async def held_by(self, request: Request) -> str:
        """The reference of whoever needs the membership now; or empty."""
        return await self.book.held_by(request, self.carry_out.clock.now())

    async def take_out(self, request: Request) -> str:
        """Removes the subject and reads it back. Gives the reference of whoever needs the membership after all.

        Somebody may have been granted another exception while this was on its way: then it is given back to them.
        """
        with expecting(request, Change.REMOVE):
            await self.exemptions.remove(request.group_id, request.subject.id)
        held_by = await self.held_by(request)
        if held_by:
            await self.hand_over(held_by, begins=True)
        elif await self.exemptions.contains(request.group_id, request.subject.id):
            raise Trouble("Entra still shows the account in the exemption group", retry_after=NOT_YET)
        return held_by

    async def until(self, request: Request) -> datetime:
        """When the membership has to end, as things are: when the last exception that needs it does."""
        now = self.carry_out.clock.now()
        own = request.ends_at or lasting.end_if_confirmed(request, self.carry_out.policy, now)
        others = [
            other.ends_at
            for other in await self.book.open_requests(request.subject.id)
            if other.state is State.ACTIVE and other.ends_at and other.group_id == request.group_id
            if other.reference not in (request.reference, request.renews)
        ]
        return max([own, *others])

    async def hand_over(self, reference: str, *, begins: bool = False) -> None:
        """Another exception goes on with the membership: Entra learns its end. One that begins says it by itself.

        `begins`: it is given back to one that begins, too, because it may have said so before the removal.
        """
        other = await self.book.request(reference)
        if other is not None and (other.state is State.ACTIVE or (begins and other.state is State.GRANTING)):
            until = await self.until(other)
            with expecting(other, Change.EXTEND, until):
                await self.exemptions.add(other.group_id, other.subject.id, until=until, reference=reference)
