"""The port through which the gateway asks whether an activity is new. It stores nothing itself."""

from typing import Protocol


class Seen(Protocol):
    """Teams sends an activity again, with the same id, when it had no answer within about 15 seconds."""

    async def first_time(self, conversation_id: str, activity_id: str) -> bool:
        """True for exactly one caller, across all replicas, for a pair; False for every later one."""
        ...
