"""Shows the helpdesk's channel where Entra and the book do not agree, once for each, and how that stands then."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cards import drifts as cards
from cards.card import Card
from domain.drift import Sort
from domain.effects import Effect, ShowDrift
from domain.errors import Unreachable
from services.asking_first import messenger_asking_first
from services.book import Addresses, Notices
from services.carry_out import CarryOut
from services.chat import Messenger, Sent
from services.drifts import NOT_PERMITTED, Drifts, Seen
from services.once import Once
from services.reach import helpdesk_channel
from services.reconcile import kinds_of
from texts import say

log = structlog.get_logger(__name__)
_OF_PEOPLE = frozenset({Sort.STRANGER, Sort.OVERSTAYED, Sort.MISSING, Sort.EXCLUSION_MORE})


@dataclass(frozen=True, slots=True)
class ShowDrifts:
    """Carries out `ShowDrift`, and hands every other effect on."""

    perform: Callable[[Effect, int], Awaitable[None]]
    drifts: Drifts
    carry_out: CarryOut
    messenger: Messenger
    addresses: Addresses
    notices: Notices
    once: Once

    async def __call__(self, effect: Effect, attempts: int) -> None:
        """Raises `Trouble` where it has to be tried again."""
        if not isinstance(effect, ShowDrift):
            await self.perform(effect, attempts)
            return
        seen = await self.drifts.one(effect.key)
        if seen is None:
            log.error("a drift that does not exist", key=effect.key)
        elif seen.card is not None:
            await self._redraw(seen, seen.card)
        else:
            await self._post(effect, seen, messenger_asking_first(self.messenger) if attempts else self.messenger)

    async def _redraw(self, seen: Seen, card: Sent) -> None:
        now, notice = self.carry_out.clock.now(), _notice(seen)
        # Open still where a process died after it had posted the card.
        if await self.notices.begin(notice, seen.drift.reference, now) is not None:
            await self.notices.finish([notice], way="channel", activity_id=card.activity_id, at=now)
        try:
            await self.messenger.replace(card, await self.card(seen))
        except Unreachable:
            log.warning("the card of a drift is gone", key=seen.drift.key)

    async def _post(self, effect: ShowDrift, seen: Seen, messenger: Messenger) -> None:
        place, now, card = await helpdesk_channel(self.addresses), self.carry_out.clock.now(), await self.card(seen)
        notice = _notice(seen)
        if not await self.once.begin(notice, effect):
            return
        sent = await self.once({notice: effect}, lambda: messenger.post(place, card))
        if sent is None:
            return
        await self.drifts.shown(seen.drift.key, seen.occasion, sent)
        await self.notices.finish([notice], way="channel", activity_id=sent.activity_id, at=now)

    async def card(self, seen: Seen) -> Card:
        one, directory = seen.drift, self.carry_out.directory
        about = await directory.person(one.entra_id) if one.sort in _OF_PEOPLE else None
        by = await directory.person(seen.by_id) if seen.by_id else None
        titles = [self.carry_out.policy.kinds[name].title for name in kinds_of(one.group, self.carry_out)]
        not_permitted = seen.added.by == NOT_PERMITTED
        shown = cards.Shown(
            drift=one,
            first_seen=seen.first_seen,
            name=about.name if about else one.entra_id,
            address=about.address if about else "",
            kinds=", ".join(titles),
            added_by=say("agent.added_by_not_permitted") if not_permitted else seen.added.by,
            added_at=seen.added.at,
            over_at=seen.over_at,
            outcome=seen.outcome,
            by=by.name if by else seen.by_id,
        )
        return cards.drift(shown, self.carry_out.policy)


def _notice(seen: Seen) -> str:
    return f"drift:{seen.drift.key}:{seen.occasion}"
