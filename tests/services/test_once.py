"""A notice that may have gone out is repeated once at most; what did not go out does not count."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from domain.effects import Alarm, Audience, Effect, Notice, ShowHelpdesk, Tell, Warn, WriteToMailbox
from domain.errors import Passing, PutOff, Throttled, TooLarge, Trouble, Unreachable
from domain.request import State
from services.book import Entry
from services.carry_out import CarryOut
from services.going_out import messenger_that_counts
from services.once import BEFORE_THE_REPEAT, Once
from tests.builders import POLICY, request
from tests.services.test_deliver import Clock
from tests.services.test_paced import Noted

REFERENCE = request(State.ACTIVE).reference
TELL = Tell(REFERENCE, Notice.GRANTED, Audience.SUBJECT)
LOST = Trouble("Teams did not answer in time.", unanswered=True)
DEFINITE: list[Trouble] = [
    PutOff("teams", retry_after=timedelta(seconds=1)),
    Throttled("429", retry_after=timedelta(seconds=1)),
    Passing("412"),
    TooLarge("413"),
    Unreachable("404"),
    Trouble("Teams could not be reached (ClientConnectorError)."),
]


class World:
    """A book and the notices in one: how often each was begun, and which are over."""

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        self.over: list[str] = []
        self.entries: list[Entry] = []
        self.wanted: list[Effect] = []
        self.sent = 0
        self.trouble: BaseException | None = None
        self.noted = Noted()
        carry_out = CarryOut(cast(Any, self), cast(Any, None), cast(Any, None), Clock(), POLICY, {}, "tenant")
        self.once = Once(carry_out, cast(Any, self), self.noted)

    async def going_out(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.attempts[key] = self.attempts.get(key, 0) + 1

    async def not_sent(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.attempts[key] -= 1

    @asynccontextmanager
    async def page(self) -> AsyncIterator["World"]:
        yield self

    async def end_unanswered(self, keys: Sequence[str]) -> tuple[str, ...]:
        over = tuple(key for key in keys if self.attempts.get(key, 0) > 1)
        self.over += over
        return over

    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        assert reference == REFERENCE
        return None if key in self.over else self.attempts.get(key, 0)

    async def begun(self, key: str, effect: Effect) -> bool:
        with capture_logs():
            return await self.once.begin(key, effect)

    async def record(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    async def want(self, effects: Sequence[Effect]) -> None:
        self.wanted += effects

    async def send(self, to: Any, card: Any) -> Any:
        """Teams."""
        self.sent += 1
        if self.trouble is not None:
            raise self.trouble
        return "sent"

    async def answers(self, at: Any) -> None:
        raise AssertionError("nobody asks first here")

    async def tried(
        self, wanted: dict[str, Effect], trouble: BaseException | None = None, *, before: BaseException | None = None
    ) -> Any:
        """As a job does it. `before`: what happens before anything leaves."""
        self.trouble = trouble
        messenger = messenger_that_counts(cast(Any, self), cast(Any, self))

        async def send() -> Any:
            if before is not None:
                raise before
            return await messenger.send(cast(Any, None), cast(Any, None))

        with capture_logs():
            return await self.once({key: one for key, one in wanted.items() if key not in self.over}, send)


async def test_what_goes_out_is_counted_once() -> None:
    world = World()
    assert await world.tried({"key": TELL}) == "sent"
    assert (world.attempts, world.entries, world.wanted) == ({"key": 1}, [], [])


@pytest.mark.parametrize("trouble", DEFINITE, ids=lambda one: type(one).__name__)
async def test_what_did_not_go_out_does_not_count_however_often_it_is_tried(trouble: Trouble) -> None:
    world = World()
    for _ in range(5):
        with pytest.raises(type(trouble)):
            await world.tried({"key": TELL}, trouble)
    assert await world.tried({"key": TELL}) == "sent"
    assert world.attempts == {"key": 1}


@pytest.mark.parametrize("before", [KeyError("bug"), asyncio.CancelledError(), Trouble("Graph", unanswered=True)])
async def test_what_happens_before_anything_leaves_does_not_count(before: BaseException) -> None:
    """A mistake of ours, which may be mended; a process that stops or dies; a look-up without an answer."""
    world = World()
    for _ in range(5):
        with pytest.raises(type(before)):
            await world.tried({"key": TELL}, before=before)
    assert await world.tried({"key": TELL}) == "sent"
    assert (world.attempts, world.sent) == ({"key": 1}, 1)


async def test_where_processes_die_while_they_send_it_there_is_no_third_and_the_helpdesk_is_told() -> None:
    world = World()
    for _ in range(2):
        assert await world.begun("key", TELL)
        with pytest.raises(asyncio.CancelledError):
            await world.tried({"key": TELL}, asyncio.CancelledError())
    assert [await world.begun("key", TELL) for _ in range(2)] == [False, False]
    assert (world.sent, world.attempts, world.over) == (2, {"key": 2}, ["key"])
    assert world.wanted == [Alarm(REFERENCE, "undelivered", "Tell:granted:subject:unanswered")]
    assert [(one.what, one.details["outcome"]) for one in world.entries] == [("not_delivered", "unknown")]
    assert world.noted.seen == [("notice", "none", "unknown")]


async def test_what_is_sent_and_cannot_be_written_down_is_sent_twice_at_most() -> None:
    world = World()
    for _ in range(2):
        assert await world.begun("key", TELL)
        assert await world.tried({"key": TELL}) == "sent"
    assert not await world.begun("key", TELL)
    assert (world.sent, world.over) == (2, ["key"])


async def test_without_an_answer_it_is_repeated_once_and_then_the_helpdesk_is_told() -> None:
    world = World()
    with pytest.raises(Trouble) as first:
        await world.tried({"key": TELL}, LOST)
    assert first.value.retry_after == BEFORE_THE_REPEAT
    assert (world.over, world.entries, world.wanted) == ([], [], [])
    assert await world.tried({"key": TELL}, LOST) is None
    assert (world.sent, world.attempts, world.over) == (2, {"key": 2}, ["key"])
    assert world.wanted == [Alarm(REFERENCE, "undelivered", "Tell:granted:subject:unanswered")]
    assert [(one.what, dict(one.details)) for one in world.entries] == [
        ("not_delivered", {"notice": "key", "why": LOST.message, "outcome": "unknown"})
    ]
    assert world.noted.seen == [("notice", "none", "unknown")]


async def test_a_longer_wait_that_was_asked_for_is_kept() -> None:
    world = World()
    longer = Passing("502", retry_after=2 * BEFORE_THE_REPEAT, unanswered=True)
    with pytest.raises(Passing) as raised:
        await world.tried({"key": TELL}, longer)
    assert raised.value.retry_after == 2 * BEFORE_THE_REPEAT


async def test_a_refusal_between_two_lost_answers_is_no_third_copy() -> None:
    world = World()
    for trouble in (LOST, Passing("503"), Passing("503")):
        with pytest.raises(Trouble):
            await world.tried({"key": TELL}, trouble)
    assert await world.tried({"key": TELL}, LOST) is None
    assert world.attempts == {"key": 2}


async def test_of_a_list_what_was_in_it_for_the_first_time_is_tried_again() -> None:
    world = World()
    new = Tell("MFA-2222-2222", Notice.LAPSED, Audience.OWNERS)
    old = [Tell(f"MFA-2222-222{n}", Notice.LAPSED, Audience.OWNERS) for n in (3, 4)]
    wanted: dict[str, Effect] = {one.key: one for one in old}
    for more in ({}, {new.key: new}):
        with pytest.raises(Trouble):
            await world.tried(wanted | more, LOST)
    assert world.over == [one.key for one in old]
    assert world.wanted == [
        Alarm(one.reference, "undelivered", "Tell:lapsed:owners:unanswered") for one in old
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "alarms"),
    [
        (ShowHelpdesk(REFERENCE), 1),
        (WriteToMailbox(REFERENCE, "1"), 1),
        (Alarm(REFERENCE, "waiting", "1"), 0),
        (Warn("privileged", "agent", "subject", "1"), 0),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_an_alarm_that_may_not_have_arrived_raises_no_other(effect: Effect, alarms: int) -> None:
    world = World()
    with pytest.raises(Trouble):
        await world.tried({"key": effect}, LOST)
    await world.tried({"key": effect}, LOST)
    assert len(world.wanted) == alarms
    assert [one.reference for one in world.entries] == [effect.reference or "key"]
