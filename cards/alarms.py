"""What needs somebody's eyes, for the helpdesk's channel."""

from datetime import datetime

from cards.card import Card
from cards.parts import button, buttons, card, facts, heading, help_line, next_step, plain, state
from domain.moments import span, uk_time
from domain.people import Person
from domain.policy import Policy
from domain.request import Request, State


def still_says_so(request: Request, about: str) -> bool:
    if about == "waiting":
        return request.state is State.AWAITING_DECISION
    if about == "half_way":
        return request.state is State.ACTIVE and request.half_way is not None and request.half_way.answered_at is None
    return request.stuck is not None


def alarm(request: Request, about: str, policy: Policy, now: datetime) -> Card:
    """`about`: `stuck` (Entra does not do as asked), `waiting` (a decision) or `half_way` (no answer from the site)."""
    if about == "waiting":
        return _card(
            request,
            f"Not decided yet: {request.subject.name} ({request.reference})",
            f"It has waited for {span(now - request.waits_since)}",
            [],
            "Open it and decide, or ask a colleague to. If it stays as it is, the leads are told.",
            policy,
        )
    if about == "half_way":
        asked = request.half_way.at if request.half_way else now
        return _card(
            request,
            f"No answer: is the exception for {request.subject.name} still needed? ({request.reference})",
            "The site has not answered",
            [("Asked", uk_time(asked)), ("Site", request.site.mailbox if request.site else "")],
            "Ask the site. If it is no longer needed, revoke it.",
            policy,
        )
    assert request.stuck is not None
    doing = "granting" if request.state is State.GRANTING else "ending"
    then = (
        "The exception has not started, and nobody was told that it has."
        if request.state is State.GRANTING
        else "The account may still be exempt. If this goes on, remove it from the group in Entra by hand."
    )
    return _card(
        request,
        f"Problem: {doing} does not work for {request.subject.name} ({request.reference})",
        "Entra does not do as asked. We keep trying",
        [
            ("Since", uk_time(request.stuck.since)),
            ("Attempts", str(request.stuck.attempts)),
            ("Message", plain(request.stuck.message)),
        ],
        then,
        policy,
    )


ATTEMPTS = {
    "privileged": "an exception for an account with administrator rights",
    "barred": "an exception for an account that nobody may exempt",
    "too_many_approvals": "to approve more than one agent may within an hour",
}
"""What was tried and refused, by the rule that refused it."""


def attempt(about: str, by: Person, subject: Person | None, when: datetime, policy: Policy) -> Card:
    """Something was refused that needs somebody's eyes. `subject`: whom it was for."""
    title = f"Refused: {by.name} tried {ATTEMPTS[about]}"
    then = "Nothing was granted. Ask them what it was for. If that is not clear, tell the security team."
    if about == "too_many_approvals":
        then = "Nothing more was granted. Look at what they approved, and revoke what is not right."
    rows = [("Who tried", f"{by.name} ({by.address})"), ("When", uk_time(when))]
    if subject is not None:
        rows.insert(1, ("For", f"{subject.name} ({subject.address})"))
    return card(
        title,
        heading(title),
        state("⚠️", "This needs somebody's eyes", "warning"),
        facts(rows),
        next_step(then),
        help_line(policy),
    )


def _card(request: Request, title: str, what: str, rows: list[tuple[str, str]], then: str, policy: Policy) -> Card:
    return card(
        title,
        heading(title),
        state("⚠️", what, "warning"),
        facts([("Reference", request.reference), ("For", request.subject.name), *rows]),
        next_step(then),
        buttons(button("Open the request", "review", {"reference": request.reference})),
        help_line(policy),
    )
