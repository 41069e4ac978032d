"""The cards of sites keep the rules, also with hostile and with the longest words."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.entra.directory import person_of
from cards import site as cards
from cards.card import Card
from domain.given_site import MOST_OWNERS
from domain.site import LONGEST_ADDRESS, LONGEST_NAME, Site, SiteStatus
from tests.builders import POLICY, person
from tests.cards.rules import faults, texts, walk
from tests.cards.test_cards import HOSTILE

RIVERSIDE = Site(
    "ZZ901", "Riverside Medical Practice", "admin@nhs.example", (person("Helen Marsh"), person("Imran Sheikh"))
)
ADDRESS = f"{'a' * (LONGEST_ADDRESS - 12)}@nhs.example"


def sites(words: str) -> Iterator[Site]:
    owner = person_of({"id": "1", "displayName": words, "userPrincipalName": ADDRESS})
    many = tuple(replace(owner, id=str(number)) for number in range(MOST_OWNERS))
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:LONGEST_NAME] or "x"
    for owners in ((), (owner,), many):
        yield Site("ZZ901", name, ADDRESS, owners)
        yield Site("ZZ901", name, ADDRESS, owners, SiteStatus.CLOSED)
        yield Site("ZZ901", name, ADDRESS, owners, SiteStatus.SUCCEEDED, "0123456789AB")


def of_sites(words: str = "A short name") -> Iterator[tuple[str, Card]]:
    for one in sites(words):
        yield f"site, {one.status}", cards.site(one, POLICY)
        yield f"saved, {one.status}", cards.site(one, POLICY, "Saved.")
        yield f"form, {one.status}", cards.form(one, cards.filled(one), "0" * 16, POLICY)
        typed = dict.fromkeys(cards.filled(one), words)
        yield f"form again, {one.status}", cards.form(one, typed, "0" * 16, POLICY, [words, "Correct it."])
        for more in (True, False):
            found = [replace(one, ods=f"ZZ{number}") for number in range(cards.MOST)]
            yield f"choice, {one.status}", cards.choose(words, found, POLICY, more=more)


@pytest.mark.parametrize("words", ["A short name", *HOSTILE])
def test_every_card_of_a_site_keeps_the_rules_whatever_people_typed(words: str) -> None:
    for name, card in of_sites(words):
        assert faults(card.content) == [], name
        assert card.summary.strip(), name


def test_our_words_about_sites_have_no_contractions_and_do_not_shout() -> None:
    for name, card in of_sites():
        for text in texts(card.content):
            assert not re.search(r"\w['’](t|re|ve|ll|m|d)\b|!", text), (name, text)


def test_the_status_is_said_in_words_and_a_warning_by_a_sentence() -> None:
    said = " ".join(texts(cards.site(replace(RIVERSIDE, status=SiteStatus.CLOSED), POLICY).content))
    assert "Closed" in said
    assert "This site is closed." in said


def test_a_site_that_was_succeeded_leads_to_the_other_one() -> None:
    one = replace(RIVERSIDE, status=SiteStatus.SUCCEEDED, succeeded_by="ZZP42")
    data = [part["data"] for part in walk(cards.site(one, POLICY).content) if part.get("verb") == "site"]
    assert data == [{"ods": "ZZP42", "verb": "site"}]


def test_going_back_from_the_form_does_not_want_it_filled() -> None:
    form = cards.form(RIVERSIDE, cards.filled(RIVERSIDE), "0" * 16, POLICY).content
    wanted = {part["verb"]: part["associatedInputs"] for part in walk(form) if "verb" in part}
    assert wanted == {"site.save": "auto", "site": "none"}


def test_the_form_keeps_what_was_typed() -> None:
    typed = {"name": "My words", "mailbox": "m", "owners": "a\nb", "status": "closed", "succeeded_by": "X"}
    form = cards.form(RIVERSIDE, typed, "0" * 16, POLICY, ["It is wrong."])
    held = {part["id"]: part.get("value") for part in walk(form.content) if "id" in part}
    assert held == typed
