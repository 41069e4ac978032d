"""The forms with which an agent decides."""

from cards.ask import verification_fields
from cards.card import Card
from cards.parts import Part, agents_help_line, button, buttons, card, field, heading, mistake, words
from cards.request import asks_for_themself
from domain.policy import Policy
from domain.request import Request
from texts import say


def approve(request: Request, policy: Policy, error: str = "", _why: str = "") -> Card:
    """By telephone the agent says how the caller was verified; with evidence, how long it may last."""
    kind = policy.kinds[request.kind]
    length = kind.length
    if kind.evidence is not None:
        most = kind.duration.days
        return _form(
            request,
            policy,
            say("agent.approve_title", reference=request.reference, subject=request.subject.name),
            error,
            words(say("agent.approve_answer_for_it")),
            field(
                "days",
                say("agent.approve_days_label", most=most),
                error=say("agent.approve_days_error", most=most),
                value=str(request.days or most),
                most=3,
            ),
            action=_yes(request, say("agent.approve_button"), "approve.yes", "positive"),
        )
    return _form(
        request,
        policy,
        say("agent.approve_for_title", reference=request.reference, length=length, subject=request.subject.name),
        error,
        *_verification(request, policy),
        action=_yes(request, say("agent.approve_for_button", length=length), "approve.yes", "positive"),
    )


def _verification(request: Request, policy: Policy) -> tuple[Part, ...]:
    """It is the subject who is verified: a colleague may have their password, and lack only their MFA."""
    subject = request.subject.name
    make_sure, label = say("agent.approve_make_sure", name=subject), say("agent.verification_label")
    if not asks_for_themself(request):
        make_sure = say("agent.approve_make_sure_of_subject", subject=subject, asked_by=request.asked_by.name)
        label = say("agent.verification_of_subject_label", subject=subject)
    return words(make_sure, weight="Bolder"), *verification_fields(policy, label)


def reject(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    return _form(
        request,
        policy,
        say("agent.reject_title", reference=request.reference, subject=request.subject.name),
        error,
        _why(policy, say("agent.reject_why"), why),
        action=_yes(request, say("agent.reject_button"), "reject.yes", "destructive"),
    )


def send_back(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    if request.giver:
        said = say("agent.send_back_to", giver=request.giver.name)
        question = say("agent.send_back_question", giver=request.giver.name)
    else:
        said, question = say("agent.send_back_to_site"), say("agent.send_back_question_to_site")
    return _form(
        request,
        policy,
        say("agent.send_back_title", reference=request.reference, subject=request.subject.name),
        error,
        words(said),
        _why(policy, question, why),
        action=_yes(request, say("agent.send_back_button"), "ask_back.yes", "positive"),
    )


def revoke(request: Request, policy: Policy, error: str = "", why: str = "") -> Card:
    return _form(
        request,
        policy,
        say("agent.revoke_title", reference=request.reference, subject=request.subject.name),
        error,
        words(say("agent.revoke_at_once")),
        _why(policy, say("agent.revoke_why"), why),
        action=_yes(request, say("agent.revoke_button"), "revoke.yes", "destructive"),
    )


def _form(request: Request, policy: Policy, title: str, error: str, *body: Part, action: Part) -> Card:
    return card(
        title,
        heading(title),
        mistake(error) if error else None,
        *body,
        buttons(action, button(say("everyone.back_button"), "review", _data(request))),
        agents_help_line(policy),
    )


def _yes(request: Request, title: str, verb: str, style: str) -> Part:
    return button(title, verb, _data(request), style=style, inputs=True)


def _why(policy: Policy, label: str, typed: str) -> Part:
    return field("words", label, error=say("agent.why_error"), value=typed, lines=True, most=policy.limits.text)


def _data(request: Request) -> dict[str, str]:
    return {"reference": request.reference}
