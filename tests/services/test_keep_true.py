"""A card that was sent while its request moved on, and Teams that may fail."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from cards.card import Card
from domain.effects import Effect, Refresh
from domain.errors import PutOff, TooLarge, Trouble, Unreachable
from domain.request import Request, State
from services.book import Copy
from services.chat import Address, Scope, Sent
from services.keep_true import keep_true
from services.show import HELPDESK
from tests.builders import AGENT, request

SENT = Sent(Address("https://teams.example/", "a:chat", "tenant", "28:bot", Scope.PERSONAL), "1")
WAS = request(State.GRANTING)
NOW = replace(request(State.ACTIVE), version=WAS.version + 1)
COPY = Copy(WAS.reference, HELPDESK, AGENT.id, SENT)


@dataclass
class World:
    """The book, the copies and the chat in one."""

    latest: Request | None = NOW
    teams: Exception | None = None
    copies: list[Copy] = field(default_factory=list)
    drawn: list[Card] = field(default_factory=list)
    wanted: list[Effect] = field(default_factory=list)

    @property
    def book(self) -> "World":
        return self

    async def __call__(self, request: Request, view: str, *, viewer_id: str) -> Card:
        return Card({"version": request.version, "viewer": viewer_id}, view)

    async def request(self, reference: str) -> Request | None:
        return self.latest

    async def add_copy(self, copy: Copy) -> None:
        self.copies.append(copy)

    async def forget_copy(self, copy: Copy) -> None:
        self.copies.remove(copy)

    async def replace(self, at: Sent, card: Card) -> None:
        if self.teams:
            raise self.teams
        self.drawn.append(card)

    @asynccontextmanager
    async def page(self) -> AsyncIterator["World"]:
        yield self

    async def want(self, effects: Sequence[Effect]) -> None:
        self.wanted += effects

    async def sent(self) -> None:
        world = cast(Any, self)
        await keep_true(COPY, WAS.version, world, world, world)


@pytest.mark.parametrize("latest", [WAS, None])
async def test_a_card_that_is_still_true_is_remembered_and_left_alone(latest: Request | None) -> None:
    world = World(latest)
    await world.sent()
    assert (world.copies, world.drawn, world.wanted) == ([COPY], [], [])


async def test_a_request_that_moved_on_meanwhile_is_drawn_again_at_once() -> None:
    world = World()
    await world.sent()
    assert (world.copies, world.drawn, world.wanted) == (
        [COPY],
        [Card({"version": NOW.version, "viewer": AGENT.id}, HELPDESK)],
        [],
    )


@pytest.mark.parametrize(
    "teams", [Trouble("500"), TooLarge("413"), PutOff("Teams", retry_after=timedelta(1)), KeyError("a mistake of ours")]
)
async def test_a_card_that_cannot_be_drawn_again_is_no_failure_and_is_drawn_later(teams: Exception) -> None:
    world = World(teams=teams)
    with capture_logs():
        await world.sent()
    assert (world.copies, world.drawn, world.wanted) == ([COPY], [], [Refresh(WAS.reference)])


async def test_a_card_that_nobody_can_see_any_more_is_forgotten() -> None:
    world = World(teams=Unreachable("404"))
    await world.sent()
    assert (world.copies, world.wanted) == ([], [])
