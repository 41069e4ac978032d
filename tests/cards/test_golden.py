"""Each card is as it was when somebody last looked at it."""

import importlib
import inspect
import pkgutil
from collections import Counter

import cards
from cards.card import Card
from tests.cards.golden import as_kept, as_made
from tests.cards.states import everything


def test_every_card_is_as_it_is_kept() -> None:
    made, kept = as_made(), as_kept()
    changed = [
        f"{family}: {state}"
        for family in made | kept
        for state in made.get(family, {}) | kept.get(family, {})
        if made.get(family, {}).get(state) != kept.get(family, {}).get(state)
    ]
    assert not changed, f"{len(changed)} cards changed: run `make golden` and look at the diff. {changed[:5]}"
    assert {family: list(states) for family, states in made.items()} == {
        family: list(states) for family, states in kept.items()
    }, "the states are in another order: run `make golden` and look at the diff"


def test_every_state_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(name for name, _ in everything()).items() if times > 1] == []


def test_every_function_that_makes_a_card_is_kept() -> None:
    """A new card needs its states in `tests/cards/states.py`."""
    makers = {
        f"{module.__name__.removeprefix('cards.')}.{name}"
        for found in pkgutil.iter_modules(cards.__path__, "cards.")
        for module in [importlib.import_module(found.name)]
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        if inspect.signature(function, eval_str=True).return_annotation is Card
    }
    assert makers - {"parts.card"} == set(as_kept())
