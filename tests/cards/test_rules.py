"""The rules themselves: a good card passes, each broken one is named."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cards import plain_words
from tests.builders import POLICY
from tests.cards.rules import faults, walk

GOOD = plain_words.welcome(POLICY).content


def broken(change: Callable[[dict[str, Any]], object]) -> list[str]:
    card = copy.deepcopy(dict(GOOD))
    change(card)
    return faults(card)


def _actions(card: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(part["actions"] for part in card["body"] if part["type"] == "ActionSet")
    return found


def _facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(part["facts"] for part in walk(card) if part["type"] == "FactSet")
    return found


def test_a_good_card_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.update(version="1.6"), "not an Adaptive Card 1.5"),
        (lambda card: card.update(actions=[]), "not in an ActionSet"),
        (lambda card: card.update(bodi=[]), "schema"),
        (lambda card: card["body"][0].pop("wrap"), "does not wrap"),
        (lambda card: card["body"][0].update(text=" "), "empty"),
        (lambda card: card["body"][0].update(text="<b>bold</b>"), "HTML"),
        (lambda card: card["body"][0].update(text="{{DATE(2026-01-01T00:00:00Z)}}"), "date function"),
        (lambda card: card["body"][0].update(text="x" * 30_000), "28 KB"),
        (lambda card: _actions(card)[0].pop("verb"), "no verb"),
        (lambda card: _actions(card)[0].pop("fallback"), "Submit fallback"),
        (lambda card: _actions(card)[-1].update(url="http://nhs.example"), "not https"),
        (lambda card: _actions(card).extend(copy.deepcopy(_actions(card))), "more than 6"),
        (lambda card: card["body"].append({"type": "Input.Text", "id": "a"}), "no label"),
        (
            lambda card: card["body"].append({"type": "Input.Text", "id": "a", "label": "A", "isRequired": True}),
            "what is wrong",
        ),
        (lambda card: card["body"].extend([{"type": "Input.Text", "id": "a", "label": "A"}] * 2), "used twice"),
        (lambda card: card["body"].append({"type": "TextBlok", "text": "A"}), "models: no type 'TextBlok'"),
        (lambda card: card["body"][0].update(txt="A"), "models: TextBlock has no txt"),
        (lambda card: card["body"][0].update(weight="bolder"), "models: Input should be 'Lighter'"),
        (lambda card: card["body"][0].update(isSubtle="true"), "models: TextBlock comes back as something else"),
        (lambda card: _facts(card)[0].update(titel="A"), "models: FactSet has no titel"),
        (lambda card: _actions(card)[0]["fallback"].update(titel="A"), "models: Action.Submit has no titel"),
    ],
)
def test_a_broken_card_is_named(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert any(said in fault for fault in broken(change))
