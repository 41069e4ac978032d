"""One request as a card: for whoever it concerns, and for the helpdesk's channel, which never shows evidence."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.parts import (
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    facts,
    folded,
    heading,
    help_line,
    mistake,
    next_step,
    plain,
    sentences,
    state,
    words,
)
from domain.effects import Audience
from domain.eligibility import renewable_from
from domain.moments import span, uk_date, uk_time
from domain.policy import Policy, Reason
from domain.request import Cause, Request, State
from domain.site import Site, warnings
from domain.standing import standing
from texts import say

STATES: dict[State, tuple[str, str, str]] = {
    State.AWAITING_EVIDENCE: ("✉️", "everyone.state_awaiting_evidence", "warning"),
    State.AWAITING_DECISION: ("⏳", "everyone.state_awaiting_decision", "warning"),
    State.GRANTING: ("⚙️", "everyone.state_granting", "accent"),
    State.ACTIVE: ("✅", "everyone.state_active", "good"),
    State.ENDING: ("⚙️", "everyone.state_ending", "accent"),
    State.ENDED: ("🏁", "everyone.state_ended", "default"),
    State.REJECTED: ("❌", "everyone.state_rejected", "attention"),
    State.WITHDRAWN: ("↩️", "everyone.state_withdrawn", "default"),
    State.LAPSED: ("⌛", "everyone.state_lapsed", "default"),
}
"""Icon, text and style."""

UNUSUAL = {
    "night": "agent.unusual_night",
    "same_site": "agent.unusual_same_site",
    "own_team": "agent.unusual_own_team",
}
"""What is unusual about an approval, by the keys that `domain.watching` gives."""

_CAUSES = {
    Cause.EXPIRED: "everyone.ended_expired",
    Cause.NO_LONGER_NEEDED: "everyone.ended_no_longer_needed",
    Cause.REVOKED: "everyone.ended_revoked",
    Cause.ACCOUNT_GONE: "everyone.ended_account_gone",
    Cause.PRIVILEGED: "everyone.ended_privileged",
    Cause.BARRED: "everyone.ended_barred",
    Cause.RENEWED: "everyone.ended_renewed",
}
_SHOWN_BEFORE = 5
Rows = Sequence[tuple[str, str]]
"""Name and value; without a value it is left out."""


def status_words(request: Request, viewer_id: str = "") -> str:
    """`viewer_id`: somebody whom it concerns; empty for the helpdesk."""
    return _stands(request, viewer_id)[1]


def _stands(request: Request, viewer_id: str) -> tuple[str, str, str]:
    icon, key, style = STATES[request.state]
    if not viewer_id or not _waits_for_call(request):
        return icon, say(key), style
    if viewer_id == request.subject.id:
        return icon, say("requester.state_telephone"), style
    return icon, say("requester.state_they_telephone", subject=request.subject.name), style


def _waits_for_call(request: Request) -> bool:
    waits = request.state is State.AWAITING_DECISION and request.site is None
    return waits and request.taken_by is None and request.first_approval is None


def mine(request: Request, viewer_id: str, policy: Policy, now: datetime, said: str = "") -> Card:
    """The request for somebody whom it concerns: how it stands, what is next for them, and the way out."""
    yours = viewer_id == request.subject.id
    actions = _own_buttons(request, policy, now, yours=yours)
    return card(
        say("everyone.request_line", reference=request.reference, state=status_words(request, viewer_id)),
        *_top(request, policy, said, viewer_id),
        next_step(_next(request, policy, yours=yours)),
        *_rows(request, _main_rows(request, policy, now), _other_rows(request, policy)),
        buttons(*actions) if actions else None,
        help_line(policy),
    )


def _top(request: Request, policy: Policy, said: str, viewer_id: str = "") -> Sequence[Part | None]:
    """Who and what, what has just happened, and how it stands: the same on each card of a request."""
    kind = policy.kinds[request.kind]
    return (
        heading(say("everyone.request_title", subject=request.subject.name, kind=kind.title.lower())),
        mistake(said) if said else None,
        state_line(request, viewer_id),
        _stuck(request),
    )


def _rows(request: Request, main: Rows, others: Rows) -> Sequence[Part]:
    """While it waits for somebody everything is shown; later the long story is folded."""
    if request.state in (State.AWAITING_EVIDENCE, State.AWAITING_DECISION):
        return (facts([*main, *others]),)
    return (facts(main), *folded(say("everyone.details_button"), "details", facts(others)))


def _own_buttons(request: Request, policy: Policy, now: datetime, *, yours: bool) -> list[Part]:
    data = {"reference": request.reference}
    match request.state:
        case State.AWAITING_EVIDENCE if yours and not _subject_may_give(request, policy):
            return [_withdraw(data)]
        case State.AWAITING_EVIDENCE:
            return [button(say("everyone.give_evidence_button"), "evidence", data), _withdraw(data)]
        case State.AWAITING_DECISION | State.GRANTING:
            return [_withdraw(data)]
        case State.ACTIVE:
            return [*renewal(request, policy, now), end_button(request)]
        case State.ENDING:
            return []
    return [button(say("everyone.ask_again_button"), "again", data)]


def _subject_may_give(request: Request, policy: Policy) -> bool:
    rules = policy.kinds[request.kind].evidence
    return rules is not None and rules.subject_may_give


def _withdraw(data: dict[str, str]) -> Part:
    return button(say("requester.withdraw_button"), "withdraw", data)


def renewal(request: Request, policy: Policy, now: datetime) -> list[Part]:
    """The button that renews it, while that can be done."""
    first = renewable_from(request, policy)
    if first is None or first > now:
        return []
    return [button(say("everyone.renew_button"), "renew", {"reference": request.reference}, style="positive")]


def end_button(request: Request) -> Part:
    key = "everyone.no_longer_needed_button" if request.site else "requester.i_no_longer_need_it_button"
    return button(say(key), "end", {"reference": request.reference})


def follow_up(request: Request, policy: Policy, *, yours: bool) -> str:
    """What the policy tells people with this reason to do besides: whoever is exempted, and nobody else."""
    reason = policy.kinds[request.kind].reason(request.reason)
    return reason.follow_up if reason and yours else ""


def _next(request: Request, policy: Policy, *, yours: bool) -> str:
    helpdesk = policy.helpdesk
    if request.closing and request.closing.cause is Cause.RENEWED:
        return say("everyone.followed_by_another")
    match request.state:
        case State.AWAITING_EVIDENCE if request.site:
            return _next_for_evidence(request, request.site, policy, yours=yours)
        case State.AWAITING_DECISION if request.given:
            return say("requester.next_helpdesk_reads_evidence", name=request.given.by.name)
        case State.AWAITING_DECISION if not _waits_for_call(request):
            return say("requester.next_colleague_decides")
        case State.AWAITING_DECISION:
            key = "requester.next_telephone" if yours else "requester.next_subject_telephones"
            return say(key, subject=request.subject.name, reference=request.reference, **helpdesk.contact)
        case State.GRANTING if request.ends_at:
            return say("requester.next_put_back", ends_at=uk_time(request.ends_at))
        case State.GRANTING:
            return say("requester.next_starts")
        case State.ACTIVE if request.ends_at:
            until = say("requester.next_prompts_return", ends_at=uk_time(request.ends_at))
            return sentences(until, follow_up(request, policy, yours=yours))
        case State.ENDING:
            return sentences(say("requester.next_end_is_confirmed"), follow_up(request, policy, yours=yours))
        case State.ENDED if request.never_confirmed:
            return say("requester.next_ask_again")
        case State.ENDED:
            return sentences(say("requester.next_prompts_are_back"), follow_up(request, policy, yours=yours))
        case State.REJECTED:
            return say("requester.next_look_again", telephone=helpdesk.telephone)
    return say("requester.next_ask_again")


def asks_for_themself(request: Request) -> bool:
    return request.asked_by.id == request.subject.id


def _next_for_evidence(request: Request, site: Site, policy: Policy, *, yours: bool) -> str:
    if request.questions and request.giver:
        question = plain(request.questions[-1].words)
        return say("requester.next_more_evidence", giver=request.giver.name, question=question)
    if request.giver:
        return say("requester.next_evidence_begun", giver=request.giver.name)
    mailbox, reference = site.mailbox, request.reference
    if _subject_may_give(request, policy):
        return say("requester.next_evidence", mailbox=mailbox, reference=reference)
    if yours:
        return say("requester.next_evidence_not_you", mailbox=mailbox, reference=reference)
    said = say("requester.next_evidence", mailbox=mailbox, reference=reference)
    return sentences(said, say("requester.next_evidence_not_subject", subject=request.subject.name))


def state_line(request: Request, viewer_id: str = "") -> Part:
    """`viewer_id`: as for `status_words`."""
    return state(*_stands(request, viewer_id))


def _main_rows(request: Request, policy: Policy, now: datetime, *, names_others: bool = False) -> Rows:
    """What somebody asks for first, and the time left."""
    rows = [
        (say("everyone.reference_label"), request.reference),
        (say("everyone.reason_label"), reason_title(request, policy)),
        (say("everyone.their_words_label"), plain(request.details)),
        (say("everyone.site_label"), _site(request)),
    ]
    evidence = policy.kinds[request.kind].evidence
    if request.state is State.AWAITING_EVIDENCE and evidence is not None:
        rows.append((say("everyone.evidence_by_label"), _in(request.waits_since + evidence.given_within, now)))
    if request.state is State.ACTIVE and request.ends_at:
        rows.append((say("everyone.ends_label"), _in(request.ends_at, now)))
    if request.state is State.REJECTED and request.decided:
        rows.append((say("everyone.why_label"), plain(request.decided.words)))
    if request.closing:
        rows.append((say("everyone.why_it_ended_label"), cause(request, names_others=names_others)))
        if request.closing.cause is not Cause.RENEWED:
            rows.append((say("everyone.reason_given_label"), plain(request.closing.words)))
    return rows


def _in(moment: datetime, now: datetime) -> str:
    if moment <= now:
        return uk_time(moment)
    return say("everyone.moment_in", moment=uk_time(moment), span=span(moment - now))


def _other_rows(request: Request, policy: Policy, *, names_others: bool = False) -> Rows:
    renewed = request.renews if names_others or not request.renews else say("everyone.earlier_exception")
    rows = [
        (say("everyone.renews_label"), renewed),
        (say("everyone.evidence_label"), _evidence(request)),
        (say("everyone.asked_by_label"), f"{request.asked_by.name}, {uk_time(request.asked_at)}"),
        (say("everyone.call_taken_by_label"), request.taken_by.name if request.taken_by else ""),
        (say("everyone.length_label"), length(request, policy)),
    ]
    if request.first_approval and not request.decided:
        first = request.first_approval
        rows.append((say("everyone.approved_first_by_label"), f"{first.by.name}, {uk_time(first.at)}"))
    if request.decided:
        verb = "everyone.approved_by_label" if request.decided.approved else "everyone.rejected_by_label"
        rows.append((say(verb), f"{request.decided.by.name}, {uk_time(request.decided.at)}"))
        if request.state is not State.REJECTED:
            rows.append((say("everyone.why_label"), plain(request.decided.words)))
    if request.starts_at:
        rows.append((say("everyone.started_label"), uk_time(request.starts_at)))
    asked = request.half_way
    if asked and asked.answered_by and asked.answered_at:
        rows.append((say("everyone.still_needed_label"), f"{asked.answered_by.name}, {uk_time(asked.answered_at)}"))
    if request.closed_at and request.state is not State.REJECTED:
        rows.append((say("everyone.closed_label"), uk_time(request.closed_at)))
    return rows


def length(request: Request, policy: Policy) -> str:
    """What was agreed, or what the policy gives."""
    if request.days is None:
        return policy.kinds[request.kind].length
    return say("everyone.length_agreed", count=request.days)


def _site(request: Request) -> str:
    return f"{plain(request.site.name)} ({request.site.ods}), {request.site.mailbox}" if request.site else ""


def _evidence(request: Request) -> str:
    if request.site is None:
        return ""
    if request.purged_at is not None:
        return say("everyone.evidence_deleted", date=uk_date(request.purged_at))
    given = request.given
    if given is None:
        return (
            say("everyone.evidence_begun", name=request.giver.name) if request.giver else say("everyone.evidence_none")
        )
    name, at = given.by.name, uk_time(given.at)
    if not given.files:
        return say("everyone.evidence_given", answered=given.answered, asked=given.asked, name=name, at=at)
    return say(
        "everyone.evidence_given_with_files",
        answered=given.answered,
        asked=given.asked,
        count=given.files,
        name=name,
        at=at,
    )


def cause(request: Request, *, names_others: bool = False) -> str:
    """`names_others`: for the helpdesk, also the reference of another request, which may not concern the reader."""
    closing = request.closing
    assert closing is not None
    if request.never_confirmed:
        return say("everyone.ended_never_confirmed")
    if closing.cause is Cause.RENEWED and names_others:
        return say("agent.ended_renewed", reference=closing.words)
    who = f" ({closing.by.name})" if closing.by and closing.cause is not Cause.RENEWED else ""
    return f"{say(_CAUSES[closing.cause])}{who}"


def reason_title(request: Request, policy: Policy) -> str:
    reason: Reason | None = policy.kinds[request.kind].reason(request.reason)
    return reason.title if reason else request.reason


def _stuck(request: Request) -> Part | None:
    if request.stuck is None:
        return None
    stuck = request.stuck
    return state("⚠️", say("everyone.takes_longer", count=stuck.attempts, since=uk_time(stuck.since)), "warning")


def decision(request: Request, history: Sequence[Request], policy: Policy, now: datetime, said: str = "") -> Card:
    """The request for the helpdesk. Its buttons are there only while they can do something."""
    main = [
        *_main_rows(request, policy, now, names_others=True),
        (say("agent.unusual_label"), unusual(request)),
    ]
    others = [
        (say("agent.address_label"), request.subject.address),
        *_other_rows(request, policy, names_others=True),
        (say("agent.verified_label"), _verified(request, policy)),
        (say("agent.account_label"), _account(request.methods, policy)),
        (say("agent.before_this_label"), before(request, history, policy)),
        (say("agent.about_the_site_label"), " ".join(warnings(request.site)) if request.site else ""),
        (say("agent.asked_of_the_site_label"), asked_back(request)),
    ]
    return card(
        _line(request, policy.kinds[request.kind].title.lower()),
        *_top(request, policy, said),
        _last_message(request),
        _repeated(request, history, policy, now),
        next_step(next_for_agents(request)),
        *_rows(request, main, others),
        _agent_buttons(request),
        agents_help_line(policy),
    )


def to_each(request: Request, to: Audience, yours: str, others: str, **values: str) -> str:
    """One text for whoever is exempted, and one for all others, which names them."""
    return say(yours, **values) if to is Audience.SUBJECT else say(others, subject=request.subject.name, **values)


def unusual(request: Request) -> str:
    return ". ".join(say(UNUSUAL[one]) for one in request.unusual)


def _last_message(request: Request) -> Part | None:
    if request.stuck is None:
        return None
    return words(say("agent.last_message", message=plain(request.stuck.message)), isSubtle=True)


def _line(request: Request, kind: str) -> str:
    """For the activity feed: how it stands, who, and what to do; and no reason, which others may read there."""
    name, reference = request.subject.name, request.reference
    if request.state is not State.AWAITING_DECISION:
        return say("agent.request_line", state=status_words(request), subject=name, kind=kind, reference=reference)
    if request.given:
        return say("agent.decide_on_evidence_line", subject=name, kind=kind, reference=reference)
    return say("agent.decide_on_call_line", subject=name, kind=kind, reference=reference)


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
    return state("⚠️", say("agent.asked_repeatedly", count=len(earlier), span=span(repeat.window)), "warning")


def _agent_buttons(request: Request) -> Part | None:
    data = {"reference": request.reference}
    reject = button(say("agent.reject_button"), "reject", data, style="destructive")
    if request.state is State.AWAITING_EVIDENCE:
        return buttons(button(say("agent.new_code_button"), "code", data), reject)
    if request.state is State.AWAITING_DECISION and request.given:
        return buttons(
            button(say("agent.review_evidence_button"), "review", data, style="positive"),
            button(say("agent.approve_button"), "approve", data),
            button(say("agent.send_back_button"), "ask_back", data),
            reject,
        )
    if request.state is State.AWAITING_DECISION:
        return buttons(button(say("agent.approve_button"), "approve", data, style="positive"), reject)
    if request.state in (State.GRANTING, State.ACTIVE):
        return buttons(button(say("agent.revoke_button"), "revoke", data, style="destructive"))
    return None


def next_for_agents(request: Request) -> str:
    match request.state:
        case State.AWAITING_EVIDENCE:
            return sentences(standing(request), say("agent.next_evidence_first"))
        case State.AWAITING_DECISION if request.given and request.first_approval:
            return sentences(say("agent.next_review"), say("everyone.waits_for_second_person"))
        case State.AWAITING_DECISION if request.given:
            return say("agent.next_review")
        case State.AWAITING_DECISION:
            key = "agent.next_verify" if asks_for_themself(request) else "agent.next_verify_subject"
            return say(key, subject=request.subject.name, asked_by=request.asked_by.name, reference=request.reference)
        case State.GRANTING if request.ends_at:
            return standing(request)
        case State.GRANTING:
            return say("agent.next_granting")
        case State.ACTIVE | State.ENDING:
            return standing(request)
    return sentences(say("agent.next_nothing"), standing(request))


def _verified(request: Request, policy: Policy) -> str:
    if request.verified is None:
        return ""
    way = policy.verification(request.verified.way)
    told = f"{way.title if way else request.verified.way} ({request.verified.by.name})"
    if request.verified.ticket:
        return say("agent.verified_with_ticket", verified=told, ticket=plain(request.verified.ticket))
    return told


def _account(registered: Sequence[str], policy: Policy) -> str:
    names = [policy.account.method_names.get(method, method) for method in registered if method != "password"]
    if not names:
        return say("agent.account_without_methods")
    return say("agent.account_with_methods", methods=", ".join(names))


def before(request: Request, history: Sequence[Request], policy: Policy) -> str:
    """What this person had in the policy's window, in one line each, the newest first."""
    earlier = [one for one in history if one.reference != request.reference]
    window = span(policy.limits.history)
    if not earlier:
        return say("agent.nothing_before", span=window)
    lines = [
        f"{uk_time(one.asked_at)}: {reason_title(one, policy)}, {status_words(one).lower()}"
        for one in earlier[:_SHOWN_BEFORE]
    ]
    if len(earlier) > _SHOWN_BEFORE:
        lines.append(say("agent.and_more", count=len(earlier) - _SHOWN_BEFORE))
    return say("agent.before", count=len(earlier), span=window, lines="; ".join(lines))
