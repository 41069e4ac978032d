"""How long Teams or Graph asks us to wait: what the header Retry-After says. Pure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)
UNSAID = timedelta(seconds=1)
"""What a 429 without it is taken to ask for: the shortest limit of Teams is over a second."""


def retry_after(said: str, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date as a length of time, never negative and at most a day; None where it is neither."""
    if re.fullmatch(r"[0-9]{1,9}", said):
        return min(timedelta(seconds=int(said)), LONGEST)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), LONGEST)
