"""What each e-mail says: to the site's shared mailbox, and to somebody whom Teams does not reach.

An e-mail lies in places that we do not know, and is read by whoever reads that mailbox. So it holds no reason, no
evidence and no words that anybody typed; those are in the chat. Its times are moments: it may be read days later.
"""

from datetime import datetime

from cards.mail_layout import Code, Facts, Link, Mail, Paragraph, Steps
from cards.request import UNUSUAL, cause
from domain.effects import Audience, Notice
from domain.eligibility import renewable_from
from domain.moments import uk_time
from domain.policy import Policy
from domain.request import Cause, Request
from domain.standing import lacked_evidence

Words = tuple[str, ...]
"""What happened, what to do about it, and what else there is to say."""


def notice(request: Request, what: Notice, to: Audience, link: str, policy: Policy, now: datetime) -> Mail:
    """`link` opens the chat. Raises `AssertionError` where the notice cannot be said: `services.show` asks that."""
    title, lead, *more = _WORDS[what](request, policy, to, now)
    subject, site = request.subject, request.site
    for_whom = "" if to is Audience.SUBJECT else f"{subject.name}, {subject.address}"
    at = f"{site.name} ({site.ods})" if site and to is not Audience.SUBJECT else ""
    return Mail(
        request.reference,
        request.asked_at,
        title,
        lead,
        (
            *map(Paragraph, more),
            Link("Open the chat in Teams", link),
            Facts((("Reference", request.reference), ("For", for_whom), ("Site", at))),
        ),
        _footer(request, policy),
    )


def to_mailbox(request: Request, code: str, link: str, policy: Policy) -> Mail:
    """To the site's shared mailbox, which several people read: so the person and the code are all that it tells."""
    assert request.site is not None
    subject, kind = request.subject, policy.kinds[request.kind]
    what = "New code to give evidence" if request.codes > 1 else "Evidence needed"
    return Mail(
        request.reference,
        request.asked_at,
        f"{what}: MFA exception for {subject.name}",
        f"Give evidence by {_evidence_by(request, policy)}. Without evidence there is no exception.",
        (
            Paragraph(
                f"{request.asked_by.name} asked for an MFA exception of {kind.length} for {subject.name}. It is asked "
                f"for on behalf of {request.site.name}. Somebody who works in this mailbox has to give the evidence. "
                f"It cannot be {subject.name}."
            ),
            Steps(
                (
                    "Open the chat in Teams.",
                    f"Send the words that are filled in: evidence {request.reference}",
                    "Type this code when you are asked for it.",
                )
            ),
            Code(code),
            Link("Open the chat in Teams", link),
            Paragraph(
                "The code works once. It shows that you can read this mailbox, so do not give it to anybody else. If "
                "there are several e-mails about this request, only the newest code works."
            ),
            Paragraph(f"If the site does not support this, open the chat and type: withdraw {request.reference}"),
            Facts(
                (
                    ("Reference", request.reference),
                    ("For", f"{subject.name}, {subject.address}"),
                    ("Site", f"{request.site.name} ({request.site.ods})"),
                )
            ),
        ),
        _footer(request, policy),
    )


def _footer(request: Request, policy: Policy) -> str:
    return (
        f"This e-mail was sent by the MFA exceptions bot. The link only opens the chat. If you do not know what this "
        f"is about, telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} and quote {request.reference}."
    )


def _whose(request: Request, to: Audience) -> str:
    return "Your MFA exception" if to is Audience.SUBJECT else f"The MFA exception for {request.subject.name}"


def _evidence_by(request: Request, policy: Policy) -> str:
    rules = policy.kinds[request.kind].evidence
    assert rules is not None
    return uk_time(request.waits_since + rules.given_within)


def _follow_up(request: Request, policy: Policy) -> Words:
    reason = policy.kinds[request.kind].reason(request.reason)
    return ("There is something else to do: open the chat to read what.",) if reason and reason.follow_up else ()


