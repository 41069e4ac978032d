"""Which card shows a request to whom: drawn anew each time, from the book."""

from dataclasses import dataclass

from cards import request as cards
from cards.card import Card
from domain.effects import Audience, Notice
from domain.policy import Policy
from domain.request import Request, State
from services.book import Book
from services.ports import Clock

HELPDESK = "helpdesk"
MINE = "mine"


def notice_view(notice: Notice, to: Audience) -> str:
    return f"{notice}:{to}"


@dataclass(frozen=True, slots=True)
class Show:
    book: Book
    clock: Clock
    policy: Policy

    async def __call__(self, request: Request, view: str, said: str = "") -> Card:
        """`view`: HELPDESK, MINE or a `notice_view`. A notice that is overtaken shows the present state instead.

        `said` is a sentence to put on top, for whoever clicked in vain.
        """
        now = self.clock.now()
        if view == HELPDESK:
            history = await self.book.of_subject(request.subject.id, now - self.policy.limits.history)
            return cards.decision(request, history, self.policy, now, said)
        if view == MINE:
            return cards.mine(request, self.policy, now, said)
        notice, _, to = view.partition(":")
        if still_says_so(request, Notice(notice)):
            return cards.notice(request, Notice(notice), self.policy, now, for_subject=to == Audience.SUBJECT)
        return cards.mine(request, self.policy, now)


_WHILE = {
    Notice.ASKED_FOR_YOU: State.AWAITING_DECISION,
    Notice.GRANTED: State.ACTIVE,
    Notice.REMINDER: State.ACTIVE,
    Notice.REJECTED: State.REJECTED,
    Notice.WITHDRAWN: State.WITHDRAWN,
    Notice.LAPSED: State.LAPSED,
    Notice.ENDED: State.ENDED,
}


def still_says_so(request: Request, notice: Notice) -> bool:
    """Whether what the notice says is true of the request now."""
    return request.state is _WHILE[notice]
