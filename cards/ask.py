"""The questions of the conversation that asks for an exception, one card a question."""

from collections.abc import Sequence

from cards.card import Card
from cards.parts import (
    Part,
    button,
    buttons,
    card,
    choice,
    facts,
    field,
    heading,
    help_line,
    link,
    mistake,
    plain,
    quiet,
    words,
)
from cards.plain_words import mine_button
from domain.moments import span
from domain.people import Person
from domain.policy import Details, Kind, Policy, Reason
from texts import say

FOR_ME, FOR_COLLEAGUE, FOR_CALLER = "me", "colleague", "caller"


class Asking:
    """What all question cards share: the title, how far one has come, the version and the error to show."""

    def __init__(
        self, policy: Policy, kind: Kind, version: int, place: tuple[int, int], error: str = "", said: str = ""
    ) -> None:
        self.policy = policy
        self.kind = kind
        self.name = next(name for name, one in policy.kinds.items() if one == kind)
        self.version = version
        self.place = place
        self.error = error
        self.said = said
        """What was understood of a typed sentence, or the answer to one."""

    def question(self, summary: str, *body: Part | None, actions: Sequence[Part], back: bool = True) -> Card:
        step, of = self.place
        way_back = [self.button(say("requester.back_button"), "ask.back")] if back else []
        return card(
            say("requester.step_summary", kind=self.kind.title, question=summary),
            heading(self.kind.title),
            quiet(say("requester.step", step=step, of=of)),
            words(plain(self.said)) if self.said else None,
            mistake(self.error) if self.error else None,
            *body,
            buttons(*actions, *way_back, self.button(say("requester.cancel_button"), "ask.cancel")),
            help_line(self.policy),
        )

    def button(self, title: str, verb: str, style: str = "", *, inputs: bool = False, **data: str) -> Part:
        sent = {**data, "kind": self.name, "card": self.version}
        return button(title, verb, sent, style=style, inputs=inputs)

    def go_on(self) -> Part:
        return self.button(say("everyone.continue_button"), "ask.answer", "positive", inputs=True)


def who(asking: Asking, *, agent: bool) -> Card:
    actions = [
        asking.button(say("requester.for_me_button"), "ask.answer", who=FOR_ME),
        asking.button(say("requester.for_a_colleague_button"), "ask.answer", who=FOR_COLLEAGUE),
    ]
    if agent:
        actions.insert(0, asking.button(say("agent.for_a_caller_button"), "ask.answer", who=FOR_CALLER))
    return asking.question(
        say("requester.who_summary"),
        words(say("requester.who_title"), weight="Bolder"),
        words(_lasts(asking.kind)),
        actions=actions,
        back=bool(asking.said),
    )


def understood(kind: Kind, who: str, whom: str, site: str, reason: str) -> str:
    """What a sentence was understood to say, so that a wrong guess is one word to undo; empty parts were not said."""
    given = kind.reason(reason)
    parts = [
        given.title if given else "",
        _for_whom(who, whom),
        say("requester.understood_site", site=site) if site else "",
    ]
    return say("requester.understood", said=", ".join(part for part in parts if part))


def _for_whom(who: str, whom: str) -> str:
    if not who:
        return ""
    if who == FOR_ME:
        return say("requester.understood_for_you")
    if whom:
        return say("requester.understood_for", whom=whom)
    return say("requester.understood_for_colleague") if who == FOR_COLLEAGUE else say("agent.understood_for_caller")


def not_understood(text: str, expected: str) -> str:
    return say("requester.answer_not_understood", typed=text[:60], expected=expected)


def _lasts(kind: Kind) -> str:
    if kind.evidence is None:
        return say("requester.lasts", length=kind.length)
    return say("requester.lasts_with_evidence", length=kind.length, span=span(kind.evidence.given_within))


def person(asking: Asking, *, caller: bool, typed: str) -> Card:
    return asking.question(
        say("agent.caller_summary") if caller else say("requester.colleague_summary"),
        field(
            "person",
            say("agent.caller_label") if caller else say("requester.colleague_label"),
            error=say("requester.person_error"),
            value=typed[:200],
            hint=say("everyone.address_hint"),
            most=200,
        ),
        actions=[asking.go_on()],
    )


def choose(asking: Asking, typed: str, people: Sequence[Person]) -> Card:
    return asking.question(
        say("requester.which_person_summary"),
        words(say("requester.several_people", typed=plain(typed[:200]))),
        choice(
            "chosen",
            say("requester.which_person_label"),
            [(f"{one.name} ({one.address})", one.id) for one in people],
            error=say("requester.which_person_error"),
        ),
        actions=[asking.go_on()],
    )


def reason(asking: Asking, chosen: str) -> Card:
    return asking.question(
        say("requester.reason_summary"),
        choice(
            "reason",
            say("requester.reason_label"),
            [(one.title, one.id) for one in asking.kind.reasons],
            error=say("requester.reason_error"),
            value=chosen,
        ),
        actions=[asking.go_on()],
    )


