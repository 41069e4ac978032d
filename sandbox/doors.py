"""What the sandbox's own doors have in common: how they read a request, and how they say no."""

import json
from typing import Any

from aiohttp import web


async def body_of(request: web.Request) -> Any:
    """None where it is no JSON: each door says itself what it takes."""
    try:
        return json.loads(await request.text())
    except (ValueError, LookupError, RecursionError):  # no JSON, an unknown charset, brackets without end
        return None


def refused(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=400)
