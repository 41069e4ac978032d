"""Keeps a card that was sent true to its request."""

import structlog

from cards.card import Card
from domain.effects import Refresh
from domain.errors import Trouble, Unreachable
from services.book import Copies, Copy
from services.chat import Messenger
from services.show import Show

log = structlog.get_logger(__name__)


async def keep_true(copy: Copy, version: int, show: Show, copies: Copies, messenger: Messenger) -> None:
    """Remembers a card, and draws it again at once if the request moved on from `version` while it was sent.

    What was said is not said again because that fails, and nobody is told that it failed: it is tried again later.
    """
    await copies.add_copy(copy)
    try:
        latest = await show.book.request(copy.reference)
        if latest is None or latest.version == version:
            return
        await draw(copy, await show(latest, copy.view, viewer_id=copy.viewer_id), copies, messenger)
    except Trouble as trouble:
        log.warning("card not drawn again yet", reference=copy.reference, message=trouble.message)
    except Exception:
        log.exception("card not drawn again, by a mistake of ours", reference=copy.reference)
    else:
        return
    async with show.book.page() as page:
        await page.want((Refresh(copy.reference),))


async def draw(copy: Copy, card: Card, copies: Copies, messenger: Messenger) -> None:
    """Draws the card in the place of the old one, or forgets a place that nobody can see. May raise `Trouble`."""
    try:
        await messenger.replace(copy.sent, card)
    except Unreachable:
        await copies.forget_copy(copy)
