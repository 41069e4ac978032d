"""What is counted for those who run the bot: the port, and the figures that come from the tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.pace import Urgency

OVERDUE = timedelta(minutes=1)
"""The sweep runs every few seconds: what is due for so long was not done."""
SHOWN = timedelta(minutes=15)
"""A drift is counted for so long at least: one that is over within a second would otherwise never be looked at."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Requests of one kind in one state."""

    kind: str
    state: str
    number: int


@dataclass(frozen=True, slots=True)
class Late:
    """Requests of one kind that somebody or something waits for."""

    kind: str
    due: int
    """Time has to move them on, and has not yet."""
    overdue: int
    """Due for longer than `OVERDUE`."""
    ends_overdue: int
    """Still exempt for longer than `OVERDUE` after their end, or after it was begun where that was earlier."""
    unproved: int
    """Being granted for longer than the policy's `limits.prove_within`."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs are in which state."""

    waiting: int
    later: int
    """Their time has not come, put off or to be tried again."""
    running: int
    retried: int
    """Of those that wait, now or later: not for the first time."""
    failed: int
    """Nobody will try them again."""
    oldest: timedelta
    """How long the one that has waited the longest could have been run."""
    unfinished: Mapping[str, timedelta]
    """By effect: how long ago the oldest one was wanted that is not done, however often it was tried since."""


class Figures(Protocol):
    """Counts what happens in this process. Never fails, never waits."""

    def late(self, what: str, by: timedelta) -> None:
        """`what`: `end` or `reminder`."""
        ...

    def notice(self, way: str, outcome: str) -> None:
        """`way`: teams, mail, channel or none. `outcome`: sent, given_up, still_tried, or unknown (it may have
        arrived)."""
        ...

    def tried_again(self, effect: str, why: str) -> None:
        """`why`: trouble, for_good or bug."""
        ...

    def throttled(self, service: str) -> None:
        """Somebody asked us to wait. Once for each answer: Graph's client counts its own."""
        ...

    def put_off(self, service: str, urgency: Urgency) -> None:
        """We waited by ourselves, in order not to be asked to."""
        ...
