"""When Entra is compared with the book: at the interval, however the clock jumps, and not at once after trouble."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from domain.errors import Throttled, Trouble
from services.compare import PAUSE, Compare
from services.pace import LONGEST_PAUSE
from services.reconcile import Report
from services.sweep import BATCH
from tests.builders import NOON


@dataclass
class World:
    """A comparison that notes when it is called."""

    due: bool = True
    report: Report | Trouble = field(default_factory=lambda: Report(()))
    began: list[datetime] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    waiting: int = 0
    moment: datetime = NOON
    second: float = 1000.0

    @property
    def carry_out(self) -> "World":
        return self

    @property
    def clock(self) -> "World":
        return self

    def now(self) -> datetime:
        return self.moment

    async def is_due(self) -> bool:
        return self.due

    async def tick(self, now: datetime) -> int:
        self.moment += timedelta(hours=5)
        self.done.append("tick")
        moved, self.waiting = min(self.waiting, BATCH), max(0, self.waiting - BATCH)
        return moved

    async def __call__(self, began: datetime) -> Report:
        self.began.append(began)
        self.done.append("compare")
        if isinstance(self.report, Trouble):
            raise self.report
        return self.report


def comparing(**given: Any) -> tuple[World, Compare]:
    world = World(**given)
    return world, Compare(cast(Any, world), cast(Any, world), lambda: world.second)


async def test_what_is_only_due_is_moved_on_before_the_comparison() -> None:
    world, compare = comparing(waiting=2 * BATCH + 1)
    await compare()
    assert world.done == ["tick", "tick", "tick", "compare"]
    assert world.began == [NOON], "however the clock jumps meanwhile"


async def test_before_the_interval_is_over_nothing_is_done() -> None:
    world, compare = comparing(due=False)
    await compare()
    assert world.done == []


async def test_after_trouble_it_waits_as_long_as_it_was_asked_to_and_a_minute_at_least() -> None:
    for trouble, wait in (
        (Trouble("503"), PAUSE),
        (Throttled("429", retry_after=timedelta(seconds=5)), PAUSE),
        (Throttled("429", retry_after=timedelta(minutes=5)), 300.0),
        (Throttled("429", retry_after=timedelta(days=1)), LONGEST_PAUSE.total_seconds()),
        (Report((), ("not removed",)), PAUSE),
        (Report((), ("not looked at",), timedelta(minutes=5)), 300.0),
        (Report((), ("not looked at",), timedelta(days=1)), LONGEST_PAUSE.total_seconds()),
    ):
        world, compare = comparing(report=trouble)
        await compare()
        world.second += wait - 1
        await compare()
        assert world.done.count("compare") == 1
        world.second += 1
        await compare()
        assert world.done.count("compare") == 2
