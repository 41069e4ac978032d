"""Every state with every command, for both kinds: the table is the specification, and `decide` keeps to it."""

from datetime import timedelta
from itertools import product

import pytest

from domain.commands import (
    Approve,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    ConfirmPurge,
    EndEarly,
    GiveCode,
    GiveEvidence,
    IssueCode,
    PutBack,
    Reject,
    ReportTrouble,
    Revoke,
    SeeAccount,
    SendBack,
    SendCode,
    StillNeeded,
    SystemCommand,
    Tick,
    Withdraw,
)
from domain.decisions import decide
from domain.errors import Refusal
from domain.request import HalfWayAsked, Request, State
from tests.builders import AGENT, NOON, OWNER, POLICY, SUBJECT, account, facts, long_request, request

COMMANDS: dict[type[Command], Command] = {
    Approve: Approve(AGENT, "call_back", "INC1"),
    Reject: Reject(AGENT, "Not verified"),
    SendBack: SendBack(AGENT, "Which ward is it?"),
    Withdraw: Withdraw(SUBJECT),
    EndEarly: EndEarly(SUBJECT),
    StillNeeded: StillNeeded(OWNER),
    Revoke: Revoke(AGENT, "No longer right"),
    PutBack: PutBack(AGENT),
    SendCode: SendCode(SUBJECT),
    IssueCode: IssueCode("01", "d2", 1),
    GiveCode: GiveCode(OWNER),
    GiveEvidence: GiveEvidence(OWNER, statement=True),
    ConfirmGrant: ConfirmGrant(),
    ConfirmEnd: ConfirmEnd(),
    ReportTrouble: ReportTrouble("Graph answered 503", 1),
    SeeAccount: SeeAccount(account(enabled=False)),
    ConfirmPurge: ConfirmPurge(),
    Tick: Tick(),
}
LASTING: dict[tuple[State, type[Command]], State] = {
    (State.AWAITING_DECISION, Approve): State.GRANTING,
    (State.AWAITING_DECISION, Reject): State.REJECTED,
    (State.AWAITING_DECISION, Withdraw): State.WITHDRAWN,
    (State.AWAITING_DECISION, Tick): State.LAPSED,
    (State.GRANTING, ConfirmGrant): State.ENDING,  # its time is up
    (State.GRANTING, Withdraw): State.ENDING,
    (State.GRANTING, EndEarly): State.ENDING,
    (State.GRANTING, Revoke): State.ENDING,
    (State.GRANTING, ReportTrouble): State.GRANTING,
    (State.GRANTING, SeeAccount): State.ENDING,
    (State.GRANTING, Tick): State.ENDING,  # its time is up
    (State.ACTIVE, EndEarly): State.ENDING,
    (State.ACTIVE, Revoke): State.ENDING,
    (State.ACTIVE, PutBack): State.ENDING,  # its time is up
    (State.ACTIVE, SeeAccount): State.ENDING,
    (State.ACTIVE, Tick): State.ENDING,
    (State.ENDING, ConfirmEnd): State.ENDED,
    (State.ENDING, ReportTrouble): State.ENDING,
    (State.ENDING, Tick): State.ENDING,
}
WITH_EVIDENCE: dict[tuple[State, type[Command]], State] = LASTING | {
    (State.AWAITING_EVIDENCE, SendCode): State.AWAITING_EVIDENCE,
    (State.AWAITING_EVIDENCE, IssueCode): State.AWAITING_EVIDENCE,
    (State.AWAITING_EVIDENCE, GiveCode): State.AWAITING_EVIDENCE,
    (State.AWAITING_EVIDENCE, GiveEvidence): State.AWAITING_DECISION,
    (State.AWAITING_EVIDENCE, Reject): State.REJECTED,
    (State.AWAITING_EVIDENCE, Withdraw): State.WITHDRAWN,
    (State.AWAITING_EVIDENCE, Tick): State.LAPSED,
    (State.AWAITING_DECISION, SendBack): State.AWAITING_EVIDENCE,
    (State.ACTIVE, StillNeeded): State.ACTIVE,
}
for closed in (State.ENDED, State.REJECTED, State.WITHDRAWN, State.LAPSED):
    WITH_EVIDENCE |= {(closed, ConfirmPurge): closed, (closed, Tick): closed}
LATE = NOON + timedelta(days=400)
SHORT_STATES = [state for state in State if state is not State.AWAITING_EVIDENCE]


@pytest.mark.parametrize(
    ("state", "kind"), list(product(SHORT_STATES, COMMANDS)), ids=lambda value: getattr(value, "__name__", value)
)
def test_each_state_takes_just_the_commands_of_the_table(state: State, kind: type[Command]) -> None:
    check(request(state), COMMANDS[kind], LASTING.get((state, kind)))


@pytest.mark.parametrize(
    ("state", "kind"), list(product(State, COMMANDS)), ids=lambda value: getattr(value, "__name__", value)
)
def test_each_state_of_a_long_term_request_takes_just_the_commands_of_the_table(
    state: State, kind: type[Command]
) -> None:
    one = long_request(state)
    if kind is GiveEvidence and state is State.AWAITING_EVIDENCE:
        one = decide(one, GiveCode(OWNER), facts(), POLICY, NOON).request
    if kind is StillNeeded and state is State.ACTIVE:
        one = long_request(state, half_way=HalfWayAsked(NOON))
    check(one, COMMANDS[kind], WITH_EVIDENCE.get((state, kind)))


def check(before: Request, command: Command, wanted: State | None) -> None:
    if wanted is not None:
        decision = decide(before, command, facts(), POLICY, LATE)
        assert decision.request.state is wanted
        assert decision.events
    elif isinstance(command, SystemCommand):
        decision = decide(before, command, facts(), POLICY, LATE)
        assert (decision.request, decision.events, decision.effects) == (before, (), ())
    else:
        with pytest.raises(Refusal) as refused:
            decide(before, command, facts(), POLICY, LATE)
        assert before.reference in refused.value.sentence or refused.value.rule == "not_theirs"
        assert refused.value.rule in ("state", "not_theirs")
