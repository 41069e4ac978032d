"""Every state with every command: the table is the specification, and `decide` keeps to it."""

from datetime import timedelta
from itertools import product

import pytest

from domain.commands import (
    Approve,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    EndEarly,
    Reject,
    ReportTrouble,
    Revoke,
    SystemCommand,
    Tick,
    Withdraw,
)
from domain.decisions import decide
from domain.errors import Refusal
from domain.request import State
from tests.builders import AGENT, NOON, POLICY, SUBJECT, facts, request

COMMANDS: dict[type[Command], Command] = {
    Approve: Approve(AGENT, "call_back", "INC1"),
    Reject: Reject(AGENT, "Not verified"),
    Withdraw: Withdraw(SUBJECT),
    EndEarly: EndEarly(SUBJECT),
    Revoke: Revoke(AGENT, "No longer right"),
    ConfirmGrant: ConfirmGrant(),
    ConfirmEnd: ConfirmEnd(),
    ReportTrouble: ReportTrouble("Graph answered 503", 1),
    Tick: Tick(),
}
GOES_TO: dict[tuple[State, type[Command]], State] = {
    (State.AWAITING_DECISION, Approve): State.GRANTING,
    (State.AWAITING_DECISION, Reject): State.REJECTED,
    (State.AWAITING_DECISION, Withdraw): State.WITHDRAWN,
    (State.AWAITING_DECISION, Tick): State.LAPSED,
    (State.GRANTING, ConfirmGrant): State.ACTIVE,
    (State.GRANTING, Withdraw): State.ENDING,
    (State.GRANTING, EndEarly): State.ENDING,
    (State.GRANTING, Revoke): State.ENDING,
    (State.GRANTING, ReportTrouble): State.GRANTING,
    (State.GRANTING, Tick): State.GRANTING,
    (State.ACTIVE, EndEarly): State.ENDING,
    (State.ACTIVE, Revoke): State.ENDING,
    (State.ACTIVE, Tick): State.ENDING,
    (State.ENDING, ConfirmEnd): State.ENDED,
    (State.ENDING, ReportTrouble): State.ENDING,
    (State.ENDING, Tick): State.ENDING,
}
LATE = NOON + timedelta(days=10)


@pytest.mark.parametrize(
    ("state", "kind"), list(product(State, COMMANDS)), ids=lambda value: getattr(value, "__name__", value)
)
def test_each_state_takes_just_the_commands_of_the_table(state: State, kind: type[Command]) -> None:
    before, command = request(state), COMMANDS[kind]
    wanted = GOES_TO.get((state, kind))
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
        assert before.reference in refused.value.sentence
        assert refused.value.rule == "state"
