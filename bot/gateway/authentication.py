"""Who may talk to the bot: Teams, for an allowed tenant, and nobody else. There is no anonymous or emulator path.

Outside the sandbox each activity needs a token that Teams signed for this bot and this serviceUrl. The SDK's own
checks are not used: they answer 500 to bad tokens, skip themselves when fields are missing, and switch off with an
empty app id.
"""

import re
from collections.abc import Mapping
from typing import Any

import jwt

from bot.gateway.hosts import may_talk_to
from bot.gateway.inbound import tenant_of, text_of
from bot.gateway.keys import SigningKeys
from bot.gateway.not_accepted import NotAccepted
from bot.gateway.settings import GatewaySettings

TEAMS = "msteams"
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)
_LEEWAY = 300
"""Seconds that clocks may differ, as Microsoft's documentation allows."""

Claims = Mapping[str, Any]


class Authentication:
    """Two questions: is the token Teams' own (before the body is read), and may this activity come in with it."""

    def __init__(self, settings: GatewaySettings, keys: SigningKeys) -> None:
        self._settings = settings
        self._keys = keys

    async def who_calls(self, authorization: str) -> Claims:
        """The claims of a valid token; `NotAccepted` (401) for anything else. The sandbox asks for none."""
        if self._settings.open_loopback:
            return {}
        match = _BEARER.fullmatch(authorization.strip())
        if match is None:
            raise NotAccepted(401, "no bearer token")
        try:
            return await self._verified(match[1])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise NotAccepted(401, f"bad token ({type(error).__name__})") from error

    async def _verified(self, token: str) -> Claims:
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key_id, str):
            raise NotAccepted(401, "token without RS256 or key id")
        key = await self._keys.find(key_id)
        if key is None:
            raise NotAccepted(401, "unknown signing key")
        if TEAMS not in key.endorsements:
            raise NotAccepted(401, "signing key not endorsed for Teams")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=["RS256"],
            audience=self._settings.app_id.lower(),
            issuer=self._settings.issuer,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud"], "strict_aud": True},
        )
        return claims

    def admit(self, claims: Claims, raw: Mapping[str, Any]) -> None:
        """Raises `NotAccepted` when this activity does not belong to that token, or to a tenant of ours."""
        service_url, channel = text_of(raw, "serviceUrl"), text_of(raw, "channelId")
        if not self._settings.open_loopback and (not service_url or claims.get("serviceurl") != service_url):
            raise NotAccepted(401, "serviceUrl is not the token's")
        if channel != TEAMS and not (self._settings.open_loopback and channel == "emulator"):
            raise NotAccepted(403, "not the Teams channel")
        only_loopback = self._settings.open_loopback
        if not may_talk_to(service_url, self._settings.service_hosts, only_loopback=only_loopback):
            raise NotAccepted(403, "serviceUrl not allowed")
        if tenant_of(raw) not in self._settings.allowed_tenants:
            raise NotAccepted(403, "tenant not allowed")
