"""The OpenID metadata and keys with which Teams signs, and the signing itself."""

import base64
import functools
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.microsoft.modes import Mode, misbehave

METADATA = "/v1/.well-known/openidconfiguration"
_KEYS = "/v1/.well-known/keys"


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key for each name, made once in a process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signing:
    """`rollover()` publishes a new key and signs with it from then on. `fetches` counts requests for the key set."""

    def __init__(self) -> None:
        self.mode = Mode.WELL
        self.delay = 0.0
        self.fetches = 0
        self.endorsements: list[str] = ["webchat", "msteams", "skype"]
        self.issuer = "https://api.botframework.com"
        self.key_id = "key-1"
        self.published: dict[str, rsa.RSAPrivateKey] = {self.key_id: rsa_key("key-1")}
        self.keys_address: str | None = None
        """Another `jwks_uri` than the true one, for lies."""

    def rollover(self, *, keep_old: bool = True) -> None:
        self.key_id = f"key-{len(self.published) + 1}"
        new = {self.key_id: rsa_key(self.key_id)}
        self.published = {**self.published, **new} if keep_old else new

    def sign(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """A token; `key`, `algorithm` and header fields (`kid=None` leaves it out) are for attacks."""
        fields = {"kid": self.key_id, "x5t": self.key_id} | header
        given = {name: value for name, value in fields.items() if value is not None}
        return jwt.encode(claims, key or self.published[self.key_id], algorithm=algorithm, headers=given)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(METADATA, self._metadata), web.get(_KEYS, self._key_set)]

    async def _metadata(self, request: web.Request) -> web.Response:
        bad = await misbehave(request, self.mode, self.delay)
        if bad is not None:
            return bad
        base = f"https://{request.host}"
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": self.keys_address or base + _KEYS,
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _key_set(self, request: web.Request) -> web.Response:
        self.fetches += 1
        bad = await misbehave(request, self.mode, 0)
        if bad is not None:
            return bad
        return web.json_response({"keys": [self._entry(kid, key) for kid, key in self.published.items()]})

    def _entry(self, kid: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
        numbers = key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": kid,
            "x5t": kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            "endorsements": self.endorsements,
        }
