"""The web application: Teams' door, and what those who run the bot look at."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.door import Door
from bot.probing import Shared
from domain.errors import Trouble

Check = Callable[[], Awaitable[None]]
Messages = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_BODY = 1024 * 1024


def make_app(
    messages: Messages | None,
    ready: Mapping[str, Check],
    count: Check,
    pages: Iterable[web.RouteDef] = (),
    door: Door | None = None,
) -> web.Application:
    """`messages` is Teams' door: None in a process that only works.

    `ready` names what must be reachable (each raises `Trouble` where it is not); `count` updates the metrics.

    `pages` are what people open in a browser.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    (door or Door()).guard(app)
    ready = {name: Shared(check) for name, check in ready.items()}
    count = Shared(count)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        found: dict[str, str] = {}
        for name, check in ready.items():
            try:
                await check()
            except Trouble as trouble:
                found[name] = trouble.message
            else:
                found[name] = "ok"
        return web.json_response(found, status=200 if set(found.values()) == {"ok"} else 503)

    async def metrics(_: web.Request) -> web.Response:
        try:
            await count()
        except Trouble as trouble:
            return web.Response(status=503, text=trouble.message)
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    if messages is not None:
        app.router.add_post("/api/messages", messages)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.add_routes(pages)
    return app
