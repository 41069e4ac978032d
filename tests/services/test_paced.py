"""Jobs speak to Teams and Graph below the ceilings; people's own turns are counted, and never wait."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cards.card import Card
from cards.mail_layout import Mail
from domain.errors import NoAnswer, PutOff, Throttled, Trouble, Unproved
from services.chat import Address, Scope, Sent
from services.pace import GRAPH, LONGEST_PAUSE, METHODS, Ceiling, Paced, Turn, Urgency
from services.paced import (
    AWAY,
    AWAY_AFTER,
    Below,
    PacedExemptions,
    PacedInstaller,
    PacedMailer,
    PacedMessenger,
    PacedProof,
    PacedSessions,
    reading,
)
from services.uncounted import NotedMessenger, Uncounted, count, keep_counting

CARD = Card({}, "A card")
MAIL = Mail("MFA-7K3Q-9XDM", datetime(2026, 8, 6, tzinfo=UTC), "", "", (), "")
CHAT = Address("https://teams/", "a:chat", "tenant", "28:bot", Scope.PERSONAL)
CHANNEL = Address("https://teams/", "19:c;messageid=1", "tenant", "28:bot", Scope.CHANNEL, "19:c")
UNTIL = datetime(2026, 8, 7, tzinfo=UTC)


class Room:
    """Ceilings with room for everything, or for nothing, that note what they are asked."""

    def __init__(self, *, full: bool = False, away: Exception | None = None) -> None:
        self.full = full
        self.away = away
        self.asked: list[tuple[str, timedelta]] = []
        self.spent: list[int] = []
        self.pauses: list[tuple[str, timedelta]] = []

    async def ask(self, ceiling: Ceiling, patience: timedelta, *, in_line: bool) -> Turn:
        self.asked.append((ceiling.name, patience))
        return Turn(booked=not self.full, wait=30.0 if self.full else 0.0)

    async def spend(self, ceiling: Ceiling, number: int) -> None:
        if self.away:
            raise self.away
        self.spent.append(number)

    async def pause(self, ceiling: Ceiling, wait: timedelta) -> None:
        self.pauses.append((ceiling.name, wait))


class Noted:
    """Figures that are remembered in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def late(self, what: str, by: timedelta) -> None:
        self.seen.append(("late", what, by))

    def notice(self, way: str, outcome: str) -> None:
        self.seen.append(("notice", way, outcome))

    def tried_again(self, effect: str, why: str) -> None:
        self.seen.append(("tried_again", effect, why))

    def throttled(self, service: str) -> None:
        self.seen.append(("throttled", service))

    def put_off(self, service: str, urgency: Urgency) -> None:
        self.seen.append(("put_off", service, urgency))


class Outside:
    """Teams, Graph and mail at once: notes what it is asked for, or asks to wait."""

    def __init__(self, wait: timedelta | None = None, trouble: Trouble | None = None) -> None:
        self.trouble = Throttled("429", retry_after=wait) if wait is not None else trouble
        self.done: list[str] = []

    async def _do(self, what: str, answer: Any = None) -> Any:
        if self.trouble is not None:
            raise self.trouble
        self.done.append(what)
        return answer

    async def send(self, to: Any = None, card: Any = None, **_: Any) -> Any:
        return await self._do("send", Sent(CHAT, "1"))

    async def say(self, to: Address, text: str) -> Sent:
        return await self._do("say", Sent(CHAT, "1"))  # type: ignore[no-any-return]

    async def replace(self, at: Sent, card: Card) -> None:
        await self._do("replace")

    async def find(self, team: Address, entra_id: str) -> Address | None:
        return await self._do("find", CHAT)  # type: ignore[no-any-return]

    async def post(self, channel: Address, card: Card) -> Sent:
        return await self._do("post", Sent(CHANNEL, "1"))  # type: ignore[no-any-return]

    async def answers(self, at: Any = None) -> None:
        await self._do("answers")

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        await self._do("add")

    async def remove(self, group: str, entra_id: str) -> None:
        await self._do("remove")

    async def contains(self, group: str, entra_id: str) -> bool:
        return bool(await self._do("contains", answer=True))

    async def not_asked(self, entra_id: str) -> None:
        await self._do("not_asked")

    async def revoke(self, entra_id: str) -> None:
        await self._do("revoke")

    async def person(self, entra_id: str) -> None:
        await self._do("person")

    async def chat_of(self, entra_id: str) -> str:
        return str(await self._do("chat_of", "a:chat"))


