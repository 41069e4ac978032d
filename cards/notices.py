"""What happened, for one person whom it concerns. The words for e-mail are the card's summary."""

from datetime import datetime

from cards.card import Card
from cards.parts import Part, button, buttons, card, facts, heading, help_line, plain, words
from cards.request import UNUSUAL, cause, reason_title, state_line
from domain.effects import Audience, Notice
from domain.eligibility import renewable_from
from domain.moments import span, uk_time
from domain.policy import Policy
from domain.request import Cause, Request
from domain.standing import lacked_evidence


def notice(request: Request, what: Notice, to: Audience, policy: Policy, now: datetime) -> Card:
    """Raises `AssertionError` where the notice cannot be said of the request: `services.show` asks that first."""
    title, said = _WORDS[what](request, policy, now, to)
    actions = _buttons(request, what, policy, now)
    site = f"{plain(request.site.name)} ({request.site.ods})" if request.site else ""
    return card(
        f"{title}. {said}",
        heading(title),
        state_line(request),
        words(said),
        facts([("Reference", request.reference), ("Reason", reason_title(request, policy)), ("Site", site)]),
        buttons(*actions) if actions else None,
        help_line(policy),
    )


def _buttons(request: Request, what: Notice, policy: Policy, now: datetime) -> list[Part]:
    data = {"reference": request.reference}
    match what:
        case Notice.ASKED_FOR_YOU:
            return [button("I do not want this", "withdraw", data)]
        case Notice.EVIDENCE_WANTED | Notice.EVIDENCE_REMINDER | Notice.SENT_BACK:
            return [
                button("Give evidence", "evidence", data, style="positive"),
                button("We do not support this", "withdraw", data),
            ]
        case Notice.HALF_WAY:
            return [
                button("Still needed", "needed", data, style="positive"),
                button("No longer needed", "end", data),
            ]
        case Notice.METHOD_FOUND:
            return [button("End the exception", "end", data, style="positive"), button("Keep it", "status", data)]
        case Notice.GRANTED | Notice.REMINDER:
            first = renewable_from(request, policy)
            renew = [button("Renew", "renew", data, style="positive")] if first and first <= now else []
            return [*renew, button("No longer needed" if request.site else "I no longer need it", "end", data)]
        case Notice.WAITING_LONG:
            return [button("Open the request", "review", data)]
        case Notice.UNUSUAL:
            return [button("Revoke", "revoke", data, style="destructive"), button("Open the request", "review", data)]
        case Notice.REJECTED | Notice.LAPSED | Notice.ENDED:
            return [button("Ask again", "again", data)]
    return []


def _whose(request: Request, to: Audience) -> str:
    return "Your MFA exception" if to is Audience.SUBJECT else f"The MFA exception for {request.subject.name}"


def _follow_up(request: Request, policy: Policy) -> str:
    reason = policy.kinds[request.kind].reason(request.reason)
    return f" {reason.follow_up}" if reason and reason.follow_up else ""


def _call(request: Request, policy: Policy) -> str:
    return f"telephone the helpdesk on {policy.helpdesk.telephone} and quote {request.reference}"


Words = tuple[str, str]


