"""Which card shows a request to whom: drawn anew each time, from the book."""

from collections.abc import Iterable
from dataclasses import dataclass

from cards import notices
from cards import request as cards
from cards.card import Card
from cards.together import notices_together
from domain.effects import Audience, Notice
from domain.policy import Policy
from domain.request import Request, State
from services.book import Book
from services.ports import Clock

HELPDESK = "helpdesk"
MINE = "mine"


TOGETHER = "together"


def notice_view(notice: Notice, to: Audience) -> str:
    return f"{notice}:{to}"


def together_view(notice: Notice, references: Iterable[str]) -> str:
    return f"{TOGETHER}:{notice}:{','.join(references)}"


@dataclass(frozen=True, slots=True)
class Show:
    book: Book
    clock: Clock
    policy: Policy

    async def __call__(self, request: Request, view: str, said: str = "", *, viewer_id: str = "") -> Card:
        """`view`: HELPDESK, MINE, a `notice_view` or a `together_view`, which shows all its requests.

        A notice that is overtaken shows the present state instead.

        `said` is a sentence to put on top, for whoever clicked in vain. `viewer_id`: as in `Copy`.
        """
        now = self.clock.now()
        if view == HELPDESK:
            history = await self.book.of_subject(request.subject.id, now - self.policy.limits.history)
            return cards.decision(request, history, self.policy, now, said)
        if view == MINE:
            return cards.mine(request, viewer_id, self.policy, now, said)
        notice, _, to = view.partition(":")
        if notice == TOGETHER:
            return await self._together(*to.split(":"))
        if still_says_so(request, Notice(notice)):
            return notices.notice(request, Notice(notice), Audience(to), self.policy, now)
        if to == Audience.LEADS:
            return await self(request, HELPDESK)
        return cards.mine(request, viewer_id, self.policy, now)

    async def _together(self, notice: str, references: str) -> Card:
        found = [await self.book.request(reference) for reference in references.split(",")]
        requests = [one for one in found if one is not None]
        still_so = [one for one in requests if still_says_so(one, Notice(notice))]
        moved_on = [one for one in requests if one not in still_so]
        return notices_together(Notice(notice), still_so, moved_on, self.policy, self.clock.now())


_WAITING = frozenset({State.AWAITING_EVIDENCE, State.AWAITING_DECISION})
_WHILE = {
    Notice.ASKED_FOR_YOU: _WAITING,
    Notice.EVIDENCE_WANTED: frozenset({State.AWAITING_EVIDENCE}),
    Notice.EVIDENCE_REMINDER: frozenset({State.AWAITING_EVIDENCE}),
    Notice.SENT_BACK: frozenset({State.AWAITING_EVIDENCE}),
    Notice.EVIDENCE_GIVEN: frozenset({State.AWAITING_DECISION}),
    Notice.WAITING_LONG: frozenset({State.AWAITING_DECISION}),
    Notice.GRANTED: frozenset({State.ACTIVE}),
    Notice.REMINDER: frozenset({State.ACTIVE}),
    Notice.HALF_WAY: frozenset({State.ACTIVE}),
    Notice.METHOD_FOUND: frozenset({State.ACTIVE}),
    Notice.UNUSUAL: frozenset({State.GRANTING, State.ACTIVE}),
    Notice.REJECTED: frozenset({State.REJECTED}),
    Notice.WITHDRAWN: frozenset({State.WITHDRAWN}),
    Notice.LAPSED: frozenset({State.LAPSED}),
    Notice.ENDED: frozenset({State.ENDED}),
}


def still_says_so(request: Request, notice: Notice) -> bool:
    """Whether what the notice says is true of the request now."""
    if notice is Notice.HALF_WAY and (request.half_way is None or request.half_way.answered_at is not None):
        return False
    if notice is Notice.UNUSUAL and not request.unusual:
        return False
    if notice is Notice.SENT_BACK and not request.questions:
        return False
    if notice is Notice.EVIDENCE_GIVEN and request.given is None:
        return False
    return request.state in _WHILE[notice]
