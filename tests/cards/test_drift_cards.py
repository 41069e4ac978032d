"""Each card about a drift says what to do, and has buttons only while they do something."""

import pytest

from cards.drifts import Shown, drift
from domain.drift import Drift, Sort
from tests.builders import NOON, POLICY
from tests.cards.states import shown
from tests.journeys.world import buttons_of, text_of
from texts import say


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
    refused = drift(shown(Sort.STRANGER, added_by=say("agent.added_by_not_permitted"), added_at=None), POLICY)
    assert "AuditLog.Read.All" in text_of(refused.content)


def test_who_settled_it_and_when_is_on_the_card() -> None:
    made = drift(shown(Sort.STRANGER, over_at=NOON, outcome="removed", by="Helen Desk"), POLICY)
    assert "The account was removed from the group (Helen Desk), 1pm on Thursday 6 August 2026" in text_of(made.content)
