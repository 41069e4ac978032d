"""A stock Bot Framework echo bot as a process of its own, to compare with. It is written as Microsoft's sample is.

    python -m bench.stock_echo PORT LOGIN_URL METADATA_URL

Nothing of the SDK is changed but three addresses, in this process only, so that it talks to the pretend Microsoft.
"""

import os
import sys
from urllib.parse import urlsplit

import msal.authority
from aiohttp import web
from botbuilder.core import ActivityHandler, MessageFactory, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botframework.connector.auth import AuthenticationConstants


class Config:
    def __init__(self, environ: os._Environ[str]) -> None:
        self.APP_ID = environ["MicrosoftAppId"]
        self.APP_PASSWORD = environ["MicrosoftAppPassword"]
        self.APP_TYPE = environ["MicrosoftAppType"]
        self.APP_TENANTID = environ["MicrosoftAppTenantId"]


class EchoBot(ActivityHandler):  # type: ignore[misc]  # the SDK has no types
    async def on_message_activity(self, turn_context: TurnContext) -> None:
        await turn_context.send_activity(MessageFactory.text(f"Echo: {turn_context.activity.text}"))


def point_at(login_url: str, metadata_url: str) -> None:
    """Three addresses. MSAL asks no more of an unknown login host than it asks of Microsoft's own."""
    AuthenticationConstants.TO_CHANNEL_FROM_BOT_LOGIN_URL_PREFIX = login_url + "/"
    AuthenticationConstants.TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL = metadata_url
    login = urlsplit(login_url)
    known = {login.netloc, login.hostname or ""}
    msal.authority.WELL_KNOWN_AUTHORITY_HOSTS = frozenset(msal.authority.WELL_KNOWN_AUTHORITY_HOSTS | known)


def main() -> None:
    port, login_url, metadata_url = sys.argv[1:]
    point_at(login_url, metadata_url)
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(Config(os.environ)))
    bot = EchoBot()

    async def messages(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await adapter.process(request, bot)
        return answer

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    app.router.add_get("/healthz", healthz)
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main()
