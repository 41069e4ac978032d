"""The decision: request and command in; the new request, events and effects out. No clock, no input, no output."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain import eligibility
from domain.commands import (
    AgentCommand,
    Approve,
    Ask,
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
from domain.due import due_reminders, next_due
from domain.effects import Alarm, Audience, Effect, End, Grant, Notice, Refresh, ShowHelpdesk, Tell
from domain.errors import Refusal
from domain.events import Event, What
from domain.lifecycle import accepts
from domain.people import Account, Person
from domain.policy import Details, Policy
from domain.request import Cause, Closing, Decided, Request, State, Stuck, Verified
from domain.standing import standing

ALARM_AFTER = 3
"""Attempts that Entra may refuse before the helpdesk's channel gets a message of its own."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read outside for this decision, a moment ago."""

    account: Account | None = None
    """The subject's account, for `Ask` and `Approve`."""
    already: Request | None = None
    """The subject's open request, for `Ask`."""
    reference: str = ""
    """A fresh reference, for `Ask`."""
    tenant_id: str = ""
    group_id: str = ""
    """The Entra id of the kind's exemption group, for `Ask`."""
    groups: frozenset[str] = frozenset()
    """Which of the helpdesk's groups whoever acts is in, by the policy's names: `helpdesk`, `leads`."""


@dataclass(frozen=True, slots=True)
class Decision:
    request: Request
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()


