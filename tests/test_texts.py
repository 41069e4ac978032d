"""What people read: all of it in one file, used as it is meant, in the NHS's content style, and in any language."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.builders import ROOT
from texts import ENGLISH, VOICES, BadTexts, english, placeholders, read, say, speak

FOLDERS = ("domain", "dialogs", "cards", "services", "bot", "adapters", "texts")
CODE = {
    path: ast.parse(path.read_text(encoding="utf-8")) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")
}
TEXTS = english().forms
_MARKUP = re.compile(r'<[^<>]*(?:>|$)|^[^<>]*">|[^{};]*\{\s|[a-z-]+: ?[^;:.?]+;')
"""Tags, also those that a value cuts in two; selectors and styles of CSS."""
_KEY = re.compile(rf"({'|'.join(VOICES)})\.[a-z0-9_]+")


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path, tree in CODE.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_each_text_that_is_said_is_there_and_is_given_its_values() -> None:
    wrong = []
    for where, call in calls("say"):
        key = call.args[0]
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            assert not isinstance(key, ast.JoinedStr), f"{where}: a key is written out, so that it can be found"
            continue
        given = {word.arg for word in call.keywords if word.arg is not None}
        if any(word.arg is None and ast.unparse(word.value).endswith(".contact") for word in call.keywords):
            given |= {"helpdesk", "telephone"}
        forms = TEXTS.get(key.value)
        if forms is None:
            wrong.append(f"{where}: there is no {key.value}")
        elif given - {"count"} != placeholders(forms[0]) - {"count"}:
            wrong.append(f"{where}: {key.value} needs {sorted(placeholders(forms[0]))}")
        elif (len(forms) > 1 or "count" in placeholders(forms[0])) != ("count" in given):
            wrong.append(f"{where}: {key.value} and its count do not agree")
    assert wrong == []


def test_each_text_is_said_somewhere() -> None:
    written = {
        node.value
        for tree in CODE.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _KEY.fullmatch(node.value)
    }
    assert set(TEXTS) - written == set()
    assert written - set(TEXTS) == set()


def sentences_in_code(tree: ast.Module) -> Iterator[str]:
    """Constants of two words or more: without markup, docstrings and what goes to logs and operators."""
    not_read = {
        id(part)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Call) and _goes_to_operators(node.func))
        or isinstance(node, ast.Assert)
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in not_read:
            continue
        if re.search(r"[A-Za-z]{2,}[,.:]? [A-Za-z]{2,}", _MARKUP.sub("|", node.value)):
            yield f"{node.lineno}: {node.value}"


def _goes_to_operators(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr in ("debug", "info", "warning", "error", "exception", "compile")
    return isinstance(function, ast.Name) and function.id in ("Trouble", "Unproved", "ValueError", "LookupError")


PAPERS = {"cards/pack.py", "domain/pack.py", "services/person_records.py"}
"""What the command line writes for whoever runs the bot: papers in English."""


def test_no_sentence_stands_in_a_card() -> None:
    found = [
        f"{path.name}:{sentence}"
        for path, tree in CODE.items()
        if path.parent.name == "cards" and str(path.relative_to(ROOT)) not in PAPERS
        for sentence in sentences_in_code(tree)
    ]
    assert found == []


def test_no_refusal_is_worded_in_code() -> None:
    worded = [
        where
        for where, call in calls("Refusal")
        if call.args and isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
        if where.partition(":")[0] not in PAPERS
    ]
    assert worded == []


def every_form() -> Iterator[tuple[str, str]]:
    for key, forms in TEXTS.items():
        for form in forms:
            yield key, form


def test_texts_keep_the_content_style() -> None:
    rules = {
        "a contraction": r"\w['’](t|re|ve|ll|m|d)\b",
        "an exclamation mark": r"!",
        "a straight quotation mark": r'"',
        "please, sorry or failed": r"(?i)\b(please|sorry|unfortunately|failed|invalid|illegal|e\.g\.|i\.e\.|etc)\b",
        "a time that is not like 5:30pm": r"\b\d{1,2}[:.]\d\d (am|pm)\b|\bhrs\b",
        "and/or": r"\band/or\b",
        "two spaces": r"  ",
    }
    wrong = [(key, rule, form) for key, form in every_form() for rule, sign in rules.items() if re.search(sign, form)]
    assert wrong == []


def test_titles_and_buttons_are_in_sentence_case_and_end_without_a_full_stop() -> None:
    named = [(key, form) for key, form in every_form() if key.endswith(("_title", "_button", "_label"))]
    assert [key for key, form in named if form.endswith(".")] == []
    assert [key for key, form in named if form[0].isalpha() and not form[0].isupper()] == []


def test_sentences_end_with_a_full_stop() -> None:
    sentence = re.compile(r"[.?:”]$|\}$")
    ended = [(key, form) for key, form in every_form() if ". " in form and not sentence.search(form)]
    assert [key for key, _ in ended if not key.endswith("_summary")] == []


def test_sentences_are_short() -> None:
    longest = 25
    wrong = [
        (key, sentence)
        for key, form in every_form()
        for sentence in re.split(r"(?<=[.?:])\s", form)
        if len(sentence.split()) > longest
    ]
    assert wrong == []


def reading_age(texts: Sequence[str]) -> float:
    """In years, by the Automated Readability Index (Smith and Senter, 1967), which counts letters, not syllables."""
    said = [sentence for text in texts for sentence in re.split(r"(?<=[.?:])\s", re.sub(r"\{\w+\}", "Sam", text))]
    read_ones = [word for sentence in said for word in re.findall(r"[A-Za-z']+", sentence)]
    return 4.71 * sum(map(len, read_ones)) / len(read_ones) + 0.5 * len(read_ones) / len(said) - 21.43 + 5


@pytest.mark.parametrize("voice", VOICES)
def test_each_voice_can_be_read_by_children_of_9(voice: str) -> None:
    assert reading_age([form for key, form in every_form() if key.startswith(f"{voice}.") and form[-1] in ".?"]) <= 9


def test_a_language_is_a_file(tmp_path: Path) -> None:
    other = tmp_path / "cy.toml"
    other.write_text(re.sub(r'^(\w+ = \[?")', r"\1Cymraeg ", ENGLISH.read_text(), flags=re.M).replace(
        'plural = "Cymraeg n', 'plural = "n'), encoding="utf-8")  # fmt: skip
    try:
        speak(read(other))
        assert say("agent.queue_title") == "Cymraeg Waiting requests"
    finally:
        speak(english())
    assert say("agent.queue_title") == "Waiting requests"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "cannot be read as texts: 'plural'"),
        ('plural = "n != 1"\n[nobody]\n', "there is no voice “nobody”"),
        ('plural = "__import__(1)"\n', "cannot be read as texts"),
        ('plural = "n != 1"\n[agent]\n', "agent.queue_title is missing"),
        ('plural = "n != 1"\n[agent]\nqueue_line = "{reference.x}"\n', "is not a name in braces"),
        ('plural = "n != 1"\n[agent]\nqueue_line = "{"\n', "agent.queue_line"),
        ('plural = "n != 1"\n[agent]\nqueue_line = 1\n', "it is not a text"),
        ('plural = "n != 1"\n[agent]\nqueue_line = ["{a}", "{b}"]\n', "its forms differ"),
        ('plural = "n != 1"\n[agent]\nqueue_line = "{reference}"\n', "agent.queue_line needs these values"),
        ('plural = "n != 1"\n[agent]\nqueue_titel = "x"\n', "agent.queue_titel is not a text of this program"),
    ],
)
def test_a_language_that_lacks_something_is_refused_with_a_sentence(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "xx.toml").write_text(written, encoding="utf-8")
    with pytest.raises(BadTexts, match=re.escape(said)):
        read(tmp_path / "xx.toml")
