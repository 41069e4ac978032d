"""Reminders before the end: each comes while the exception lasts, and the one nearest to the end is never lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import quiet_hours, timeline
from domain.commands import Tick
from domain.decisions import decide
from domain.effects import Audience, Notice, Tell
from domain.moments import UK
from domain.outcome import Decision
from domain.policy import Policy
from domain.request import Request, State
from domain.working_time import at_or_after
from tests.builders import POLICY, facts, long_request

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
DAY = timedelta(days=1)
HOURS = st.integers(1, 96).map(lambda hours: timedelta(hours=hours))
REMINDERS = st.lists(HOURS, min_size=1, max_size=6, unique=True).map(tuple)


def uk(day: int, hour: int) -> datetime:
    """In November 2026, of which the 2nd is a Monday."""
    return datetime(2026, 11, day, hour, tzinfo=UK).astimezone(UTC)


def reminding(*reminders: timedelta, working: bool = True) -> Policy:
    kind = replace(POLICY.kinds["long"], reminders=reminders, reminders_in_working_hours=working, half_way=None)
    return replace(POLICY, kinds=POLICY.kinds | {"long": kind})


def lasting(starts: datetime, ends: datetime, policy: Policy) -> Request:
    one = long_request(State.ACTIVE, starts_at=starts, ends_at=ends)
    return replace(one, next_due=timeline.next_due(one, policy, starts))


def reminders(decision: Decision) -> list[Tell]:
    tells = [effect for effect in decision.effects if isinstance(effect, Tell)]
    return [tell for tell in tells if tell.notice is Notice.REMINDER and tell.to is Audience.SUBJECT]


def days_before(decision: Decision) -> list[int]:
    return [int(tell.occasion) // 86400 for tell in reminders(decision)]


@pytest.mark.parametrize("written", [(1, 2, 7), (7, 2, 1), (2, 1, 7)])
def test_of_two_reminders_that_move_to_one_moment_that_nearer_to_the_end_is_sent(written: tuple[int, ...]) -> None:
    policy = reminding(*(days * DAY for days in written))
    one = lasting(uk(2, 12) - 20 * DAY, uk(30, 12), policy)
    week = decide(one, Tick(), facts(), policy, uk(23, 12))
    assert days_before(week) == [7]
    assert week.request.next_due == uk(27, 12)
    friday = decide(week.request, Tick(), facts(), policy, uk(27, 12))
    assert days_before(friday) == [1]
    assert friday.request.next_due == uk(30, 12)


def test_a_reminder_that_moves_behind_a_nearer_one_does_not_come() -> None:
    nearer, farther = timedelta(hours=24), timedelta(hours=28)  # on Monday at 3am, and on Sunday at 11pm
    policy = reminding(farther, nearer)
    one = lasting(uk(2, 12), uk(24, 3), policy)
    assert [(each.occasion, each.at) for each in timeline.plan(one, policy)[:2]] == [
        ("86400", uk(20, 9)),
        ("100800", uk(20, 16)),
    ]
    after_an_outage = decide(one, Tick(), facts(), policy, uk(20, 16))
    assert days_before(after_an_outage) == [1]
    in_time = decide(one, Tick(), facts(), policy, uk(20, 9))
    assert [tell.occasion for tell in reminders(in_time)] == ["86400"]
    assert in_time.request.next_due == one.ends_at


@example(uk(30, 12), (DAY, 2 * DAY), True, [70])
@given(MOMENTS, REMINDERS, st.booleans(), st.lists(st.integers(0, 96), max_size=6))
def test_however_reminders_are_written_and_looked_at_what_comes_is_the_nearest_that_is_due(
    ends: datetime, written: tuple[timedelta, ...], working: bool, looks: list[int]
) -> None:
    policy, ordered = reminding(*written, working=working), reminding(*sorted(written, reverse=True), working=working)
    one = lasting(ends - 20 * DAY, ends, policy)
    for hours in sorted(looks, reverse=True):
        now = ends - timedelta(hours=hours)
        due = timeline.due(one, policy, now)
        decision = decide(one, Tick(), facts(), policy, now)
        assert decision.effects == decide(one, Tick(), facts(), ordered, now).effects
        if decision.request.state is not State.ACTIVE:
            break
        assert [int(tell.occasion) for tell in reminders(decision)] == sorted(int(each.occasion) for each in due)[:1]
        assert not [tell for tell in reminders(decision) if timeline.is_overtaken(decision.request, tell)]
        one = decision.request


@pytest.mark.parametrize(
    ("starts", "ends", "working", "due"),
    [
        (uk(6, 11), uk(9, 11), True, uk(9, 9)),  # from Friday to Monday: not on Sunday, nor on Friday as it starts
        (uk(6, 10), uk(9, 11), True, uk(6, 11)),
        (uk(6, 18), uk(9, 9), True, uk(8, 9)),  # nobody is at work while it lasts
        (uk(3, 21), uk(4, 23), False, uk(4, 7)),  # in the night, and not an hour before it begins
        (uk(3, 18), uk(4, 23), False, uk(3, 19)),
    ],
)
def test_whoever_is_exempt_for_a_few_days_is_reminded(
    starts: datetime, ends: datetime, *, working: bool, due: datetime
) -> None:
    policy = reminding(DAY, 7 * DAY, working=working)
    one = lasting(starts, ends, policy)
    assert [(each.occasion, each.at) for each in timeline.plan(one, policy)[:-1]] == [("86400", due)]
    assert reminders(decide(one, Tick(), facts(), policy, due - timedelta(seconds=1))) == []
    assert days_before(decide(one, Tick(), facts(), policy, due)) == [1]


@given(MOMENTS, st.integers(1, 9 * 24), HOURS, st.booleans())
def test_each_reminder_comes_while_the_exception_lasts_in_its_hours_where_there_are_any(
    starts: datetime, lasts: int, before: timedelta, working: bool
) -> None:
    policy, ends = reminding(before, working=working), starts + timedelta(hours=lasts)
    one = lasting(starts, ends, policy)
    coming = [each for each in timeline.plan(one, policy) if each.what is timeline.What.REMINDER]
    assert len(coming) == (ends - before > starts)
    quiet = policy.quiet_hours if before >= DAY else None
    for each in coming:
        later = at_or_after(each.at, policy.working) if working else quiet_hours.at_or_after(each.at, quiet)
        assert starts < each.at < ends
        assert later == each.at or later >= ends
        assert days_before(decide(one, Tick(), facts(), policy, each.at)) == [before.days]
