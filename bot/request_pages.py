"""The link that every request has: it opens the chat with the bot. It does not look whether there is such a request."""

from collections.abc import Callable

from aiohttp import web

from bot.finding import PATH
from domain.finding import in_path


def routes(chat_link: Callable[[str], str]) -> list[web.RouteDef]:
    """`chat_link`: the address that opens the bot's chat with these words ready to be sent."""

    async def lead(request: web.Request) -> web.Response:
        reference = in_path(request.match_info["reference"])
        if reference is None:
            return web.Response(status=404, text="This link is not complete. Copy all of it, or type the reference.\n")
        return web.Response(status=302, headers={"Location": chat_link(f"status {reference}")})

    return [web.get(f"{PATH}{{reference}}", lead)]