Call = Callable[[Outside, Below], Awaitable[Any]]
TO_TEAMS: dict[str, Call] = {
    "send": lambda outside, below: PacedMessenger(outside, below).send(CHAT, CARD),
    "say": lambda outside, below: PacedMessenger(outside, below).say(CHAT, "Hello"),
    "replace": lambda outside, below: PacedMessenger(outside, below).replace(Sent(CHAT, "1"), CARD),
    "post": lambda outside, below: PacedMessenger(outside, below).post(CHANNEL, CARD),
    "find": lambda outside, below: PacedMessenger(outside, below).find(CHANNEL, "id"),
}
TO_GRAPH: dict[str, Call] = {
    "add": lambda outside, below: PacedExemptions(outside, below).add("g", "u", until=UNTIL, reference="MFA-1"),
    "remove": lambda outside, below: PacedExemptions(outside, below).remove("g", "u"),
    "send": lambda outside, below: PacedMailer(outside, below).send(to="a@nhs.net", mail=MAIL, key=""),
    "revoke": lambda outside, below: PacedSessions(outside, below).revoke("u"),
    "chat_of": lambda outside, below: PacedInstaller(outside, below).chat_of("u"),
    "person": lambda outside, below: reading(outside, below, Urgency.NOTICE).person("u"),
    "not_asked": lambda outside, below: PacedProof(outside, below).not_asked("u"),
}
OWN_LIMITS = {"send": "graph:mail", "chat_of": "graph:teamwork", "not_asked": "graph:policies"}
READS: dict[str, Call] = {"contains": lambda outside, below: PacedExemptions(outside, below).contains("g", "u")}
ALL = [*TO_TEAMS.items(), *TO_GRAPH.items(), *READS.items()]


def below(room: Room, noted: Noted) -> Below:
    return Below(Paced(room, noted.put_off), noted)


@pytest.mark.parametrize(("what", "call"), [*TO_TEAMS.items(), *TO_GRAPH.items()])
async def test_nothing_is_sent_while_there_is_no_room(what: str, call: Call) -> None:
    outside, noted = Outside(), Noted()
    with pytest.raises(Unproved if what == "not_asked" else PutOff) as put_off:
        await call(outside, below(Room(full=True), noted))
    assert put_off.value.retry_after == timedelta(seconds=30)
    assert outside.done == []
    assert [one[0] for one in noted.seen] == ["put_off"]


@pytest.mark.parametrize(("what", "call"), ALL)
async def test_a_request_to_wait_is_told_to_all_processes(what: str, call: Call) -> None:
    room, noted = Room(), Noted()
    with pytest.raises(Throttled):
        await call(Outside(timedelta(seconds=60)), below(room, noted))
    to_teams = call in TO_TEAMS.values()
    assert room.pauses == [("teams" if to_teams else OWN_LIMITS.get(what, "graph"), timedelta(seconds=60))]
    assert noted.seen == ([("throttled", "teams")] if to_teams else []), "Graph's client counts its own"


async def test_whichever_service_of_graph_asked_to_wait_is_the_one_that_pauses() -> None:
    room, outside = Room(), Outside(timedelta(seconds=60))
    assert isinstance(outside.trouble, Throttled)
    outside.trouble.service = "graph:methods"
    with pytest.raises(Throttled):
        await below(room, Noted())(partial(outside.remove, "g", "u"), Urgency.REPORT, METHODS, GRAPH)
    assert room.pauses == [("graph:methods", timedelta(seconds=60))]
    assert [name for name, _ in room.asked] == ["graph:methods", "graph"]


AT_ENTRA = {"add": TO_GRAPH["add"], "remove": TO_GRAPH["remove"], "contains": READS["contains"]}
NOBODY = Outside(trouble=NoAnswer("Graph did not answer"))


async def tried(*calls: tuple[str, Outside], below: Below) -> None:
    for what, outside in calls:
        with contextlib.suppress(Trouble):
            await (AT_ENTRA | TO_GRAPH)[what](outside, below)


async def test_while_entra_is_away_everybody_waits_so_that_all_come_back_together() -> None:
    room = Room()
    one = below(room, Noted())
    await tried(("remove", NOBODY), ("contains", NOBODY), below=one)
    assert room.pauses == []
    await tried(("add", NOBODY), below=one)
    assert room.pauses == [("graph", AWAY)]
    await tried(("remove", NOBODY), below=one)
    assert room.pauses == [("graph", AWAY)] * 2, "the first one after the pause finds it still away"
    await tried(("remove", Outside()), *[("remove", NOBODY)] * (AWAY_AFTER - 1), below=one)
    assert len(room.pauses) == 2


@pytest.mark.parametrize("answer", [None, Trouble("Graph answered 500")], ids=["yes", "no"])
async def test_an_account_that_entra_stumbles_over_makes_nobody_else_wait(answer: Trouble | None) -> None:
    room = Room()
    one = below(room, Noted())
    for _ in range(AWAY_AFTER):
        await tried(("remove", NOBODY), ("add", NOBODY), ("remove", Outside(trouble=answer)), below=one)
    assert room.pauses == []


