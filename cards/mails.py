"""What each e-mail says: to the site's shared mailbox, and to somebody whom Teams does not reach.

An e-mail lies in places that we do not know, and is read by whoever reads that mailbox. So it holds no reason, no
evidence and no words that anybody typed; those are in the chat. Its times are moments: it may be read days later.
"""

from datetime import datetime

from cards.mail_layout import Code, Facts, Link, Mail, Paragraph, Steps
from cards.request import cause, follow_up, to_each, unusual
from domain.effects import Audience, Notice
from domain.eligibility import renewable_from
from domain.moments import span, uk_time
from domain.policy import Policy
from domain.request import Cause, Request
from domain.standing import lacked_evidence
from texts import any_of, say

Words = tuple[str, ...]
"""What happened, what to do about it, and what else there is to say."""


def notice(request: Request, what: Notice, to: Audience, link: str, policy: Policy, now: datetime) -> Mail:
    """`link` opens the chat. Raises `AssertionError` where the notice cannot be said: `services.show` asks that."""
    title, lead, *more = _WORDS[what](request, policy, to, now)
    facts = Facts((_reference(request),)) if to is Audience.SUBJECT else _facts(request)
    return Mail(
        request.reference,
        request.asked_at,
        title,
        lead,
        (*map(Paragraph, more), Link(say("everyone.mail_open_button"), link), facts),
        _footer(request, policy),
    )


def to_mailbox(request: Request, code: str, link: str, policy: Policy) -> Mail:
    """To the site's shared mailbox, which several people read: so the person and the code are all that it tells."""
    assert request.site is not None
    reference, subject = request.reference, request.subject.name
    title = "owner.mail_new_code_title" if request.codes > 1 else "owner.mail_evidence_wanted_title"
    return Mail(
        reference,
        request.asked_at,
        say(title, subject=subject),
        say("owner.mail_give_evidence_by", by=_evidence_by(request, policy)),
        (
            Paragraph(
                say(
                    "owner.mail_who_gives_evidence",
                    asked_by=request.asked_by.name,
                    length=policy.kinds[request.kind].length,
                    subject=subject,
                    site=request.site.name,
                )
            ),
            Steps(
                (
                    say("owner.mail_step_open"),
                    say("owner.mail_step_send", reference=reference),
                    say("owner.mail_step_code"),
                )
            ),
            Code(code),
            Link(say("everyone.mail_open_button"), link),
            Paragraph(say("owner.mail_code_works_once")),
            Paragraph(say("owner.mail_not_supported", reference=reference)),
            _facts(request),
        ),
        _footer(request, policy),
    )


def _reference(request: Request) -> tuple[str, str]:
    return say("everyone.reference_label"), request.reference


def _facts(request: Request) -> Facts:
    subject, site = request.subject, request.site
    return Facts(
        (
            _reference(request),
            (say("everyone.for_label"), f"{subject.name}, {subject.address}"),
            (say("everyone.site_label"), f"{site.name} ({site.ods})" if site else ""),
        )
    )


def _footer(request: Request, policy: Policy) -> str:
    return say("everyone.mail_footer", reference=request.reference, **policy.helpdesk.contact)


def _evidence_by(request: Request, policy: Policy) -> str:
    rules = policy.kinds[request.kind].evidence
    assert rules is not None
    return uk_time(request.waits_since + rules.given_within)


def _follow_up(request: Request, policy: Policy, to: Audience) -> Words:
    said = follow_up(request, policy, yours=to is Audience.SUBJECT)
    return (say("everyone.mail_follow_up"),) if said else ()


