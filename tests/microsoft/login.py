"""The login service: what MSAL asks for, and tokens for the client credentials grant."""

import secrets
from typing import Any

from aiohttp import web

from tests.microsoft.modes import Mode, misbehave


class Login:
    """`issued` holds every token given out, `requests` the form of every request for one. Tokens are opaque."""

    def __init__(self) -> None:
        self.mode = Mode.WELL
        self.delay = 0.0
        """Seconds that the token endpoint takes."""
        self.lifetime = 3600
        self.secret = "the bot's secret"
        self.issued: list[str] = []
        self.valid: set[str] = set()
        self.requests: list[dict[str, str]] = []

    def revoke_all(self) -> None:
        """The connector takes none of the tokens given out so far."""
        self.valid.clear()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/common/discovery/instance", self._instance),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
        ]

    async def _instance(self, request: web.Request) -> web.Response:
        authority = request.query.get("authorization_endpoint", "").split("/oauth2/")[0]
        return web.json_response(
            {"tenant_discovery_endpoint": f"{authority}/v2.0/.well-known/openid-configuration", "metadata": []}
        )

    async def _discovery(self, request: web.Request) -> web.Response:
        bad = await misbehave(request, self.mode, 0)
        if bad is not None:
            return bad
        base = f"https://{request.host}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        form: dict[str, Any] = dict(await request.post())
        self.requests.append(form)
        bad = await misbehave(request, self.mode, self.delay)
        if bad is not None:
            return bad
        if form.get("client_secret", self.secret) != self.secret:
            return web.json_response({"error": "invalid_client", "error_description": "AADSTS7000215"}, status=401)
        token = f"ey{secrets.token_urlsafe(600)}"
        self.issued.append(token)
        self.valid.add(token)
        return web.json_response({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})
