"""What helpdesk staff decide: yes, no, or tell us more."""

from dataclasses import replace
from datetime import datetime

from domain import eligibility, watching
from domain.commands import AgentCommand, Approve, Reject, Revoke, SendBack
from domain.effects import Audience, Effect, Grant, Notice, Refresh, Tell
from domain.errors import Refusal
from domain.events import Event, What
from domain.outcome import Decision, Facts, filled, given_words, tell_all
from domain.policy import Kind, Policy
from domain.request import Decided, Question, Request, State, Verified
from texts import say


def check_decider(request: Request, command: AgentCommand, facts: Facts, policy: Policy) -> None:
    """Raises `Refusal` unless whoever acts may decide on this request."""
    kind = policy.kinds[request.kind]
    may = {*kind.decided_by, "leads"} if isinstance(command, Revoke) else set(kind.decided_by)
    if not facts.groups & may:
        raise Refusal(say("everyone.only_helpdesk_decides"), rule="not_an_agent")
    if isinstance(command, Revoke):
        return
    if command.by.id == request.subject.id:
        raise Refusal(say("agent.own_request"), rule="own_request")
    if command.by.id == request.asked_by.id:
        raise Refusal(say("agent.asked_for_it"), rule="asked_for_it")
    if request.giver is not None and command.by.id == request.giver.id:
        raise Refusal(
            say("agent.gave_evidence"),
            rule="gave_evidence",
        )
    reason = kind.reason(request.reason)
    if isinstance(command, Approve) and reason and reason.second_person and request.taken_by == command.by:
        raise Refusal(
            say("agent.second_person_for_reason", title=reason.title),
            rule="second_person",
        )


def approve(request: Request, command: Approve, facts: Facts, policy: Policy, now: datetime) -> Decision:
    kind = policy.kinds[request.kind]
    verified = None if kind.evidence else _verified(command, policy, now)
    if kind.evidence and request.given is None:
        raise Refusal(say("agent.no_evidence"), rule="no_evidence")
    if len(command.ticket) > policy.limits.text:
        raise Refusal(say("agent.ticket_too_long", most=policy.limits.text), rule="too_long")
    if command.days is not None and not 1 <= command.days <= kind.duration.days:
        raise Refusal(say("agent.days_out_of_range", days=kind.duration.days), rule="days")
    eligibility.check_account(facts.account, policy)
    check_repeat(kind, facts)
    watching.check_approvals(facts.approvals, policy, now)
    assert facts.account is not None
    days = command.days if command.days != kind.duration.days else None
    decided = Decided(command.by, now, approved=True)
    if kind.decided_by_two and request.first_approval is None:
        first = replace(request, first_approval=decided, days=days)
        event = Event(What.APPROVED_FIRST, command.by.id, filled(days=str(days or "")))
        return Decision(first, (event,), (Refresh(request.reference),))
    if request.first_approval is not None and request.first_approval.by.id == command.by.id:
        raise Refusal(say("agent.second_person"), rule="second_person")
    unusual = watching.unusual(request, facts.approvals, own_team=facts.own_team, policy=policy, now=now)
    granting = replace(
        request,
        unusual=unusual,
        state=State.GRANTING,
        verified=verified,
        decided=decided,
        days=_shorter(days, request.days),
        methods=facts.account.methods,
        method_ids=facts.account.method_ids,
    )
    details = filled(days=str(granting.days or ""), unusual=", ".join(unusual))
    events = [Event(What.APPROVED, command.by.id, details)]
    if verified:
        events.insert(0, Event(What.VERIFIED, command.by.id, filled(way=verified.way, ticket=verified.ticket)))
    effects: list[Effect] = [Grant(request.reference, request.subject.id, request.group_id), Refresh(request.reference)]
    if unusual:
        effects.append(Tell(request.reference, Notice.UNUSUAL, Audience.LEADS))
    return Decision(granting, tuple(events), tuple(effects))


def check_repeat(kind: Kind, facts: Facts) -> None:
    """Raises `Refusal` where this would be one too many and whoever approves is no lead."""
    count = granted_before(facts.history)
    if kind.repeat and count >= kind.repeat.most and "leads" not in facts.groups:
        raise Refusal(
            say("agent.lead_has_to_approve", count=count, days=kind.repeat.window.days),
            rule="repeat",
        )


def granted_before(history: tuple[Request, ...]) -> int:
    return len([one for one in history if one.starts_at is not None])


def _verified(command: Approve, policy: Policy, now: datetime) -> Verified:
    if policy.verification(command.verification) is None:
        raise Refusal(say("agent.not_verified"), rule="not_verified")
    return Verified(command.verification, command.by, now, command.ticket.strip())


def _shorter(one: int | None, other: int | None) -> int | None:
    given = [days for days in (one, other) if days is not None]
    return min(given) if given else None


def reject(request: Request, command: Reject, _: Facts, policy: Policy, now: datetime) -> Decision:
    words = given_words(command.words, policy, say("agent.reject_words_needed"))
    rejected = replace(
        request, state=State.REJECTED, decided=Decided(command.by, now, approved=False, words=words), closed_at=now
    )
    return Decision(
        rejected, (Event(What.REJECTED, command.by.id, {"words": words}),), tell_all(request, Notice.REJECTED)
    )


def send_back(request: Request, command: SendBack, _: Facts, policy: Policy, now: datetime) -> Decision:
    """The evidence is open again for whoever gave it, with the question on top."""
    if request.given is None:
        raise Refusal(say("agent.nothing_to_send_back"), rule="no_evidence")
    words = given_words(command.words, policy, say("agent.question_needed"))
    question = Question(command.by, now, words)
    asked = replace(
        request,
        state=State.AWAITING_EVIDENCE,
        questions=(*request.questions, question),
        first_approval=None,
        days=None,
        waiting_since=now,
    )
    number = str(len(asked.questions))
    effects = (
        Tell(request.reference, Notice.SENT_BACK, Audience.GIVER, number),
        Refresh(request.reference),
    )
    return Decision(asked, (Event(What.SENT_BACK, command.by.id, {"words": words}),), effects)
