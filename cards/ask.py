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
from domain.people import Person
from domain.policy import Details, Kind, Policy, Reason

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
        way_back = [self.button("Back", "ask.back")] if back else []
        return card(
            f"{self.kind.title}: {summary}",
            heading(self.kind.title),
            quiet(f"Step {step} of {of}"),
            words(plain(self.said)) if self.said else None,
            mistake(self.error) if self.error else None,
            *body,
            buttons(*actions, *way_back, self.button("Cancel", "ask.cancel")),
            help_line(self.policy),
        )

    def button(self, title: str, verb: str, style: str = "", *, inputs: bool = False, **data: str) -> Part:
        sent = {**data, "kind": self.name, "card": self.version}
        return button(title, verb, sent, style=style, inputs=inputs)

    def go_on(self, title: str = "Continue") -> Part:
        return self.button(title, "ask.answer", "positive", inputs=True)


def who(asking: Asking, *, agent: bool) -> Card:
    actions = [
        asking.button("For me", "ask.answer", who=FOR_ME),
        asking.button("For a colleague", "ask.answer", who=FOR_COLLEAGUE),
    ]
    if agent:
        actions.insert(0, asking.button("For a caller on the telephone", "ask.answer", who=FOR_CALLER))
    return asking.question(
        "who is it for?",
        words("Who is the exception for?", weight="Bolder"),
        words(f"It lasts {asking.kind.length}. The helpdesk decides on it. {_how(asking.kind)}".strip()),
        actions=actions,
        back=bool(asking.said),
    )


def understood(kind: Kind, who: str, whom: str, site: str, reason: str) -> str:
    """What a sentence was understood to say, so that a wrong guess is one word to undo; empty parts were not said."""
    given = kind.reason(reason)
    whose = {FOR_ME: "for you", FOR_COLLEAGUE: f"for {whom or 'a colleague'}", FOR_CALLER: f"for {whom or 'a caller'}"}
    parts = [given.title if given else "", whose.get(who, ""), f"site {site}" if site else ""]
    return f"You said: {', '.join(part for part in parts if part)}. If that is wrong, type “undo”."


def not_understood(text: str, expected: str) -> str:
    return f"We did not understand “{text[:60]}”. {expected} To stop, type “cancel”."


def _how(kind: Kind) -> str:
    if kind.evidence is None:
        return ""
    return "It needs detailed evidence from the shared mailbox of your site. Without evidence it is rejected."


def person(asking: Asking, *, caller: bool, typed: str) -> Card:
    whose = "the caller" if caller else "your colleague"
    return asking.question(
        f"who is {whose}?",
        field(
            "person",
            f"NHSmail address or name of {whose}",
            error="Type an address, for example sam.price@nhs.net, or a name.",
            value=typed[:200],
            hint="sam.price@nhs.net",
            most=200,
        ),
        actions=[asking.go_on()],
    )


def choose(asking: Asking, typed: str, people: Sequence[Person]) -> Card:
    return asking.question(
        "which person do you mean?",
        words(f"Several people match “{plain(typed[:200])}”."),
        choice(
            "chosen",
            "Which person do you mean?",
            [(f"{one.name} ({one.address})", one.id) for one in people],
            error="Choose one of these people.",
        ),
        actions=[asking.go_on()],
    )


def reason(asking: Asking, chosen: str) -> Card:
    return asking.question(
        "what happened?",
        choice(
            "reason",
            "What is the reason?",
            [(one.title, one.id) for one in asking.kind.reasons],
            error="Choose a reason.",
            value=chosen,
        ),
        actions=[asking.go_on()],
    )


def details(asking: Asking, given: Reason, typed: str) -> Card:
    required = given.details is Details.REQUIRED
    actions = [asking.go_on()]
    if not required:
        actions.append(asking.button("Skip", "ask.answer", details=""))
    return asking.question(
        given.details_question,
        words(given.title, weight="Bolder"),
        field(
            "details",
            given.details_question,
            error="Type a sentence or two." if required else "",
            value=typed,
            lines=True,
            most=asking.policy.limits.text,
        ),
        words("Do not write about anybody's health here.", isSubtle=True),
        actions=actions,
    )


