"""The rules of the guide, one sentence a test."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    Approve,
    Ask,
    ConfirmEnd,
    ConfirmGrant,
    EndEarly,
    Reject,
    ReportTrouble,
    Revoke,
    Tick,
    Withdraw,
)
from domain.decisions import decide
from domain.effects import Alarm, Audience, End, Grant, Notice, Refresh, ShowHelpdesk, Tell
from domain.errors import Refusal
from domain.events import What
from domain.people import Account
from domain.request import Cause, State
from tests.builders import AGENT, ASKER, NOON, OTHER_AGENT, POLICY, STRANGER, SUBJECT, account, facts, request, stuck

ASK = Ask(by=SUBJECT, subject=SUBJECT, kind="short", reason="lost_or_stolen")


def rule_of(*arguments: Any) -> str:
    with pytest.raises(Refusal) as refused:
        decide(*arguments)
    return refused.value.rule


def test_asking_grants_nothing_and_shows_the_request_to_the_helpdesk() -> None:
    decision = decide(None, ASK, facts(), POLICY, NOON)
    assert decision.request.state is State.AWAITING_DECISION
    assert decision.effects == (ShowHelpdesk("MFA-7K3Q-9XDM"),)
    assert decision.request.next_due == NOON + POLICY.kinds["short"].lapses_after
    assert decision.request.starts_at is None


def test_the_subject_is_told_when_a_colleague_asks() -> None:
    decision = decide(None, replace(ASK, by=ASKER), facts(), POLICY, NOON)
    assert Tell("MFA-7K3Q-9XDM", Notice.ASKED_FOR_YOU, Audience.SUBJECT) in decision.effects


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"enabled": False}, "disabled"),
        ({"privileged": True}, "privileged"),
        ({"methods": ()}, "no_method"),
        ({"methods": ("password",)}, "no_method"),
        ({"methods": ("password", "fido2")}, "no_method"),
    ],
)
def test_an_account_that_may_not_be_exempted_is_refused(changed: dict[str, Any], rule: str) -> None:
    refused = account(**changed)
    assert rule_of(None, ASK, facts(account=refused), POLICY, NOON) == rule
    assert rule_of(request(), Approve(AGENT, "call_back"), facts(account=refused), POLICY, NOON) == rule


def test_somebody_who_is_not_in_entra_is_refused() -> None:
    assert rule_of(None, ASK, facts(account=None), POLICY, NOON) == "unknown_account"


def test_the_refusal_for_want_of_a_method_says_how_to_register_one() -> None:
    with pytest.raises(Refusal) as refused:
        decide(None, ASK, facts(account=account(methods=())), POLICY, NOON)
    assert refused.value.link is not None
    assert refused.value.link[1] == POLICY.links.register_method
    assert POLICY.helpdesk.telephone in refused.value.sentence


@pytest.mark.parametrize("state", [State.AWAITING_DECISION, State.GRANTING, State.ACTIVE, State.ENDING])
def test_nobody_has_two_open_requests(state: State) -> None:
    rule = rule_of(None, ASK, facts(already=(request(state),)), POLICY, NOON)
    assert rule in ("already_pending", "already_active")


def test_a_reason_that_wants_details_is_refused_without_them() -> None:
    assert rule_of(None, replace(ASK, reason="other", details=" "), facts(), POLICY, NOON) == "details_missing"


def test_details_that_are_too_long_are_refused() -> None:
    ask = replace(ASK, reason="other", details="x" * (POLICY.limits.text + 1))
    assert rule_of(None, ask, facts(), POLICY, NOON) == "too_long"


def test_only_members_of_the_helpdesk_group_decide() -> None:
    outside = facts(groups=frozenset())
    for command in (Approve(STRANGER, "call_back"), Reject(STRANGER, "no"), Revoke(STRANGER, "no")):
        assert rule_of(request(State.ACTIVE), command, outside, POLICY, NOON) == "not_an_agent"


def test_an_agent_cannot_decide_on_their_own_request() -> None:
    own = request(subject=AGENT, asked_by=ASKER)
    assert rule_of(own, Approve(AGENT, "call_back"), facts(), POLICY, NOON) == "own_request"
    assert rule_of(own, Reject(AGENT, "no"), facts(), POLICY, NOON) == "own_request"


def test_an_agent_cannot_decide_on_a_request_that_they_asked_for() -> None:
    asked = request(asked_by=AGENT)
    assert rule_of(asked, Approve(AGENT, "call_back"), facts(), POLICY, NOON) == "asked_for_it"


@pytest.mark.parametrize("way", ["", "trust me", "CALL_BACK"])
def test_nothing_is_granted_before_the_caller_is_verified(way: str) -> None:
    assert rule_of(request(), Approve(AGENT, way), facts(), POLICY, NOON) == "not_verified"


def test_approval_wants_the_grant_and_tells_nobody_yet() -> None:
    decision = decide(request(), Approve(AGENT, "call_back", " INC1 "), facts(), POLICY, NOON)
    assert decision.effects == (Grant("MFA-7K3Q-9XDM", SUBJECT.id, decision.request.group_id), Refresh("MFA-7K3Q-9XDM"))
    assert [event.what for event in decision.events] == [What.VERIFIED, What.APPROVED]
    assert decision.request.verified is not None
    assert decision.request.verified.ticket == "INC1"
    assert decision.request.starts_at is None


def test_the_clock_starts_when_entra_has_confirmed() -> None:
    later = NOON + timedelta(hours=5)
    decision = decide(request(State.GRANTING, stuck=stuck()), ConfirmGrant(), facts(), POLICY, later)
    active = decision.request
    assert (active.starts_at, active.ends_at) == (later, later + POLICY.kinds["short"].duration)
    assert active.stuck is None
    assert Tell(active.reference, Notice.GRANTED, Audience.SUBJECT) in decision.effects


def test_subject_and_requester_are_both_told() -> None:
    decision = decide(request(State.GRANTING, asked_by=ASKER), ConfirmGrant(), facts(), POLICY, NOON)
    told = {effect.to for effect in decision.effects if isinstance(effect, Tell)}
    assert told == {Audience.SUBJECT, Audience.ASKED_BY}


def test_a_rejection_needs_a_reason() -> None:
    for words in ("", "  ", "🙂", "..."):
        assert rule_of(request(), Reject(AGENT, words), facts(), POLICY, NOON) == "words_missing"


def test_only_those_concerned_withdraw_or_end() -> None:
    for command in (Withdraw(STRANGER), EndEarly(STRANGER)):
        assert rule_of(request(State.ACTIVE), command, facts(), POLICY, NOON) == "not_theirs"


def test_whoever_withdraws_is_not_told_about_it() -> None:
    decision = decide(request(asked_by=ASKER), Withdraw(ASKER), facts(), POLICY, NOON)
    assert [effect.to for effect in decision.effects if isinstance(effect, Tell)] == [Audience.SUBJECT]


def test_a_second_person_is_needed_where_the_policy_says_so() -> None:
    kind = POLICY.kinds["short"]
    strict = replace(kind, reasons=tuple(replace(reason, second_person=True) for reason in kind.reasons))
    policy = replace(POLICY, kinds={"short": strict})
    taken = request(taken_by=AGENT)
    assert rule_of(taken, Approve(AGENT, "call_back"), facts(), policy, NOON) == "second_person"
    assert decide(taken, Approve(OTHER_AGENT, "call_back"), facts(), policy, NOON).request.state is State.GRANTING


def test_an_agent_does_not_take_their_own_call() -> None:
    own = Account(AGENT, True, ("phone",), False)
    ask = Ask(by=AGENT, subject=AGENT, kind="short", reason="misplaced", taken_by=AGENT)
    assert rule_of(None, ask, facts(account=own), POLICY, NOON) == "own_request"


def test_a_call_is_only_taken_by_helpdesk_staff() -> None:
    ask = replace(ASK, taken_by=STRANGER)
    assert rule_of(None, ask, facts(groups=frozenset()), POLICY, NOON) == "not_an_agent"


def test_at_the_end_the_exemption_is_removed_first_and_people_are_told_after() -> None:
    active = request(State.ACTIVE)
    assert active.ends_at is not None
    ending = decide(replace(active, next_due=active.ends_at), Tick(), facts(), POLICY, active.ends_at)
    assert ending.request.state is State.ENDING
    assert ending.request.closing is not None
    assert ending.request.closing.cause is Cause.EXPIRED
    assert ending.effects == (End(active.reference, SUBJECT.id, active.group_id), Refresh(active.reference))
    ended = decide(ending.request, ConfirmEnd(), facts(), POLICY, active.ends_at)
    assert Tell(active.reference, Notice.ENDED, Audience.SUBJECT) in ended.effects


def test_an_end_before_the_grant_was_confirmed_is_done_once_more_and_no_other_is() -> None:
    ending = decide(request(State.GRANTING), Withdraw(SUBJECT), facts(), POLICY, NOON).request
    ended = decide(ending, ConfirmEnd(), facts(), POLICY, NOON).request
    assert ended.next_due == NOON + timedelta(minutes=1)
    again = decide(ended, Tick(), facts(), POLICY, ended.next_due)
    assert again.effects == (End(ended.reference, SUBJECT.id, ended.group_id),)
    assert again.request.next_due is None
    assert decide(request(State.ENDING), ConfirmEnd(), facts(), POLICY, NOON).request.next_due is None


def test_trouble_is_shown_at_once_and_becomes_an_alarm() -> None:
    first = decide(request(State.ENDING), ReportTrouble("503", 1), facts(), POLICY, NOON)
    assert first.effects == (Refresh("MFA-7K3Q-9XDM"),)
    third = decide(first.request, ReportTrouble("503", 3), facts(), POLICY, NOON + timedelta(minutes=1))
    assert any(isinstance(effect, Alarm) for effect in third.effects)
    assert third.request.stuck is not None
    assert third.request.stuck.since == NOON


def test_a_grant_or_an_end_that_is_not_confirmed_is_started_again() -> None:
    for state, effect in ((State.GRANTING, Grant), (State.ENDING, End)):
        waiting = request(state)
        assert waiting.next_due is not None
        decision = decide(waiting, Tick(), facts(), POLICY, waiting.next_due)
        assert decision.effects == (effect(waiting.reference, SUBJECT.id, waiting.group_id),)
        assert decision.request.next_due == waiting.next_due + POLICY.limits.check_again
