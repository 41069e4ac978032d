"""How a request stands, in one sentence: the answer to whoever comes too late."""

from domain.moments import uk_time
from domain.request import Cause, Closing, Decided, Request, State
from texts import say


def standing(request: Request) -> str:
    """“Sam Price approved it at 2pm on Monday 3 August 2026.”, and so on for each state."""
    match request.state:
        case State.AWAITING_EVIDENCE if request.questions:
            return say("everyone.more_evidence_wanted")
        case State.AWAITING_EVIDENCE:
            return say("everyone.waits_for_evidence")
        case State.AWAITING_DECISION if request.first_approval:
            return f"{_decided(request.first_approval)} {say('everyone.waits_for_second_person')}"
        case State.AWAITING_DECISION:
            return say("everyone.waits_for_decision")
        case State.GRANTING if request.decided and request.ends_at:
            put_back = say("everyone.put_back_as_before", ends_at=uk_time(request.ends_at))
            return f"{_decided(request.decided)} {put_back}"
        case State.GRANTING if request.decided:
            return f"{_decided(request.decided)} {say('everyone.not_started_yet')}"
        case State.ACTIVE if request.decided and request.ends_at:
            return f"{_decided(request.decided)} {say('everyone.ends_at', ends_at=uk_time(request.ends_at))}"
        case State.ENDING if request.closing:
            return f"{_why(request, request.closing)} {say('everyone.ends_now')}"
        case State.ENDED if request.closing and request.closed_at and request.closing.cause is Cause.RENEWED:
            return _why(request, request.closing)
        case State.ENDED if request.closed_at and request.never_confirmed:
            taken_back = say("everyone.taken_back_at", closed_at=uk_time(request.closed_at))
            return f"{say('everyone.never_confirmed_in_time')} {taken_back}"
        case State.ENDED if request.closing and request.closed_at:
            ended = say("everyone.ended_at", closed_at=uk_time(request.closed_at))
            return f"{_why(request, request.closing)} {ended}"
        case State.REJECTED if request.decided:
            return _decided(request.decided)
        case State.WITHDRAWN if request.closed_at:
            return say("everyone.withdrawn_at", closed_at=uk_time(request.closed_at))
        case State.LAPSED if request.closed_at and lacked_evidence(request):
            return say("everyone.lapsed_without_evidence", closed_at=uk_time(request.closed_at))
        case State.LAPSED if request.closed_at:
            return say("everyone.lapsed_without_decision", closed_at=uk_time(request.closed_at))
    raise AssertionError(f"{request.reference} is {request.state} without what that state needs")


def _decided(decided: Decided) -> str:
    key = "everyone.approved_by" if decided.approved else "everyone.rejected_by"
    return say(key, name=decided.by.name, at=uk_time(decided.at))


def _why(request: Request, closing: Closing) -> str:
    who = closing.by.name if closing.by else say("everyone.somebody")
    match closing.cause:
        case Cause.EXPIRED if request.never_confirmed:
            return say("everyone.never_confirmed_in_time")
        case Cause.EXPIRED:
            return say("everyone.time_is_up")
        case Cause.NO_LONGER_NEEDED:
            return say("everyone.said_no_longer_needed", name=who)
        case Cause.REVOKED:
            return say("everyone.revoked_by", name=who)
        case Cause.ACCOUNT_GONE:
            return say("everyone.account_gone_now")
        case Cause.PRIVILEGED:
            return say("everyone.privileged_now")
        case Cause.BARRED:
            return say("everyone.barred_now")
        case Cause.RENEWED:
            return say("everyone.followed_by_another")


def lacked_evidence(request: Request) -> bool:
    """Whether it waited for the site, and not for the helpdesk, when its time was up."""
    asked_again = bool(request.questions) and request.waits_since == request.questions[-1].at
    return request.site is not None and (request.given is None or asked_again)
