"""When a grant counts, when the channel hears that it does not, and when people are signed out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.commands import ConfirmEnd, ConfirmGrant, ReportTrouble
from domain.decisions import decide
from domain.effects import END, START, Alarm, RevokeSessions
from domain.lasting import end_if_confirmed
from domain.outcome import Decision
from domain.policy_faults import faults
from domain.request import Request, State
from tests.builders import NOON, POLICY, SUBJECT, facts, long_request, request

MINUTE = timedelta(minutes=1)
WITHIN = POLICY.limits.prove_within


def signed_out(decision: Decision) -> list[RevokeSessions]:
    return [effect for effect in decision.effects if isinstance(effect, RevokeSessions)]


def alarms(decision: Decision) -> list[Alarm]:
    return [effect for effect in decision.effects if isinstance(effect, Alarm)]


def test_what_is_not_proved_is_shown_at_once_and_is_an_alarm_only_after_the_policys_time() -> None:
    one = request(State.GRANTING)
    for attempts, after in enumerate((0 * MINUTE, MINUTE, WITHIN - MINUTE, WITHIN, WITHIN + MINUTE), 1):
        command = ReportTrouble("What If still applies the MFA policy", attempts, unproved=True)
        decision = decide(one, command, facts(), POLICY, NOON + after)
        one = decision.request
        assert one.state is State.GRANTING
        assert one.stuck is not None
        assert (one.stuck.since, one.stuck.attempts) == (NOON, attempts)
        assert bool(alarms(decision)) is (after >= WITHIN)
        assert one.next_due is not None


def test_the_alarm_is_the_same_one_however_often_it_is_tried() -> None:
    one = decide(request(State.GRANTING), ReportTrouble("x", 1, unproved=True), facts(), POLICY, NOON).request
    raised = {
        alarm
        for attempts in range(2, 6)
        for alarm in alarms(
            decide(one, ReportTrouble("x", attempts, unproved=True), facts(), POLICY, NOON + attempts * WITHIN)
        )
    }
    assert len(raised) == 1


def test_other_trouble_is_an_alarm_after_three_attempts_whatever_the_time() -> None:
    for attempts in (1, 2, 3, 4):
        decision = decide(request(State.GRANTING), ReportTrouble("503", attempts), facts(), POLICY, NOON)
        assert bool(alarms(decision)) is (attempts >= 3)


def test_the_end_that_entra_is_given_is_the_end_that_is_then_confirmed() -> None:
    short, long = request(State.GRANTING), long_request(State.GRANTING)
    agreed, renewal = replace(long, days=30), replace(long, renews="MFA-2222-2222")
    for one in (short, long, agreed, renewal):
        for after in (MINUTE, timedelta(hours=5)):
            expected = end_if_confirmed(one, POLICY, NOON + after)
            assert decide(one, ConfirmGrant(), facts(), POLICY, NOON + after).request.ends_at == expected


def test_a_renewal_that_is_proved_late_ends_no_later_for_it() -> None:
    renewal = replace(long_request(State.GRANTING), renews="MFA-2222-2222")
    assert end_if_confirmed(renewal, POLICY, NOON) == end_if_confirmed(renewal, POLICY, NOON + timedelta(days=1))


@pytest.mark.parametrize("reason", [reason.id for reason in POLICY.kinds["short"].reasons])
def test_people_are_signed_out_at_the_start_where_the_policy_says_so(reason: str) -> None:
    one = request(State.GRANTING, reason=reason)
    wanted = [RevokeSessions(one.reference, SUBJECT.id, START)] if reason == "lost_or_stolen" else []
    assert signed_out(decide(one, ConfirmGrant(), facts(), POLICY, NOON)) == wanted


def test_a_reason_that_the_policy_has_no_more_signs_nobody_out() -> None:
    gone = request(State.GRANTING, reason="no_longer_a_reason")
    assert signed_out(decide(gone, ConfirmGrant(), facts(), POLICY, NOON)) == []


@pytest.mark.parametrize("ending", [request(State.ENDING), long_request(State.ENDING)], ids=["short", "long"])
def test_everybody_is_signed_out_at_the_end_unless_another_exception_goes_on(ending: Request) -> None:
    ended = decide(ending, ConfirmEnd(), facts(), POLICY, NOON)
    assert signed_out(ended) == [RevokeSessions(ended.request.reference, SUBJECT.id, END)]
    held = decide(ending, ConfirmEnd("MFA-2222-2222"), facts(), POLICY, NOON)
    assert signed_out(held) == []


@pytest.mark.parametrize("within", [timedelta(0), timedelta(seconds=59), timedelta(days=2)])
def test_a_time_for_the_proof_that_makes_no_sense_is_refused(within: timedelta) -> None:
    policy = replace(POLICY, limits=replace(POLICY.limits, prove_within=within))
    assert [path for path, _ in faults(policy)] == [("limits", "prove_within")]
