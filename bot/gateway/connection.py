"""The way out to Teams: one pool, one token, one client for each allowed serviceUrl. It knows no content."""

import ssl
from typing import Any, Self

import aiohttp
from botframework.connector.aio import ConnectorClient
from botframework.connector.bot_framework_sdk_client_async import BotFrameworkConnectorConfiguration
from msrest.pipeline.async_abc import AsyncPipeline
from msrest.universal_http.requests import ClientRetryPolicy

from bot.gateway.hosts import may_talk_to
from bot.gateway.login import token_source
from bot.gateway.pipeline import Authorised, OrTrouble, PooledSender
from bot.gateway.settings import GatewaySettings
from bot.gateway.token import BotToken
from domain.errors import Trouble

_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
_MOST_CLIENTS = 50
READY_MADE = "ready-made"
"""The type, in msrest's maps, of what goes out as it is."""


class Connection:
    """Start it inside the event loop, close it when done (`async with` does both)."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._token: BotToken | None = None
        self._clients: dict[str, ConnectorClient] = {}

    async def start(self) -> None:
        if self._session is not None:
            return
        # msrest searches this list 500 times whenever a client is built.
        ClientRetryPolicy.safe_codes = frozenset(ClientRetryPolicy.safe_codes)  # type: ignore[assignment]
        tls = ssl.create_default_context(cafile=self._settings.ca_file or None)
        connector = aiohttp.TCPConnector(limit=100, ssl=tls, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        )
        self._token = None if self._settings.open_loopback else BotToken(token_source(self._settings))

    async def close(self) -> None:
        self._clients.clear()
        if self._token is not None:
            await self._token.close()
        if self._session is not None:
            await self._session.close()
        self._session, self._token = None, None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        await self.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The one pool. Raises RuntimeError outside start and close: that is a bug in the wiring."""
        if self._session is None:
            raise RuntimeError("The connection to Teams is not started.")
        return self._session

    def allows(self, service_url: str) -> bool:
        return may_talk_to(service_url, self._settings.service_hosts, only_loopback=self._settings.open_loopback)

    def client(self, service_url: str) -> ConnectorClient:
        """The SDK's client for an allowed serviceUrl; `Trouble` (for good) for any other, with no token asked for."""
        known = self._clients.get(service_url)
        if known is not None:
            return known
        if not self.allows(service_url):
            raise Trouble("This address is not one of Teams': nothing is sent to it.", for_good=True)
        if len(self._clients) >= _MOST_CLIENTS:
            self._clients.clear()
        client = self._clients[service_url] = self._build(service_url)
        return client

    def _build(self, service_url: str) -> ConnectorClient:
        authorised, sender = Authorised(self._token), PooledSender(self.session)
        # The SDK also builds its stock pipeline around whatever it holds as credentials, and re-links it: not ours.
        decoy = Authorised(None)

        def pipeline(config: Any) -> AsyncPipeline[Any, Any]:
            return AsyncPipeline([config.user_agent_policy, OrTrouble(), authorised], sender)

        config = BotFrameworkConnectorConfiguration(decoy, service_url, pipeline_type=pipeline)
        client = ConnectorClient(decoy, service_url, custom_configuration=config)
        # A card is plain JSON already: msrest would walk through all of it once more.
        client._serialize.serialize_type[READY_MADE] = lambda data, **_: data
        # What goes out are our own models: msrest would read and validate them before writing them.
        client._serialize.body = client._serialize._serialize
        return client