def _asked_for_you(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    kind = policy.kinds[request.kind]
    return (
        "An MFA exception was asked for you",
        f"{request.asked_by.name} asked the helpdesk for an MFA exception of {kind.length} for your account. If you do "
        f"not want this, say so here or {_call(request, policy)}.",
    )


def _evidence_wanted(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    assert request.site is not None
    within = policy.kinds[request.kind].evidence
    assert within is not None
    return (
        f"Evidence is needed for {request.subject.name}",
        f"{request.asked_by.name} asked for an MFA exception of {policy.kinds[request.kind].length} for "
        f"{request.subject.name}. We sent a code to {request.site.mailbox}. Quote it here and give the evidence until "
        f"{uk_time(request.waits_since + within.given_within)}. Without evidence there is no exception.",
    )


def _evidence_reminder(request: Request, policy: Policy, now: datetime, to: Audience) -> Words:
    assert request.site is not None
    within = policy.kinds[request.kind].evidence
    assert within is not None
    left = request.waits_since + within.given_within - now
    begun = f" {request.giver.name} has begun." if request.giver and to is Audience.OTHER_OWNERS else ""
    return (
        f"Evidence for {request.subject.name} is still missing",
        f"There are {span(left)} left. The code is in {request.site.mailbox}.{begun} When the time is up, the request "
        "lapses.",
    )


def _sent_back(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    question = request.questions[-1]
    return (
        f"The helpdesk needs more evidence for {request.subject.name}",
        f"{question.by.name} asks: “{plain(question.words)}” Your answers are kept. Change or add to them, then send "
        "them again.",
    )


def _evidence_given(request: Request, _: Policy, __: datetime, to: Audience) -> Words:
    assert request.given is not None
    return (
        f"{_whose(request, to)} is with the helpdesk",
        f"{request.given.by.name} gave the evidence. The helpdesk decides now. We tell you when it has decided.",
    )


def _waiting_long(request: Request, _: Policy, now: datetime, __: Audience) -> Words:
    return (
        f"A decision on {request.reference} has waited for {span(now - request.waits_since)}",
        f"It is for {request.subject.name}. Nobody has decided yet. Open it, or ask somebody at the helpdesk to.",
    )


def _granted(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    they = "You" if to is Audience.SUBJECT else request.subject.name
    return (
        f"{_whose(request, to)} is on until {uk_time(request.ends_at)}",
        f"{they} can sign in without MFA prompts until then. It can take 5 minutes to reach all services. "
        f"When it ends, MFA prompts return.{_follow_up(request, policy)}",
    )


def _reminder(request: Request, policy: Policy, now: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    their = "your" if to is Audience.SUBJECT else "their"
    first = renewable_from(request, policy)
    renew = " If it is still needed, renew it now: that needs new evidence." if first and first <= now else ""
    return (
        f"{_whose(request, to)} ends in {span(request.ends_at - now)}",
        f"It ends at {uk_time(request.ends_at)}. Then MFA prompts return. Make sure that {their} MFA method "
        f"works.{renew}{_follow_up(request, policy)}",
    )


def _half_way(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    half_way = policy.kinds[request.kind].half_way
    within = f" Answer within {span(half_way.answer_within)}." if half_way else ""
    return (
        f"Is {_whose(request, to)[:1].lower()}{_whose(request, to)[1:]} still needed?",
        f"Half of its time has passed. It ends at {uk_time(request.ends_at)}.{within} Without an answer, the helpdesk "
        "looks at it.",
    )


def _method_found(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    new = [policy.account.method_names.get(one, one) for one in request.methods if one in policy.account.core_methods]
    return (
        "You have registered a new MFA method",
        f"Your account now has {' and '.join(new)}. If it works, end the exception: your account is safer with MFA. "
        "Nothing changes unless you say so.",
    )


def _unusual(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    assert request.decided is not None
    agent = request.decided.by.name
    why = "; ".join(UNUSUAL[one] for one in request.unusual)
    return (
        f"An unusual approval: {request.subject.name} ({request.reference})",
        f"{agent} approved it at {uk_time(request.decided.at)}. {why}. It stands. If it is not right, revoke it: the "
        "exception then ends at once.",
    )


def _rejected(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.decided is not None
    again = f"If this has to be looked at again, {_call(request, policy)}."
    if request.site is not None:
        again = f"You can ask again: what you answered is filled in. For help, {_call(request, policy)}."
    return (
        f"{_whose(request, to)} was rejected",
        f"The helpdesk wrote: “{plain(request.decided.words)}” {again}",
    )


def _withdrawn(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    return f"The request for {request.subject.name} was withdrawn", "Nothing was changed in NHSmail."


def _lapsed(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    title = f"The request for {request.subject.name} has lapsed"
    if lacked_evidence(request) and request.site is not None:
        return title, (
            f"The evidence from {request.site.mailbox} did not come in time, so the request was closed. If an "
            "exception is still needed, ask again: what you answered is filled in."
        )
    again = "ask again"
    if request.site is None:
        again = f"ask again and telephone the helpdesk on {policy.helpdesk.telephone}"
    return title, (
        f"The helpdesk did not get to decide in time, so it was closed. If an exception is still needed, {again}."
    )


def _ended(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    closing = request.closing
    words_given = closing.words if closing and closing.cause is not Cause.RENEWED else ""
    why = f" The helpdesk wrote: “{plain(words_given)}”" if words_given else ""
    return (
        f"{_whose(request, to)} has ended",
        f"{cause(request)}.{why} MFA prompts are back.{_follow_up(request, policy)}",
    )


_WORDS = {
    Notice.ASKED_FOR_YOU: _asked_for_you,
    Notice.EVIDENCE_WANTED: _evidence_wanted,
    Notice.EVIDENCE_REMINDER: _evidence_reminder,
    Notice.SENT_BACK: _sent_back,
    Notice.EVIDENCE_GIVEN: _evidence_given,
    Notice.WAITING_LONG: _waiting_long,
    Notice.GRANTED: _granted,
    Notice.REMINDER: _reminder,
    Notice.HALF_WAY: _half_way,
    Notice.METHOD_FOUND: _method_found,
    Notice.UNUSUAL: _unusual,
    Notice.REJECTED: _rejected,
    Notice.WITHDRAWN: _withdrawn,
    Notice.LAPSED: _lapsed,
    Notice.ENDED: _ended,
}
