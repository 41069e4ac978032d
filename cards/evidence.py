"""The cards with which the site gives its evidence: the code, the checklist, one question, the files."""

from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import Part, button, buttons, card, choice, field, heading, help_line, mistake, plain, quiet, words
from domain.checklist import missing
from domain.evidence import TITLES, EvidenceFile, size_of
from domain.moments import uk_time
from domain.policy import EvidenceItem, Form, Policy
from domain.request import Request


class Giving:
    """What all these cards share: the request, the version and the error to show."""

    def __init__(self, request: Request, policy: Policy, version: int, error: str = "") -> None:
        self.request = request
        self.policy = policy
        self.version = version
        self.error = error

    def page(self, summary: str, *body: Part | None, actions: Sequence[Part]) -> Card:
        return card(
            f"Evidence for {self.request.subject.name}: {summary}",
            heading(f"Evidence for {self.request.subject.name}"),
            quiet(f"{self.request.reference}. {self._site()}"),
            mistake(self.error) if self.error else None,
            *body,
            buttons(*actions),
            help_line(self.policy),
        )

    def button(self, title: str, verb: str, style: str = "", *, inputs: bool = False, **data: str) -> Part:
        sent = {**data, "reference": self.request.reference, "card": self.version}
        return button(title, f"evidence.{verb}", sent, style=style, inputs=inputs)

    def _site(self) -> str:
        return f"{plain(self.request.site.name)} ({self.request.site.ods})" if self.request.site else ""

    @property
    def items(self) -> tuple[EvidenceItem, ...]:
        return self.policy.kinds[self.request.kind].checklist(self.request.reason)


def code(giving: Giving) -> Card:
    mailbox = giving.request.site.mailbox if giving.request.site else ""
    return giving.page(
        "type the code",
        words(f"We sent an e-mail with a code to {mailbox}. The code shows that you can read that mailbox."),
        field("code", "Code from the e-mail", error="Type the 8 digits from the e-mail.", hint="4821-7736", most=40),
        actions=[
            giving.button("Continue", "code", "positive", inputs=True),
            giving.button("Send a new code", "new_code"),
            giving.button("Close", "close"),
        ],
    )


def overview(giving: Giving, answers: Mapping[str, str], files: Sequence[EvidenceFile]) -> Card:
    lacking = missing(giving.items, answers)
    done = len(giving.items) - len(lacking)
    rules = giving.policy.kinds[giving.request.kind].evidence
    assert rules is not None
    summary = f"{done} of {len(giving.items)} answered"
    actions = [] if lacking else [giving.button("Send to the helpdesk", "send", "positive", inputs=True)]
    if lacking:
        actions.append(giving.button("Answer the next one", "next", "positive"))
    if done:
        actions.append(giving.button("Change an answer", "change"))
    if rules.files.most:
        actions.append(giving.button("Files", "files"))
    actions.append(giving.button("Save and close", "close"))
    return giving.page(
        summary,
        _question(giving.request),
        words(summary, weight="Bolder"),
        *[_line(item, answers.get(item.id, "")) for item in giving.items],
        words(f"Files: {', '.join(plain(file.name) for file in files) or 'none'}") if rules.files.most else None,
        None if lacking else _statement(rules.statement),
        quiet("Each answer is saved as you give it. You can close this and come back on any device."),
        actions=actions,
    )


def _question(request: Request) -> Part | None:
    if not request.questions:
        return None
    asked = request.questions[-1]
    return {
        "type": "Container",
        "style": "accent",
        "items": [
            words("The helpdesk asks", weight="Bolder"),
            words(f"“{plain(asked.words)}”"),
            words(f"{asked.by.name}, {uk_time(asked.at)}", isSubtle=True),
        ],
    }


def _line(item: EvidenceItem, answer: str) -> Part:
    if not answer.strip():
        return words(f"⬜ **{item.title}** Still missing", spacing="Small")
    return words(f"✔️ **{item.title}** {plain(answer[:120])}{' …' if len(answer) > 120 else ''}", spacing="Small")


def _statement(statement: str) -> Part:
    return {
        "type": "Input.Toggle",
        "id": "statement",
        "label": "Your statement",
        "title": statement,
        "wrap": True,
        "isRequired": True,
        "errorMessage": "Confirm the statement before you send.",
        "valueOn": "true",
        "valueOff": "false",
    }


def item(giving: Giving, asked: EvidenceItem, answer: str, longest: int) -> Card:
    number = giving.items.index(asked) + 1
    entry = field(
        "answer",
        asked.title,
        error="Type a date, for example 31 March 2027." if asked.form is Form.DATE else "Type an answer in words.",
        value=answer,
        lines=asked.form is Form.TEXT,
        most=40 if asked.form is Form.DATE else longest,
    )
    return giving.page(
        asked.title,
        quiet(f"Question {number} of {len(giving.items)}"),
        words(asked.why) if asked.why else None,
        entry,
        actions=[
            giving.button("Save", "answer", "positive", inputs=True, item=asked.id),
            giving.button("Back to the list", "list"),
        ],
    )


def change(giving: Giving, answers: Mapping[str, str]) -> Card:
    return giving.page(
        "which answer do you want to change?",
        choice(
            "item",
            "Which answer do you want to change?",
            [(plain(one.title), one.id) for one in giving.items if answers.get(one.id, "").strip()],
            error="Choose an answer.",
        ),
        actions=[
            giving.button("Continue", "change_to", "positive", inputs=True),
            giving.button("Back to the list", "list"),
        ],
    )


def files(giving: Giving, held: Sequence[EvidenceFile]) -> Card:
    rules = giving.policy.kinds[giving.request.kind].evidence
    assert rules is not None
    kinds = ", ".join(TITLES[kind] for kind in rules.files.kinds)
    limits = f"Up to {rules.files.most} files of {size_of(rules.files.bytes)} each: {kinds}."
    listed = choice(
        "file",
        "Remove a file",
        [(f"{plain(one.name)} ({size_of(one.size)})", one.id) for one in held],
        error="Choose a file.",
    )
    actions = [giving.button("Back to the list", "list", "positive")]
    if held:
        actions.append(giving.button("Remove the file", "remove", inputs=True))
    return giving.page(
        f"{len(held)} of {rules.files.most} files",
        words(f"Send files in this chat, with the paper clip. {limits}"),
        words("Only helpdesk staff who decide can open them, and the audit keeps who did."),
        listed if held else words("There are no files yet."),
        actions=actions,
    )


def closed(request: Request, policy: Policy) -> Card:
    return card(
        "Saved. Come back when you like",
        heading("Saved"),
        words("Your answers are kept. Nothing was sent to the helpdesk yet."),
        buttons(button("Go on", "evidence", {"reference": request.reference}, style="positive")),
        help_line(policy),
    )


def sent(request: Request, policy: Policy) -> Card:
    return card(
        f"Sent to the helpdesk: evidence for {request.subject.name}",
        heading("Sent to the helpdesk"),
        words(
            f"Thank you. The helpdesk decides on the exception for {request.subject.name}. It may ask you for more. "
            "You are told what it decides."
        ),
        buttons(button("See how it stands", "status", {"reference": request.reference})),
        help_line(policy),
    )
