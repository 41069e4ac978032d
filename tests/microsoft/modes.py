"""How a pretend service misbehaves, the same for signing and login."""

import asyncio
from enum import StrEnum

from aiohttp import web


class Mode(StrEnum):
    WELL = "well"
    DOWN = "down"
    """503 with a page."""
    LYING = "lying"
    """200 with JSON that is not what it should be."""
    NONSENSE = "nonsense"
    """200 with a page."""
    DROPPING = "dropping"
    """The connection is closed without an answer."""


async def misbehave(request: web.Request, mode: Mode, delay: float) -> web.Response | None:
    """Waits `delay` seconds, then gives the answer of `mode`; None where all is well."""
    if delay:
        await asyncio.sleep(delay)
    if mode is Mode.DROPPING and request.transport is not None:
        request.transport.abort()
    if mode in {Mode.DOWN, Mode.DROPPING}:
        return web.Response(status=503, text="<html>Service unavailable</html>", content_type="text/html")
    if mode is Mode.NONSENSE:
        return web.Response(text="<html>Welcome to the captive portal</html>", content_type="text/html")
    if mode is Mode.LYING:
        return web.json_response({"keys": [{"kty": 5}], "jwks_uri": 7, "access_token": ["no"], "expires_in": "soon"})
    return None
