"""The SDK's own turn, with our authentication and our connection in the places that it leaves open."""

from typing import NoReturn

from botbuilder.core.cloud_adapter_base import CloudAdapterBase
from botbuilder.schema import Activity
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import BotFrameworkAuthentication, ClaimsIdentity, ConnectorFactory
from botframework.connector.auth.authenticate_request_result import AuthenticateRequestResult

from bot.gateway.authentication import Claims
from bot.gateway.connection import Connection

_CALLER = "urn:botframework:azure"


class PooledConnectorFactory(ConnectorFactory):  # type: ignore[misc]  # the SDK has no types
    """Gives a turn the connection's cached client: nothing is opened or fetched for a turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, service_url: str, audience: str) -> ConnectorClient:  # noqa: ARG002  the SDK's signature
        return self._connection.client(service_url)


class CheckedAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]
    """Turns what the gateway has checked into the SDK's result. It cannot be talked into checking less itself."""

    def __init__(self, connection: Connection) -> None:
        self._factory = PooledConnectorFactory(connection)

    def result(self, claims: Claims) -> AuthenticateRequestResult:
        result = AuthenticateRequestResult()
        result.audience = "https://api.botframework.com"
        result.claims_identity = ClaimsIdentity(dict(claims), is_authenticated=True)
        result.caller_id = _CALLER
        result.connector_factory = self._factory
        return result

    async def authenticate_request(self, activity: Activity, auth_header: str) -> NoReturn:  # noqa: ARG002
        raise RuntimeError("Activities are checked before they reach the SDK.")

    async def authenticate_streaming_request(self, auth_header: str, channel_id_header: str) -> NoReturn:  # noqa: ARG002
        raise RuntimeError("There is no streaming.")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:  # noqa: ARG002
        return self._factory

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """None: nobody signs in through the bot, and the stock client opens connections for each turn."""


class Adapter(CloudAdapterBase):  # type: ignore[misc]
    """Runs turns that came in. Sending goes through `TeamsMessenger`, which also works outside turns."""

    def __init__(self, authentication: CheckedAuthentication) -> None:
        super().__init__(authentication)
