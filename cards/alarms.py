"""What needs somebody's eyes, for the helpdesk's channel."""

from datetime import datetime

from cards.card import Card
from cards.parts import agents_help_line, button, buttons, card, facts, heading, next_step, plain, state
from cards.request import unusual
from domain.effects import STILL_TRIED, UNANSWERED, Audience, Notice
from domain.moments import span, uk_time
from domain.people import Person
from domain.policy import Policy
from domain.request import Request, State
from texts import say

_TO = {
    Audience.SUBJECT: "agent.to_subject",
    Audience.ASKED_BY: "agent.to_asked_by",
    Audience.GIVER: "agent.to_giver",
    Audience.OWNERS: "agent.to_owners",
    Audience.OTHER_OWNERS: "agent.to_other_owners",
    Audience.LEADS: "agent.to_leads",
}
_MESSAGES = {
    Notice.ASKED_FOR_YOU: "agent.message_asked_for_you",
    Notice.EVIDENCE_WANTED: "agent.message_evidence_wanted",
    Notice.EVIDENCE_REMINDER: "agent.message_evidence_reminder",
    Notice.SENT_BACK: "agent.message_sent_back",
    Notice.EVIDENCE_GIVEN: "agent.message_evidence_given",
    Notice.WAITING_LONG: "agent.message_waiting_long",
    Notice.GRANTED: "agent.message_granted",
    Notice.REJECTED: "agent.message_rejected",
    Notice.WITHDRAWN: "agent.message_withdrawn",
    Notice.LAPSED: "agent.message_lapsed",
    Notice.REMINDER: "agent.message_reminder",
    Notice.HALF_WAY: "agent.message_half_way",
    Notice.METHOD_FOUND: "agent.message_method_found",
    Notice.UNUSUAL: "agent.message_unusual",
    Notice.ENDED: "agent.message_ended",
}


def still_says_so(request: Request, about: str) -> bool:
    if about in ("undelivered", "no_lead"):
        return True
    if about == "waiting":
        return request.state is State.AWAITING_DECISION
    if about == "half_way":
        return request.state is State.ACTIVE and request.half_way is not None and request.half_way.answered_at is None
    return request.stuck is not None


def alarm(request: Request, about: str, policy: Policy, now: datetime, occasion: str = "") -> Card:
    """`about`: `stuck` (Entra does not do as asked), `waiting` (a decision), `half_way` (no answer from the site),
    `undelivered` (a notice was given up, has failed for long or may not have arrived) or `no_lead` (there was no lead
    to tell): of the last two, `occasion` says what."""
    if about == "undelivered":
        return _undelivered(request, occasion, policy)
    if about == "no_lead":
        return _no_lead(request, Notice(occasion.partition(":")[0]), policy)
    name, reference = request.subject.name, request.reference
    if about == "waiting":
        return _card(
            request,
            say("agent.alarm_waiting_title", subject=name, reference=reference),
            say("agent.alarm_waiting", span=span(now - request.waits_since)),
            [],
            say("agent.alarm_waiting_next"),
            policy,
        )
    if about == "half_way":
        asked = request.half_way.at if request.half_way else now
        return _card(
            request,
            say("agent.alarm_half_way_title", subject=name, reference=reference),
            say("agent.alarm_half_way"),
            [
                (say("agent.asked_label"), uk_time(asked)),
                (say("everyone.site_label"), request.site.mailbox if request.site else ""),
            ],
            say("agent.alarm_half_way_next"),
            policy,
        )
    return _stuck(request, policy)


def _stuck(request: Request, policy: Policy) -> Card:
    assert request.stuck is not None
    name, reference = request.subject.name, request.reference
    if request.state is State.GRANTING:
        title = say("agent.alarm_granting_title", subject=name, reference=reference)
        then = say("agent.alarm_granting_next")
    else:
        title = say("agent.alarm_ending_title", subject=name, reference=reference)
        then = say("agent.alarm_ending_next")
    rows = [
        (say("agent.since_label"), uk_time(request.stuck.since)),
        (say("agent.attempts_label"), str(request.stuck.attempts)),
        (say("agent.message_label"), plain(request.stuck.message)),
    ]
    return _card(request, title, say("agent.alarm_stuck"), rows, then, policy)


def _undelivered(request: Request, occasion: str, policy: Policy) -> Card:
    sort, _, rest = occasion.partition(":")
    notice, _, to = rest.partition(":")
    match sort:
        case "Tell":
            message = say(_MESSAGES[Notice(notice)])
            whom = say(_TO[Audience(to.partition(":")[0])])
            then = say("agent.undelivered_notice_next")
        case "WriteToMailbox":
            message = say("agent.message_code")
            whom = request.site.mailbox if request.site else ""
            then = say("agent.undelivered_code_next")
        case "ShowHelpdesk":
            message = say("agent.message_request")
            whom = say("agent.to_channel")
            then = say("agent.undelivered_request_next")
        case _:
            message = say("agent.message_cards")
            whom = ""
            then = say("agent.undelivered_cards_next")
    name, reference = request.subject.name, request.reference
    if occasion.endswith(UNANSWERED):
        title = say("agent.alarm_unanswered_title", subject=name, reference=reference)
        what = say("agent.alarm_unanswered")
    else:
        title = say("agent.alarm_undelivered_title", subject=name, reference=reference)
        still_tried = occasion.endswith(STILL_TRIED)
        what = say("agent.alarm_undelivered_yet") if still_tried else say("agent.alarm_undelivered")
    rows = [(say("agent.message_label"), message), (say("agent.to_label"), whom)]
    return _card(request, title, what, rows, then, policy)


def _no_lead(request: Request, notice: Notice, policy: Policy) -> Card:
    title = say("agent.alarm_no_lead_title", subject=request.subject.name, reference=request.reference)
    rows = [(say("agent.message_label"), say(_MESSAGES[notice])), (say("agent.unusual_label"), unusual(request))]
    return _card(request, title, say("agent.alarm_no_lead"), rows, say("agent.alarm_no_lead_next"), policy)


ATTEMPTS = {
    "privileged": "agent.tried_privileged_title",
    "barred": "agent.tried_barred_title",
    "too_many_approvals": "agent.tried_too_many_approvals_title",
}
"""What was tried and refused, by the rule that refused it."""


def attempt(about: str, by: Person, subject: Person | None, when: datetime, policy: Policy) -> Card:
    """Something was refused that needs somebody's eyes. `subject`: whom it was for."""
    title = say(ATTEMPTS[about], name=by.name)
    then = "agent.tried_too_many_approvals_next" if about == "too_many_approvals" else "agent.tried_next"
    rows = [
        (say("agent.who_tried_label"), _named(by)),
        (say("everyone.for_label"), _named(subject) if subject else ""),
        (say("agent.when_label"), uk_time(when)),
    ]
    return card(
        f"{title}. {say(then)}",
        heading(title),
        state("⚠️", say("agent.needs_eyes"), "warning"),
        facts(rows),
        next_step(say(then)),
        agents_help_line(policy),
    )


def _named(person: Person) -> str:
    return f"{person.name} ({person.address})" if person.address else person.name


def _card(request: Request, title: str, what: str, rows: list[tuple[str, str]], then: str, policy: Policy) -> Card:
    return card(
        f"{title}. {then}",
        heading(title),
        state("⚠️", what, "warning"),
        facts(
            [
                (say("everyone.reference_label"), request.reference),
                (say("everyone.for_label"), request.subject.name),
                *rows,
            ]
        ),
        next_step(then),
        buttons(button(say("agent.open_request_button"), "review", {"reference": request.reference})),
        agents_help_line(policy),
    )
