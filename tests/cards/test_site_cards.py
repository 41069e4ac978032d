"""What the cards of sites say, and what their form keeps."""

from dataclasses import replace

from cards import site as cards
from domain.site import Site, SiteStatus
from tests.builders import POLICY, person
from tests.cards.rules import texts, walk

RIVERSIDE = Site(
    "ZZ901", "Riverside Medical Practice", "admin@nhs.example", (person("Helen Marsh"), person("Imran Sheikh"))
)


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
