"""From the bytes of a request to plain, clean JSON. It knows nothing about activities."""

import asyncio
import json
import math
from typing import Any, NoReturn

from aiohttp import web

from bot.gateway.not_accepted import NotAccepted

MOST_BYTES = 1024 * 1024
"""Teams' own limit for an activity is far below this."""
_DEEPEST = 64
_SECONDS_TO_ARRIVE = 10


def refuse_by_length(request: web.Request) -> None:
    """Turns away what says itself that it is too long, before anything else is done for it."""
    if (request.content_length or 0) > MOST_BYTES:
        raise NotAccepted(413, "body too long")


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; NUL and half surrogates, which no database takes, become U+FFFD."""
    try:
        body = await _read(request)
        parsed = json.loads(body.decode(), parse_constant=_no_such_number)
        clean = _clean(parsed, _DEEPEST)
    except (ValueError, RecursionError, web.RequestPayloadError) as error:
        raise NotAccepted(400, "body is not JSON") from error
    except TimeoutError as error:
        raise NotAccepted(408, "body too slow") from error
    if not isinstance(clean, dict):
        raise NotAccepted(400, "body is not an object")
    return clean


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async with asyncio.timeout(_SECONDS_TO_ARRIVE):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                raise NotAccepted(413, "body too long")
    return bytes(body)


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(name)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no number")  # 1e999 is JSON to Python, and to no database
    if depth == 0 and isinstance(value, dict | list):
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {_clean(key, depth): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return value


def _clean_text(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
