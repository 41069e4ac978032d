"""What time moves on: one request that cannot be moved on, or one account that cannot be read, holds up nobody else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from domain.commands import Command, SeeAccount, Tick
from domain.errors import PutOff, Refusal, Throttled, Trouble
from domain.request import Request, State
from services.pace import Ceiling, Urgency
from services.sweep import ACCOUNTS, LOOK, TROUBLES, Sweep
from tests.builders import NOON, POLICY, request


@dataclass
class World:
    """The book, Graph and the ceilings in one. Whatever is in `wrong` fails so."""

    waiting: list[str]
    """What is due."""
    accounts: list[str] = field(default_factory=list)
    wrong: dict[str, Exception] = field(default_factory=dict)
    ticked: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)
    asked: list[Urgency] = field(default_factory=list)
    forgotten: list[datetime] = field(default_factory=list)
    minutes: int = 0
    second: float = 1000.0
    slow: float = 0.0
    """Seconds that Graph takes for an account."""
    full: bool = False
    policy = POLICY

    @property
    def clock(self) -> "World":
        return self

    @property
    def figures(self) -> "World":
        return self

    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.minutes)

    def tried_again(self, effect: str, why: str) -> None:
        self.counted.append((effect, why))

    async def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        return tuple(self.waiting[:limit])

    async def to_look_at(self, before: datetime, limit: int) -> tuple[Request, ...]:
        return tuple(request(State.ACTIVE, reference=one) for one in self.accounts if one not in self.looked)[:limit]

    async def to_tell_together(self, before: datetime, limit: int) -> tuple[str, ...]:
        return ()

    async def forget_before(self, moment: datetime) -> None:
        self.forgotten.append(moment)

    async def account(self, entra_id: str) -> None:
        self.second += self.slow

    async def __call__(self, reference: str, command: Command) -> None:
        if reference in self.wrong:
            raise self.wrong[reference]
        (self.looked if isinstance(command, SeeAccount) else self.ticked).append(reference)

    async def below(self, call: Callable[[], Awaitable[Any]], urgency: Urgency, *ceilings: Ceiling) -> Any:
        self.asked.append(urgency)
        if self.full:
            raise PutOff("graph", retry_after=timedelta(seconds=9))
        return await call()


class Below:
    """What `Sweep` asks for room: callable, with the figures beside it."""

    def __init__(self, world: World) -> None:
        self.figures = world
        self._world = world

    async def __call__(self, *asked: Any) -> Any:
        return await self._world.below(*asked)


def sweeping(*references: str, **more: Any) -> tuple[World, Sweep]:
    world = World(list(references), **more)
    one = cast(Any, world)
    return world, Sweep(one, one, one, (), one, cast(Any, Below(world)), lambda: world.second)


@pytest.mark.parametrize(
    "wrong", [KeyError("long"), Refusal("No.", rule="no"), Trouble("the database cannot be reached")], ids=repr
)
async def test_a_request_that_cannot_be_moved_on_holds_up_no_other(wrong: Exception) -> None:
    world, sweep = sweeping("first", "second", "third", wrong={"first": wrong})
    assert await sweep.tick(NOON) == 3
    assert world.ticked == ["second", "third"]


async def test_a_mistake_in_moving_one_on_is_counted_for_an_alarm() -> None:
    world, sweep = sweeping("first", wrong={"first": KeyError("long")})
    await sweep.tick(NOON)
    assert world.counted == [(Tick.__name__, "bug")]


async def test_with_the_database_away_the_sweep_is_put_off_and_does_not_try_each_of_hundreds() -> None:
    away = Trouble("the database cannot be reached")
    references = [str(number) for number in range(100)]
    _, sweep = sweeping(*references, wrong=dict.fromkeys(references, away))
    with pytest.raises(Trouble):
        await sweep.tick(NOON)


async def test_accounts_that_cannot_be_read_keep_nobody_elses_from_being_looked_at() -> None:
    references = [str(number) for number in range(3 * ACCOUNTS)]
    never = references[: 2 * TROUBLES]
    world, sweep = sweeping(accounts=references, wrong=dict.fromkeys(never, Trouble("Graph answered 500")))
    for _ in range(6):
        await sweep()
    assert set(world.looked) == set(references) - set(never)
    world.wrong = {}
    await sweep()
    assert not set(world.looked) & set(never), "not again at once"
    world.minutes = 16
    await sweep()
    assert set(world.looked) == set(references)


@pytest.mark.parametrize("wrong", [KeyError("short"), Refusal("No.", rule="no")], ids=repr)
async def test_an_account_that_is_a_mistake_of_ours_holds_up_neither_the_next_nor_the_tidying(wrong: Exception) -> None:
    world, sweep = sweeping(accounts=["first", "second"], wrong={"first": wrong})
    await sweep()
    assert world.looked == ["second"]
    assert len(world.forgotten) == 1
    world.wrong = {}
    await sweep()
    assert world.looked == ["second"], "not again at once"


async def test_a_mistake_in_looking_at_an_account_is_counted_for_an_alarm() -> None:
    world, sweep = sweeping(accounts=["first"], wrong={"first": KeyError("short")})
    await sweep()
    assert world.counted == [(SeeAccount.__name__, "bug")]


async def test_where_graph_is_slow_what_is_due_next_does_not_wait_for_all_accounts() -> None:
    references = [str(number) for number in range(ACCOUNTS)]
    world, sweep = sweeping(accounts=references, slow=LOOK)
    await sweep()
    assert world.looked == references[:1]
    world.slow = LOOK / 4
    await sweep()
    assert world.looked == references[:5], "the next sweep goes on"


@pytest.mark.parametrize("wait", [Throttled("429", retry_after=timedelta(seconds=30)), None], ids=["told", "paused"])
async def test_where_graph_asks_to_wait_no_more_accounts_are_read(wait: Throttled | None) -> None:
    wrong = {"first": wait} if wait else {}
    world, sweep = sweeping(accounts=["first", "second"], wrong=wrong, full=wait is None)
    await sweep()
    assert world.looked == []
    assert world.asked == [Urgency.REPORT]
    world.wrong, world.full = {}, False
    await sweep()
    assert world.looked == ["first", "second"]
