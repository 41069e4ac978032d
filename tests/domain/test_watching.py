"""What agents and people may do only so often, what is unusual, and who learns what about whom."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from domain import eligibility
from domain.commands import Approve, Ask, Reject, Revoke
from domain.decisions import decide
from domain.effects import Audience, Notice, Tell
from domain.errors import Refusal
from domain.events import What
from domain.outcome import Approval, Asked
from domain.policy import LimitsForAgents, LimitsForPeople, Policy, Unusual
from domain.request import State
from domain.watching import attempt, check_look_ups
from tests.builders import (
    AGENT,
    ASKER,
    NOON,
    OTHER_AGENT,
    POLICY,
    SITE,
    STRANGER,
    SUBJECT,
    account,
    facts,
    long_request,
    request,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ASK = Ask(by=SUBJECT, subject=SUBJECT, kind="short", reason="lost_or_stolen")
UNUSUAL = Unusual(night_from=time(22), night_until=time(6), same_site_per_day=2, own_team=True)
STRICT = replace(
    POLICY,
    limits_for_agents=LimitsForAgents(approvals_per_hour=2, unusual=UNUSUAL),
    limits_for_people=LimitsForPeople(requests_per_day=3, requests_per_site_and_day=2, look_ups_per_hour=2),
)
FREE = replace(POLICY, limits_for_agents=LimitsForAgents(), limits_for_people=LimitsForPeople())
APPROVE = Approve(AGENT, "call_back")


def approvals(*ago: timedelta, site: str = "", now: datetime = NOON) -> tuple[Approval, ...]:
    return tuple(Approval(now - one, site) for one in ago)


def refusal(command: Ask | Approve, policy: Policy, **given: object) -> Refusal:
    with pytest.raises(Refusal) as refused:
        decide(request() if isinstance(command, Approve) else None, command, facts(**given), policy, NOON)
    return refused.value


def test_an_agent_who_approves_too_many_in_an_hour_is_refused_and_told_what_to_do() -> None:
    refused = refusal(APPROVE, STRICT, approvals=approvals(MINUTE, 59 * MINUTE))
    assert refused.rule == "too_many_approvals"
    assert "Ask a colleague" in refused.sentence
    for earlier in (approvals(MINUTE), approvals(MINUTE, HOUR), approvals(HOUR, 2 * HOUR, 3 * HOUR)):
        assert decide(request(), APPROVE, facts(approvals=earlier), STRICT, NOON).request.state is State.GRANTING


def test_the_first_of_two_approvals_counts_as_well() -> None:
    two = replace(STRICT, kinds={**STRICT.kinds, "long": replace(STRICT.kinds["long"], decided_by_two=True)})
    with pytest.raises(Refusal) as refused:
        decide(long_request(), Approve(AGENT), facts(approvals=approvals(MINUTE, MINUTE)), two, NOON)
    assert refused.value.rule == "too_many_approvals"


def test_an_agent_over_the_limit_can_still_reject_and_revoke() -> None:
    known = facts(approvals=approvals(MINUTE, MINUTE, MINUTE))
    assert decide(request(), Reject(AGENT, "No"), known, STRICT, NOON).request.state is State.REJECTED
    assert decide(request(State.ACTIVE), Revoke(AGENT, "No"), known, STRICT, NOON).request.state is State.ENDING


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-08-06T20:59:59", ()),  # British summer time: an hour ahead
        ("2026-08-06T21:00:00", ("night",)),
        ("2026-08-07T04:59:59", ("night",)),
        ("2026-08-07T05:00:00", ()),
        ("2026-12-07T21:59:00", ()),
        ("2026-12-07T22:00:00", ("night",)),
    ],
)
def test_an_approval_at_night_is_unusual_by_the_clocks_of_the_uk(moment: str, found: tuple[str, ...]) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert decide(request(), APPROVE, facts(), STRICT, now).request.unusual == found


def test_a_night_that_does_not_pass_midnight_is_understood() -> None:
    early = replace(UNUSUAL, night_from=time(1), night_until=time(5))
    policy = replace(STRICT, limits_for_agents=LimitsForAgents(unusual=early))
    for hour, found in ((0, ()), (1, ("night",)), (4, ("night",)), (5, ())):
        now = datetime(2026, 12, 7, hour, 30, tzinfo=UTC)
        assert decide(request(), APPROVE, facts(), policy, now).request.unusual == found


def test_many_for_one_site_and_the_own_team_are_unusual_and_the_leads_are_told() -> None:
    many = approvals(2 * HOUR, 23 * HOUR, site=SITE.ods)
    decision = decide(long_request(), Approve(AGENT), facts(approvals=many, own_team=True), STRICT, NOON)
    assert decision.request.state is State.GRANTING
    assert decision.request.unusual == ("same_site", "own_team")
    assert Tell(decision.request.reference, Notice.UNUSUAL, Audience.LEADS) in decision.effects
    assert decision.events[-1].details["unusual"] == "same_site, own_team"


def test_what_is_usual_tells_nobody() -> None:
    other = approvals(HOUR, HOUR, site="ZZ000") + approvals(25 * HOUR, 26 * HOUR, site=SITE.ods)
    decision = decide(long_request(), Approve(AGENT), facts(approvals=other), STRICT, NOON)
    assert decision.request.unusual == ()
    assert not [effect for effect in decision.effects if isinstance(effect, Tell)]


def test_leads_can_undo_what_an_agent_decided() -> None:
    leads = facts(groups=frozenset({"leads"}))
    revoked = decide(request(State.ACTIVE), Revoke(OTHER_AGENT, "Not right"), leads, STRICT, NOON).request
    assert revoked.state is State.ENDING
    with pytest.raises(Refusal, match="Only helpdesk staff"):
        decide(request(), Approve(OTHER_AGENT, "call_back"), leads, STRICT, NOON)


@pytest.mark.parametrize("asked", [Asked(by_person=3), Asked(for_person=3), Asked(by_person=9, for_site=9)])
def test_people_who_ask_too_often_are_sent_to_the_telephone_and_lose_nothing(asked: Asked) -> None:
    refused = refusal(ASK, STRICT, asked=asked)
    assert refused.rule == "too_many_requests"
    assert "is kept" in refused.sentence
    assert POLICY.helpdesk.telephone in refused.sentence
    assert not any(character.isdigit() for character in refused.sentence.replace(POLICY.helpdesk.telephone, ""))


def test_a_site_may_ask_only_so_often() -> None:
    assert "site" in refusal(ASK, STRICT, asked=Asked(for_site=2)).sentence
    assert decide(None, ASK, facts(asked=Asked(2, 2, 1)), STRICT, NOON).request.state is State.AWAITING_DECISION


def test_look_ups_are_limited() -> None:
    check_look_ups(1, STRICT)
    with pytest.raises(Refusal, match=POLICY.helpdesk.telephone):
        check_look_ups(2, STRICT)


def test_a_policy_without_limits_limits_nobody() -> None:
    many = approvals(*[MINUTE] * 500)
    night = datetime(2026, 12, 7, 2, tzinfo=UTC)
    approved = decide(request(), APPROVE, facts(approvals=many, own_team=True), FREE, night).request
    assert (approved.state, approved.unusual) == (State.GRANTING, ())
    assert decide(None, ASK, facts(asked=Asked(500, 500, 500)), FREE, NOON).request.state is State.AWAITING_DECISION
    check_look_ups(500, FREE)


def test_only_what_needs_somebodys_eyes_is_an_alarm_and_once_a_day() -> None:
    for rule in ("privileged", "barred"):
        found = attempt(rule, "by", "whom", NOON)
        assert found is not None
        event, warning = found
        assert (event.what, event.by, event.details["subject"]) == (What.TRIED, "by", "whom")
        assert warning == attempt(rule, "by", "whom", NOON + 5 * HOUR)[1]  # type: ignore[index]
        assert warning != attempt(rule, "by", "whom", NOON + 24 * HOUR)[1]  # type: ignore[index]
    busy = attempt("too_many_approvals", "by", "one", NOON)
    assert busy is not None
    assert busy[1] == attempt("too_many_approvals", "by", "another", NOON)[1]  # type: ignore[index]
    for rule in ("disabled", "no_method", "state", "not_an_agent"):
        assert attempt(rule, "by", "whom", NOON) is None


STATES = [State.AWAITING_DECISION, State.GRANTING, State.ACTIVE, State.ENDING]


@pytest.mark.parametrize("state", STATES)
def test_a_colleague_learns_nothing_of_requests_that_do_not_concern_them(state: State) -> None:
    one = request(state)
    sentences = {refusal(replace(ASK, by=STRANGER), POLICY, already=(one,)).sentence}
    assert all(one.reference not in sentence for sentence in sentences)
    other = refusal(replace(ASK, by=STRANGER), POLICY, already=(request(State.AWAITING_DECISION),)).sentence
    assert sentences == {other}, "one that waits and one that is on look the same"
    assert POLICY.helpdesk.telephone in other
    assert SUBJECT.name in other


@pytest.mark.parametrize("state", STATES)
def test_whom_it_concerns_and_the_helpdesk_are_told_which_request_it_is(state: State) -> None:
    one = request(state, asked_by=ASKER)
    for ask in (ASK, replace(ASK, by=ASKER), replace(ASK, taken_by=AGENT)):
        assert one.reference in refusal(ask, POLICY, already=(one,)).sentence


@pytest.mark.parametrize("changed", [{"enabled": False}, {"privileged": True}, {"methods": ("password", "fido2")}])
def test_no_refusal_names_the_methods_that_somebody_has(changed: dict[str, object]) -> None:
    seen = account(**changed)
    with pytest.raises(Refusal) as refused:
        eligibility.check_account(seen, POLICY)
    for method in ("fido2", "password"):
        assert POLICY.account.method_names[method] not in refused.value.sentence
