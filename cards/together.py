"""Several notices of one sort to one person, on one card: first what is still so, then what has moved on since."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.notices import FOR_STAFF
from cards.parts import (
    MOST_BUTTONS,
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    heading,
    help_line,
    plain,
    sentences,
    words,
)
from cards.request import STATES, cause, status_words, unusual
from domain.effects import Notice
from domain.moments import span, together, uk_time
from domain.policy import Policy
from domain.request import Request
from domain.standing import lacked_evidence
from texts import say

MOST = 20
"""Requests on one card: it has to stay below what Teams takes."""
_NAMED = 2

_TITLES = {
    Notice.EVIDENCE_WANTED: "owner.evidence_wanted_together_title",
    Notice.EVIDENCE_REMINDER: "owner.evidence_reminder_together_title",
    Notice.EVIDENCE_GIVEN: "everyone.evidence_given_together_title",
    Notice.WAITING_LONG: "lead.waiting_long_together_title",
    Notice.WITHDRAWN: "everyone.withdrawn_together_title",
    Notice.LAPSED: "everyone.lapsed_together_title",
    Notice.REMINDER: "everyone.reminder_together_title",
    Notice.HALF_WAY: "everyone.half_way_together_title",
    Notice.UNUSUAL: "lead.unusual_together_title",
    Notice.ENDED: "everyone.ended_together_title",
}
"""A text for each sort of notice that `domain.gathering` lets wait for others."""
_INTRODUCTIONS = {
    Notice.EVIDENCE_WANTED: "owner.evidence_together",
    Notice.EVIDENCE_REMINDER: "owner.evidence_together",
    Notice.WAITING_LONG: "lead.waiting_long_together",
    Notice.HALF_WAY: "everyone.half_way_together",
    Notice.UNUSUAL: "lead.unusual_together",
}
"""What to do, where there is something to do."""
_OPENS = {
    Notice.EVIDENCE_WANTED: "evidence",
    Notice.EVIDENCE_REMINDER: "evidence",
    Notice.WAITING_LONG: "review",
    Notice.UNUSUAL: "review",
}
"""The verb of the buttons, where it is not `status`."""


def notices_together(
    what: Notice, still_so: Sequence[Request], moved_on: Sequence[Request], policy: Policy, now: datetime
) -> Card:
    """`moved_on`: those of which the notice is no longer true."""
    title = say(_TITLES[what], count=len(still_so) + len(moved_on))
    verb = _OPENS.get(what, "status")
    lines = [
        _line(one, _what(one, what, policy, now), verb if number < MOST_BUTTONS else "")
        for number, one in enumerate(still_so)
    ]
    more = say("everyone.open_by_typing", command=verb, reference=still_so[-1].reference) if still_so else ""
    return card(
        sentences(f"{title}:", _names([*still_so, *moved_on])),
        heading(title),
        words(say(_INTRODUCTIONS[what])) if still_so and what in _INTRODUCTIONS else None,
        *lines,
        words(more) if len(still_so) > MOST_BUTTONS else None,
        words(say("everyone.nothing_left_of_this")) if not still_so else None,
        *_moved_on(moved_on),
        agents_help_line(policy) if what in FOR_STAFF else help_line(policy),
    )


def _names(requests: Sequence[Request]) -> str:
    names = [one.subject.name for one in requests]
    if len(names) > _NAMED + 1:
        return say("everyone.names_and_more", names=", ".join(names[:_NAMED]), count=len(names) - _NAMED)
    return f"{together(names)}."


def _line(one: Request, what: str, verb: str) -> Part:
    """Who, what of them, and the button right below; what it opens comes as a new message, so that the list stays."""
    site = f"{plain(one.site.name)} ({one.site.ods})." if one.site else ""
    data = {"reference": one.reference, "below": "yes"}
    opens = buttons(button(say("everyone.open_button", reference=one.reference), verb, data)) if verb else None
    items = [words(sentences(_who(one), what, site)), opens]
    return {"type": "Container", "separator": True, "items": [item for item in items if item]}


def _who(one: Request) -> str:
    return say("everyone.together_line", subject=one.subject.name, reference=one.reference)


def _moved_on(requests: Sequence[Request]) -> list[Part]:
    if not requests:
        return []
    lines = (f"{STATES[one.state][0]} {sentences(_who(one), f'{status_words(one)}.')}" for one in requests)
    items = [words(say("everyone.moved_on_title"), weight="Bolder"), *map(words, lines)]
    return [{"type": "Container", "separator": True, "items": items}]


def _what(one: Request, what: Notice, policy: Policy, now: datetime) -> str:
    kind = policy.kinds[one.kind]
    match what:
        case Notice.EVIDENCE_WANTED | Notice.EVIDENCE_REMINDER:
            assert kind.evidence is not None
            return say("owner.evidence_by", until=uk_time(one.waits_since + kind.evidence.given_within))
        case Notice.EVIDENCE_GIVEN:
            assert one.given is not None
            return say("everyone.evidence_given_by", name=one.given.by.name)
        case Notice.WAITING_LONG:
            return say("lead.waits_for", span=span(now - one.waits_since))
        case Notice.REMINDER | Notice.HALF_WAY:
            assert one.ends_at is not None
            return say("everyone.ends_in", span=span(one.ends_at - now), ends_at=uk_time(one.ends_at))
        case Notice.UNUSUAL:
            assert one.decided is not None
            return say("lead.approved_by", name=one.decided.by.name, at=uk_time(one.decided.at), why=unusual(one))
        case Notice.LAPSED:
            return say("everyone.no_evidence_came" if lacked_evidence(one) else "everyone.no_decision_came")
        case Notice.ENDED:
            return say("everyone.ended", cause=cause(one))
    return ""
