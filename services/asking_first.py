"""For what was tried before: asks first whether anybody answers. The one repeat is not spent on an outage."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from domain.errors import Trouble
from services.around import MailerWith, MessengerWith
from services.chat import Messenger
from services.ports import Mailer


@asynccontextmanager
async def _answered(ask: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Raises `Trouble` where there is no answer: then nothing was sent. A refusal is an answer."""
    try:
        await ask()
    except Trouble as trouble:
        if not trouble.for_good:
            trouble.unanswered = False
            raise
    yield


def messenger_asking_first(inner: Messenger) -> Messenger:
    return MessengerWith(inner, _answered)


def mailer_asking_first(inner: Mailer) -> Mailer:
    return MailerWith(inner, _answered)
