"""Who is who, for showing: what Entra said a moment ago may be used again. Never for deciding who may do what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from domain.people import Caller
from services.carry_out import CarryOut
from services.ports import Directory

FRESH = 60.0
"""Seconds."""
MOST = 10_000
T = TypeVar("T")


@dataclass(slots=True)
class LookUp:
    directory: Directory
    carry_out: CarryOut
    seconds: Callable[[], float] = monotonic
    _people: dict[str, tuple[float, Caller | None]] = field(default_factory=dict)
    _groups: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    async def caller(self, entra_id: str) -> Caller | None:
        known = self._people.get(entra_id)
        if known and known[0] > self.seconds():
            return known[1]
        found = await self.directory.caller(entra_id)
        self._keep(self._people, entra_id, found)
        return found

    async def is_agent(self, entra_id: str) -> bool:
        return "helpdesk" in await self.groups(entra_id)

    async def groups(self, entra_id: str) -> frozenset[str]:
        """Which of the helpdesk's groups they are in, by the policy's names."""
        known = self._groups.get(entra_id)
        if known and known[0] > self.seconds():
            return known[1]
        found = await self.carry_out.helpdesk_groups(entra_id)
        self._keep(self._groups, entra_id, found)
        return found

    def _keep(self, cache: dict[str, tuple[float, T]], key: str, value: T) -> None:
        if len(cache) >= MOST:
            cache.clear()
        cache[key] = (self.seconds() + FRESH, value)