def remedy(asking: Asking, given: Reason) -> Card:
    assert given.remedy is not None
    return asking.question(
        "try this first",
        words("Try this first: it is quicker than an exception", weight="Bolder"),
        words(given.remedy.title, weight="Bolder"),
        words(given.remedy.how),
        actions=[
            asking.button("I tried, it does not work", "ask.answer", remedy="tried"),
            asking.button("It worked", "ask.answer", remedy="worked"),
        ],
    )


def verification(asking: Asking, subject: Person, chosen: str, ticket: str) -> Card:
    return asking.question(
        "how was the caller verified?",
        words(f"Make sure that the caller is {subject.name}. Nothing is granted before that.", weight="Bolder"),
        *verification_fields(asking.policy, chosen, ticket),
        actions=[asking.go_on()],
    )


def verification_fields(policy: Policy, chosen: str = "", ticket: str = "") -> tuple[Part, Part]:
    return (
        choice(
            "verification",
            "How did you verify the caller?",
            [(way.title, way.id) for way in policy.verifications],
            error="Choose how you verified the caller.",
            value=chosen,
        ),
        field("ticket", "Ticket number, if there is one", value=ticket, most=100),
    )


def confirm(asking: Asking, rows: Sequence[tuple[str, str]], *, caller: bool, granted_now: bool) -> Card:
    if asking.kind.evidence is not None:
        title, button_title = "Check, then send", "Send request"
        after = (
            "Then we write to the site's shared mailbox. Somebody who works in it gives the evidence, and the "
            f"{asking.policy.helpdesk.name} decides."
        )
    elif caller and granted_now:
        title, button_title, after = "Check, then grant", f"Grant for {asking.kind.length}", "It starts at once."
    elif caller:
        title, button_title = "Check, then send", "Send to a colleague"
        after = "It needs somebody else to approve it: a second person or a lead at the helpdesk."
    else:
        title, button_title = "Check, then send", "Send request"
        after = (
            f"Then telephone the {asking.policy.helpdesk.name} on {asking.policy.helpdesk.telephone} and quote the "
            "reference that we give you. The helpdesk decides."
        )
    return asking.question(
        title,
        words(title, weight="Bolder"),
        facts((name, plain(value)) for name, value in rows),
        words(after),
        actions=[
            asking.button(button_title, "ask.send", "positive"),
            asking.button("Change", "ask.change"),
        ],
    )


def change(asking: Asking, rows: Sequence[tuple[str, str, str]]) -> Card:
    """`rows` are (key of the answer, its name, what was answered)."""
    return asking.question(
        "what do you want to change?",
        choice(
            "change",
            "What do you want to change?",
            [(plain(f"{name}: {answer}"[:250]), key) for key, name, answer in rows],
            error="Choose what to change.",
        ),
        actions=[asking.go_on()],
    )


def sent(requests: Sequence[tuple[str, str]], asking: Asking) -> Card:
    """`requests` are (reference, whom it is for), where several were sent at once."""
    return card(
        f"{len(requests)} requests were sent",
        heading(f"{len(requests)} requests were sent"),
        facts((reference, plain(name)) for reference, name in requests),
        words(
            "We write to the site's shared mailbox, one e-mail for each. Somebody who works in it gives the evidence, "
            f"and the {asking.policy.helpdesk.name} decides."
        ),
        buttons(button("My requests", "mine")),
        help_line(asking.policy),
    )


def refused(asking: Asking, sentence: str, way_out: tuple[str, str] | None, *, for_me: bool) -> Card:
    actions = [link(*way_out)] if way_out else []
    actions.append(asking.button("Check again", "ask.check"))
    if not for_me:
        actions.append(asking.button("Choose somebody else", "ask.change_to", change="subject"))
    return asking.question(
        plain(sentence),
        words("An exception is not possible now", weight="Bolder"),
        words(plain(sentence)),
        actions=actions,
    )


def cancelled(policy: Policy, kind: str) -> Card:
    return card(
        "Cancelled. Nothing was sent",
        heading("Cancelled"),
        words("Nothing was sent and nothing was changed."),
        buttons(button("Start again", "ask.start", {"kind": kind}), button("My requests", "mine")),
        help_line(policy),
    )


def remedied(policy: Policy, kind: str) -> Card:
    return card(
        "Good. Nothing was sent",
        heading("Good, you do not need an exception"),
        words("Nothing was sent. If it stops working, start again."),
        buttons(button("Start again", "ask.start", {"kind": kind})),
        help_line(policy),
    )
