"""How a request stands, in one sentence: the answer to whoever comes too late."""

from domain.moments import uk_time
from domain.request import Cause, Closing, Request, State


def standing(request: Request) -> str:
    """“Sam Price approved it at 2pm on Monday 3 August 2026.”, and so on for each state."""
    decided = request.decided
    who = (
        f"{decided.by.name} {'approved' if decided.approved else 'rejected'} it at {uk_time(decided.at)}."
        if decided
        else ""
    )
    match request.state:
        case State.AWAITING_EVIDENCE if request.questions:
            return "The helpdesk has asked for more evidence."
        case State.AWAITING_EVIDENCE:
            return "It is waiting for evidence from the site."
        case State.AWAITING_DECISION if request.first_approval:
            return (
                f"{request.first_approval.by.name} approved it at {uk_time(request.first_approval.at)}. "
                "A second person has to approve it as well."
            )
        case State.AWAITING_DECISION:
            return "It is waiting for the helpdesk to decide."
        case State.GRANTING if request.ends_at:
            return f"{who} NHSmail had lost it. It is being put back, and ends at {uk_time(request.ends_at)} as before."
        case State.GRANTING:
            return f"{who} It has not started yet: we are waiting for NHSmail to confirm it."
        case State.ACTIVE if request.ends_at:
            return f"{who} The exception ends at {uk_time(request.ends_at)}."
        case State.ENDING if request.closing:
            return f"{_why(request.closing)} It is ending now: we are waiting for NHSmail to confirm it."
        case State.ENDED if request.closing and request.closed_at and request.closing.cause is Cause.RENEWED:
            return _why(request.closing)
        case State.ENDED if request.closing and request.closed_at:
            return f"{_why(request.closing)} The exception ended at {uk_time(request.closed_at)}."
        case State.REJECTED:
            return who
        case State.WITHDRAWN if request.closed_at:
            return f"It was withdrawn at {uk_time(request.closed_at)}."
        case State.LAPSED if request.closed_at:
            what = "The evidence did not come in time" if lacked_evidence(request) else "Nobody decided in time"
            return f"{what}, so it lapsed at {uk_time(request.closed_at)}."
    raise AssertionError(f"{request.reference} is {request.state} without what that state needs")


def _why(closing: Closing) -> str:
    who = closing.by.name if closing.by else "Nobody"
    match closing.cause:
        case Cause.EXPIRED:
            return "Its time is up."
        case Cause.NO_LONGER_NEEDED:
            return f"{who} said that it is no longer needed."
        case Cause.REVOKED:
            return f"{who} revoked it."
        case Cause.ACCOUNT_GONE:
            return "The account is disabled or no longer in NHSmail."
        case Cause.PRIVILEGED:
            return "The account was given administrator rights, which always need MFA."
        case Cause.BARRED:
            return "The account is one of those that always need MFA."
        case Cause.RENEWED:
            return "It was renewed: another exception has taken its place."


def lacked_evidence(request: Request) -> bool:
    """Whether it waited for the site, and not for the helpdesk, when its time was up."""
    asked_again = bool(request.questions) and request.waits_since == request.questions[-1].at
    return request.site is not None and (request.given is None or asked_again)
