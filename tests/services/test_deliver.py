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
    ShowDrift,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)
from domain.errors import PutOff, TooLarge, Trouble, Unreachable
from domain.events import What
from domain.request import Request
from services.book import Entry
from services.carry_out import CarryOut
from services.deliver import LONGEST, LOOK_EVERY, MOST_TRIES, CountedNotices, Deliver, Failures, is_over, key_of
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
    Warn("privileged", "by", "subject", "2026-08-06"),
    ShowDrift("stranger:group:anna", REFERENCE),
]
RAISES_NO_ALARM = Alarm | Warn | ShowDrift
TOGETHER = TellTogether("helen", Notice.EVIDENCE_WANTED)
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

    async def is_recorded(self, reference: str, what: What, notice: str, since: datetime) -> bool:
        such = [one for one in self.entries if (one.reference, one.what) == (reference, what.value)]
        return any(one.details["notice"] == notice and one.at >= since for one in such)

    async def want(self, effects: Sequence[Effect]) -> None:
        self.wanted += effects


class InMemory:
    def __init__(self) -> None:
        self.kept: dict[str, Failures] = {}
        self.writes = 0

    async def failed(self, key: str, at: datetime, *, anew: bool = False) -> Failures:
        self.writes += 1
        known = Failures(0, at) if anew else self.kept.get(key, Failures(0, at))
        self.kept[key] = replace(known, tries=known.tries + 1)
        return self.kept[key]

    async def forget(self, *keys: str) -> None:
        for key in keys:
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
        self.apart: list[TellTogether] = []
        carry_out = CarryOut(cast(Any, self.book), cast(Any, None), cast(Any, None), self.clock, POLICY, {}, "tenant")
        self.deliver = Deliver(self._perform, carry_out, self.undelivered, self.noted, self._apart)

    async def _apart(self, effect: TellTogether) -> None:
        self.apart.append(effect)

    async def _perform(self, effect: Effect, attempts: int) -> None:
        if self.error:
            raise self.error

    async def tries(self, effect: Effect, most: int, before: int = 0) -> int:
        """How often it is tried until it is given up; at most `most`. `before`: how often the job was tried already."""
        with capture_logs():
            for number in range(before, before + most):
                try:
                    await self.deliver(effect, number)
                except (Trouble, KeyError):
                    continue
                return number - before + 1
        return most


