"""Counts a notice at the last moment before it leaves: what a process that dies earlier has begun did not go out."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from domain.errors import Trouble
from services.around import MailerWith, MessengerWith
from services.book import Notices
from services.chat import Messenger
from services.ports import Mailer

_TELLS: ContextVar[Sequence[str]] = ContextVar("tells", default=())


@contextmanager
def telling(keys: Sequence[str]) -> Iterator[None]:
    """Within it, whatever is sent tells the notices with these keys."""
    token = _TELLS.set(keys)
    try:
        yield
    finally:
        _TELLS.reset(token)


@asynccontextmanager
async def _counted(notices: Notices) -> AsyncIterator[None]:
    keys = _TELLS.get()
    if keys:
        await notices.going_out(keys)
    try:
        yield
    except Trouble as trouble:
        if keys and not trouble.unanswered:
            await notices.not_sent(keys)
        raise


def messenger_that_counts(inner: Messenger, notices: Notices) -> Messenger:
    return MessengerWith(inner, lambda _: _counted(notices))


def mailer_that_counts(inner: Mailer, notices: Notices) -> Mailer:
    return MailerWith(inner, lambda _: _counted(notices))
