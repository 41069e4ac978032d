"""Which command means something in which state: the table that `decisions` keeps to, and that the tests go through."""

from domain.commands import (
    Approve,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    EndEarly,
    Reject,
    ReportTrouble,
    Revoke,
    Tick,
    Withdraw,
)
from domain.request import State

ACCEPTED: dict[State, frozenset[type[Command]]] = {
    State.AWAITING_DECISION: frozenset({Approve, Reject, Withdraw, Tick}),
    State.GRANTING: frozenset({ConfirmGrant, Withdraw, EndEarly, Revoke, ReportTrouble, Tick}),
    State.ACTIVE: frozenset({EndEarly, Revoke, Tick}),
    State.ENDING: frozenset({ConfirmEnd, ReportTrouble, Tick}),
    State.ENDED: frozenset(),
    State.REJECTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.LAPSED: frozenset(),
}
"""A person's command that is not here is refused; the program's own is ignored, because it is late."""


def accepts(state: State, command: Command) -> bool:
    return type(command) in ACCEPTED[state]
