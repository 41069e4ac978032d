"""What needs somebody's eyes, for the helpdesk's channel."""

from datetime import datetime

from cards.card import Card
from cards.parts import button, buttons, card, facts, heading, help_line, next_step, plain, state
from domain.moments import span, uk_time
from domain.people import Person
from domain.policy import Policy
from domain.request import Request, State

_TO = {
    "subject": "the person who has the exception",
    "asked_by": "whoever asked for it",
    "giver": "whoever gives the evidence",
    "owners": "the owners of the site's mailbox",
    "other_owners": "the other owners of the site's mailbox",
    "leads": "the leads",
}


def still_says_so(request: Request, about: str) -> bool:
    if about == "undelivered":
        return True
    if about == "waiting":
        return request.state is State.AWAITING_DECISION
    if about == "half_way":
        return request.state is State.ACTIVE and request.half_way is not None and request.half_way.answered_at is None
    return request.stuck is not None


def alarm(request: Request, about: str, policy: Policy, now: datetime, occasion: str = "") -> Card:
    """`about`: `stuck` (Entra does not do as asked), `waiting` (a decision), `half_way` (no answer from the site) or
    `undelivered` (a notice was given up: `occasion` says which)."""
    if about == "undelivered":
        return _undelivered(request, occasion, policy)
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


def _undelivered(request: Request, occasion: str, policy: Policy) -> Card:
    sort, _, rest = occasion.partition(":")
    notice, _, to = rest.partition(":")
    to = to.partition(":")[0]
    rows, then = {
        "Tell": (
            [("Message", notice.replace("_", " ")), ("To", _TO.get(to, to))],
            "Tell them yourself, for example by telephone.",
        ),
        "WriteToMailbox": (
            [("Message", "the one-time code"), ("To", request.site.mailbox if request.site else "")],
            "Send a new code, or check the mailbox's address.",
        ),
        "ShowHelpdesk": ([("Message", "the request"), ("To", "this channel")], "Open the request here."),
    }.get(sort, ([("Message", "how the request stands, on its cards")], "Open the request: older cards may be wrong."))
    title = f"Not delivered: a message about {request.subject.name} ({request.reference})"
    return _card(request, title, "It failed again and again, and is not tried any more", rows, then, policy)


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
