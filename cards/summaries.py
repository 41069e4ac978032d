"""What the activity feed and a locked screen show of a notice: all that is needed, and nothing that is private.

Whoever looks over the shoulder reads it, too. So it holds no reason and no words that anybody typed. A notice about
somebody else names them. What happened comes first, because screens cut the rest.
"""

from datetime import datetime

from cards.request import to_each
from domain.effects import Audience, Notice
from domain.moments import span, uk_time
from domain.policy import Policy
from domain.request import Cause, Request
from domain.standing import lacked_evidence
from texts import say


def summary(request: Request, what: Notice, to: Audience, policy: Policy, now: datetime) -> str:
    """Raises `AssertionError` where the notice cannot be said of the request: `services.show` asks that first."""
    name, reference = request.subject.name, request.reference
    match what:
        case Notice.ASKED_FOR_YOU:
            return say("requester.asked_for_you_line", asked_by=request.asked_by.name)
        case Notice.EVIDENCE_WANTED:
            return say("owner.evidence_wanted_line", subject=name, until=_evidence_by(request, policy))
        case Notice.EVIDENCE_REMINDER:
            return say("owner.evidence_reminder_line", subject=name, until=_evidence_by(request, policy))
        case Notice.SENT_BACK:
            return say("owner.sent_back_line", subject=name, until=_evidence_by(request, policy))
        case Notice.EVIDENCE_GIVEN:
            return to_each(request, to, "requester.evidence_given_line", "everyone.evidence_given_line")
        case Notice.WAITING_LONG:
            waited = span(now - request.waits_since)
            return say("lead.waiting_long_line", span=waited, subject=name, reference=reference)
        case Notice.GRANTED:
            assert request.ends_at is not None
            ends_at = uk_time(request.ends_at)
            return to_each(request, to, "requester.granted_line", "everyone.granted_line", ends_at=ends_at)
        case Notice.REMINDER:
            return _ends_soon(request, to, now)
        case Notice.HALF_WAY:
            return to_each(
                request, to, "requester.half_way_line", "everyone.half_way_line", span=_within(request, policy)
            )
        case Notice.METHOD_FOUND:
            return say("requester.method_found_line")
        case Notice.UNUSUAL:
            assert request.decided is not None
            return say("lead.unusual_line", agent=request.decided.by.name, subject=name, reference=reference)
        case Notice.REJECTED:
            return to_each(request, to, "requester.rejected_line", "everyone.rejected_line")
        case Notice.WITHDRAWN:
            return to_each(request, to, "requester.withdrawn_line", "everyone.withdrawn_line")
        case Notice.LAPSED if lacked_evidence(request):
            return to_each(request, to, "requester.lapsed_no_evidence_line", "everyone.lapsed_no_evidence_line")
        case Notice.LAPSED:
            return to_each(request, to, "requester.lapsed_line", "everyone.lapsed_line")
        case Notice.ENDED if request.closing and request.closing.cause is Cause.REVOKED:
            return to_each(request, to, "requester.revoked_line", "everyone.revoked_line")
        case Notice.ENDED if request.never_confirmed:
            return to_each(request, to, "requester.never_confirmed_line", "everyone.never_confirmed_line")
        case Notice.ENDED:
            return to_each(request, to, "requester.ended_line", "everyone.ended_line")


def _ends_soon(request: Request, to: Audience, now: datetime) -> str:
    assert request.ends_at is not None
    left, ends_at = span(request.ends_at - now), uk_time(request.ends_at)
    return to_each(request, to, "requester.reminder_line", "everyone.reminder_line", span=left, ends_at=ends_at)


def _evidence_by(request: Request, policy: Policy) -> str:
    rules = policy.kinds[request.kind].evidence
    assert rules is not None
    return uk_time(request.waits_since + rules.given_within)


def _within(request: Request, policy: Policy) -> str:
    rules = policy.kinds[request.kind].half_way
    assert rules is not None
    return span(rules.answer_within)
