"""Which command means something in which state: the table that `decisions` keeps to, and that the tests go through."""

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
    Tick,
    Withdraw,
)
from domain.request import OPEN, Request, State

_CLOSED: frozenset[type[Command]] = frozenset({Tick, ConfirmPurge})
ACCEPTED: dict[State, frozenset[type[Command]]] = {
    State.AWAITING_EVIDENCE: frozenset({SendCode, IssueCode, GiveCode, GiveEvidence, Reject, Withdraw, Tick}),
    State.AWAITING_DECISION: frozenset({Approve, Reject, SendBack, Withdraw, Tick}),
    State.GRANTING: frozenset({ConfirmGrant, Withdraw, EndEarly, Revoke, ReportTrouble, SeeAccount, Tick}),
    State.ACTIVE: frozenset({EndEarly, StillNeeded, Revoke, PutBack, SeeAccount, Tick}),
    State.ENDING: frozenset({ConfirmEnd, ReportTrouble, Tick}),
    **{state: _CLOSED for state in State if state not in OPEN},
}
"""A person's command that is not here is refused; the program's own is ignored, because it is late."""

NEED_EVIDENCE = frozenset({SendCode, IssueCode, GiveCode, GiveEvidence, SendBack, StillNeeded, ConfirmPurge})
"""Commands that only mean something for requests from a site, with evidence."""


def accepts(request: Request, command: Command) -> bool:
    kind = type(command)
    return kind in ACCEPTED[request.state] and (request.site is not None or kind not in NEED_EVIDENCE)
