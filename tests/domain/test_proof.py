"""When a grant counts, when the channel hears that it does not, and when people are signed out."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.commands import ConfirmEnd, ConfirmGrant, PutBack, ReportTrouble, SeeAccount, Tick
from domain.decisions import decide
from domain.effects import END, START, Alarm, End, RevokeSessions
from domain.lasting import end_if_confirmed
from domain.outcome import Decision
from domain.people import Account
from domain.policy_faults import faults
from domain.request import Request, State
from tests.builders import AGENT, NOON, POLICY, SUBJECT, account, facts, long_request, request

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WITHIN = POLICY.limits.prove_within


def signed_out(decision: Decision) -> list[RevokeSessions]:
    return [effect for effect in decision.effects if isinstance(effect, RevokeSessions)]


def tick(one: Request, now: datetime) -> Request:
    return decide(one, Tick(), facts(), POLICY, now).request


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


def test_a_grant_that_is_not_proved_within_the_time_that_was_approved_is_given_up() -> None:
    short, long = request(State.GRANTING), long_request(State.GRANTING)
    renewal = replace(long, renews="MFA-2222-2222")
    for one, length in ((short, DAY), (long, 180 * DAY), (replace(long, days=30), 30 * DAY), (renewal, 180 * DAY)):
        assert one.decided is not None
        over = one.decided.at + length
        waiting = tick(one, over - MINUTE)
        assert (waiting.state, waiting.next_due) == (State.GRANTING, over)
        decision = decide(waiting, Tick(), facts(), POLICY, over)
        assert decision.request.state is State.ENDING
        assert decision.request.never_confirmed
        assert End(one.reference, SUBJECT.id, one.group_id) in decision.effects


def test_a_proof_that_comes_after_the_time_that_was_approved_begins_nothing() -> None:
    decision = decide(request(State.GRANTING), ConfirmGrant(), facts(), POLICY, NOON + 10 * DAY)
    assert (decision.request.state, decision.request.ends_at) == (State.ENDING, None)
    assert decision.request.never_confirmed


def test_what_is_being_put_back_goes_on_until_the_end_that_it_had() -> None:
    lost = request(State.ACTIVE)
    back = decide(lost, PutBack(AGENT), facts(), POLICY, NOON + timedelta(hours=1)).request
    assert back.ends_at is not None
    assert back.decided is not None
    later = back.decided.at + DAY
    assert later < back.ends_at
    assert tick(back, later).state is State.GRANTING
    confirmed = decide(back, ConfirmGrant(), facts(), POLICY, later).request
    assert (confirmed.state, confirmed.ends_at) == (State.ACTIVE, lost.ends_at)
    ended = tick(back, back.ends_at)
    assert ended.state is State.ENDING
    assert not ended.never_confirmed


@pytest.mark.parametrize("seen", [None, account(enabled=False), account(privileged=True)])
def test_an_account_that_may_not_be_exempt_any_more_is_not_granted_either(seen: Account | None) -> None:
    decision = decide(request(State.GRANTING), SeeAccount(seen), facts(), POLICY, NOON)
    assert decision.request.state is State.ENDING
    assert End(decision.request.reference, SUBJECT.id, decision.request.group_id) in decision.effects


def test_looking_at_the_account_puts_off_nothing_and_asks_about_no_method() -> None:
    one = request(State.GRANTING)
    fine = account(method_ids=("fido2:4", "microsoftAuthenticator:3"))
    decision = decide(one, SeeAccount(fine), facts(), POLICY, NOON + MINUTE)
    assert decision == Decision(replace(one, looked_at=NOON + MINUTE))


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