def decide(request: Request | None, command: Command, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """What this command does to this request. Raises `Refusal` where it may not or cannot be done.

    A command of the program's own that comes too late changes nothing: the decision is then without events and effects.
    """
    if isinstance(command, Ask):
        return _scheduled(_ask(command, facts, policy, now), policy, now)
    if request is None:
        raise AssertionError("only Ask begins a request")
    if isinstance(command, AgentCommand):
        _may_decide(request, command, facts, policy)
    elif isinstance(command, Withdraw | EndEarly) and not request.concerns(command.by.id):
        raise Refusal(
            f"Only {request.subject.name} and whoever asked for it can do this with {request.reference}.",
            rule="not_theirs",
        )
    if not accepts(request.state, command):
        if isinstance(command, SystemCommand):
            return Decision(request)
        raise Refusal(_too_late(request, command), rule="state")
    return _scheduled(_DECIDE[type(command)](request, command, facts, policy, now), policy, now)


def _scheduled(decision: Decision, policy: Policy, now: datetime) -> Decision:
    return replace(decision, request=replace(decision.request, next_due=next_due(decision.request, policy, now)))


def _may_decide(request: Request, command: AgentCommand, facts: Facts, policy: Policy) -> None:
    kind = policy.kinds[request.kind]
    if not facts.groups & set(kind.decided_by):
        raise Refusal("Only helpdesk staff can decide on requests. Nothing was changed.", rule="not_an_agent")
    if isinstance(command, Revoke):
        return
    if command.by.id == request.subject.id:
        raise Refusal("You cannot decide on your own request. Ask a colleague at the helpdesk.", rule="own_request")
    if command.by.id == request.asked_by.id:
        raise Refusal(
            "You asked for this, so somebody else has to decide. Ask a colleague at the helpdesk.", rule="asked_for_it"
        )
    reason = kind.reason(request.reason)
    if isinstance(command, Approve) and reason and reason.second_person and request.taken_by == command.by:
        raise Refusal(
            f"“{reason.title}” needs a second person. You took the call, so a colleague has to approve it.",
            rule="second_person",
        )


def _too_late(request: Request, command: Command) -> str:
    hint = ""
    if request.state is State.AWAITING_DECISION and isinstance(command, Revoke):
        hint = f" To say no, reject it: “reject {request.reference}” and the reason."
    if request.state is State.AWAITING_DECISION and isinstance(command, EndEarly):
        hint = f" To take it back, type “withdraw {request.reference}”."
    if request.state is State.ACTIVE and isinstance(command, Withdraw):
        hint = f" To end it now, type “end {request.reference}”."
    if request.state in (State.GRANTING, State.ACTIVE) and isinstance(command, Reject):
        hint = f" To stop it, type “revoke {request.reference}” and the reason."
    return f"{request.reference}: nothing was changed. {standing(request)}{hint}"


def _ask(command: Ask, facts: Facts, policy: Policy, now: datetime) -> Decision:
    eligibility.check(facts.account, facts.already, policy)
    account = facts.account
    assert account is not None
    if command.taken_by is not None:
        if "helpdesk" not in facts.groups:
            raise Refusal("Only helpdesk staff can ask for a caller.", rule="not_an_agent")
        if command.taken_by.id == command.subject.id:
            raise Refusal("You cannot take your own call. Ask a colleague at the helpdesk.", rule="own_request")
    reason = policy.kinds[command.kind].reason(command.reason)
    if reason is None:
        raise Refusal("This reason is not offered any more. Choose one of the others.", rule="unknown_reason")
    details = command.details.strip()
    if reason.details is Details.REQUIRED and not details:
        raise Refusal(
            f"{reason.details_question} This is needed before we can send the request.", rule="details_missing"
        )
    if len(details) > policy.limits.text:
        raise Refusal(f"Use {policy.limits.text} characters or fewer.", rule="too_long")
    request = Request(
        reference=facts.reference,
        tenant_id=facts.tenant_id,
        kind=command.kind,
        group_id=facts.group_id,
        state=State.AWAITING_DECISION,
        subject=account.person,
        asked_by=command.by,
        taken_by=command.taken_by,
        reason=reason.id,
        details=details,
        methods=account.methods,
        policy_version=policy.version,
        asked_at=now,
    )
    effects: list[Effect] = [ShowHelpdesk(request.reference)]
    if request.subject.id != request.asked_by.id:
        effects.append(Tell(request.reference, Notice.ASKED_FOR_YOU, Audience.SUBJECT))
    event = Event(
        What.ASKED,
        (command.taken_by or command.by).id,
        _filled(
            subject=request.subject.id,
            asked_by=request.asked_by.id,
            kind=request.kind,
            reason=request.reason,
            details=details,
            methods=", ".join(account.methods),
            by_telephone="yes" if command.taken_by else "",
        ),
    )
    return Decision(request, (event,), tuple(effects))


def _approve(request: Request, command: Approve, facts: Facts, policy: Policy, now: datetime) -> Decision:
    if policy.verification(command.verification) is None:
        raise Refusal("Say first how the caller was verified. Nothing is granted before that.", rule="not_verified")
    if len(command.ticket) > policy.limits.text:
        raise Refusal(f"Use {policy.limits.text} characters or fewer for the ticket number.", rule="too_long")
    eligibility.check(facts.account, None, policy)
    verified = Verified(command.verification, command.by, now, command.ticket.strip())
    events = (
        Event(What.VERIFIED, command.by.id, _filled(way=verified.way, ticket=verified.ticket)),
        Event(What.APPROVED, command.by.id),
    )
    granting = replace(
        request, state=State.GRANTING, verified=verified, decided=Decided(command.by, now, approved=True)
    )
    return Decision(granting, events, (Grant(request.reference), Refresh(request.reference)))


def _reject(request: Request, command: Reject, _: Facts, policy: Policy, now: datetime) -> Decision:
    words = _words(command.words, policy, "Say why it is rejected. The person who asked reads this.")
    rejected = replace(
        request, state=State.REJECTED, decided=Decided(command.by, now, approved=False, words=words), closed_at=now
    )
    return Decision(
        rejected, (Event(What.REJECTED, command.by.id, {"words": words}),), _tell_both(request, Notice.REJECTED)
    )


def _withdraw(request: Request, command: Withdraw, _: Facts, __: Policy, now: datetime) -> Decision:
    if request.state is State.GRANTING:
        return _ending(request, Closing(Cause.NO_LONGER_NEEDED, command.by))
    withdrawn = replace(request, state=State.WITHDRAWN, closed_at=now)
    return Decision(
        withdrawn, (Event(What.WITHDRAWN, command.by.id),), _tell_other(request, Notice.WITHDRAWN, command.by)
    )


def _end_early(request: Request, command: EndEarly, _: Facts, __: Policy, ___: datetime) -> Decision:
    return _ending(request, Closing(Cause.NO_LONGER_NEEDED, command.by))


def _revoke(request: Request, command: Revoke, _: Facts, policy: Policy, __: datetime) -> Decision:
    words = _words(command.words, policy, "Say why it is revoked. The people concerned read this.")
    return _ending(request, Closing(Cause.REVOKED, command.by, words))


def _confirm_grant(request: Request, _: ConfirmGrant, __: Facts, policy: Policy, now: datetime) -> Decision:
    ends_at = now + policy.kinds[request.kind].duration
    active = replace(request, state=State.ACTIVE, starts_at=now, ends_at=ends_at, stuck=None)
    event = Event(What.GRANT_CONFIRMED, details={"ends_at": ends_at.isoformat()})
    return Decision(active, (event,), _tell_both(request, Notice.GRANTED))


def _confirm_end(request: Request, _: ConfirmEnd, __: Facts, ___: Policy, now: datetime) -> Decision:
    ended = replace(request, state=State.ENDED, closed_at=now, stuck=None)
    return Decision(ended, (Event(What.END_CONFIRMED),), _tell_both(request, Notice.ENDED))


def _report_trouble(request: Request, command: ReportTrouble, _: Facts, __: Policy, now: datetime) -> Decision:
    since = request.stuck.since if request.stuck else now
    stuck = replace(request, stuck=Stuck(since, command.message, command.attempts))
    event = Event(What.TROUBLE, details={"message": command.message, "attempts": str(command.attempts)})
    effects: list[Effect] = [Refresh(request.reference)]
    if command.attempts >= ALARM_AFTER:
        effects.append(Alarm(request.reference, f"{request.state}:{since.isoformat()}"))
    return Decision(stuck, (event,), tuple(effects))


def _tick(request: Request, _: Tick, __: Facts, policy: Policy, now: datetime) -> Decision:
    if request.next_due is None or now < request.next_due:
        return Decision(request)
    match request.state:
        case State.AWAITING_DECISION:
            lapsed = replace(request, state=State.LAPSED, closed_at=now)
            return Decision(lapsed, (Event(What.LAPSED),), _tell_both(request, Notice.LAPSED))
        case State.GRANTING:
            return Decision(
                request, (Event(What.STARTED_AGAIN, details={"effect": "grant"}),), (Grant(request.reference),)
            )
        case State.ENDING:
            return Decision(request, (Event(What.STARTED_AGAIN, details={"effect": "end"}),), (End(request.reference),))
    assert request.ends_at is not None
    if request.ends_at <= now:
        return _ending(request, Closing(Cause.EXPIRED))
    before, done = due_reminders(request, policy.kinds[request.kind], now)
    if before is None:
        return Decision(request)
    occasion = str(int(before.total_seconds()))
    effect = Tell(request.reference, Notice.REMINDER, Audience.SUBJECT, occasion)
    return Decision(
        replace(request, reminded=done), (Event(What.REMINDER_DUE, details={"before": occasion}),), (effect,)
    )


def _ending(request: Request, closing: Closing) -> Decision:
    event = Event(
        What.ENDING, closing.by.id if closing.by else "", _filled(cause=closing.cause.value, words=closing.words)
    )
    ending = replace(request, state=State.ENDING, closing=closing, stuck=None)
    return Decision(ending, (event,), (End(request.reference), Refresh(request.reference)))


def _words(words: str, policy: Policy, needed: str) -> str:
    words = words.strip()
    if not any(character.isalnum() for character in words):
        raise Refusal(needed, rule="words_missing")
    if len(words) > policy.limits.text:
        raise Refusal(f"Use {policy.limits.text} characters or fewer.", rule="too_long")
    return words


def _tell_both(request: Request, notice: Notice) -> tuple[Effect, ...]:
    both = [Tell(request.reference, notice, Audience.SUBJECT)]
    if request.asked_by.id != request.subject.id:
        both.append(Tell(request.reference, notice, Audience.ASKED_BY))
    return (*both, Refresh(request.reference))


def _tell_other(request: Request, notice: Notice, by: Person) -> tuple[Effect, ...]:
    effects = _tell_both(request, notice)
    own = {Audience.SUBJECT: request.subject.id, Audience.ASKED_BY: request.asked_by.id}
    return tuple(effect for effect in effects if not (isinstance(effect, Tell) and own[effect.to] == by.id))


def _filled(**details: str) -> dict[str, str]:
    return {name: value for name, value in details.items() if value}


_DECIDE: dict[type[Command], Callable[[Request, Any, Facts, Policy, datetime], Decision]] = {
    Approve: _approve,
    Reject: _reject,
    Withdraw: _withdraw,
    EndEarly: _end_early,
    Revoke: _revoke,
    ConfirmGrant: _confirm_grant,
    ConfirmEnd: _confirm_end,
    ReportTrouble: _report_trouble,
    Tick: _tick,
}
