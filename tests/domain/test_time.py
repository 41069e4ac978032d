"""Time: reminders, ends, daylight saving, leap days and midnight."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commands import ConfirmGrant, Tick
from domain.decisions import decide
from domain.effects import End, Tell
from domain.moments import UK, span, uk_date, uk_time
from domain.request import Decided, Request, State
from tests.builders import AGENT, POLICY, facts, request

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
KIND = POLICY.kinds["short"]


def approved(moment: datetime) -> Request:
    return request(State.GRANTING, decided=Decided(AGENT, moment, approved=True))


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 8, 6, 16, 30, tzinfo=UTC), "5:30pm on Thursday 6 August 2026"),
        (datetime(2026, 12, 6, 14, 0, tzinfo=UTC), "2pm on Sunday 6 December 2026"),
        (datetime(2026, 12, 6, 0, 0, tzinfo=UTC), "midnight on Sunday 6 December 2026"),
        (datetime(2026, 8, 5, 23, 0, tzinfo=UTC), "midnight on Thursday 6 August 2026"),
        (datetime(2026, 12, 6, 12, 0, tzinfo=UTC), "midday on Sunday 6 December 2026"),
        (datetime(2026, 12, 6, 0, 5, tzinfo=UTC), "12:05am on Sunday 6 December 2026"),
        (datetime(2028, 2, 29, 9, 0, tzinfo=UTC), "9am on Tuesday 29 February 2028"),
        (datetime(2027, 3, 28, 0, 59, tzinfo=UTC), "12:59am on Sunday 28 March 2027"),
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "2am on Sunday 28 March 2027"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "1:30am BST on Sunday 25 October 2026"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "1:30am GMT on Sunday 25 October 2026"),
    ],
)
def test_moments_read_as_uk_local_time(moment: datetime, said: str) -> None:
    assert uk_time(moment) == said


def test_a_date_is_that_of_the_uk() -> None:
    assert uk_date(datetime(2026, 8, 5, 23, 30, tzinfo=UTC)) == "6 August 2026"


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (timedelta(hours=4), "4 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(minutes=59, seconds=58), "1 hour"),
        (timedelta(days=90), "90 days"),
        (timedelta(hours=1, minutes=30), "1 hour and 30 minutes"),
        (timedelta(days=2, hours=5, minutes=6), "2 days and 5 hours"),
        (timedelta(days=7, hours=5), "7 days"),
        (timedelta(days=180, minutes=6), "180 days"),
        (timedelta(seconds=5), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_durations_read_well(duration: timedelta, said: str) -> None:
    assert span(duration) == said


@given(MOMENTS)
def test_two_different_moments_never_read_alike(moment: datetime) -> None:
    moment = moment.replace(second=0, microsecond=0)
    assert uk_time(moment) != uk_time(moment + timedelta(hours=1))


@given(MOMENTS)
def test_twenty_four_hours_are_twenty_four_hours_over_daylight_saving(moment: datetime) -> None:
    active = decide(approved(moment), ConfirmGrant(), facts(), POLICY, moment).request
    assert active.starts_at is not None
    assert active.ends_at is not None
    assert active.ends_at.astimezone(UK).timestamp() - active.starts_at.astimezone(UK).timestamp() == 24 * 3600


@given(MOMENTS, st.lists(st.integers(0, 40 * 3600), max_size=30))
def test_however_time_is_looked_at_each_reminder_comes_once_and_the_end_is_never_late(
    moment: datetime, looks: list[int]
) -> None:
    one = decide(approved(moment), ConfirmGrant(), facts(), POLICY, moment).request
    ends_at = one.ends_at
    assert ends_at is not None
    told: list[str] = []
    for seconds in [*sorted(looks), 41 * 3600]:
        now = moment + timedelta(seconds=seconds)
        if one.state is State.ACTIVE and one.next_due is not None and one.next_due <= now:
            decision = decide(one, Tick(), facts(), POLICY, now)
            assert decision.events, "what is due must be done"
            one = decision.request
            told += [effect.occasion for effect in decision.effects if isinstance(effect, Tell)]
            assert one.state is not State.ENDING or any(isinstance(effect, End) for effect in decision.effects)
        if now >= moment + KIND.duration:
            assert one.state is State.ENDING
        if told:
            assert now >= ends_at - timedelta(seconds=int(told[0]))
    assert len(told) == len(set(told))
    assert set(told) <= {str(int(reminder.total_seconds())) for reminder in KIND.reminders}


def test_of_several_overtaken_reminders_only_the_latest_is_sent() -> None:
    active = request(State.ACTIVE)
    assert active.ends_at is not None
    late = active.ends_at - timedelta(minutes=30)
    decision = decide(active, Tick(), facts(), POLICY, late)
    assert [effect.occasion for effect in decision.effects if isinstance(effect, Tell)] == ["3600"]
    assert decision.request.next_due == active.ends_at


def test_nothing_happens_before_it_is_due() -> None:
    active = replace(request(State.ACTIVE))
    assert active.next_due is not None
    decision = decide(active, Tick(), facts(), POLICY, active.next_due - timedelta(seconds=1))
    assert decision.events == ()
