"""One request as a card: for whoever it concerns, for the helpdesk's channel, and as a notice of what happened."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.parts import Part, button, buttons, card, facts, heading, help_line, mistake, next_step, plain, state, words
from domain.effects import Notice
from domain.moments import span, uk_time
from domain.policy import Policy, Reason
from domain.request import Cause, Request, State
from domain.standing import standing

STATES: dict[State, tuple[str, str, str]] = {
    State.AWAITING_DECISION: ("⏳", "Waiting for the helpdesk", "warning"),
    State.GRANTING: ("⚙️", "Approved, starting", "accent"),
    State.ACTIVE: ("✅", "Exception is on", "good"),
    State.ENDING: ("⚙️", "Ending", "accent"),
    State.ENDED: ("🏁", "Ended", "default"),
    State.REJECTED: ("❌", "Rejected", "attention"),
    State.WITHDRAWN: ("↩️", "Withdrawn", "default"),
    State.LAPSED: ("⌛", "Lapsed: not decided in time", "default"),
}


def status_words(request: Request) -> str:
    return STATES[request.state][1]


def mine(request: Request, policy: Policy, now: datetime, said: str = "") -> Card:
    """The request for the person who asked or is exempted: how it stands, what is next, and the way out."""
    actions = []
    if request.state in (State.AWAITING_DECISION, State.GRANTING):
        actions.append(button("Withdraw", "withdraw", {"reference": request.reference}))
    elif request.state is State.ACTIVE:
        actions.append(button("I no longer need it", "end", {"reference": request.reference}))
    elif request.state is not State.ENDING:
        actions.append(button("Ask again", "ask.start"))
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


def _next(request: Request, policy: Policy) -> str:
    reason = policy.kinds[request.kind].reason(request.reason)
    follow_up = f" {reason.follow_up}" if reason and reason.follow_up else ""
    match request.state:
        case State.AWAITING_DECISION if request.taken_by:
            return "A colleague at the helpdesk decides. We tell you as soon as the exception has started."
        case State.AWAITING_DECISION:
            return (
                f"Telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} now and quote "
                f"{request.reference}. They check who you are and decide. We tell you as soon as the exception has "
                "started."
            )
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


def state_line(request: Request) -> Part:
    icon, said, style = STATES[request.state]
    return state(icon, said, style)


def _common(request: Request, policy: Policy, now: datetime) -> list[tuple[str, str]]:
    kind = policy.kinds[request.kind]
    rows = [
        ("Reason", reason_title(request, policy)),
        ("In their words", plain(request.details)),
        ("Asked by", f"{request.asked_by.name}, {uk_time(request.asked_at)}"),
        ("Call taken by", request.taken_by.name if request.taken_by else ""),
        ("Length", kind.length),
    ]
    if request.decided:
        verb = "Approved by" if request.decided.approved else "Rejected by"
        rows.append((verb, f"{request.decided.by.name}, {uk_time(request.decided.at)}"))
        rows.append(("Why", plain(request.decided.words)))
    if request.starts_at and request.ends_at:
        rows.append(("Started", uk_time(request.starts_at)))
        if request.state is State.ACTIVE:
            rows.append(("Ends", f"{uk_time(request.ends_at)} (in {span(request.ends_at - now)})"))
    if request.closing:
        rows.append(("Why it ended", _cause(request)))
        rows.append(("In their words", plain(request.closing.words)))
    if request.closed_at and request.state is not State.REJECTED:
        rows.append(("Closed", uk_time(request.closed_at)))
    return rows


def _cause(request: Request) -> str:
    assert request.closing is not None
    who = f" ({request.closing.by.name})" if request.closing.by else ""
    names = {
        Cause.EXPIRED: "Time was up",
        Cause.NO_LONGER_NEEDED: "No longer needed",
        Cause.REVOKED: "Revoked by the helpdesk",
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
    return card(
        summary,
        heading(f"{request.subject.name}: {policy.kinds[request.kind].title.lower()}"),
        mistake(said) if said else None,
        state_line(request),
        facts(
            [
                ("Reference", request.reference),
                ("Address", request.subject.address),
                *_common(request, policy, now),
                ("Verified", _verified(request, policy)),
                ("Account", f"Enabled, no administrator rights, {methods(request.methods, policy)}"),
                ("Before this", before(request, history, policy)),
            ]
        ),
        _stuck(request),
        words(f"Last message from Entra: {plain(request.stuck.message)}", isSubtle=True) if request.stuck else None,
        next_step(_next_for_agents(request)),
        _agent_buttons(request),
    )


def _agent_buttons(request: Request) -> Part | None:
    data = {"reference": request.reference}
    if request.state is State.AWAITING_DECISION:
        return buttons(
            button("Approve", "approve", data, style="positive"), button("Reject", "reject", data, style="destructive")
        )
    if request.state in (State.GRANTING, State.ACTIVE):
        return buttons(button("Revoke", "revoke", data, style="destructive"))
    return None


def _next_for_agents(request: Request) -> str:
    match request.state:
        case State.AWAITING_DECISION:
            return (
                f"{request.asked_by.name} was told to telephone and quote {request.reference}. Verify the caller, then "
                "approve or reject. You cannot decide on your own request or on one that you asked for."
            )
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


def notice(request: Request, what: Notice, policy: Policy, now: datetime, *, for_subject: bool) -> Card:
    """What happened, for one of the two people whom it concerns. The words for e-mail are this card's summary."""
    title, said = notice_words(request, what, policy, now, for_subject=for_subject)
    actions: list[Part] = []
    if request.state is State.ACTIVE and what in (Notice.GRANTED, Notice.REMINDER):
        actions.append(button("I no longer need it", "end", {"reference": request.reference}))
    if request.state is State.AWAITING_DECISION and what is Notice.ASKED_FOR_YOU:
        actions.append(button("I do not want this", "withdraw", {"reference": request.reference}))
    if what in (Notice.REJECTED, Notice.LAPSED, Notice.ENDED):
        actions.append(button("Ask again", "ask.start"))
    return card(
        f"{title}. {said}",
        heading(title),
        state_line(request),
        words(said),
        facts([("Reference", request.reference), ("Reason", reason_title(request, policy))]),
        buttons(*actions) if actions else None,
        help_line(policy),
    )


