"""The decision: request and command in; the new request, events and effects out. No clock, no input, no output."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain import asking, judging, lasting, quiet_hours, ticking, timeline, vouching
from domain.commands import (
    AgentCommand,
    Approve,
    Ask,
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
from domain.errors import Refusal
from domain.lifecycle import accepts
from domain.outcome import Decision, Facts
from domain.policy import Policy
from domain.request import Request, State
from domain.standing import standing
from texts import say


def decide(request: Request | None, command: Command, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """What this command does to this request. Raises `Refusal` where it may not or cannot be done.

    A command of the program's own that comes too late changes nothing: the decision is then without events and effects.
    """
    if isinstance(command, Ask):
        return _scheduled(asking.ask(command, facts, policy, now), policy, now)
    if request is None:
        raise AssertionError("only Ask begins a request")
    if isinstance(command, AgentCommand):
        judging.check_decider(request, command, facts, policy)
    elif isinstance(command, Withdraw | EndEarly | StillNeeded) and not request.concerns(command.by.id):
        raise Refusal(say("everyone.not_theirs", reference=request.reference), rule="not_theirs")
    if not accepts(request, command):
        if isinstance(command, SystemCommand):
            return Decision(request)
        raise Refusal(_too_late(request, command), rule="state")
    decision = _DECIDE[type(command)](request, command, facts, policy, now)
    if isinstance(command, SeeAccount) and decision.request.state is State.GRANTING:
        return decision  # or looking often would put off for ever what is started again
    return _scheduled(decision, policy, now)


def _scheduled(decision: Decision, policy: Policy, now: datetime) -> Decision:
    def dated(request: Request) -> Request:
        return replace(request, next_due=timeline.next_due(request, policy, now))

    decision = quiet_hours.hold_back(decision, policy, now, timeline.lapses_at(decision.request, policy))
    followed = dated(decision.followed) if decision.followed else None
    return replace(decision, request=dated(decision.request), followed=followed)


def _too_late(request: Request, command: Command) -> str:
    reference, how = request.reference, standing(request)
    waiting = request.state in (State.AWAITING_EVIDENCE, State.AWAITING_DECISION)
    if waiting and isinstance(command, Revoke):
        return say("agent.late_reject_instead", reference=reference, standing=how)
    if waiting and isinstance(command, EndEarly):
        return say("requester.late_withdraw_instead", reference=reference, standing=how)
    if request.state is State.ACTIVE and isinstance(command, Withdraw):
        return say("requester.late_end_instead", reference=reference, standing=how)
    if request.state in (State.GRANTING, State.ACTIVE) and isinstance(command, Reject):
        return say("agent.late_revoke_instead", reference=reference, standing=how)
    return say("everyone.too_late", reference=reference, standing=how)


_DECIDE: dict[type[Command], Callable[[Request, Any, Facts, Policy, datetime], Decision]] = {
    Approve: judging.approve,
    Reject: judging.reject,
    SendBack: judging.send_back,
    Withdraw: lasting.withdraw,
    EndEarly: lasting.end_early,
    StillNeeded: lasting.still_needed,
    Revoke: lasting.revoke,
    PutBack: lasting.put_back,
    SendCode: vouching.send_code,
    IssueCode: vouching.issue_code,
    GiveCode: vouching.give_code,
    GiveEvidence: vouching.give_evidence,
    ConfirmGrant: lasting.confirm_grant,
    ConfirmEnd: lasting.confirm_end,
    ReportTrouble: lasting.report_trouble,
    SeeAccount: lasting.see_account,
    ConfirmPurge: lasting.confirm_purge,
    Tick: ticking.tick,
}
