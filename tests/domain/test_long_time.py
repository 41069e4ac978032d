"""Long-term exceptions over time: what comes when, once, in working hours, and never too late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import timeline
from domain.commands import Approve, ConfirmGrant, StillNeeded, Tick
from domain.decisions import decide
from domain.effects import Alarm, Audience, Effect, End, Notice, Purge, Tell
from domain.request import Decided, Request, State
from domain.working_time import at_or_after, at_or_before, is_working
from tests.builders import AGENT, LONG, NOON, OWNER, POLICY, RULES, facts, long_request, request

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def granted(moment: datetime, days: int | None = None) -> Request:
    granting = long_request(State.GRANTING, days=days, decided=Decided(AGENT, moment, approved=True))
    return decide(granting, ConfirmGrant(), facts(), POLICY, moment).request


def lived(one: Request, until: datetime, step: timedelta) -> tuple[Request, list[tuple[datetime, Effect]]]:
    """Time looked at again and again, as the sweep does, with everything that was wanted and when."""
    wanted: list[tuple[datetime, Effect]] = []
    now = one.starts_at or one.waits_since
    while now < until and one.next_due is not None and one.is_open and one.state is not State.ENDING:
        now = max(now + step, one.next_due)
        decision = decide(one, Tick(), facts(), POLICY, now)
        one = decision.request
        wanted += [(now, effect) for effect in decision.effects]
    return one, wanted


@settings(max_examples=60)
@given(MOMENTS, st.integers(1, 180))
def test_reminders_come_once_in_working_hours_and_before_the_end(moment: datetime, days: int) -> None:
    one = granted(moment, days)
    assert one.ends_at == moment + timedelta(days=days)
    ended, wanted = lived(one, moment + timedelta(days=200), timedelta(seconds=3))
    reminders = [(at, tell) for at, tell in wanted if isinstance(tell, Tell) and tell.notice is Notice.REMINDER]
    to_subject = [(at, tell.occasion) for at, tell in reminders if tell.to is Audience.SUBJECT]
    assert len({tell.key for _, tell in reminders}) == len(reminders)
    assert all(is_working(at, POLICY.working) or at_or_after(at, POLICY.working) >= one.ends_at for at, _ in reminders)
    assert all(one.starts_at and one.starts_at < at < one.ends_at for at, _ in to_subject)
    for at, occasion in to_subject:
        unmoved = one.ends_at - timedelta(seconds=int(occasion))
        assert at <= unmoved + timedelta(minutes=1) or at_or_before(unmoved, POLICY.working) <= moment
    assert ended.state is State.ENDING
    ends = [at for at, effect in wanted if isinstance(effect, End)]
    assert len(ends) == 1
    assert timedelta(0) <= ends[0] - one.ends_at <= timedelta(seconds=3)
    if days == 180:
        assert [before for _, before in to_subject] == ["2592000", "1209600", "604800", "86400"]


@settings(max_examples=40)
@example(datetime(2024, 6, 5, tzinfo=UTC), [4265])  # looked at on Friday at 5pm, and it ends before Monday at 9am
@given(MOMENTS, st.lists(st.integers(0, 200 * 24), max_size=25))
def test_however_seldom_time_is_looked_at_nothing_comes_twice_or_outside_working_hours_but_before_the_end(
    moment: datetime, hours: list[int]
) -> None:
    one, told = granted(moment), []
    for hour in [*sorted(hours), 201 * 24]:
        now = moment + timedelta(hours=hour)
        if one.state is State.ACTIVE and one.next_due is not None and one.next_due <= now:
            decision = decide(one, Tick(), facts(), POLICY, now)
            assert decision.events or not is_working(now, POLICY.working), "what is due is done, or waits for people"
            assert decision.request.next_due is None or decision.request.next_due > now
            one = decision.request
            tells = [effect for effect in decision.effects if isinstance(effect, Tell)]
            in_time = one.ends_at is not None and at_or_after(now, POLICY.working) < one.ends_at
            assert one.state is State.ENDING or not tells or is_working(now, POLICY.working) or not in_time
            told += [tell.key for tell in tells]
        assert one.state is not State.ACTIVE or one.ends_at is None or now < one.ends_at
    assert len(told) == len(set(told))
    assert one.state is State.ENDING


@settings(max_examples=60)
@given(MOMENTS, st.integers(0, 20), st.integers(0, 96))
def test_a_renewal_lasts_from_its_own_approval_and_never_longer_than_the_policy(
    moment: datetime, before_end: int, delay: int
) -> None:
    old = replace(granted(moment), reference="MFA-2222-2222")
    assert old.ends_at is not None
    approved_at = old.ends_at - timedelta(days=before_end, minutes=1)
    new = long_request(State.AWAITING_DECISION, renews=old.reference)
    granting = decide(new, Approve(AGENT), facts(), POLICY, approved_at).request
    confirmed_at = min(approved_at + timedelta(hours=delay), old.ends_at - timedelta(seconds=1))
    decision = decide(granting, ConfirmGrant(), facts(renewed=old), POLICY, confirmed_at)
    assert decision.request.ends_at is not None
    assert decision.request.ends_at <= approved_at + LONG.duration
    assert decision.followed is not None
    assert decision.followed.closed_at == decision.request.starts_at


def test_half_way_the_giver_is_asked_and_silence_goes_to_the_helpdesk() -> None:
    one = granted(NOON)
    _, wanted = lived(one, NOON + timedelta(days=120), timedelta(seconds=3))
    asked = [at for at, effect in wanted if isinstance(effect, Tell) and effect.notice is Notice.HALF_WAY]
    alarms = [at for at, effect in wanted if isinstance(effect, Alarm)]
    assert len(asked) == len(alarms) == 1
    assert LONG.half_way is not None
    assert timedelta(0) <= asked[0] - (NOON + LONG.half_way.after) < timedelta(days=5)
    assert timedelta(0) <= alarms[0] - (asked[0] + LONG.half_way.answer_within) < timedelta(days=5)


def test_an_answer_half_way_keeps_the_helpdesk_out_of_it() -> None:
    one = granted(NOON)
    while one.half_way is None:
        assert one.next_due is not None
        one = decide(one, Tick(), facts(), POLICY, one.next_due).request
    assert one.next_due is not None
    answered = decide(one, StillNeeded(OWNER), facts(), POLICY, one.half_way.at + timedelta(days=1)).request
    _, wanted = lived(answered, NOON + timedelta(days=140), timedelta(seconds=3))
    assert not [effect for _, effect in wanted if isinstance(effect, Alarm)]


def test_owners_are_reminded_then_the_others_then_it_lapses_and_everybody_is_told() -> None:
    waiting = long_request(State.AWAITING_EVIDENCE)
    one, wanted = lived(waiting, NOON + timedelta(days=40), timedelta(seconds=3))
    tells = [effect for _, effect in wanted if isinstance(effect, Tell)]
    reminded = [tell.to for tell in tells if tell.notice is Notice.EVIDENCE_REMINDER]
    assert reminded == [Audience.GIVER, Audience.OTHER_OWNERS, Audience.GIVER, Audience.OTHER_OWNERS]
    assert {tell.to for tell in tells if tell.notice is Notice.LAPSED} >= {Audience.SUBJECT, Audience.OWNERS}
    assert one.state is State.LAPSED
    assert one.closed_at is not None
    assert one.closed_at - NOON < RULES.given_within + timedelta(seconds=10)


def test_a_decision_that_waits_is_brought_up_in_the_channel_then_with_the_leads_in_working_hours() -> None:
    one = long_request()
    _, wanted = lived(one, NOON + timedelta(days=20), timedelta(seconds=3))
    assert [type(effect).__name__ for _, effect in wanted[:2]] == ["Alarm", "Tell"]
    leads = wanted[1][1]
    assert isinstance(leads, Tell)
    assert leads.to is Audience.LEADS
    assert all(is_working(at, POLICY.working) for at, _ in wanted[:2])


def test_the_evidence_is_purged_when_its_time_is_up_and_not_before() -> None:
    for state in (State.ENDED, State.REJECTED, State.WITHDRAWN, State.LAPSED):
        closed = long_request(state)
        assert closed.closed_at is not None
        assert closed.next_due == closed.closed_at + RULES.purge_after
        decision = decide(closed, Tick(), facts(), POLICY, closed.next_due)
        assert decision.effects == (Purge(closed.reference),)
        assert decision.request.next_due is None
    assert timeline.next_due(request(State.ENDED), POLICY, NOON) is None