def _asked_for_you(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    return (
        "An MFA exception was asked for you",
        f"{request.asked_by.name} asked the {policy.helpdesk.name} for an MFA exception of "
        f"{policy.kinds[request.kind].length} for your account.",
        f"If you do not want this, open the chat and type: withdraw {request.reference}",
    )


def _evidence_wanted(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    assert request.site is not None
    return (
        f"Evidence needed: MFA exception for {request.subject.name}",
        f"Give evidence by {_evidence_by(request, policy)}. Without evidence there is no exception.",
        f"{request.asked_by.name} asked for an MFA exception of {policy.kinds[request.kind].length} for "
        f"{request.subject.name}. We sent a code to {request.site.mailbox}. You need it to give the evidence.",
    )


def _evidence_reminder(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    assert request.site is not None
    begun = f" {request.giver.name} has begun." if request.giver and to is Audience.OTHER_OWNERS else ""
    return (
        f"Evidence for {request.subject.name} is still missing",
        f"Give the evidence by {_evidence_by(request, policy)}. After that the request lapses.",
        f"The code is in {request.site.mailbox}.{begun}",
    )


def _sent_back(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    return (
        f"The helpdesk needs more evidence for {request.subject.name}",
        f"Open the chat and answer by {_evidence_by(request, policy)}. After that the request lapses.",
        f"{request.questions[-1].by.name} asks a question. It is not in this e-mail, because it may be about "
        "somebody's health. Your answers are kept: change or add to them, then send them again.",
    )


def _evidence_given(request: Request, _: Policy, to: Audience, __: datetime) -> Words:
    assert request.given is not None
    return (
        f"{_whose(request, to)} is with the helpdesk",
        f"{request.given.by.name} gave the evidence, and the helpdesk decides now. You do not need to do anything.",
        "We tell you when it has decided.",
    )


def _waiting_long(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    return (
        f"No decision yet on the MFA exception for {request.subject.name}",
        f"The request has waited since {uk_time(request.waits_since)}. Open it, or ask somebody at the helpdesk to.",
    )


def _granted(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    assert request.ends_at is not None
    they = "You" if to is Audience.SUBJECT else request.subject.name
    return (
        f"{_whose(request, to)} is on until {uk_time(request.ends_at)}",
        f"{they} can sign in without MFA prompts until then. It can take 5 minutes to reach all services.",
        "When it ends, MFA prompts return.",
        *_follow_up(request, policy),
    )


def _reminder(request: Request, policy: Policy, to: Audience, now: datetime) -> Words:
    assert request.ends_at is not None
    first = renewable_from(request, policy)
    renewable = first is not None and first <= now
    their = "your" if to is Audience.SUBJECT else "their"
    renew = f"If it is still needed, open the chat and type: renew {request.reference}. That needs new evidence."
    return (
        f"{_whose(request, to)} ends at {uk_time(request.ends_at)}",
        f"Make sure that {their} MFA method works: MFA prompts return then.",
        *([renew] if renewable else []),
        *_follow_up(request, policy),
    )


def _half_way(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    half_way, asked = policy.kinds[request.kind].half_way, request.half_way
    assert request.ends_at is not None
    assert asked is not None
    whose = _whose(request, to)
    answer_by = f" by {uk_time(asked.at + half_way.answer_within)}" if half_way else ""
    return (
        f"Is {whose[:1].lower()}{whose[1:]} still needed?",
        f"Open the chat and answer{answer_by}. Without an answer, the helpdesk looks at it.",
        f"Half of its time has passed. It ends at {uk_time(request.ends_at)}.",
    )


def _method_found(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    new = [policy.account.method_names.get(one, one) for one in request.methods if one in policy.account.core_methods]
    return (
        "You have registered a new MFA method",
        f"If {' and '.join(new) or 'it'} works, end the exception: your account is safer with MFA.",
        f"To end it, open the chat and type: end {request.reference}. Nothing changes unless you do.",
        f"If you did not register a method, telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} now.",
    )


def _unusual(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    assert request.decided is not None
    return (
        f"An unusual approval: MFA exception for {request.subject.name}",
        f"{request.decided.by.name} approved it at {uk_time(request.decided.at)}. If it is not right, revoke it.",
        f"{'. '.join(UNUSUAL[one] for one in request.unusual)}. It stands until somebody revokes it.",
    )


def _rejected(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    again = f"If this has to be looked at again, telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone}."
    if request.site is not None:
        again = "You can ask again there: what you answered is filled in."
    return f"{_whose(request, to)} was rejected", "Open the chat to read what the helpdesk wrote.", again


def _withdrawn(request: Request, _: Policy, __: Audience, ___: datetime) -> Words:
    return (
        f"The request for {request.subject.name} was withdrawn",
        "Nothing was changed in NHSmail, and you do not need to do anything.",
    )


def _lapsed(request: Request, policy: Policy, _: Audience, __: datetime) -> Words:
    title = f"The request for {request.subject.name} has lapsed"
    if lacked_evidence(request) and request.site is not None:
        return (
            title,
            "If an exception is still needed, open the chat and ask again: what you answered is filled in.",
            f"The evidence from {request.site.mailbox} did not come in time, so the request was closed.",
        )
    call = "" if request.site else f" and telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone}"
    return (
        title,
        f"If an exception is still needed, open the chat to ask again{call}.",
        "The helpdesk did not get to decide in time, so the request was closed.",
    )


def _ended(request: Request, policy: Policy, to: Audience, _: datetime) -> Words:
    closing = request.closing
    said = closing is not None and closing.words and closing.cause is not Cause.RENEWED
    return (
        f"{_whose(request, to)} has ended",
        f"{cause(request)}. MFA prompts are back.",
        *(["The helpdesk wrote why: open the chat to read it."] if said else []),
        *_follow_up(request, policy),
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
