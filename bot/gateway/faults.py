"""What an answer of the connector means for us. Pure; the messages hold no personal data and no token."""

import json
import re
from datetime import timedelta
from typing import Any

from domain.errors import Passing, Throttled, TooLarge, Trouble, Unreachable
from services.retry_after import UNSAID
from services.unanswered import leaves_open

_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


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
            return Throttled(f"Teams did not take the message ({said}).", retry_after=wait or UNSAID)
        case 503 if wait:
            return Throttled(f"Teams did not take the message ({said}).", retry_after=wait)
        case 412 | 502 | 503:
            return Passing(
                f"Teams did not take the message ({said}).", retry_after=wait, unanswered=leaves_open(status)
            )
        case _:
            lasting = 300 <= status < 500 and status != 408
            return Trouble(
                f"Teams did not take the message ({said}).",
                retry_after=wait,
                for_good=lasting,
                unanswered=leaves_open(status),
            )


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
