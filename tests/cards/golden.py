"""The cards as they are, kept under tests/cards/golden so that each change of a card is seen: `make golden`.

One file for each function that makes a card. A card that is the same as one before it in its file is left out.
"""

import json
from typing import Any

from tests.builders import ROOT
from tests.cards.states import everything

FOLDER = ROOT / "tests" / "cards" / "golden"
WORDS = "It was left on a train, near York"

Kept = dict[str, dict[str, Any]]


def as_made() -> dict[str, Kept]:
    """By family, then by state."""
    families: dict[str, Kept] = {}
    for name, card in everything(WORDS):
        family, _, state = name.partition(": ")
        kept = families.setdefault(family, {})
        one = {"summary": card.summary, "card": card.content}
        if one not in kept.values():
            kept[state] = one
    return families


def as_kept() -> dict[str, Kept]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def write() -> None:
    made = as_made()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.stem not in made:
            path.unlink()
    for family, kept in made.items():
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        (FOLDER / f"{family}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
