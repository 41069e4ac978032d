"""What an answer of the connector means for us. Pure; the messages hold no personal data and no token."""

import email.utils
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Throttled, TooLarge, Trouble, Unreachable

PASSING = frozenset({412, 429, 502, 504})
"""Worth trying again at once: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""
_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Retry-After as a length of time (seconds or an HTTP date), never negative; None when absent or unreadable."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,6}", said):
        return timedelta(seconds=int(said))
    try:
        moment = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(timedelta(), (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now)


def trouble(status: int, body: bytes, wait: timedelta | None) -> Trouble:
    """The error that an answer of 300 or more stands for."""
    said = f"{status} {error_code(body)}".strip()
    match status:
        case 403 | 404:
            return Unreachable(f"Teams reaches nobody at this address ({said}).")
        case 413:
            return TooLarge(f"Teams refused the message for its size ({said}).")
        case 401:
            return Trouble("Teams did not take the bot's token (401).")
        case 429:
            return Throttled(f"Teams did not take the message ({said}).", retry_after=wait)
        case _:
            lasting = 300 <= status < 500 and status not in PASSING and status != 408
            return Trouble(f"Teams did not take the message ({said}).", retry_after=wait, for_good=lasting)


def error_code(body: bytes) -> str:
    """The short code in a connector's error body (`{"error": {"code": ...}}`), empty when there is none."""
    parsed = parsed_json(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def parsed_json(body: bytes) -> Any:
    """JSON, or None for anything else: a proxy may answer with a page."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
