"""What happened, for one person whom it concerns."""

from datetime import datetime

from cards.card import Card
from cards.parts import (
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    facts,
    heading,
    help_line,
    plain,
    sentences,
    state,
    words,
)
from cards.request import cause, end_button, follow_up, reason_title, renewal, state_line, to_each, unusual
from cards.summaries import summary
from domain.effects import OF_THE_SITE, Audience, Notice
from domain.eligibility import renewable_from
from domain.moments import span, together, uk_time
from domain.policy import Policy
from domain.request import Cause, Request
from domain.standing import lacked_evidence
from texts import say

FOR_STAFF = frozenset({Notice.WAITING_LONG, Notice.UNUSUAL})
"""They go to the helpdesk's leads alone."""


def notice(request: Request, what: Notice, to: Audience, policy: Policy, now: datetime) -> Card:
    """Raises `AssertionError` where the notice cannot be said of the request: `services.show` asks that first."""
    title, said = _WORDS[what](request, policy, now, to)
    actions = _buttons(request, what, policy, now)
    site = f"{plain(request.site.name)} ({request.site.ods})" if request.site else ""
    return card(
        summary(request, what, to, policy, now),
        heading(title),
        _state(request, what),
        words(said),
        facts(
            [
                (say("everyone.reference_label"), request.reference),
                (say("everyone.reason_label"), "" if to in OF_THE_SITE else reason_title(request, policy)),
                (say("everyone.site_label"), site),
            ]
        ),
        buttons(*actions) if actions else None,
        agents_help_line(policy) if what in FOR_STAFF else help_line(policy),
    )


def _state(request: Request, what: Notice) -> Part:
    """An unusual approval is on as any other is, and that is not what a lead has to see first."""
    if what is Notice.UNUSUAL:
        return state("⚠️", say("lead.unusual_state"), "warning")
    if what is Notice.ASKED_FOR_YOU:
        return state_line(request, request.subject.id)
    return state_line(request)


def _buttons(request: Request, what: Notice, policy: Policy, now: datetime) -> list[Part]:
    data = {"reference": request.reference}
    match what:
        case Notice.ASKED_FOR_YOU:
            return [button(say("requester.do_not_want_this_button"), "withdraw", data)]
        case Notice.EVIDENCE_WANTED | Notice.EVIDENCE_REMINDER | Notice.SENT_BACK:
            return [
                button(say("everyone.give_evidence_button"), "evidence", data, style="positive"),
                button(say("owner.do_not_support_this_button"), "withdraw", data),
            ]
        case Notice.HALF_WAY:
            return [
                button(say("everyone.still_needed_button"), "needed", data, style="positive"),
                button(say("everyone.no_longer_needed_button"), "end", data),
            ]
        case Notice.METHOD_FOUND:
            return [
                button(say("requester.end_the_exception_button"), "end", data, style="positive"),
                button(say("requester.keep_it_button"), "status", data),
            ]
        case Notice.GRANTED | Notice.REMINDER:
            return [*renewal(request, policy, now), end_button(request)]
        case Notice.WAITING_LONG:
            return [button(say("agent.open_request_button"), "review", data)]
        case Notice.UNUSUAL:
            return [
                button(say("agent.revoke_button"), "revoke", data, style="destructive"),
                button(say("agent.open_request_button"), "review", data),
            ]
        case Notice.REJECTED | Notice.LAPSED | Notice.ENDED:
            return [button(say("everyone.ask_again_button"), "again", data)]
    return []


Words = tuple[str, str]
"""A title and what follows it."""


