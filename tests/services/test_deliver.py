"""A notice that will never be delivered is given up, written down and shown; a grant and an end never are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from domain.effects import (
    Alarm,
    Audience,
    Effect,
    End,
    Grant,
    Notice,
    Purge,
    Refresh,
    ShowHelpdesk,
    Tell,
    WriteToMailbox,
)
from domain.errors import PutOff, TooLarge, Trouble, Unreachable
from domain.request import Request
from services.book import Entry
from services.carry_out import CarryOut
from services.deliver import LONGEST, MOST_TRIES, CountedNotices, Deliver, Failures, is_over
from tests.builders import NOON, POLICY, request
from tests.services.test_paced import Noted

REFERENCE = request().reference
TELL = Tell(REFERENCE, Notice.GRANTED, Audience.SUBJECT)
NOTICES: list[Effect] = [
    TELL,
    ShowHelpdesk(REFERENCE),
    Alarm(REFERENCE, "waiting", "1"),
    Refresh(REFERENCE),
    WriteToMailbox(REFERENCE, "1"),
]
NEVER_GIVEN_UP: list[Effect] = [Grant(REFERENCE, "subject"), End(REFERENCE, "subject"), Purge(REFERENCE)]


class OneRequest:
    """A book of one request that notes what is written."""

    def __init__(self, one: Request) -> None:
        self.one = one
        self.entries: list[Entry] = []
        self.wanted: list[Effect] = []

    async def request(self, reference: str) -> Request | None:
        return self.one if reference == self.one.reference else None

    @asynccontextmanager
    async def page(self) -> AsyncIterator["OneRequest"]:
        yield self

    async def record(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    async def want(self, effects: Sequence[Effect]) -> None:
        self.wanted += effects


class InMemory:
    def __init__(self) -> None:
        self.kept: dict[str, Failures] = {}

    async def failed(self, key: str, at: datetime) -> Failures:
        known = self.kept.get(key, Failures(0, at))
        self.kept[key] = replace(known, tries=known.tries + 1)
        return self.kept[key]

    async def forget(self, key: str) -> None:
        self.kept.pop(key, None)


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment


class Bench:
    """Deliver around an effect that fails as told."""

    def __init__(self, one: Request | None = None) -> None:
        self.book, self.clock, self.noted, self.undelivered = OneRequest(one or request()), Clock(), Noted(), InMemory()
        self.error: Exception | None = None
        carry_out = CarryOut(cast(Any, self.book), cast(Any, None), cast(Any, None), self.clock, POLICY, {}, "tenant")
        self.deliver = Deliver(self._perform, carry_out, self.undelivered, self.noted)

    async def _perform(self, effect: Effect, attempts: int) -> None:
        if self.error:
            raise self.error

    async def tries(self, effect: Effect, most: int) -> int:
        """How often it is tried until it is given up; at most `most`."""
        with capture_logs():
            for number in range(most):
                try:
                    await self.deliver(effect, number)
                except (Trouble, KeyError):
                    continue
                return number + 1
        return most


@pytest.mark.parametrize("effect", NOTICES, ids=lambda one: type(one).__name__)
async def test_a_notice_that_is_refused_for_good_is_given_up_after_some_tries(effect: Effect) -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    assert await bench.tries(effect, 100) == MOST_TRIES
    assert [(one.what, one.details["why"]) for one in bench.book.entries] == [("not_delivered", "413")]
    assert ("notice", "none", "given_up") in bench.noted.seen
    assert bench.undelivered.kept == {}


@pytest.mark.parametrize("effect", NOTICES, ids=lambda one: type(one).__name__)
async def test_a_mistake_of_ours_has_a_day_to_be_mended(effect: Effect) -> None:
    bench = Bench()
    bench.error = KeyError("somebody's name")
    assert await bench.tries(effect, 50) == 50
    bench.clock.moment += LONGEST
    assert await bench.tries(effect, 50) == 1
    assert [one.details["why"] for one in bench.book.entries] == ["KeyError"]


async def test_the_helpdesk_sees_what_was_given_up_once_and_an_alarm_raises_no_other() -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    for effect in NOTICES:
        await bench.tries(effect, 100)
    assert bench.book.wanted == [
        Alarm(REFERENCE, "undelivered", "Tell:granted:subject"),
        Alarm(REFERENCE, "undelivered", "ShowHelpdesk"),
        Alarm(REFERENCE, "undelivered", "Refresh"),
        Alarm(REFERENCE, "undelivered", "WriteToMailbox:1"),
    ]


@pytest.mark.parametrize(
    "error", [TooLarge("413"), KeyError("bug"), Trouble("503")], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("effect", NEVER_GIVEN_UP, ids=lambda one: type(one).__name__)
async def test_what_changes_something_outside_is_never_given_up(effect: Effect, error: Exception) -> None:
    bench = Bench()
    bench.error = error
    assert await bench.tries(effect, 50) == 50
    bench.clock.moment += timedelta(days=30)
    assert await bench.tries(effect, 50) == 50
    assert bench.book.entries == []


@pytest.mark.parametrize("error", [Trouble("503"), PutOff("teams", retry_after=timedelta(seconds=1))], ids=str)
async def test_what_passes_is_waited_out_however_long_it_takes(error: Exception) -> None:
    bench = Bench()
    bench.error = error
    assert await bench.tries(TELL, 50) == 50
    bench.clock.moment += timedelta(days=3)
    assert await bench.tries(TELL, 50) == 50
    assert bench.undelivered.kept == {}


async def test_a_channel_that_is_gone_has_a_day_to_come_back() -> None:
    bench = Bench()
    bench.error = Unreachable("404")
    assert await bench.tries(ShowHelpdesk(REFERENCE), 50) == 50
    bench.error = None
    await bench.deliver(ShowHelpdesk(REFERENCE), 50)
    assert bench.undelivered.kept == {}
    assert bench.book.entries == []


def test_the_limits() -> None:
    many, few = Failures(MOST_TRIES, NOON), Failures(MOST_TRIES - 1, NOON)
    assert is_over(many, NOON, refused=True)
    assert not is_over(few, NOON + LONGEST, refused=True)
    assert is_over(few, NOON + LONGEST, refused=False)
    assert not is_over(many, NOON + LONGEST - timedelta(seconds=1), refused=False)


async def test_each_notice_that_was_sent_is_counted_with_its_way() -> None:
    class Keeps:
        async def begin(self, key: str, reference: str, at: datetime) -> bool:
            return True

        async def finish(self, key: str, **_: Any) -> None: ...

    noted = Noted()
    notices = CountedNotices(cast(Any, Keeps()), noted)
    assert await notices.begin("key", REFERENCE, NOON)
    assert noted.seen == []
    await notices.finish(["key"], way="mail", activity_id="", at=NOON)
    assert noted.seen == [("notice", "mail", "sent")]
