"""The words of the yearly pack: what its tables say, one and the same in the spreadsheet and in the document."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.moments import uk_date, uk_time
from domain.pack import Action, Documented, Doing, Figure, Kept, Review, Way, Year, began
from domain.policy import Policy
from domain.request import Cause, Request, State

Cell = str | datetime | int
"""A moment is shown as the UK's local time."""

FIGURES = {
    Figure.IN_FORCE: "Exceptions in force at any time",
    Figure.PEOPLE: "People who had one",
    Figure.BEGAN: "Began in this time",
    Figure.ENDED: "Ended in this time, confirmed by Entra",
    Figure.STILL_ON: "On when this was written",
    Figure.ASSESSED: "With a risk assessment of their own, from the site",
    Figure.ACCEPTED: "Without one: the policy accepts the risk of this kind",
    Figure.BY_TWO: "Approved by two people",
    Figure.REVIEWED: "Reviewed at least once",
    Figure.RENEWED: "Followed by a renewal",
}
NOT_GRANTED = {
    State.REJECTED: "Requests that were rejected",
    State.LAPSED: "Requests that lapsed",
    State.WITHDRAWN: "Requests that were withdrawn",
}
ACTIONS = {
    Doing.NOT_ENDED: ("Not ended in Entra", "Look at the group in Entra, and take the account out by hand."),
    Doing.UNPROVED: ("Approved, and not confirmed by Entra", "Find out why Entra does not confirm it, or revoke it."),
    Doing.PAST_REPLACEMENT: ("On after the day it was to be replaced", "Ask the site for its plan, or end it."),
    Doing.UNANSWERED: ("Not said half way that it is still needed", "Ask the site. If it is not needed, revoke it."),
    Doing.NOT_DELIVERED: ("Somebody could not be told", "Tell them by telephone."),
    Doing.UNREADABLE: ("Evidence that no key opens", "Look for the key, and add it to EVIDENCE_KEYS."),
    Doing.DRIFT: ("Entra and the book do not agree", "Look at its card in the helpdesk's channel."),
    Doing.SITE: ("A warning about a site that has an exception on", "Correct the register of sites."),
}
"""What it is, and what to do."""
ASKED_FOR = (
    ("Every exception is documented", "The table of exceptions: one row for each, from its first day to its end."),
    (
        "Its risk is assessed",
        "The columns about risk. For kinds that need evidence the site answers for its assessment. For the others the "
        "policy accepts the risk for a short time, and the caller is verified.",
    ),
    (
        "It is approved, by the board or by those to whom it delegated this",
        "The columns about approval: who, when, under which version of the policy. The delegation itself is yours to "
        "add below.",
    ),
    ("It is reviewed each year", "The column of reviews: half way, and at each renewal, which is decided anew."),
    (
        "There is a plan to do away with it, and it is followed",
        "The agreed end, what replaces it, and the open actions.",
    ),
    ("It can be shown afterwards", "The head of the audit's chain, and the digest of each exception's evidence."),
)
"""What NHS England's MFA policy asks of exceptions, in our words, and where the pack answers."""
_STATES = {
    State.GRANTING: "Approved, not confirmed",
    State.ACTIVE: "On",
    State.ENDING: "Being ended",
    State.ENDED: "Ended",
}
_CAUSES = {
    Cause.EXPIRED: "Its time was up",
    Cause.NO_LONGER_NEEDED: "No longer needed",
    Cause.REVOKED: "Revoked",
    Cause.ACCOUNT_GONE: "The account was disabled or deleted",
    Cause.PRIVILEGED: "The account was given administrator rights",
    Cause.BARRED: "The account always needs MFA",
    Cause.RENEWED: "Renewed",
}


def title(year: Year) -> str:
    return f"MFA exceptions, {uk_date(year.start)} to {uk_date(year.end - timedelta(minutes=1))}"


def kind_of(request: Request, policy: Policy) -> str:
    kind = policy.kinds.get(request.kind)
    return kind.title if kind else request.kind


def reason_of(request: Request, policy: Policy) -> str:
    kind = policy.kinds.get(request.kind)
    reason = kind.reason(request.reason) if kind else None
    return reason.title if reason else request.reason


def site_of(request: Request) -> str:
    return f"{request.site.name} ({request.site.ods})" if request.site else ""


def state_of(request: Request) -> str:
    return _STATES[request.state]


def risk(one: Documented, policy: Policy) -> tuple[str, ...]:
    request, given, kept = one.request, one.request.given, one.assessment.kept
    if given is None:
        return ("Accepted by the policy for this kind.", *_verified(request, policy))
    about = "the one about risk among them" if one.assessment.asked else "none of them about risk"
    answered = f"{given.answered} of {given.asked} questions answered, {about}"
    return (
        f"{answered}, by {given.by.name} for {site_of(request)} on {uk_date(given.at)}.",
        *((one.assessment.risk,) if one.assessment.risk else ()),
        _evidence(request, kept),
    )


