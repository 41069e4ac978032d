"""Who is there: invented people and a channel, with ids in the shapes that Teams uses."""

import hashlib
from dataclasses import dataclass, field

TENANT = "37c354b2-85b0-47f5-b222-07b48d774ee3"
APP_ID = "7f1c2b1e-5b0a-4a0e-9d2f-1f2e3d4c5b6a"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    entra_id: str
    teams_id: str = ""
    chat_id: str = ""
    """Their personal chat with the bot."""

    def __post_init__(self) -> None:
        mark = hashlib.sha256(self.entra_id.encode()).hexdigest()
        object.__setattr__(self, "teams_id", self.teams_id or f"29:1{mark[:40]}")
        object.__setattr__(self, "chat_id", self.chat_id or f"a:1{mark[:60]}")


@dataclass(frozen=True, slots=True)
class Channel:
    channel_id: str
    team_id: str
    group_id: str
    thread_id: str = field(default="")
    """`;messageid=...`: the thread in which something happens; empty for the channel itself."""

    @property
    def conversation_id(self) -> str:
        return self.channel_id + self.thread_id


ANNA = Person("Anna Alvarez", "11111111-aaaa-4aaa-8aaa-000000000001")
BEN = Person("Ben Okafor", "11111111-aaaa-4aaa-8aaa-000000000002")
HELPDESK = Channel(
    "19:0a1b2c3d4e5f@thread.tacv2", "19:ffeeddccbbaa@thread.tacv2", "22222222-bbbb-4bbb-8bbb-000000000001"
)
