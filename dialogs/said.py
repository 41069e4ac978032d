"""What all conversations share: an answer as it was given, and the answers so far with the order they came in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Answers = Mapping[str, Any]
"""Plain values, kept as JSON. `trail` is the order in which they were given."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: typed, or out of a card's fields."""

    text: str = ""
    data: Mapping[str, Any] | None = None

    def value(self, name: str) -> str:
        """A field of the card as text; empty where it is missing or something else."""
        given = (self.data or {}).get(name, "")
        return given.strip() if isinstance(given, str) else ""


class NotNeeded(Exception):  # an outcome, not an error
    """A smaller remedy works: no exception is needed."""


def given(answers: Answers, **values: Any) -> Answers:
    """The answers with these added; the first of them is what “back” takes out again."""
    trail = [key for key in answers["trail"] if key not in values]
    return {**answers, **values, "trail": [*trail, next(iter(values))]}


def without(answers: Answers, keys: set[str]) -> Answers:
    kept = {key: value for key, value in answers.items() if key not in keys}
    lists: dict[str, Any] = {
        name: [key for key in answers[name] if key not in keys] for name in ("trail", "guessed") if name in kept
    }
    return {**kept, **lists}