def _asked_for_you(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    kind, reference = policy.kinds[request.kind], request.reference
    telephone = (
        [] if kind.evidence else [say("requester.mail_telephone", reference=reference, **policy.helpdesk.contact)]
    )
    return (
        say("requester.asked_for_you_title"),
        say(
            "requester.mail_asked_for_you",
            asked_by=request.asked_by.name,
            helpdesk=policy.helpdesk.name,
            length=kind.length,
        ),
        *telephone,
        say("requester.mail_not_wanted", reference=reference),
    )


def _evidence_wanted(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    assert request.site is not None
    subject = request.subject.name
    return (
        say("owner.mail_evidence_wanted_title", subject=subject),
        say("owner.mail_give_evidence_by", by=_evidence_by(request, policy)),
        say(
            "owner.mail_evidence_wanted",
            asked_by=request.asked_by.name,
            length=policy.kinds[request.kind].length,
            subject=subject,
            mailbox=request.site.mailbox,
        ),
    )


def _evidence_reminder(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    assert request.site is not None
    mailbox = request.site.mailbox
    if request.giver and to is Audience.OTHER_OWNERS:
        more = say("owner.mail_evidence_reminder_begun", mailbox=mailbox, giver=request.giver.name)
    else:
        more = say("owner.mail_evidence_reminder", mailbox=mailbox)
    return (
        say("owner.evidence_reminder_title", subject=request.subject.name),
        say("owner.mail_evidence_lapses", by=_evidence_by(request, policy)),
        more,
    )


def _sent_back(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    return (
        say("owner.sent_back_title", subject=request.subject.name),
        say("owner.mail_answer_by", by=_evidence_by(request, policy)),
        say("owner.mail_sent_back", name=request.questions[-1].by.name),
    )


def _evidence_given(request: Request, _: Policy, to: Audience, __: datetime) -> Words:
    assert request.given is not None
    return (
        to_each(request, to, "requester.evidence_given_title", "everyone.evidence_given_title"),
        say("everyone.mail_evidence_given", giver=request.given.by.name),
        say("everyone.mail_we_tell_you"),
    )


def _waiting_long(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    return (
        say("lead.mail_waiting_long_title", subject=request.subject.name),
        say("lead.mail_waiting_long", since=uk_time(request.waits_since)),
    )


def _granted(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    assert request.ends_at is not None
    ends_at = uk_time(request.ends_at)
    return (
        to_each(request, to, "requester.granted_title", "everyone.granted_title", ends_at=ends_at),
        to_each(request, to, "requester.mail_granted", "everyone.mail_granted"),
        say("everyone.mail_prompts_return"),
        *_follow_up(request, policy, to),
    )


def _reminder(request: Request, policy: Policy, to: Audience, now: datetime) -> Words:
    assert request.ends_at is not None
    first = renewable_from(request, policy)
    renewable = first is not None and first <= now
    ends_at = uk_time(request.ends_at)
    return (
        to_each(request, to, "requester.mail_reminder_title", "everyone.mail_reminder_title", ends_at=ends_at),
        say("requester.mail_reminder" if to is Audience.SUBJECT else "everyone.mail_reminder"),
        *([say("everyone.mail_renew", reference=request.reference)] if renewable else []),
        *_follow_up(request, policy, to),
    )


def _half_way(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    half_way, asked = policy.kinds[request.kind].half_way, request.half_way
    assert request.ends_at is not None
    assert asked is not None
    return (
        to_each(request, to, "requester.half_way_title", "everyone.half_way_title"),
        say("everyone.mail_half_way_by", by=uk_time(asked.at + half_way.answer_within))
        if half_way
        else say("everyone.mail_half_way"),
        say("everyone.mail_half_way_passed", ends_at=uk_time(request.ends_at)),
    )


def _method_found(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    new = [policy.account.method_names.get(one, one) for one in request.methods if one in policy.account.core_methods]
    return (
        say("requester.method_found_title"),
        say("requester.mail_method_found", method=any_of(new)) if new else say("requester.mail_some_method_found"),
        say("requester.mail_method_end", reference=request.reference),
        say("requester.mail_method_not_yours", **policy.helpdesk.contact),
    )


def _unusual(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    assert request.decided is not None
    return (
        say("lead.mail_unusual_title", subject=request.subject.name),
        say("lead.mail_unusual", name=request.decided.by.name, at=uk_time(request.decided.at)),
        say("lead.mail_unusual_why", why=unusual(request)),
    )


def _rejected(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    return (
        to_each(request, to, "requester.rejected_title", "everyone.rejected_title"),
        say("everyone.mail_rejected"),
        say("everyone.mail_ask_again") if request.site else say("everyone.mail_look_again", **policy.helpdesk.contact),
    )


def _withdrawn(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    return (
        say("everyone.withdrawn_title", subject=request.subject.name),
        say("everyone.mail_withdrawn"),
    )


def _lapsed(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    title = say("everyone.lapsed_title", subject=request.subject.name)
    not_decided = say("everyone.mail_lapsed_not_decided", span=span(policy.kinds[request.kind].lapses_after))
    if request.site is None:
        lead = say("everyone.mail_lapsed_telephone", **policy.helpdesk.contact)
        return title, lead, not_decided
    if lacked_evidence(request):
        missing = say("everyone.mail_lapsed_evidence_missing", mailbox=request.site.mailbox)
        return title, say("everyone.mail_lapsed_answers_kept"), missing
    return title, say("everyone.mail_lapsed"), not_decided


def _ended(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    if request.never_confirmed:
        return (
            to_each(request, to, "requester.never_confirmed_title", "everyone.never_confirmed_title"),
            say("everyone.mail_lapsed"),
            say("everyone.mail_never_confirmed"),
        )
    closing = request.closing
    said = closing is not None and closing.words and closing.cause is not Cause.RENEWED
    return (
        to_each(request, to, "requester.ended_title", "everyone.ended_title"),
        say("everyone.ended", cause=cause(request)),
        *([say("everyone.mail_ended_with_words")] if said else []),
        *_follow_up(request, policy, to),
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
