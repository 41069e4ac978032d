"""Every word on a card is the language's, the policy's, or was given to the card: another language is a file."""

import re
import string
from collections.abc import Iterator

import pytest

from tests.builders import ROOT
from tests.cards.rules import texts
from tests.cards.states import everything
from texts import Texts, english, speak


def drawn_in_other_letters(form: str) -> str:
    """Each of our own letters becomes ж; the values stay."""
    own = [(re.sub("[A-Za-z]", "ж", literal), name) for literal, name, _, _ in string.Formatter().parse(form)]
    return "".join(literal + ("" if name is None else f"{{{name}}}") for literal, name in own)


@pytest.fixture
def other_language() -> Iterator[None]:
    forms = {key: tuple(map(drawn_in_other_letters, its)) for key, its in english().forms.items()}
    speak(Texts(forms, "n != 1"))
    yield
    speak(english())


@pytest.mark.usefixtures("other_language")
def test_no_card_says_a_word_of_english_by_itself() -> None:
    sources = ("policy/policy.toml", "tests/builders.py", "tests/cards/states.py")
    given = " ".join((ROOT / path).read_text(encoding="utf-8") for path in sources).casefold()
    for name, card in everything("ж"):
        for text in (card.summary, *texts(card.content)):
            words = re.findall(r"[a-z]{3,}", text.casefold())
            assert [word for word in words if word not in given and len(set(word)) > 1] == [], (name, text)
