"""Several requests on one card."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.parts import MOST_BUTTONS, Part, agents_help_line, button, buttons, card, heading, help_line, words
from cards.request import STATES, reason_title, status_words
from domain.moments import span, uk_time
from domain.policy import Policy
from domain.request import Request
from texts import say

MOST = MOST_BUTTONS
"""Each line has a button."""


def queue(waiting: Sequence[Request], policy: Policy, now: datetime, *, more: bool) -> Card:
    """What awaits a decision, the oldest first. `more`: there are others that are not shown."""
    if not waiting:
        return card(
            say("agent.queue_empty_summary"),
            heading(say("agent.queue_title")),
            words(say("agent.queue_empty")),
            buttons(button(say("agent.for_a_caller_button"), "ask.start")),
            agents_help_line(policy),
        )
    lines = [
        _line(
            say(
                "agent.queue_line",
                reference=one.reference,
                subject=one.subject.name,
                reason=reason_title(one, policy),
                span=span(now - one.asked_at),
            ),
            one,
            "review",
        )
        for one in waiting
    ]
    return card(
        say("agent.queue_summary", count=len(waiting)),
        heading(say("agent.queue_title")),
        *lines,
        words(say("agent.queue_more")) if more else None,
        agents_help_line(policy),
    )


def mine(requests: Sequence[Request], viewer_id: str, policy: Policy) -> Card:
    if not requests:
        return card(
            say("requester.no_requests"),
            heading(say("requester.requests_title")),
            words(say("requester.nothing_asked")),
            buttons(button(say("requester.ask_button"), "ask.start", style="positive")),
            help_line(policy),
        )
    lines = [_line(_mine(one, viewer_id, policy), one, "status") for one in requests]
    return card(
        say("requester.requests_summary", count=len(requests)),
        heading(say("requester.requests_title")),
        *lines,
        help_line(policy),
    )


def _mine(one: Request, viewer_id: str, policy: Policy) -> str:
    return say(
        "requester.request_line",
        reference=one.reference,
        icon=STATES[one.state][0],
        state=status_words(one, viewer_id),
        subject=one.subject.name,
        reason=reason_title(one, policy),
        asked_at=uk_time(one.asked_at),
    )


def _line(said: str, one: Request, verb: str) -> Part:
    """What there is to say about a request, and the button that opens it right below."""
    opens = button(say("everyone.open_button", reference=one.reference), verb, {"reference": one.reference})
    return {"type": "Container", "separator": True, "items": [words(said), buttons(opens)]}
