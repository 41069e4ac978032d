"""What stands in front of every page: limits for whoever is refused, and headers. It lets in and refuses nobody itself.

Refusals are counted, never requests: Teams has a good token, so it is not slowed however much it sends, even where a
reverse proxy makes everybody come from the same address.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from bot.buckets import Buckets, address_of

log = structlog.get_logger(__name__)
REFUSED = web.RequestKey("refused", str)
"""Why the gateway turned a request away, for the log."""
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Door:
    """`asks_for_tokens`: false in the sandbox, where a request without one may be a good one.

    `proxies`: how many reverse proxies of ours stand in front.
    """

    asks_for_tokens: bool = True
    proxies: int = 0
    buckets: Buckets = field(default_factory=lambda: Buckets(120, 2))

    def guard(self, app: web.Application) -> None:
        @web.middleware
        async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._limited(request, handler)

        app.middlewares.append(limited)
        app.on_response_prepare.append(_finish)

    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _PROBES:
            return await handler(request)
        address = address_of(request.remote or "", request.headers.get("X-Forwarded-For", ""), self.proxies)
        if self._is_stranger(request) and self.buckets.is_empty(address):
            return self._wait(address)
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            if 400 <= error.status < 500 and not self.buckets.take(address):
                return self._wait(address)
            raise
        if not 400 <= answer.status < 500:
            return answer
        if not self.buckets.take(address):
            return self._wait(address)
        # Only here: what is told to wait is not logged, or anybody could fill the disk.
        if REFUSED in request:
            log.warning("request turned away", status=answer.status, reason=request[REFUSED])
        if self.buckets.is_empty(address):
            log.warning("an address is told to wait", path="messages" if request.method == "POST" else "pages")
        return answer

    def _is_stranger(self, request: web.Request) -> bool:
        """Nothing in it could show that it is welcome, so it need not be looked at."""
        return self.asks_for_tokens and "Authorization" not in request.headers

    def _wait(self, address: str) -> web.Response:
        seconds = math.ceil(self.buckets.seconds_until_one(address))
        return web.json_response(
            {"error": "Too many requests were refused. Wait before you try again."},
            status=429,
            headers={"Retry-After": str(seconds)},
        )


async def _finish(_: web.Request, answer: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    # Nobody outside has to know what this runs on.
    answer.headers.pop("Server", None)