@pytest.mark.parametrize("effect", [*NOTICES, *NEVER_GIVEN_UP, TOGETHER], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("error", [Trouble("503"), PutOff("graph", retry_after=timedelta(seconds=1))], ids=repr)
async def test_the_log_says_of_each_effect_that_it_failed_and_why(effect: Effect, error: Trouble) -> None:
    bench = Bench()
    bench.error = error
    with capture_logs() as logs, pytest.raises(Trouble):
        await bench.deliver(effect, 2)
    [line] = [one for one in logs if one["event"] == "effect put off"]
    assert (line["effect"], line["message"], line["attempts"]) == (type(effect).__name__, error.message, 3)
    assert line["reference"] == effect.reference
    assert line["key"] == key_of(effect)


@pytest.mark.parametrize("effect", NOTICES, ids=lambda one: type(one).__name__)
async def test_a_notice_that_is_refused_for_good_is_given_up_after_some_tries(effect: Effect) -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    assert await bench.tries(effect, 100) == MOST_TRIES
    assert [(one.what, one.details["why"]) for one in bench.book.entries] == [("not_delivered", "413")]
    assert ("notice", "none", "given_up") in bench.noted.seen
    assert bench.undelivered.kept == {}


async def test_what_belongs_to_no_request_is_in_the_audit_under_what_it_is_about() -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    warn, drift = Warn("privileged", "by", "subject", "2026-08-06"), ShowDrift("exclusion_gone:group")
    for effect in (warn, replace(warn, subject=""), drift):
        await bench.tries(effect, 100)
    assert [one.reference for one in bench.book.entries] == ["account:subject", "account:by", f"drift:{drift.key}"]


@pytest.mark.parametrize("effect", NOTICES, ids=lambda one: type(one).__name__)
async def test_a_mistake_of_ours_has_a_day_to_be_mended(effect: Effect) -> None:
    bench = Bench()
    bench.error = KeyError("somebody's name")
    assert await bench.tries(effect, 50) == 50
    bench.clock.moment += LONGEST
    assert await bench.tries(effect, 50, before=50) == 1
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
    assert await bench.tries(TELL, 50, before=50) == 50
    bench.error = None
    await bench.deliver(TELL, 100)
    assert bench.undelivered.kept == {}


@pytest.mark.parametrize("effect", NOTICES, ids=lambda one: type(one).__name__)
async def test_what_does_not_pass_for_a_day_is_said_once_and_tried_on(effect: Effect) -> None:
    bench = Bench()
    bench.error = Trouble("401")
    await bench.tries(effect, 50)
    assert (bench.book.entries, bench.book.wanted) == ([], [])
    for days in range(3):
        bench.clock.moment += LONGEST
        assert await bench.tries(effect, 50, before=50 * (days + 1)) == 50
    assert [(one.what, one.details["why"]) for one in bench.book.entries] == [("not_delivered_yet", "401")]
    assert bench.noted.seen.count(("notice", "none", "still_tried")) == 1
    alarms = {one.occasion for one in bench.book.wanted if isinstance(one, Alarm)}
    assert [one.endswith(":still_tried") for one in alarms] == ([] if isinstance(effect, RAISES_NO_ALARM) else [True])


@pytest.mark.parametrize(
    ("error", "tries"),
    [(TooLarge("413"), MOST_TRIES), (KeyError("bug"), None), (Trouble("401"), None), (Unreachable("404"), None)],
    ids=lambda one: type(one).__name__,
)
async def test_what_cannot_be_told_together_is_told_one_by_one(error: Exception, tries: int | None) -> None:
    """Each of them is then delivered or given up by itself."""
    bench = Bench()
    bench.error = error
    assert await bench.tries(TOGETHER, 2 * LOOK_EVERY) == (tries or 2 * LOOK_EVERY)
    if tries is None:
        assert bench.apart == []
        bench.clock.moment += LONGEST
        await bench.tries(TOGETHER, LOOK_EVERY, before=2 * LOOK_EVERY)
    assert bench.apart == [TOGETHER]
    assert (bench.book.entries, bench.book.wanted, bench.undelivered.kept) == ([], [], {})


@pytest.mark.parametrize("error", [Trouble("503"), Unreachable("404")], ids=lambda one: type(one).__name__)
async def test_while_the_channel_is_away_no_alarms_pile_up_that_are_not_true_when_it_is_back(error: Trouble) -> None:
    """Such an alarm is wanted anew while the notice still fails."""
    bench = Bench()
    bench.error = Trouble("503")
    await bench.tries(TELL, 2 * LOOK_EVERY)
    bench.clock.moment += LONGEST
    await bench.tries(TELL, 2 * LOOK_EVERY, before=2 * LOOK_EVERY)
    first, second = bench.book.wanted
    assert first == second
    bench.error = error
    assert await bench.tries(first, 100) == 1
    assert len(bench.book.entries) == 1


async def test_putting_off_is_no_failure_however_long_it_takes() -> None:
    bench = Bench()
    bench.error = PutOff("teams", retry_after=timedelta(seconds=1))
    await bench.tries(TELL, 50)
    bench.clock.moment += timedelta(days=3)
    await bench.tries(TELL, 50, before=50)
    assert (bench.book.entries, bench.undelivered.writes) == ([], 0)


async def test_a_notice_that_is_late_for_less_than_an_hour_writes_nothing_down() -> None:
    bench = Bench()
    bench.error = Trouble("503")
    await bench.tries(TELL, LOOK_EVERY)
    assert bench.undelivered.writes == 0
    await bench.tries(TELL, 10 * LOOK_EVERY, before=LOOK_EVERY)
    assert bench.undelivered.writes == 10


async def test_what_passes_uses_up_none_of_the_tries_of_what_does_not() -> None:
    bench = Bench()
    bench.error = Trouble("503")
    await bench.tries(TELL, 20 * LOOK_EVERY)
    bench.error = TooLarge("413")
    assert await bench.tries(TELL, 100, before=20 * LOOK_EVERY) == MOST_TRIES
    assert bench.undelivered.kept == {}


async def test_a_crash_after_a_notice_was_given_up_does_not_say_so_twice() -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    await bench.tries(TELL, 100)
    bench.clock.moment += timedelta(minutes=1)
    assert await bench.tries(TELL, 100, before=MOST_TRIES) == MOST_TRIES
    assert [one.what for one in bench.book.entries] == ["not_delivered"]
    assert len(bench.book.wanted) == bench.noted.seen.count(("notice", "none", "given_up")) == 1


async def test_a_crash_before_the_failures_were_forgotten_does_not_say_so_twice() -> None:
    bench = Bench()
    bench.error = TooLarge("413")
    await bench.tries(TELL, MOST_TRIES - 1)
    before = dict(bench.undelivered.kept)
    await bench.tries(TELL, 1, before=MOST_TRIES - 1)
    bench.undelivered.kept = before
    assert await bench.tries(TELL, 100, before=MOST_TRIES) == 1
    assert [one.what for one in bench.book.entries] == ["not_delivered"]
    assert bench.undelivered.kept == {}


@pytest.mark.parametrize("error", [TooLarge("413"), KeyError("bug")], ids=lambda one: type(one).__name__)
async def test_failures_of_a_job_that_was_let_go_do_not_count_for_a_later_one(error: Exception) -> None:
    """The engine lets go of one where the same effect was wanted again while it ran."""
    bench = Bench()
    bench.error = error
    await bench.tries(Refresh(REFERENCE), MOST_TRIES - 1)
    bench.clock.moment += timedelta(days=90)
    assert await bench.tries(Refresh(REFERENCE), MOST_TRIES - 1) == MOST_TRIES - 1
    assert bench.book.entries == []


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
        async def begin(self, key: str, reference: str, at: datetime) -> int:
            return 0

        async def finish(self, key: str, **_: Any) -> None: ...

    noted = Noted()
    notices = CountedNotices(cast(Any, Keeps()), noted)
    assert await notices.begin("key", REFERENCE, NOON) == 0
    assert noted.seen == []
    await notices.finish(["key"], way="mail", activity_id="", at=NOON)
    assert noted.seen == [("notice", "mail", "sent")]
