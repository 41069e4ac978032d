"""Who is told: each person once for each event, whatever parts they have in it, and approvers of nothing decided."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience import people
from domain.commands import (
    AgentCommand,
    Approve,
    Ask,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    EndEarly,
    GiveCode,
    GiveEvidence,
    IssueCode,
    Reject,
    Revoke,
    SeeAccount,
    SendBack,
    StillNeeded,
    Tick,
    Withdraw,
)
from domain.decisions import decide
from domain.effects import Alarm, Audience, Notice, Refresh, ShowHelpdesk, Tell
from domain.errors import Refusal
from domain.outcome import Decision
from domain.people import Person
from domain.policy import Policy
from domain.request import Answer, Decided, Request, State
from tests.builders import (
    AGENT,
    ASKER,
    NOON,
    OTHER_AGENT,
    OTHER_OWNER,
    OWNER,
    POLICY,
    RIGHT_DIGEST,
    RULES,
    SITE,
    SUBJECT,
    account,
    facts,
    long_request,
    person,
)

FEW = [SUBJECT, ASKER, OWNER, OTHER_OWNER]
LEADS = (AGENT, OTHER_AGENT, person("Lena Lead"), *FEW)
SELF = replace(RULES, subject_may_give=True)
ANYBODY_GIVES: Policy = replace(
    POLICY, kinds=POLICY.kinds | {"long": replace(POLICY.kinds["long"], evidence=SELF)}, quiet_hours=None
)
SOMEBODY = st.sampled_from(FEW)
OWNERS = st.lists(SOMEBODY, unique=True, max_size=3).map(tuple)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(GiveCode, SOMEBODY),
    st.builds(GiveEvidence, SOMEBODY, st.just(True)),
    st.builds(Approve, st.sampled_from([AGENT, OTHER_AGENT])),
    st.builds(SendBack, st.just(AGENT), st.just("Why?")),
    st.builds(Revoke, st.just(AGENT), st.just("Enough")),
    st.builds(EndEarly, SOMEBODY),
    st.builds(StillNeeded, SOMEBODY),
    st.just(IssueCode("00", RIGHT_DIGEST, 1)),
    st.just(ConfirmGrant()),
    st.just(ConfirmGrant()),
    st.just(ConfirmEnd()),
    st.just(SeeAccount(account(method_ids=("phone:1",)))),
    st.just(Tick()),
    st.just(Tick()),
)
LAST: st.SearchStrategy[Command] = st.one_of(
    st.builds(Reject, st.just(AGENT), st.just("No")), st.builds(Withdraw, SOMEBODY), st.just(Tick())
)
DAYS = st.sampled_from([0, 0, 0, 1, 7, 14, 28, 60, 90])
DECIDING = (AgentCommand, Withdraw, EndEarly, ConfirmGrant, ConfirmEnd, StillNeeded)


def reached(decision: Decision) -> Counter[tuple[Notice, str]]:
    """Which notice reaches whom, and how often, of all that one decision wants."""
    tells = [one for one in decision.effects if isinstance(one, Tell)]
    return Counter((tell.notice, one.id) for tell in tells for one in people(decision.request, tell.to, LEADS))


def check(command: Command, decision: Decision) -> None:
    twice = [one for one, times in reached(decision).items() if times > 1]
    assert not twice, (command, twice)
    if isinstance(command, DECIDING):
        assert not [one for one in decision.effects if isinstance(one, ShowHelpdesk | Alarm)], command
        told = {who for notice, who in reached(decision) if notice is not Notice.UNUSUAL}
        assert told <= decision.request.people, command


@settings(max_examples=300, deadline=None)
@given(SOMEBODY, SOMEBODY, OWNERS, st.lists(st.tuples(COMMANDS, DAYS), max_size=30), LAST, DAYS)
def test_nobody_is_told_the_same_twice_and_approvers_hear_nothing_of_what_is_decided(
    subject: Person,
    asker: Person,
    owners: tuple[Person, ...],
    steps: list[tuple[Command, int]],
    last: Command,
    days: int,
) -> None:
    ask = Ask(
        by=asker,
        subject=subject,
        kind="long",
        reason="secure_location",
        site=replace(SITE, owners=owners),
        tried=(Answer("app", "No"),),
    )
    now, known = NOON, facts(account=account(person=subject), groups=frozenset({"helpdesk", "leads"}))
    decision = decide(None, ask, known, ANYBODY_GIVES, now)
    check(ask, decision)
    for command, later in [*steps, (last, days)]:
        now += timedelta(days=later)
        try:
            decision = decide(decision.request, command, known, ANYBODY_GIVES, now)
        except Refusal:
            continue
        check(command, decision)


def lapsed(one: Request, now: datetime) -> Counter[tuple[Notice, str]]:
    return reached(decide(replace(one, next_due=now), Tick(), facts(), replace(POLICY, quiet_hours=None), now))


def test_an_owner_who_asked_is_told_once_that_it_lapsed() -> None:
    one = long_request(State.AWAITING_EVIDENCE, asked_by=OWNER)
    told = lapsed(one, NOON + timedelta(days=28))
    assert told == Counter({(Notice.LAPSED, who.id): 1 for who in (SUBJECT, OWNER, OTHER_OWNER)})


def test_all_parts_in_one_person_make_one_message() -> None:
    one = long_request(State.GRANTING, asked_by=OWNER, subject=OWNER)
    granted = decide(one, ConfirmGrant(), facts(), POLICY, NOON)
    assert reached(granted) == Counter({(Notice.GRANTED, OWNER.id): 1})


@pytest.mark.parametrize("notice", [Notice.UNUSUAL, Notice.WAITING_LONG])
def test_a_lead_with_a_part_in_a_request_is_not_asked_to_look_at_it(notice: Notice) -> None:
    one = replace(
        long_request(State.GRANTING),
        first_approval=Decided(OTHER_AGENT, NOON, approved=True),
    )
    told = people(one, Tell(one.reference, notice, Audience.LEADS).to, LEADS)
    assert [lead.name for lead in told] == ["Lena Lead", "Oscar Owner"]


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (State.AWAITING_DECISION, Approve(AGENT)),
        (State.AWAITING_DECISION, Reject(AGENT, "No")),
        (State.AWAITING_DECISION, SendBack(AGENT, "Why?")),
        (State.ACTIVE, Revoke(AGENT, "Enough")),
    ],
)
def test_after_a_decision_the_channel_only_sees_its_cards_change(state: State, command: Command) -> None:
    decision = decide(long_request(state), command, facts(), POLICY, NOON)
    assert [one for one in decision.effects if isinstance(one, Refresh)]
    assert not [one for one in decision.effects if isinstance(one, ShowHelpdesk | Alarm)]
    assert AGENT.id not in {who for _, who in reached(decision)}
