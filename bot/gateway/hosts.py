"""Which addresses the gateway may talk to. The list decides, never the activity."""

import re
from collections.abc import Iterable

# Narrow on purpose: no user part, no query, no braces (msrest calls str.format on the URL), no odd letters.
_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[::1\])(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~%-]*)*)")
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")


def may_talk_to(url: str, hosts: Iterable[str], *, only_loopback: bool = False) -> bool:
    """True when `url` is https on a listed host (`host`, `*.host`, `host:port`).

    With `only_loopback` the list is not looked at: http or https on this machine only.
    """
    match = _URL.fullmatch(url)
    if match is None or ".." in match[4]:
        return False
    scheme, host, port = match[1].lower(), match[2].lower(), match[3]
    if only_loopback:
        return _LOOPBACK.fullmatch(host) is not None
    return scheme == "https" and any(_fits(host, port or "443", allowed) for allowed in hosts)


def _fits(host: str, port: str, allowed: str) -> bool:
    name, _, allowed_port = allowed.lower().partition(":")
    if port != (allowed_port or "443"):
        return False
    return host.endswith(name[1:]) and len(host) >= len(name) if name.startswith("*.") else host == name