def _verified(request: Request, policy: Policy) -> tuple[str, ...]:
    if request.verified is None:
        return ()
    way = policy.verification(request.verified.way)
    return (f"The caller was verified by {request.verified.by.name}: {way.title if way else request.verified.way}.",)


def _evidence(request: Request, kept: Kept) -> str:
    if kept is Kept.DELETED and request.purged_at:
        return f"The evidence was deleted on {uk_date(request.purged_at)}, as the policy says."
    return {
        Kept.SEALED: "The evidence is kept, sealed, and was not opened for this pack.",
        Kept.OPENED: "The evidence is kept, sealed. The answers about risk and replacement were opened for this pack.",
        Kept.UNREADABLE: "The evidence is kept, and no key opens it.",
        Kept.DELETED: "The evidence is no longer kept.",
        Kept.NOT_ASKED: "",
    }[kept]


def approval(one: Documented) -> tuple[str, ...]:
    said = [
        f"{title} {decided.by.name}, {uk_time(decided.at)}."
        for title, decided in (("First by", one.request.first_approval), ("By", one.request.decided))
        if decided
    ]
    return (*said, f"Policy version {one.policy_version}.")


def reviewed(reviews: Sequence[Review]) -> tuple[str, ...]:
    return tuple(_review(one) for one in reviews)


def _review(one: Review) -> str:
    on = uk_date(one.at)
    match one.way:
        case Way.RENEWAL:
            return f"Decided anew by {one.by} on {on}, to follow {one.reference}."
        case Way.HALF_WAY_ASKED:
            return f"The site was asked half way on {on}, and has not answered."
        case Way.HALF_WAY_ANSWERED:
            return f"{one.by} said half way on {on} that it was still needed."
        case Way.RENEWED:
            return f"Renewed on {on} by {one.reference}."


def plan(one: Documented) -> tuple[str, ...]:
    request, assessment = one.request, one.assessment
    ends = f"Agreed end: {uk_time(request.ends_at)}." if request.ends_at else "Its time has not begun."
    return (
        ends,
        *((f"To be replaced by: {assessment.replacement}",) if assessment.replacement else ()),
        *((f"Planned for: {assessment.replaced_by}",) if assessment.replaced_by else ()),
    )


def ended(request: Request) -> tuple[str, ...]:
    if request.closing is None:
        return (f"{state_of(request)}.",)
    who = f", by {request.closing.by.name}" if request.closing.by else ""
    cause = "Entra never confirmed it" if request.never_confirmed else _CAUSES[request.closing.cause]
    why = f"{cause}{who}."
    if request.closed_at is None:
        return (why, "Entra has not confirmed the end.")
    if request.closing.cause is Cause.RENEWED:
        return (why, f"The next one took over, {uk_time(request.closed_at)}.")
    return (why, f"Entra confirmed the end, {uk_time(request.closed_at)}.")


COLUMNS = (
    "Reference", "Name", "Address", "Asked for by", "Site code", "Site", "Kind", "Reason", "State", "Began",
    "Agreed end", "Ended", "Why it ended", "Risk", "Evidence (SHA-256)", "First approved by", "First approved",
    "Approved by", "Approved", "Policy version", "Reviews", "To be replaced by", "Replacement date", "Open actions",
)  # fmt: skip


def row(one: Documented, policy: Policy) -> tuple[Cell, ...]:
    """As `COLUMNS`."""
    request, first, decided = one.request, one.request.first_approval, one.request.decided
    return (
        request.reference,
        request.subject.name,
        request.subject.address,
        request.asked_by.name,
        request.site.ods if request.site else "",
        request.site.name if request.site else "",
        kind_of(request, policy),
        reason_of(request, policy),
        state_of(request),
        began(request) or "",
        request.ends_at or "",
        request.closed_at or "",
        " ".join(ended(request)) if request.closing else "",
        " ".join(risk(one, policy)),
        request.given.digest if request.given else "",
        first.by.name if first else "",
        first.at if first else "",
        decided.by.name if decided else "",
        decided.at if decided else "",
        one.policy_version,
        " ".join(reviewed(one.reviews)),
        one.assessment.replacement,
        one.assessment.replaced_by,
        ". ".join(ACTIONS[action.what][0] for action in one.actions),
    )


ACTION_COLUMNS = ("What", "Reference or site", "Since", "Which", "What to do")


def action_row(action: Action) -> tuple[Cell, ...]:
    """As `ACTION_COLUMNS`."""
    what, then = ACTIONS[action.what]
    return (what, action.reference, action.since or "", action.about, then)


FOLLOW_UP_COLUMNS = ("Reference", "Name", "Reason", "What they were told", "New method seen")


def follow_up_row(one: Documented, policy: Policy) -> tuple[Cell, ...]:
    """As `FOLLOW_UP_COLUMNS`."""
    request = one.request
    found = one.method_found or "Not seen"
    return (request.reference, request.subject.name, reason_of(request, policy), one.follow_up, found)


def shown(text: str) -> str:
    """Without what cannot be seen or turns the direction of what follows."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