def notice_words(
    request: Request, what: Notice, policy: Policy, now: datetime, *, for_subject: bool
) -> tuple[str, str]:
    """A title and the sentences below it."""
    whose = "Your MFA exception" if for_subject else f"The MFA exception for {request.subject.name}"
    they, their = ("You", "your") if for_subject else (request.subject.name, "their")
    reason = policy.kinds[request.kind].reason(request.reason)
    follow_up = f" {reason.follow_up}" if reason and reason.follow_up else ""
    call = f"telephone the helpdesk on {policy.helpdesk.telephone} and quote {request.reference}"
    match what:
        case Notice.ASKED_FOR_YOU:
            return (
                "An MFA exception was asked for you",
                f"{request.asked_by.name} asked the helpdesk for an MFA exception for your account. If you do not want "
                f"this, say so here or {call}.",
            )
        case Notice.GRANTED if request.ends_at:
            return (
                f"{whose} is on until {uk_time(request.ends_at)}",
                f"{they} can sign in without MFA prompts until then. It can take 5 minutes to reach all services. "
                f"When it ends, MFA prompts return.{follow_up}",
            )
        case Notice.REMINDER if request.ends_at:
            return (
                f"{whose} ends in {span(request.ends_at - now)}",
                f"It ends at {uk_time(request.ends_at)}. Then MFA prompts return. Make sure that {their} MFA method "
                f"works.{follow_up}",
            )
        case Notice.REJECTED if request.decided:
            return (
                f"{whose} was rejected",
                f"The helpdesk wrote: “{plain(request.decided.words)}” If this has to be looked at again, {call}.",
            )
        case Notice.WITHDRAWN:
            return f"The request for {request.subject.name} was withdrawn", "Nothing was changed in NHSmail."
        case Notice.LAPSED:
            return (
                f"The request for {request.subject.name} has lapsed",
                "The helpdesk did not get to decide in time, so it was closed. If an exception is still needed, ask "
                f"again and telephone the helpdesk on {policy.helpdesk.telephone}.",
            )
        case Notice.ENDED:
            words_given = request.closing.words if request.closing else ""
            why = f" The helpdesk wrote: “{plain(words_given)}”" if words_given else ""
            return f"{whose} has ended", f"{_cause(request)}.{why} MFA prompts are back.{follow_up}"
    raise AssertionError(f"{what} cannot be said of {request.reference}, which is {request.state}")


def alarm(request: Request, policy: Policy) -> Card:
    """Entra does not do as asked: for the helpdesk's channel."""
    assert request.stuck is not None
    doing = "granting" if request.state is State.GRANTING else "ending"
    return card(
        f"Problem with {doing} the exception for {request.subject.name} ({request.reference})",
        heading(f"Problem: {doing} does not work"),
        state("⚠️", "Entra does not do as asked. We keep trying", "warning"),
        facts(
            [
                ("Reference", request.reference),
                ("For", request.subject.name),
                ("Since", uk_time(request.stuck.since)),
                ("Attempts", str(request.stuck.attempts)),
                ("Message", plain(request.stuck.message)),
            ]
        ),
        next_step(
            "The exception has not started, and nobody was told that it has."
            if request.state is State.GRANTING
            else "The account may still be exempt. If this goes on, remove it from the group in Entra by hand."
        ),
        buttons(button("Open the request", "review", {"reference": request.reference})),
        help_line(policy),
    )
