"""How much is refused to one address before it is told to wait. It keeps a bounded number of addresses."""

import ipaddress
import time
from collections.abc import Callable

_MOST_ADDRESSES = 10_000


class Buckets:
    """A bucket of `size` refusals for each address, which fills again by `a_second`. Nothing is ever waited for here.

    The memory is constant: where there are too many addresses, the one that was refused longest ago is forgotten.
    """

    def __init__(
        self,
        size: int,
        a_second: float,
        now: Callable[[], float] = time.monotonic,
        most: int = _MOST_ADDRESSES,
    ) -> None:
        self._size = size
        self._a_second = a_second
        self._now = now
        self._most = most
        self._left: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._left)

    def is_empty(self, address: str) -> bool:
        return self._level(address) < 1

    def take(self, address: str) -> bool:
        """One more refusal. False where the bucket was empty already."""
        level = self._level(address)
        # Taken out and put back, so that the order is that of the last refusal.
        self._left.pop(address, None)
        if len(self._left) >= self._most:
            del self._left[next(iter(self._left))]
        self._left[address] = (max(level - 1, 0.0) if level >= 1 else level, self._now())
        return level >= 1

    def seconds_until_one(self, address: str) -> int:
        """At least 1."""
        return max(1, round((1 - self._level(address)) / self._a_second))

    def _level(self, address: str) -> float:
        kept = self._left.get(address)
        if kept is None:
            return float(self._size)
        level, at = kept
        return min(float(self._size), level + (self._now() - at) * self._a_second)


def address_of(peer: str, forwarded: str, proxies: int) -> str:
    """Whose bucket it is. `proxies` is how many reverse proxies of ours stand in front: each adds the address that it
    saw at the end of `forwarded` (X-Forwarded-For); what is further left was written by anybody.

    An IPv6 address counts with its whole /64: that is what one customer gets.
    """
    seen = [part.strip() for part in forwarded.split(",") if part.strip()]
    given = seen[-proxies] if 0 < proxies <= len(seen) else peer
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
