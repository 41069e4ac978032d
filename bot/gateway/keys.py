"""The keys with which Teams signs, fetched from its OpenID metadata and kept. It verifies nothing itself.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

_SECONDS_FRESH = 24 * 3600
_SECONDS_TRUSTED = 48 * 3600
_SECONDS_BETWEEN = 60
_SECONDS_AFTER_FAILURE = 5
_SECONDS_TO_WAIT = 5
_MOST_BYTES = 1024 * 1024
_FEWEST_BITS = 2048

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    public: RSAPublicKey
    endorsements: frozenset[str]
    """The channels that may sign with it (`msteams`)."""


class SigningKeys:
    """Unknown key ids cause at most one fetch a minute, shared by all who wait; nobody waits over 5 seconds."""

    def __init__(
        self, metadata_url: str, session: Callable[[], aiohttp.ClientSession], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._metadata_url = metadata_url
        self._session = session
        self._now = now
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = float("-inf")
        self._not_before = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> SigningKey | None:
        """The key, or None when nobody published it or the keys cannot be had (logged)."""
        age = self._now() - self._fetched_at
        if age < _SECONDS_TRUSTED and key_id in self._keys:
            if age >= _SECONDS_FRESH:
                self.refresh()
            return self._keys[key_id]
        task = self.refresh()
        if task is not None:
            await asyncio.wait({task}, timeout=_SECONDS_TO_WAIT)
        return self._keys.get(key_id) if self._now() - self._fetched_at < _SECONDS_TRUSTED else None

    def refresh(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one; None while it is too early for another."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._now() < self._not_before:
            return None
        self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _fetch(self) -> None:
        self._not_before = self._now() + _SECONDS_AFTER_FAILURE
        try:
            async with asyncio.timeout(_SECONDS_TO_WAIT):
                metadata = await self._json(self._metadata_url)
                keys = readable_keys(await self._json(_key_address(metadata, self._metadata_url)))
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            log.error("signing keys not fetched", fault=type(error).__name__)  # noqa: TRY400  no traceback for an outage
            return
        self._keys, self._fetched_at = keys, self._now()
        self._not_before = self._now() + _SECONDS_BETWEEN

    async def _json(self, url: str) -> Any:
        async with self._session().get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError("too long")
            return json.loads(body)


def _key_address(metadata: Any, metadata_url: str) -> str:
    address = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
    wanted = urlsplit(metadata_url)
    # Whoever can change the metadata must not be able to send us elsewhere for the keys.
    if not isinstance(address, str) or urlsplit(address)[:2] != wanted[:2]:
        raise ValueError("jwks_uri is missing or on another host")
    return address


def readable_keys(published: Any) -> dict[str, SigningKey]:
    """By key id, the RSA keys of at least 2,048 bits in a key set; anything else in it is passed over."""
    entries = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no list of keys")  # noqa: TRY004  one kind of error for every lie
    found = {}
    for entry in entries:
        key = _readable(entry)
        if key is not None:
            found[entry["kid"]] = key
    if not found:
        raise ValueError("no usable key")
    return found


def _readable(entry: Any) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA" or not isinstance(entry.get("kid"), str):
        return None
    endorsements = entry.get("endorsements")
    try:
        # Only the public half: whatever else an entry carries is not looked at.
        public = RSAAlgorithm.from_jwk({"kty": "RSA", "n": entry.get("n"), "e": entry.get("e")})
    except (InvalidKeyError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < _FEWEST_BITS:
        return None
    names = endorsements if isinstance(endorsements, list) else []
    return SigningKey(public, frozenset(name for name in names if isinstance(name, str)))