def details(asking: Asking, given: Reason, typed: str) -> Card:
    required = given.details is Details.REQUIRED
    actions = [asking.go_on()]
    if not required:
        actions.append(asking.button(say("requester.skip_button"), "ask.answer", details=""))
    return asking.question(
        given.details_question,
        words(given.title, weight="Bolder"),
        field(
            "details",
            given.details_question,
            error=say("requester.details_error") if required else "",
            value=typed,
            lines=True,
            most=asking.policy.limits.text,
        ),
        words(say("requester.no_health"), isSubtle=True),
        actions=actions,
    )


def remedy(asking: Asking, given: Reason) -> Card:
    assert given.remedy is not None
    return asking.question(
        say("requester.remedy_summary"),
        words(say("requester.remedy_title"), weight="Bolder"),
        words(given.remedy.title, weight="Bolder"),
        words(given.remedy.how),
        actions=[
            asking.button(say("requester.did_not_work_button"), "ask.answer", remedy="tried"),
            asking.button(say("requester.worked_button"), "ask.answer", remedy="worked"),
        ],
    )


def verification(asking: Asking, subject: Person, chosen: str, ticket: str) -> Card:
    return asking.question(
        say("agent.verification_summary"),
        words(say("agent.approve_make_sure", name=subject.name), weight="Bolder"),
        *verification_fields(asking.policy, say("agent.verification_label"), chosen, ticket),
        actions=[asking.go_on()],
    )


def verification_fields(policy: Policy, label: str, chosen: str = "", ticket: str = "") -> tuple[Part, Part]:
    return (
        choice(
            "verification",
            label,
            [(way.title, way.id) for way in policy.verifications],
            error=say("agent.verification_error"),
            value=chosen,
        ),
        field("ticket", say("agent.ticket_label"), value=ticket, most=100),
    )


def confirm(asking: Asking, rows: Sequence[tuple[str, str]], who: str, *, granted_now: bool) -> Card:
    """`who`: FOR_ME, FOR_COLLEAGUE or FOR_CALLER."""
    helpdesk = asking.policy.helpdesk
    title, send = say("requester.check_then_send_title"), say("requester.send_button")
    if asking.kind.evidence is not None:
        after = say("requester.then_evidence", helpdesk=helpdesk.name)
    elif who == FOR_CALLER and granted_now:
        title, send = say("agent.check_then_grant_title"), say("agent.grant_button", length=asking.kind.length)
        after = say("agent.starts_at_once")
    elif who == FOR_CALLER:
        send, after = say("agent.send_to_colleague_button"), say("agent.then_second_person")
    elif who == FOR_COLLEAGUE:
        after = say("requester.then_subject_telephones", **helpdesk.contact)
    else:
        after = say("requester.then_telephone", **helpdesk.contact)
    return asking.question(
        title,
        words(title, weight="Bolder"),
        facts((name, plain(value)) for name, value in rows),
        words(after),
        actions=[
            asking.button(send, "ask.send", "positive"),
            asking.button(say("requester.change_button"), "ask.change"),
        ],
    )


def change(asking: Asking, rows: Sequence[tuple[str, str, str]]) -> Card:
    """`rows` are (key of the answer, its name, what was answered)."""
    return asking.question(
        say("requester.change_summary"),
        choice(
            "change",
            say("requester.change_label"),
            [(plain(say("requester.answer_line", name=name, answer=answer)[:250]), key) for key, name, answer in rows],
            error=say("requester.change_error"),
        ),
        actions=[asking.go_on()],
    )


def sent(requests: Sequence[tuple[str, str]], asking: Asking) -> Card:
    """`requests` are (reference, whom it is for), where several were sent at once."""
    title = say("requester.several_sent_title", count=len(requests))
    return card(
        title,
        heading(title),
        facts((reference, plain(name)) for reference, name in requests),
        words(say("requester.several_sent", helpdesk=asking.policy.helpdesk.name)),
        buttons(mine_button()),
        help_line(asking.policy),
    )


def refused(asking: Asking, sentence: str, way_out: tuple[str, str] | None, *, for_me: bool) -> Card:
    actions = [link(*way_out)] if way_out else []
    actions.append(asking.button(say("requester.check_again_button"), "ask.check"))
    if not for_me:
        actions.append(asking.button(say("requester.somebody_else_button"), "ask.change_to", change="subject"))
    return asking.question(
        plain(sentence),
        words(say("requester.not_possible_title"), weight="Bolder"),
        words(plain(sentence)),
        actions=actions,
    )


def cancelled(policy: Policy, kind: str) -> Card:
    return card(
        say("requester.cancelled_summary"),
        heading(say("requester.cancelled_title")),
        words(say("requester.cancelled")),
        buttons(button(say("requester.start_again_button"), "ask.start", {"kind": kind}), mine_button()),
        help_line(policy),
    )


def remedied(policy: Policy, kind: str) -> Card:
    return card(
        say("requester.remedied_summary"),
        heading(say("requester.remedied_title")),
        words(say("requester.remedied")),
        buttons(button(say("requester.start_again_button"), "ask.start", {"kind": kind})),
        help_line(policy),
    )
