"""Each card about a drift keeps Teams' rules, says what to do, and has buttons only while they do something."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from cards.drifts import NOT_PERMITTED, OUTCOMES, Shown, drift
from domain.drift import Drift, Sort
from tests.builders import NOON, POLICY
from tests.cards.rules import faults
from tests.journeys.world import buttons_of, text_of

REFERENCE = "MFA-7K3Q-9XDM"
GROUP, ACCOUNT = "4c1d2e7f-8a90-4b1c-a2d3-e4f5061728a3", "0f6a5c11-3b7d-4e2a-9c48-1a2b3c4d5e01"
DRIFTS = {
    Sort.STRANGER: Drift(Sort.STRANGER, GROUP, ACCOUNT),
    Sort.OVERSTAYED: Drift(Sort.OVERSTAYED, GROUP, ACCOUNT, REFERENCE),
    Sort.MISSING: Drift(Sort.MISSING, GROUP, ACCOUNT, REFERENCE),
    Sort.EXCLUSION_GONE: Drift(Sort.EXCLUSION_GONE, entra_id=GROUP),
    Sort.EXCLUSION_MORE: Drift(Sort.EXCLUSION_MORE, entra_id=ACCOUNT),
    Sort.MANY: Drift(Sort.MANY, entra_id="stranger", number=4321),
}
EVIL = "[x](https://evil.example) **b** <at>all</at> {{DATE(2020)}} \u202e" + "y" * 5000


def shown(sort: Sort, **given: Any) -> Shown:
    kinds = ", ".join(kind.title for kind in POLICY.kinds.values())
    one = Shown(DRIFTS[sort], NOON, "Sam Price", "sam.price@nhs.net", kinds, "Alex Reed (alex@nhs.net)", NOON)
    return replace(one, **given)


@pytest.mark.parametrize(("sort", "outcome", "words"), list(product(Sort, ["", *OUTCOMES], ["Sam Price", EVIL])))
def test_every_card_keeps_the_rules_whatever_entra_says(sort: Sort, outcome: str, words: str) -> None:
    over = {"over_at": NOON + timedelta(hours=1), "outcome": outcome, "by": words} if outcome else {}
    made = drift(shown(sort, name=words, address=words, added_by=words, **over), POLICY)
    assert faults(made.content) == []
    assert not re.search(r"(?<!\\)\]\(", text_of(made.content))
    assert "<at>" not in text_of(made.content)
    assert len(str(made.content)) < 25_000


@pytest.mark.parametrize("many", ["stranger", "overstayed", "missing"])
def test_many_at_once_say_how_many_and_what_to_run(many: str) -> None:
    text = text_of(drift(shown(Sort.MANY, drift=Drift(Sort.MANY, entra_id=many, number=87)), POLICY).content)
    assert "Too many at once: 87" in text
    assert "Nothing was changed" in text
    assert "--most-removals 87" in text


def titles(one: Shown) -> list[str]:
    return [button["title"] for button in buttons_of(drift(one, POLICY).content)]


def test_buttons_are_there_while_they_do_something() -> None:
    assert titles(shown(Sort.STRANGER)) == ["Remove", "Adopt"]
    assert titles(shown(Sort.MISSING)) == ["Put back", "End it", "Open the request"]
    assert titles(shown(Sort.OVERSTAYED)) == ["Open the request"]
    for sort in (Sort.EXCLUSION_GONE, Sort.EXCLUSION_MORE, Sort.MANY):
        assert titles(shown(sort)) == []
    over = {"over_at": NOON, "outcome": "removed"}
    assert titles(shown(Sort.STRANGER, **over)) == []
    assert titles(shown(Sort.MISSING, **over)) == ["Open the request"]


def test_who_added_the_account_is_said_or_why_not() -> None:
    assert "Alex Reed" in text_of(drift(shown(Sort.STRANGER), POLICY).content)
    assert "does not say yet" in text_of(drift(shown(Sort.STRANGER, added_by="", added_at=None), POLICY).content)
    refused = drift(shown(Sort.STRANGER, added_by=NOT_PERMITTED, added_at=None), POLICY)
    assert "AuditLog.Read.All" in text_of(refused.content)


def test_who_settled_it_and_when_is_on_the_card() -> None:
    made = drift(shown(Sort.STRANGER, over_at=NOON, outcome="removed", by="Helen Desk"), POLICY)
    assert "The account was removed from the group (Helen Desk), 1pm on Thursday 6 August 2026" in text_of(made.content)
