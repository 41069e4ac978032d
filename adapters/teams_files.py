"""Downloads what people send in Teams, from the hosts that Teams keeps files on and from nowhere else."""

import re
import ssl
from collections.abc import Collection
from typing import Self

import aiohttp
from yarl import URL

from domain.errors import Refusal, Trouble
from domain.evidence import too_large
from texts import say

SHAREPOINT = frozenset({"*.sharepoint.com"})
_SECONDS = 10.0
_CHUNK = 64 * 1024
_LONGEST = 8192
# Narrow on purpose: no user part, no address in brackets, no fragment, no odd letters; the host ends before any slash.
_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(/[\x21\x22\x24-\x5b\x5d-\x7e]*)")
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}")


class TeamsFiles:
    """`hosts`: `host`, `*.host` or `host:port`, by https. With `only_loopback` the list is not looked at: http or https
    on this machine only, which is the sandbox. Close it when done (`async with` does).
    """

    def __init__(
        self,
        hosts: Collection[str] = SHAREPOINT,
        *,
        only_loopback: bool = False,
        ca_file: str = "",
        seconds: float = _SECONDS,
    ) -> None:
        self._hosts = frozenset(hosts)
        self._only_loopback = only_loopback
        self._ca_file = ca_file
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def fetch(self, url: str, *, most_bytes: int) -> bytes:
        if not may_fetch(url, self._hosts, only_loopback=self._only_loopback):
            raise Refusal(say("owner.file_elsewhere"), rule="file_elsewhere")
        try:
            # As it is: what signs the address must not be spelt differently. A redirect would lead around the list.
            async with self._open().get(URL(url, encoded=True), allow_redirects=False) as response:
                _check(response, most_bytes)
                content = bytearray()
                async for chunk in response.content.iter_chunked(_CHUNK):
                    content += chunk
                    if len(content) > most_bytes:
                        raise too_large("", most_bytes)
                return bytes(content)
        # What these say holds the address, which lets anybody fetch the file: nothing of it goes on.
        except TimeoutError:
            raise Trouble("the file did not arrive in time") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise Trouble(f"the file cannot be fetched ({type(error).__name__})") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = ssl.create_default_context(cafile=self._ca_file or None)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=20, ssl=tls),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                # Packed content could grow beyond all bounds when unpacked.
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _check(response: aiohttp.ClientResponse, most_bytes: int) -> None:
    status = response.status
    if status in (408, 429) or status >= 500:
        raise Trouble(f"the file cannot be fetched now ({status})")
    if status != 200:
        raise Refusal(say("owner.file_gone"), rule="file_gone")
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refusal(say("owner.file_packed"), rule="file_packed")
    if (response.content_length or 0) > most_bytes:
        raise too_large("", most_bytes)


def may_fetch(url: str, hosts: Collection[str], *, only_loopback: bool = False) -> bool:
    """Whether a download address leads to a place that is allowed."""
    match = _URL.fullmatch(url)
    if match is None or len(url) > _LONGEST:
        return False
    scheme, host, port = match[1], match[2].lower(), match[3]
    if only_loopback:
        return _LOOPBACK.fullmatch(host) is not None
    return scheme == "https" and any(_fits(host, port or "443", allowed) for allowed in hosts)


def _fits(host: str, port: str, allowed: str) -> bool:
    name, _, allowed_port = allowed.lower().partition(":")
    if port != (allowed_port or "443"):
        return False
    return host.endswith(name[1:]) and len(host) >= len(name) if name.startswith("*.") else host == name
