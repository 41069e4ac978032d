"""The cards with which the site gives its evidence: the code, the checklist, one question, the files."""

from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import Part, button, buttons, card, choice, field, heading, help_line, mistake, plain, quiet, words
from domain.checklist import missing
from domain.evidence import TITLES, EvidenceFile, size_of
from domain.moments import uk_time
from domain.policy import Evidence, EvidenceItem, Form, Policy
from domain.request import Request
from texts import say


class Giving:
    """What all these cards share: the request, the version and the error to show."""

    def __init__(self, request: Request, policy: Policy, version: int, error: str = "") -> None:
        self.request = request
        self.policy = policy
        self.version = version
        self.error = error

    def page(self, summary: str, *body: Part | None, actions: Sequence[Part]) -> Card:
        return card(
            say("owner.evidence_summary", subject=self.request.subject.name, page=summary),
            heading(say("owner.evidence_title", subject=self.request.subject.name)),
            quiet(f"{self.request.reference}. {self._site()}"),
            words(say("owner.give_by", moment=uk_time(self.request.waits_since + self.rules.given_within))),
            mistake(self.error) if self.error else None,
            *body,
            buttons(*actions),
            help_line(self.policy),
        )

    def button(self, title: str, verb: str, style: str = "", *, inputs: bool = False, **data: str) -> Part:
        sent = {**data, "reference": self.request.reference, "card": self.version}
        return button(title, f"evidence.{verb}", sent, style=style, inputs=inputs)

    @property
    def rules(self) -> Evidence:
        rules = self.policy.kinds[self.request.kind].evidence
        assert rules is not None, "a request with a site is of a kind with evidence"
        return rules

    def _site(self) -> str:
        return f"{plain(self.request.site.name)} ({self.request.site.ods})" if self.request.site else ""

    @property
    def items(self) -> tuple[EvidenceItem, ...]:
        return self.policy.kinds[self.request.kind].checklist(self.request.reason)


def code(giving: Giving) -> Card:
    mailbox = giving.request.site.mailbox if giving.request.site else ""
    return giving.page(
        say("owner.code_summary"),
        words(say("owner.code_sent", mailbox=mailbox)),
        field("code", say("owner.code_label"), error=say("owner.code_error"), hint=say("owner.code_hint"), most=40),
        actions=[
            giving.button(say("everyone.continue_button"), "code", "positive", inputs=True),
            giving.button(say("owner.new_code_button"), "new_code"),
            giving.button(say("owner.close_button"), "close"),
        ],
    )


def overview(giving: Giving, answers: Mapping[str, str], files: Sequence[EvidenceFile]) -> Card:
    lacking = missing(giving.items, answers)
    done = len(giving.items) - len(lacking)
    summary = say("owner.answered", done=done, asked=len(giving.items))
    actions = [] if lacking else [giving.button(say("owner.send_button"), "send", "positive", inputs=True)]
    if lacking:
        actions.append(giving.button(say("owner.next_button"), "next", "positive"))
    if done:
        actions.append(giving.button(say("owner.change_button"), "change"))
    if giving.rules.files.most:
        actions.append(giving.button(say("owner.files_button"), "files"))
    actions.append(giving.button(say("owner.save_and_close_button"), "close"))
    return giving.page(
        summary,
        _question(giving.request),
        words(summary, weight="Bolder"),
        *[_line(item, answers.get(item.id, "")) for item in giving.items],
        words(_files(files)) if giving.rules.files.most else None,
        None if lacking else _statement(giving.rules.statement),
        quiet(say("owner.saved_as_you_go")),
        actions=actions,
    )


def _files(files: Sequence[EvidenceFile]) -> str:
    if not files:
        return say("owner.files_none")
    return say("owner.files_given", files=", ".join(plain(file.name) for file in files))


def _question(request: Request) -> Part | None:
    if not request.questions:
        return None
    asked = request.questions[-1]
    return {
        "type": "Container",
        "style": "accent",
        "items": [
            words(say("owner.helpdesk_asks_title"), weight="Bolder"),
            words(say("owner.quoted", words=plain(asked.words))),
            words(say("owner.asked_by_at", name=asked.by.name, at=uk_time(asked.at)), isSubtle=True),
        ],
    }


def _line(item: EvidenceItem, answer: str) -> Part:
    if not answer.strip():
        return words(f"⬜ {say('owner.item_missing', item=item.title)}", spacing="Small")
    return words(f"✔️ **{item.title}** {plain(answer[:120])}{' …' if len(answer) > 120 else ''}", spacing="Small")


def _statement(statement: str) -> Part:
    return {
        "type": "Input.Toggle",
        "id": "statement",
        "label": say("owner.statement_label"),
        "title": statement,
        "wrap": True,
        "isRequired": True,
        "errorMessage": say("owner.statement_error"),
        "valueOn": "true",
        "valueOff": "false",
    }


def item(giving: Giving, asked: EvidenceItem, answer: str, longest: int) -> Card:
    number = giving.items.index(asked) + 1
    entry = field(
        "answer",
        asked.title,
        error=say("owner.date_expected") if asked.form is Form.DATE else say("owner.words_expected"),
        value=answer,
        lines=asked.form is Form.TEXT,
        most=40 if asked.form is Form.DATE else longest,
    )
    return giving.page(
        asked.title,
        quiet(say("owner.question_number", number=number, asked=len(giving.items))),
        words(asked.why) if asked.why else None,
        entry,
        actions=[
            giving.button(say("owner.save_button"), "answer", "positive", inputs=True, item=asked.id),
            giving.button(say("owner.back_to_list_button"), "list"),
        ],
    )


def change(giving: Giving, answers: Mapping[str, str]) -> Card:
    return giving.page(
        say("owner.change_summary"),
        choice(
            "item",
            say("owner.change_label"),
            [(plain(one.title), one.id) for one in giving.items if answers.get(one.id, "").strip()],
            error=say("owner.change_error"),
        ),
        actions=[
            giving.button(say("everyone.continue_button"), "change_to", "positive", inputs=True),
            giving.button(say("owner.back_to_list_button"), "list"),
        ],
    )


def files(giving: Giving, held: Sequence[EvidenceFile]) -> Card:
    rules = giving.rules
    most, kinds = rules.files.most, ", ".join(TITLES[kind] for kind in rules.files.kinds)
    listed = choice(
        "file",
        say("owner.remove_label"),
        [(f"{plain(one.name)} ({size_of(one.size)})", one.id) for one in held],
        error=say("owner.file_error"),
    )
    actions = [giving.button(say("owner.back_to_list_button"), "list", "positive")]
    if held:
        actions.append(giving.button(say("owner.remove_button"), "remove", inputs=True))
    return giving.page(
        say("owner.files_summary", held=len(held), count=most),
        words(say("owner.files_how", count=most, size=size_of(rules.files.bytes), kinds=kinds)),
        words(say("owner.files_who_opens")),
        listed if held else words(say("owner.no_files_yet")),
        actions=actions,
    )


def closed(request: Request, policy: Policy) -> Card:
    return card(
        say("owner.closed_summary"),
        heading(say("owner.closed_title")),
        words(say("owner.closed")),
        buttons(button(say("owner.go_on_button"), "evidence", {"reference": request.reference}, style="positive")),
        help_line(policy),
    )


def sent(request: Request, policy: Policy) -> Card:
    return card(
        say("owner.sent_summary", subject=request.subject.name),
        heading(say("owner.sent_title")),
        words(say("owner.sent", subject=request.subject.name)),
        buttons(button(say("owner.status_button"), "status", {"reference": request.reference})),
        help_line(policy),
    )
