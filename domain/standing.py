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
        case State.AWAITING_DECISION:
            return "It is waiting for the helpdesk to decide."
        case State.GRANTING:
            return f"{who} It has not started yet: we are waiting for NHSmail to confirm it."
        case State.ACTIVE if request.ends_at:
            return f"{who} The exception ends at {uk_time(request.ends_at)}."
        case State.ENDING if request.closing:
            return f"{_why(request.closing)} It is ending now: we are waiting for NHSmail to confirm it."
        case State.ENDED if request.closing and request.closed_at:
            return f"{_why(request.closing)} The exception ended at {uk_time(request.closed_at)}."
        case State.REJECTED:
            return who
        case State.WITHDRAWN if request.closed_at:
            return f"It was withdrawn at {uk_time(request.closed_at)}."
        case State.LAPSED if request.closed_at:
            return f"Nobody decided in time, so it lapsed at {uk_time(request.closed_at)}."
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