async def test_mail_that_does_not_go_out_makes_no_end_wait() -> None:
    room = Room()
    await tried(*[("send", NOBODY)] * (2 * AWAY_AFTER), below=below(room, Noted()))
    assert room.pauses == []


async def test_whoever_is_put_off_is_no_sign_that_entra_is_back() -> None:
    room = Room()
    one = below(room, Noted())
    await tried(*[("remove", NOBODY)] * (AWAY_AFTER - 1), below=one)
    put_off = Outside(trouble=PutOff("graph", retry_after=timedelta(seconds=5)))
    await tried(("remove", put_off), ("remove", NOBODY), below=one)
    assert room.pauses == [("graph", AWAY)]


@pytest.mark.parametrize(("what", "call"), READS.items())
async def test_reading_needs_no_room(what: str, call: Call) -> None:
    room, outside = Room(full=True), Outside()
    await call(outside, below(room, Noted()))
    assert outside.done == [what]
    assert room.asked == []


async def test_teams_is_asked_for_the_conversation_first_and_a_channel_counts_as_one() -> None:
    room = Room()
    for call in (TO_TEAMS["send"], TO_TEAMS["post"], TO_TEAMS["find"]):
        await call(Outside(), below(room, Noted()))
    names = [name for name, _ in room.asked]
    assert names == ["conversation:a:chat", "teams", "conversation:19:c", "teams", "teams", "teams"]


async def test_an_end_may_wait_longest_then_a_grant_then_a_notice_then_what_shows_how_things_stand() -> None:
    waits = []
    for call in (TO_GRAPH["remove"], TO_GRAPH["add"], TO_GRAPH["send"], TO_TEAMS["replace"]):
        room = Room()
        await call(Outside(), below(room, Noted()))
        waits.append(room.asked[0][1])
    assert waits == sorted(waits, reverse=True)
    assert len(set(waits)) == 4


async def test_what_a_turn_sends_asks_for_nothing_and_is_counted_afterwards() -> None:
    room, uncounted = Room(full=True), Uncounted()
    messenger = NotedMessenger(Outside(), uncounted, Noted())
    await messenger.send(CHAT, CARD)
    await messenger.say(CHAT, "Hello")
    await messenger.post(CHANNEL, CARD)
    await messenger.replace(Sent(CHAT, "1"), CARD)
    await messenger.find(CHANNEL, "id")
    assert room.asked == []
    await count(uncounted, room)
    await count(uncounted, room)
    assert room.spent == [5]


async def test_a_turn_that_teams_slows_down_tells_the_others_too() -> None:
    room, uncounted, noted = Room(), Uncounted(), Noted()
    messenger = NotedMessenger(Outside(timedelta(days=1)), uncounted, noted)
    with pytest.raises(Throttled):
        await messenger.send(CHAT, CARD)
    await count(uncounted, room)
    assert room.pauses == [("teams", LONGEST_PAUSE)]
    assert noted.seen == [("throttled", "teams")]


async def test_what_graph_asks_of_anybody_is_told_to_the_others_too() -> None:
    room, uncounted = Room(), Uncounted()
    for wait in (timedelta(seconds=5), timedelta(days=1), timedelta(seconds=1)):
        uncounted.asked(GRAPH, wait)
    uncounted.asked(METHODS, timedelta(seconds=3))
    await count(uncounted, room)
    await count(uncounted, room)
    assert room.pauses == [("graph", LONGEST_PAUSE), ("graph:methods", timedelta(seconds=3))]


async def test_a_turn_tries_once_more_and_both_tries_are_counted() -> None:
    room, uncounted, waits = Room(), Uncounted(), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    messenger = NotedMessenger(Outside(timedelta(seconds=1)), uncounted, Noted(), sleep)
    with pytest.raises(Throttled):
        await messenger.send(CHAT, CARD)
    await count(uncounted, room)
    assert (room.spent, room.pauses) == ([2], [("teams", timedelta(seconds=1))])
    assert len(waits) == 1
    assert 1 < waits[0] < 1.5


@pytest.mark.parametrize("wrong", [Trouble("the database is away"), KeyError("a mistake of ours")], ids=repr)
async def test_counting_goes_on_when_once_it_could_not_be_done(wrong: Exception) -> None:
    room, uncounted = Room(), Uncounted()
    waited = 0

    class Enough(Exception):
        """Ends the loop under test."""

    async def sleep(_: float) -> None:
        nonlocal waited
        waited += 1
        uncounted.sent = waited
        room.away = wrong if waited == 1 else None
        if waited == 3:
            raise Enough

    with pytest.raises(Enough):
        await keep_counting(uncounted, room, sleep)
    assert room.spent == [2]
