"""One request as a card: for whoever it concerns, and for the helpdesk's channel, which never shows evidence."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.parts import Part, button, buttons, card, facts, heading, help_line, mistake, next_step, plain, state, words
from domain.eligibility import renewable_from
from domain.moments import span, uk_date, uk_time
from domain.policy import Policy, Reason
from domain.request import Cause, Request, State
from domain.site import Site, warnings
from domain.standing import standing

STATES: dict[State, tuple[str, str, str]] = {
    State.AWAITING_EVIDENCE: ("✉️", "Waiting for evidence from the site", "warning"),
    State.AWAITING_DECISION: ("⏳", "Waiting for the helpdesk", "warning"),
    State.GRANTING: ("⚙️", "Approved, starting", "accent"),
    State.ACTIVE: ("✅", "Exception is on", "good"),
    State.ENDING: ("⚙️", "Ending", "accent"),
    State.ENDED: ("🏁", "Ended", "default"),
    State.REJECTED: ("❌", "Rejected", "attention"),
    State.WITHDRAWN: ("↩️", "Withdrawn", "default"),
    State.LAPSED: ("⌛", "Lapsed: its time was up", "default"),
}


UNUSUAL = {
    "night": "It was approved at night",
    "same_site": "The same agent approved many for this site within a day",
    "own_team": "The person works at the helpdesk",
}
"""What is unusual about an approval, by the keys that `domain.watching` gives."""


def status_words(request: Request) -> str:
    return STATES[request.state][1]


def mine(request: Request, policy: Policy, now: datetime, said: str = "") -> Card:
    """The request for the person who asked or is exempted: how it stands, what is next, and the way out."""
    actions = _own_buttons(request, policy, now)
    return card(
        f"{request.reference}: {status_words(request)}. {_next(request, policy)}",
        heading(request.reference),
        mistake(said) if said else None,
        state_line(request),
        facts([("For", request.subject.name), *_common(request, policy, now)]),
        _stuck(request),
        next_step(_next(request, policy)),
        buttons(*actions) if actions else None,
        help_line(policy),
    )


def _own_buttons(request: Request, policy: Policy, now: datetime) -> list[Part]:
    data = {"reference": request.reference}
    match request.state:
        case State.AWAITING_EVIDENCE:
            return [button("Give evidence", "evidence", data), button("Withdraw", "withdraw", data)]
        case State.AWAITING_DECISION | State.GRANTING:
            return [button("Withdraw", "withdraw", data)]
        case State.ACTIVE:
            actions = [button("No longer needed" if request.site else "I no longer need it", "end", data)]
            first = renewable_from(request, policy)
            if first is not None and first <= now:
                actions.insert(0, button("Renew", "renew", data, style="positive"))
            return actions
        case State.ENDING:
            return []
    return [button("Ask again", "again", data)]


def _next(request: Request, policy: Policy) -> str:
    reason = policy.kinds[request.kind].reason(request.reason)
    follow_up = f" {reason.follow_up}" if reason and reason.follow_up else ""
    match request.state:
        case State.AWAITING_EVIDENCE if request.site:
            return _next_for_evidence(request, request.site)
        case State.AWAITING_DECISION if request.given:
            return (
                f"The helpdesk decides on the evidence that {request.given.by.name} gave. It may ask for more. We tell "
                "you when it has decided."
            )
        case State.AWAITING_DECISION if request.taken_by:
            return "A colleague at the helpdesk decides. We tell you as soon as the exception has started."
        case State.AWAITING_DECISION:
            return (
                f"Telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} now and quote "
                f"{request.reference}. They check who you are and decide. We tell you as soon as the exception has "
                "started."
            )
        case State.GRANTING if request.ends_at:
            return f"NHSmail had lost it. It is being put back, until {uk_time(request.ends_at)} as before."
        case State.GRANTING:
            return "We are waiting for NHSmail to confirm it. The time starts when it does, and we tell you then."
        case State.ACTIVE if request.ends_at:
            return f"You can sign in without MFA until {uk_time(request.ends_at)}. Then MFA prompts return.{follow_up}"
        case State.ENDING:
            return f"We are waiting for NHSmail to confirm the end. Then MFA prompts return.{follow_up}"
        case State.ENDED:
            return f"MFA prompts are back.{follow_up}"
        case State.REJECTED:
            return f"If this has to be looked at again, telephone the helpdesk on {policy.helpdesk.telephone}."
    return "You can ask again if you still need an exception."


def _next_for_evidence(request: Request, site: Site) -> str:
    if request.questions and request.giver:
        return f"The helpdesk needs more from {request.giver.name}: “{plain(request.questions[-1].words)}”"
    if request.giver:
        return f"{request.giver.name} is giving the evidence. The helpdesk decides when it is there."
    return (
        f"An e-mail with a code goes to {site.mailbox}. Somebody who works in that mailbox gives the evidence: they "
        f"type “evidence {request.reference}” here, or choose Give evidence, and quote the code. It cannot be "
        f"{request.subject.name}."
    )


def state_line(request: Request) -> Part:
    icon, said, style = STATES[request.state]
    return state(icon, said, style)


def _common(request: Request, policy: Policy, now: datetime, *, names_others: bool = False) -> list[tuple[str, str]]:
    renewed = request.renews if names_others or not request.renews else "An earlier exception"
    rows = [
        ("Reason", reason_title(request, policy)),
        ("In their words", plain(request.details)),
        ("Site", _site(request)),
        ("Renews", renewed),
        ("Evidence", _evidence(request)),
        ("Asked by", f"{request.asked_by.name}, {uk_time(request.asked_at)}"),
        ("Call taken by", request.taken_by.name if request.taken_by else ""),
        ("Length", length(request, policy)),
    ]
    if request.first_approval and not request.decided:
        first = request.first_approval
        rows.append(("Approved first by", f"{first.by.name}, {uk_time(first.at)}"))
    if request.decided:
        verb = "Approved by" if request.decided.approved else "Rejected by"
        rows.append((verb, f"{request.decided.by.name}, {uk_time(request.decided.at)}"))
        rows.append(("Why", plain(request.decided.words)))
    if request.starts_at and request.ends_at:
        rows.append(("Started", uk_time(request.starts_at)))
        if request.state is State.ACTIVE:
            rows.append(("Ends", f"{uk_time(request.ends_at)} (in {span(request.ends_at - now)})"))
    asked = request.half_way
    if asked and asked.answered_by and asked.answered_at:
        rows.append(("Still needed", f"{asked.answered_by.name}, {uk_time(asked.answered_at)}"))
    if request.closing:
        rows.append(("Why it ended", cause(request, names_others=names_others)))
        if request.closing.cause is not Cause.RENEWED:
            rows.append(("In their words", plain(request.closing.words)))
    if request.closed_at and request.state is not State.REJECTED:
        rows.append(("Closed", uk_time(request.closed_at)))
    return rows


def length(request: Request, policy: Policy) -> str:
    """What was agreed, or what the policy gives."""
    if request.days is None:
        return policy.kinds[request.kind].length
    return f"{request.days} {'day' if request.days == 1 else 'days'}, as agreed"


def _site(request: Request) -> str:
    return f"{plain(request.site.name)} ({request.site.ods}), {request.site.mailbox}" if request.site else ""


def _evidence(request: Request) -> str:
    if request.site is None:
        return ""
    if request.purged_at is not None:
        return f"Deleted on {uk_date(request.purged_at)}, as the policy says"
    given = request.given
    if given is None:
        return f"Begun by {request.giver.name}" if request.giver else "None yet"
    files = f", {given.files} {'file' if given.files == 1 else 'files'}" if given.files else ""
    return f"{given.answered} of {given.asked} answers{files}. Given by {given.by.name}, {uk_time(given.at)}"


def cause(request: Request, *, names_others: bool = False) -> str:
    """`names_others`: for the helpdesk, also the reference of another request, which may not concern the reader."""
    assert request.closing is not None
    if request.closing.cause is Cause.RENEWED:
        other = request.closing.words if names_others else "another exception"
        return f"Renewed: {other} has taken its place"
    who = f" ({request.closing.by.name})" if request.closing.by else ""
    names = {
        Cause.EXPIRED: "Time was up",
        Cause.NO_LONGER_NEEDED: "No longer needed",
        Cause.REVOKED: "Revoked by the helpdesk",
        Cause.ACCOUNT_GONE: "The account is disabled or no longer in NHSmail",
        Cause.PRIVILEGED: "The account was given administrator rights",
        Cause.BARRED: "The account is one of those that always need MFA",
    }
    return f"{names[request.closing.cause]}{who}"


def reason_title(request: Request, policy: Policy) -> str:
    reason: Reason | None = policy.kinds[request.kind].reason(request.reason)
    return reason.title if reason else request.reason


def _stuck(request: Request) -> Part | None:
    if request.stuck is None:
        return None
    return state(
        "⚠️",
        f"This takes longer than usual: NHSmail has not done it yet. We have tried {request.stuck.attempts} "
        f"{'time' if request.stuck.attempts == 1 else 'times'} since {uk_time(request.stuck.since)} and keep trying.",
        "warning",
    )


def decision(request: Request, history: Sequence[Request], policy: Policy, now: datetime, said: str = "") -> Card:
    """The request for the helpdesk. Its buttons are there only while they can do something."""
    summary = f"{status_words(request)}: {request.subject.name}, {reason_title(request, policy)} ({request.reference})"
    kind = policy.kinds[request.kind]
    return card(
        summary,
        heading(f"{request.subject.name}: {kind.title.lower()}"),
        mistake(said) if said else None,
        state_line(request),
        facts(
            [
                ("Reference", request.reference),
                ("Address", request.subject.address),
                *_common(request, policy, now, names_others=True),
                ("Unusual", "; ".join(UNUSUAL[one] for one in request.unusual)),
                ("Verified", _verified(request, policy)),
                ("Account", f"Enabled, no administrator rights, {methods(request.methods, policy)}"),
                ("Before this", before(request, history, policy)),
                ("About the site", " ".join(warnings(request.site)) if request.site else ""),
                ("Asked of the site", asked_back(request)),
            ]
        ),
        _repeated(request, history, policy, now),
        _stuck(request),
        words(f"Last message from Entra: {plain(request.stuck.message)}", isSubtle=True) if request.stuck else None,
        next_step(_next_for_agents(request)),
        _agent_buttons(request),
    )


def asked_back(request: Request) -> str:
    return "; ".join(f"“{plain(one.words)}” ({one.by.name}, {uk_time(one.at)})" for one in request.questions[-3:])


def _repeated(request: Request, history: Sequence[Request], policy: Policy, now: datetime) -> Part | None:
    repeat = policy.kinds[request.kind].repeat
    if repeat is None or request.state is not State.AWAITING_DECISION:
        return None
    earlier = [
        one
        for one in history
        if one.reference != request.reference
        and one.kind == request.kind
        and one.starts_at
        and one.asked_at >= now - repeat.window
    ]
    if len(earlier) < repeat.most:
        return None
    said = (
        f"This person had {len(earlier)} of these in the last {repeat.window.days} days. A lead has to approve this "
        "one. Consider a long-term exception."
    )
    return state("⚠️", said, "warning")


def _agent_buttons(request: Request) -> Part | None:
    data = {"reference": request.reference}
    if request.state is State.AWAITING_EVIDENCE:
        return buttons(button("Send a new code", "code", data), button("Reject", "reject", data, style="destructive"))
    if request.state is State.AWAITING_DECISION and request.given:
        return buttons(
            button("Review the evidence", "review", data, style="positive"),
            button("Approve", "approve", data),
            button("Send back", "ask_back", data),
            button("Reject", "reject", data, style="destructive"),
        )
    if request.state is State.AWAITING_DECISION:
        return buttons(
            button("Approve", "approve", data, style="positive"), button("Reject", "reject", data, style="destructive")
        )
    if request.state in (State.GRANTING, State.ACTIVE):
        return buttons(button("Revoke", "revoke", data, style="destructive"))
    return None


def _next_for_agents(request: Request) -> str:
    match request.state:
        case State.AWAITING_EVIDENCE:
            return f"{standing(request)} Nothing can be approved before the evidence is there."
        case State.AWAITING_DECISION if request.given:
            second = " A second person has to approve it as well." if request.first_approval else ""
            return (
                "Review the evidence, then approve, send back with a question, or reject. Only you see what you "
                f"review, and the audit keeps that you read it.{second}"
            )
        case State.AWAITING_DECISION:
            return (
                f"{request.asked_by.name} was told to telephone and quote {request.reference}. Verify the caller, then "
                "approve or reject. You cannot decide on your own request or on one that you asked for."
            )
        case State.GRANTING if request.ends_at:
            return standing(request)
        case State.GRANTING:
            return "We are adding the account to the exemption group in Entra and read it back. Nobody was told yet."
        case State.ACTIVE | State.ENDING:
            return standing(request)
    return f"Nothing. {standing(request)}"


def _verified(request: Request, policy: Policy) -> str:
    if request.verified is None:
        return ""
    way = policy.verification(request.verified.way)
    ticket = f", ticket {plain(request.verified.ticket)}" if request.verified.ticket else ""
    return f"{way.title if way else request.verified.way} ({request.verified.by.name}){ticket}"


def methods(registered: Sequence[str], policy: Policy) -> str:
    names = [policy.account.method_names.get(method, method) for method in registered if method != "password"]
    return f"registered: {', '.join(names)}" if names else "no MFA method registered"


def before(request: Request, history: Sequence[Request], policy: Policy) -> str:
    """What this person had in the policy's window, in one line each, the newest first."""
    earlier = [one for one in history if one.reference != request.reference]
    window = span(policy.limits.history)
    if not earlier:
        return f"Nothing in the last {window}"
    lines = [
        f"{uk_time(one.asked_at)}: {reason_title(one, policy)}, {status_words(one).lower()}" for one in earlier[:5]
    ]
    more = f"; and {len(earlier) - 5} more" if len(earlier) > 5 else ""
    return f"{len(earlier)} in the last {window}. " + "; ".join(lines) + more
