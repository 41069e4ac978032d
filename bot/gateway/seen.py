"""The port through which the gateway asks whether an activity was heard. It stores nothing itself."""

from typing import Protocol

from services.chat import Begun


class Seen(Protocol):
    """Teams sends an activity again, with the same id, when it had no answer within about 15 seconds."""

    async def begin(self, conversation_id: str, activity_id: str) -> Begun | None:
        """For one caller at a time, across all replicas, until the turn is done; None for all others, and after that.

        A turn that was begun and never done begins again where its process died, or where it is longer ago than any
        turn takes.
        """
        ...

    async def done(self, conversation_id: str, activity_id: str) -> None:
        """The turn has done all that it does; only the answer may still get lost."""
        ...
