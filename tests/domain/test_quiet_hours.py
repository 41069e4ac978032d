"""Quiet hours: what can wait comes after them, warnings come before them, and nothing comes twice or too late."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import timeline
from domain.commands import Approve, GiveEvidence, Reject, SendBack, Tick, Withdraw
from domain.decisions import decide
from domain.effects import Audience, Notice, Tell
from domain.moments import UK
from domain.outcome import Decision
from domain.policy import Escalation, Policy, QuietHours
from domain.quiet_hours import CAN_WAIT, at_or_after, at_or_before, is_quiet
from domain.request import Held, Request, State
from tests.builders import AGENT, ASKER, OWNER, POLICY, SUBJECT, facts, long_request, request

QUIET = QuietHours(time(20), time(7))
DAY = timedelta(days=1)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def leaves_some_hours_free(quiet: QuietHours) -> bool:
    """The policy file asks for it: the working hours."""
    begins, ends = (timedelta(hours=one.hour, minutes=one.minute) for one in (quiet.begins, quiet.ends))
    return quiet.begins != quiet.ends and (begins - ends) % DAY > timedelta(hours=2)


QUIETS = st.builds(QuietHours, st.times(), st.times()).filter(leaves_some_hours_free)


def uk(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UK).astimezone(UTC)


NIGHT = uk(2026, 8, 6, 23)
MORNING = uk(2026, 8, 7, 7)


def told(decision: Decision) -> list[tuple[Notice, Audience]]:
    return [(one.notice, one.to) for one in decision.effects if isinstance(one, Tell)]


@pytest.mark.parametrize(
    ("quiet", "moment", "before", "after"),
    [
        (QUIET, uk(2026, 8, 6, 19, 59), uk(2026, 8, 6, 19, 59), uk(2026, 8, 6, 19, 59)),
        (QUIET, uk(2026, 8, 6, 20), uk(2026, 8, 6, 19), uk(2026, 8, 7, 7)),
        (QUIET, uk(2026, 8, 7, 0), uk(2026, 8, 6, 19), uk(2026, 8, 7, 7)),  # midnight
        (QUIET, uk(2026, 8, 7, 6, 59), uk(2026, 8, 6, 19), uk(2026, 8, 7, 7)),
        (QUIET, uk(2026, 8, 7, 7), uk(2026, 8, 7, 7), uk(2026, 8, 7, 7)),
        (QUIET, uk(2027, 3, 28, 0, 30), uk(2027, 3, 27, 19), uk(2027, 3, 28, 7)),  # the clocks go forward
        (QUIET, uk(2026, 10, 25, 1, 30), uk(2026, 10, 24, 19), uk(2026, 10, 25, 7)),  # and back
        (QuietHours(time(12), time(14)), uk(2026, 8, 6, 13), uk(2026, 8, 6, 11), uk(2026, 8, 6, 14)),  # within a day
        (QuietHours(time(23), time(1, 30)), uk(2027, 3, 28, 0, 45), uk(2027, 3, 27, 22), uk(2027, 3, 28, 1, 30)),
        (None, uk(2026, 8, 7, 0), uk(2026, 8, 7, 0), uk(2026, 8, 7, 0)),
    ],
)
def test_moments_move_out_of_the_quiet_hours(
    quiet: QuietHours | None, moment: datetime, before: datetime, after: datetime
) -> None:
    assert at_or_before(moment, quiet) == before
    assert at_or_after(moment, quiet) == after


@given(MOMENTS, QUIETS)
@example(datetime(2026, 10, 25, 1, 15, tzinfo=UTC), QuietHours(time(20), time(1, 30)))
@example(datetime(2026, 10, 25, 1, 45, tzinfo=UTC), QuietHours(time(1, 30), time(7)))
@example(datetime(2027, 3, 28, 1, 15, tzinfo=UTC), QuietHours(time(1, 30), time(7)))
def test_what_is_moved_is_not_quiet_and_moved_no_further_than_the_quiet_hours(
    moment: datetime, quiet: QuietHours
) -> None:
    before, after = at_or_before(moment, quiet), at_or_after(moment, quiet)
    assert before <= moment <= after <= moment + DAY + timedelta(hours=1)
    assert not is_quiet(after, quiet)
    assert not is_quiet(before, quiet)
    assert is_quiet(moment, quiet) == (before < moment < after) == (before != moment)


def at_night() -> list[tuple[Decision, bool]]:
    """Decisions that are made at night, and whether all that is told of them can wait."""
    waiting, given_code = long_request(), replace(long_request(State.AWAITING_EVIDENCE), code=long_request().code)
    lapsing = replace(long_request(State.AWAITING_EVIDENCE), next_due=NIGHT, waiting_since=NIGHT - timedelta(days=28))
    return [
        (decide(waiting, Reject(AGENT, "No"), facts(), POLICY, NIGHT), False),
        (decide(waiting, SendBack(AGENT, "Why?"), facts(), POLICY, NIGHT), False),
        (decide(waiting, Withdraw(ASKER), facts(), POLICY, NIGHT), True),
        (decide(given_code, GiveEvidence(OWNER, True), facts(), POLICY, NIGHT), True),
        (decide(lapsing, Tick(), facts(), POLICY, NIGHT), True),
    ]


def test_at_night_people_are_told_what_they_wait_for_and_the_rest_waits_until_the_morning() -> None:
    for decision, waits in at_night():
        assert bool(told(decision)) != waits
        assert bool(decision.request.held) == waits
        if waits:
            assert {one.until for one in decision.request.held} == {MORNING}
            assert decision.request.next_due is not None
            assert decision.request.next_due <= MORNING


def test_what_has_waited_is_told_once_in_the_morning_and_not_before() -> None:
    for decision, waits in at_night():
        held = decision.request
        if not waits:
            continue
        early = decide(held, Tick(), facts(), POLICY, MORNING - timedelta(seconds=1))
        assert told(early) == []
        morning = decide(held, Tick(), facts(), POLICY, MORNING)
        assert told(morning) == [(one.tell.notice, one.tell.to) for one in held.held]
        assert morning.request.held == ()
        assert morning.request.next_due is None or morning.request.next_due > MORNING
        assert told(decide(morning.request, Tick(), facts(), POLICY, MORNING + timedelta(days=1))) == []


def test_an_approval_in_the_night_does_not_lose_what_waits() -> None:
    one = replace(long_request(), held=(Held(Tell("MFA-7K3Q-9XDM", Notice.EVIDENCE_GIVEN, Audience.SUBJECT), MORNING),))
    granting = decide(one, Approve(AGENT), facts(), POLICY, NIGHT).request
    assert granting.state is State.GRANTING
    assert granting.held == one.held


def test_without_quiet_hours_nothing_waits() -> None:
    always = replace(POLICY, quiet_hours=None)
    withdrawn = decide(long_request(), Withdraw(ASKER), facts(), always, NIGHT)
    assert told(withdrawn)
    assert withdrawn.request.held == ()


def test_what_somebody_waits_for_or_has_to_act_upon_never_waits() -> None:
    never = {
        Notice.ASKED_FOR_YOU,
        Notice.EVIDENCE_WANTED,
        Notice.SENT_BACK,
        Notice.GRANTED,
        Notice.REJECTED,
        Notice.REMINDER,
        Notice.METHOD_FOUND,
        Notice.UNUSUAL,
        Notice.ENDED,
    }
    assert set(Notice) - CAN_WAIT == never


# --- Reminders -----------------------------------------------------------------------------------


def lasting(starts: datetime, days: int, before: timedelta, quiet: QuietHours) -> tuple[Request, Policy]:
    """An exception that is on, of a kind that reminds at any hour."""
    kind = replace(POLICY.kinds["short"], duration=timedelta(days=days), reminders=(before,))
    policy = replace(POLICY, kinds=POLICY.kinds | {"short": kind}, quiet_hours=quiet)
    one = request(State.ACTIVE, starts_at=starts, ends_at=starts + kind.duration)
    return replace(one, next_due=timeline.next_due(one, policy, starts)), policy


def test_a_reminder_that_is_near_the_end_comes_in_the_night_and_an_early_one_before_it() -> None:
    starts = uk(2026, 8, 6, 2)
    near, policy = lasting(starts, 10, timedelta(hours=1), QUIET)
    assert near.next_due == starts + timedelta(days=10, hours=-1)
    early, policy = lasting(starts, 10, timedelta(days=3), QUIET)
    assert early.next_due == uk(2026, 8, 12, 19)
    assert told(decide(early, Tick(), facts(), policy, uk(2026, 8, 12, 19))) == [(Notice.REMINDER, Audience.SUBJECT)]


@given(
    MOMENTS, st.integers(2, 200), st.integers(1, 199 * 24), QUIETS, st.lists(st.integers(0, 200 * 24 * 60), max_size=20)
)
def test_however_time_is_looked_at_a_reminder_comes_once_before_the_end_and_early_ones_not_in_the_night(
    starts: datetime, days: int, hours: int, quiet: QuietHours, looks: list[int]
) -> None:
    before = timedelta(hours=min(hours, days * 24 - 1))
    one, policy = lasting(starts, days, before, quiet)
    assert one.ends_at is not None
    seen = []
    for minutes in sorted(looks):
        now = starts + timedelta(minutes=minutes)
        if one.next_due is None or now < one.next_due:
            continue
        decision = decide(one, Tick(), facts(), policy, now)
        one = decision.request
        if told(decision):
            seen.append(now)
        if one.state is not State.ACTIVE:
            break
        assert one.next_due is None or one.next_due > now, "what is due is done, or waits for a later moment"
    assert len(seen) <= 1
    assert all(now < starts + timedelta(days=days) for now in seen)
    if before >= DAY:
        assert all(not is_quiet(now, quiet) or at_or_after(now, quiet) >= starts + timedelta(days=days) for now in seen)


def test_a_reminder_missed_by_an_outage_waits_for_the_morning_unless_the_end_comes_first() -> None:
    one, policy = lasting(uk(2026, 8, 6, 12), 10, DAY, QUIET)
    missed = uk(2026, 8, 15, 22)  # it was due at noon, and the end is at noon tomorrow
    assert told(decide(one, Tick(), facts(), policy, missed)) == []
    assert timeline.next_due(one, policy, missed) == uk(2026, 8, 16, 7)
    ends_early, policy = lasting(uk(2026, 8, 6, 3), 10, DAY, QUIET)
    late = uk(2026, 8, 15, 23)
    assert told(decide(ends_early, Tick(), facts(), policy, late)) == [(Notice.REMINDER, Audience.SUBJECT)]


@pytest.mark.parametrize("missed", [uk(2026, 12, 24, 18), uk(2026, 12, 26, 12)])
def test_a_reminder_in_working_hours_is_not_lost_to_a_long_weekend_that_the_end_falls_into(missed: datetime) -> None:
    ends = uk(2026, 12, 27, 10)
    kind = replace(POLICY.kinds["long"], half_way=None, reminders=(timedelta(days=3),))
    policy = replace(POLICY, kinds=POLICY.kinds | {"long": kind})
    one = long_request(State.ACTIVE, starts_at=ends - timedelta(days=20), ends_at=ends)
    one = replace(one, next_due=timeline.next_due(one, policy, ends - timedelta(days=20)))
    assert (Notice.REMINDER, Audience.SUBJECT) in told(decide(one, Tick(), facts(), policy, missed))


@pytest.mark.parametrize("asked", [uk(2026, 12, 18, 18), uk(2026, 12, 22, 10), uk(2026, 8, 6, 3)])
def test_a_reminder_of_missing_evidence_comes_before_the_request_lapses(asked: datetime) -> None:
    kind = POLICY.kinds["long"]
    assert kind.evidence is not None
    evidence = replace(kind.evidence, remind_after=(timedelta(days=5),), given_within=timedelta(days=6))
    policy = replace(POLICY, kinds=POLICY.kinds | {"long": replace(kind, evidence=evidence)})
    one = replace(long_request(State.AWAITING_EVIDENCE), asked_at=asked)
    first = timeline.plan(one, policy)[0]
    assert first.what is timeline.What.REMIND_GIVER
    assert asked < first.at < asked + timedelta(days=6)


def test_the_subject_of_a_request_is_told_of_its_evidence_in_the_morning() -> None:
    given_code = replace(long_request(State.AWAITING_EVIDENCE), code=long_request().code)
    given_at_night = decide(given_code, GiveEvidence(OWNER, True), facts(), POLICY, NIGHT)
    assert [(one.tell.to, one.until) for one in given_at_night.request.held] == [
        (Audience.SUBJECT, MORNING),
        (Audience.ASKED_BY, MORNING),
    ]
    assert SUBJECT.id != ASKER.id


# --- What warns of a lapse -----------------------------------------------------------------------


def wanted(one: Request, policy: Policy, notice: Notice) -> list[datetime]:
    """When this notice is wanted, until the request lapses."""
    seen = []
    one = replace(one, next_due=timeline.next_due(one, policy, one.asked_at))
    while one.state is not State.LAPSED:
        assert one.next_due is not None
        now, decision = one.next_due, decide(one, Tick(), facts(), policy, one.next_due)
        one = decision.request
        seen += [now for told_of, _ in told(decision) if told_of is notice]
    return seen


def waiting_for_evidence(asked: datetime, after: timedelta, within: timedelta) -> tuple[Request, Policy]:
    kind = POLICY.kinds["long"]
    assert kind.evidence is not None
    evidence = replace(kind.evidence, remind_after=(after,), remind_others_after=(), given_within=within)
    policy = replace(POLICY, kinds=POLICY.kinds | {"long": replace(kind, evidence=evidence)})
    return replace(long_request(State.AWAITING_EVIDENCE), asked_at=asked), policy


def waiting_for_a_decision(asked: datetime, after: timedelta, within: timedelta) -> tuple[Request, Policy]:
    kind = replace(POLICY.kinds["long"], lapses_after=within, escalation=Escalation(after, after))
    policy = replace(POLICY, kinds=POLICY.kinds | {"long": kind})
    return replace(long_request(), asked_at=asked, waiting_since=asked), policy


@pytest.mark.parametrize(
    ("hours", "comes"),
    [
        (10, [uk(2026, 8, 7, 0)]),  # it lapses at 4am
        (13, [uk(2026, 8, 7, 0)]),  # just as the quiet hours end
        (14, [uk(2026, 8, 7, 7)]),
    ],
)
def test_what_warns_of_a_lapse_waits_for_the_morning_only_if_that_comes_first(
    hours: int, comes: list[datetime]
) -> None:
    after, within = timedelta(hours=6), timedelta(hours=hours)
    assert wanted(*waiting_for_evidence(uk(2026, 8, 6, 18), after, within), Notice.EVIDENCE_REMINDER) == comes
    assert wanted(*waiting_for_a_decision(uk(2026, 8, 6, 18), after, within), Notice.WAITING_LONG) == comes


@given(MOMENTS, st.integers(2, 14 * 24), st.integers(1, 13 * 24))
def test_whenever_it_was_asked_for_what_warns_of_a_lapse_comes_once_and_before_it(
    asked: datetime, hours: int, later: int
) -> None:
    after, within = timedelta(hours=min(later, hours - 1)), timedelta(hours=hours)
    reminded = wanted(*waiting_for_evidence(asked, after, within), Notice.EVIDENCE_REMINDER)
    brought_up = wanted(*waiting_for_a_decision(asked, after, within), Notice.WAITING_LONG)
    for seen in (reminded, brought_up):
        assert len(seen) == 1
        assert asked < seen[0] < asked + within
