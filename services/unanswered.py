"""What leaves open whether what was asked for was done."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from domain.errors import Trouble

log = structlog.get_logger(__name__)


def leaves_open(status: int) -> bool:
    """Of HTTP statuses that are no success: 408, and 500 and above but for 503, which is a refusal."""
    return status == 408 or (status >= 500 and status != 503)


@contextmanager
def may_be_out(what: str) -> Iterator[None]:
    """Around sending: a mistake in it may come after the message was taken. It must not look as if nothing went out."""
    try:
        yield
    except Trouble:
        raise
    except Exception as mistake:
        log.exception("sending broke by a mistake of ours or of the SDK", what=what)
        raise Trouble(f"{what} broke ({type(mistake).__name__})", unanswered=True) from mistake
