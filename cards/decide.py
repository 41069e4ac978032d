"""The forms with which an agent decides."""

from cards.ask import verification_fields
from cards.card import Card
from cards.parts import Part, button, buttons, card, field, heading, help_line, mistake, words
from domain.policy import Policy
from domain.request import Request


def approve(request: Request, policy: Policy, error: str = "", _why: str = "") -> Card:
    """By telephone the agent says how the caller was verified; with evidence, how long it may last."""
    kind = policy.kinds[request.kind]
    length = kind.length
    if kind.evidence is not None:
        most = kind.duration.days
        return _form(
            request,
            policy,
            f"Approve {request.reference}: {request.subject.name}",
            error,
            words("You answer for this decision. Read the evidence first."),
            field(
                "days",
                f"Length in days, from 1 to {most}",
                error=f"Type a number from 1 to {most}.",
                value=str(request.days or most),
                most=3,
            ),
            action=button("Approve", "approve.yes", _data(request), style="positive", inputs=True),
        )
    return _form(
        request,
        policy,
        f"Approve {request.reference}: {length} for {request.subject.name}",
        error,
        words(
            f"Make sure that the caller is {request.asked_by.name}. Nothing is granted before that.", weight="Bolder"
        ),
        *verification_fields(policy),
        action=button(f"Approve for {length}", "approve.yes", _data(request), style="positive", inputs=True),
    )


def reject(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    return _form(
        request,
        policy,
        f"Reject {request.reference}: {request.subject.name}",
        error,
        _why(policy, "Why is it rejected? The person who asked reads this.", why),
        action=button("Reject", "reject.yes", _data(request), style="destructive", inputs=True),
    )


def send_back(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    giver = request.giver.name if request.giver else "the site"
    return _form(
        request,
        policy,
        f"Send back {request.reference}: {request.subject.name}",
        error,
        words(f"The evidence is opened again for {giver}, with your question on top. Their answers are kept."),
        _why(policy, f"What is missing? {giver} reads this.", why),
        action=button("Send back", "ask_back.yes", _data(request), style="positive", inputs=True),
    )


def revoke(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    return _form(
        request,
        policy,
        f"Revoke {request.reference}: {request.subject.name}",
        error,
        words("The exception ends at once, and MFA prompts return."),
        _why(policy, "Why is it revoked? The people concerned read this.", why),
        action=button("Revoke", "revoke.yes", _data(request), style="destructive", inputs=True),
    )


def _form(request: Request, policy: Policy, title: str, error: str, *body: Part, action: Part) -> Card:
    return card(
        title,
        heading(title),
        mistake(error) if error else None,
        *body,
        buttons(action, button("Back", "review", _data(request))),
        help_line(policy),
    )


def _why(policy: Policy, label: str, typed: str) -> Part:
    return field("words", label, error="Give the reason.", value=typed, lines=True, most=policy.limits.text)


def _data(request: Request) -> dict[str, str]:
    return {"reference": request.reference}
