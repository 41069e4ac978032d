"""Several requests on one card."""

from collections.abc import Sequence
from datetime import datetime

from cards.card import Card
from cards.parts import Part, button, buttons, card, heading, help_line, words
from cards.request import STATES, reason_title
from domain.moments import span, uk_time
from domain.policy import Policy
from domain.request import Request

MOST = 6
"""Each line has a button, and Teams shows six of them."""


def queue(waiting: Sequence[Request], policy: Policy, now: datetime, *, more: bool) -> Card:
    """What awaits a decision, the oldest first. `more`: there are others that are not shown."""
    if not waiting:
        return card(
            "Nothing is waiting for a decision",
            heading("Waiting requests"),
            words("Nothing is waiting for a decision. New requests are posted in the helpdesk's channel."),
            buttons(button("For a caller on the telephone", "ask.start")),
            help_line(policy),
        )
    lines = [
        words(
            f"**{one.reference}** {one.subject.name}: {reason_title(one, policy)}. Waiting for "
            f"{span(now - one.asked_at)}.",
            separator=True,
        )
        for one in waiting
    ]
    return card(
        f"{len(waiting)} waiting for a decision",
        heading("Waiting requests"),
        *lines,
        words("There are more. They come up as these are decided.") if more else None,
        _open(waiting, "review"),
        help_line(policy),
    )


def mine(requests: Sequence[Request], policy: Policy) -> Card:
    if not requests:
        return card(
            "You have no requests",
            heading("My requests"),
            words("You have not asked for an exception, and nobody has asked for one for you."),
            buttons(button("Ask for an exception", "ask.start", style="positive")),
            help_line(policy),
        )
    lines = [words(_line(one, policy), separator=True) for one in requests]
    return card(
        f"Your requests: {len(requests)}",
        heading("My requests"),
        *lines,
        _open(requests, "status"),
        help_line(policy),
    )


def _line(one: Request, policy: Policy) -> str:
    icon, said, _ = STATES[one.state]
    return (
        f"**{one.reference}** {icon} {said}. For {one.subject.name}: {reason_title(one, policy)}, "
        f"asked at {uk_time(one.asked_at)}."
    )


def _open(requests: Sequence[Request], verb: str) -> Part:
    return buttons(*[button(f"Open {one.reference}", verb, {"reference": one.reference}) for one in requests])