def _asked_for_you(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    kind = policy.kinds[request.kind]
    return say("requester.asked_for_you_title"), say(
        "requester.asked_for_you" if kind.evidence else "requester.asked_for_you_to_telephone",
        asked_by=request.asked_by.name,
        length=kind.length,
        telephone=policy.helpdesk.telephone,
        reference=request.reference,
    )


def _follow_up(request: Request, policy: Policy, to: Audience) -> str:
    return follow_up(request, policy, yours=to is Audience.SUBJECT)


def _evidence_wanted(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    assert request.site is not None
    kind = policy.kinds[request.kind]
    assert kind.evidence is not None
    return say("owner.evidence_wanted_title", subject=request.subject.name), say(
        "owner.evidence_wanted",
        asked_by=request.asked_by.name,
        length=kind.length,
        subject=request.subject.name,
        mailbox=request.site.mailbox,
        until=uk_time(request.waits_since + kind.evidence.given_within),
    )


def _evidence_reminder(request: Request, policy: Policy, now: datetime, to: Audience) -> Words:
    assert request.site is not None
    within = policy.kinds[request.kind].evidence
    assert within is not None
    title = say("owner.evidence_reminder_title", subject=request.subject.name)
    left = span(request.waits_since + within.given_within - now)
    mailbox = request.site.mailbox
    if request.giver and to is Audience.OTHER_OWNERS:
        return title, say("owner.evidence_reminder_begun", span=left, mailbox=mailbox, giver=request.giver.name)
    return title, say("owner.evidence_reminder", span=left, mailbox=mailbox)


def _sent_back(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    question = request.questions[-1]
    return (
        say("owner.sent_back_title", subject=request.subject.name),
        say("owner.sent_back", name=question.by.name, question=plain(question.words)),
    )


def _evidence_given(request: Request, _: Policy, __: datetime, to: Audience) -> Words:
    assert request.given is not None
    return (
        to_each(request, to, "requester.evidence_given_title", "everyone.evidence_given_title"),
        say("everyone.evidence_given_told", name=request.given.by.name),
    )


def _waiting_long(request: Request, _: Policy, now: datetime, __: Audience) -> Words:
    return (
        say("lead.waiting_long_title", reference=request.reference, span=span(now - request.waits_since)),
        say("lead.waiting_long", subject=request.subject.name),
    )


def _granted(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    ends_at = uk_time(request.ends_at)
    return (
        to_each(request, to, "requester.granted_title", "everyone.granted_title", ends_at=ends_at),
        sentences(to_each(request, to, "requester.granted", "everyone.granted"), _follow_up(request, policy, to)),
    )


def _reminder(request: Request, policy: Policy, now: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    left = span(request.ends_at - now)
    ends_at = uk_time(request.ends_at)
    key = "requester.reminder" if to is Audience.SUBJECT else "everyone.reminder"
    first = renewable_from(request, policy)
    renew = say("everyone.renew_if_needed") if first and first <= now else ""
    return (
        to_each(request, to, "requester.reminder_title", "everyone.reminder_title", span=left),
        sentences(say(key, ends_at=ends_at), renew, _follow_up(request, policy, to)),
    )


def _half_way(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.ends_at is not None
    title = to_each(request, to, "requester.half_way_title", "everyone.half_way_title")
    ends_at = uk_time(request.ends_at)
    half_way = policy.kinds[request.kind].half_way
    if half_way is None:
        return title, say("everyone.half_way", ends_at=ends_at)
    return title, say("everyone.half_way_answer_within", ends_at=ends_at, span=span(half_way.answer_within))


def _method_found(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    new = [policy.account.method_names.get(one, one) for one in request.methods if one in policy.account.core_methods]
    return say("requester.method_found_title"), say("requester.method_found", methods=together(new))


def _unusual(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    assert request.decided is not None
    decided = request.decided
    return (
        say("lead.unusual_title", subject=request.subject.name, reference=request.reference),
        say("lead.unusual", name=decided.by.name, at=uk_time(decided.at), why=unusual(request)),
    )


def _rejected(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    assert request.decided is not None
    return to_each(request, to, "requester.rejected_title", "everyone.rejected_title"), say(
        "everyone.rejected_for_site" if request.site else "everyone.rejected",
        words=plain(request.decided.words),
        telephone=policy.helpdesk.telephone,
        reference=request.reference,
    )


def _withdrawn(request: Request, _: Policy, __: datetime, ___: Audience) -> Words:
    return say("everyone.withdrawn_title", subject=request.subject.name), say("everyone.withdrawn")


def _lapsed(request: Request, policy: Policy, _: datetime, __: Audience) -> Words:
    title = say("everyone.lapsed_title", subject=request.subject.name)
    within = span(policy.kinds[request.kind].lapses_after)
    if request.site is None:
        return title, say("everyone.lapsed_not_decided", span=within, telephone=policy.helpdesk.telephone)
    if lacked_evidence(request):
        return title, say("everyone.lapsed_evidence_missing", mailbox=request.site.mailbox)
    return title, say("everyone.lapsed_not_decided_for_site", span=within)


def _ended(request: Request, policy: Policy, _: datetime, to: Audience) -> Words:
    if request.never_confirmed:
        title = to_each(request, to, "requester.never_confirmed_title", "everyone.never_confirmed_title")
        return title, say("everyone.never_confirmed")
    closing = request.closing
    if closing and closing.words and closing.cause is not Cause.RENEWED:
        ended = say("everyone.ended_with_words", cause=cause(request), words=plain(closing.words))
    else:
        ended = say("everyone.ended", cause=cause(request))
    return (
        to_each(request, to, "requester.ended_title", "everyone.ended_title"),
        sentences(ended, _follow_up(request, policy, to)),
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
