"""What Entra said is used again for a minute and no longer, and only for what is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from domain.people import Caller
from services.look_up import FRESH, LookUp
from tests.builders import AGENT

GROUPS = {"helpdesk": "group-of-agents"}


@dataclass
class Entra:
    """One person, who may be taken out of the group."""

    known: bool = True
    agent: bool = True
    asked: list[str] = field(default_factory=list)

    async def caller(self, entra_id: str) -> Caller | None:
        self.asked.append("caller")
        return Caller(AGENT, guest=not self.agent) if self.known else None

    async def helpdesk_groups(self, entra_id: str) -> Iterable[str]:
        self.asked.append("groups")
        return GROUPS if self.agent else ()


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_removal_from_the_group_or_the_tenant_is_seen_within_a_minute() -> None:
    entra, seconds = Entra(), Seconds()
    look_up = LookUp(cast("Any", entra), cast("Any", entra), seconds)
    assert await look_up.is_agent(AGENT.id)
    assert await look_up.caller(AGENT.id) == Caller(AGENT)
    entra.agent, entra.known = False, False
    seconds.now = FRESH - 1
    assert await look_up.is_agent(AGENT.id)
    assert len(entra.asked) == 2
    seconds.now = FRESH
    assert not await look_up.is_agent(AGENT.id)
    assert await look_up.caller(AGENT.id) is None
    assert FRESH <= 60
