"""What is looked for, of what somebody typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import reference as references
from domain.finding import SEPARATORS, Wanted, in_path, linked, wanted

PAGES = "https://bot.nhs.example/r/"


@pytest.mark.parametrize(
    ("typed", "looked_for"),
    [
        ("Sam Pri", Wanted(("sam", "pri"))),
        ("sam p", Wanted(("sam",))),
        ("Li Na", Wanted(("li", "na"))),
        ("PRICE, Sam (ZZ901)", Wanted(("price", "sam", "zz901"))),
        ("sam.price14@nhs.net", Wanted(("sam", "price14"))),
        ("MFA-7K3Q-9XDM", Wanted((), "7k3q9xdm")),
        ("it is mfa 7k3q 9xdm", Wanted((), "7k3q9xdm")),
        ("MFA-7K3Q-9", Wanted(("7k3q9",))),
        ("7k3q9xdm", Wanted(("7k3q9xdm",), "7k3q9xdm")),
        # A name may be a reference, too.
        ("Adam Katz", Wanted(("adam", "katz"), "adamkatz")),
    ],
)
def test_words_and_references_are_told_apart_where_they_can_be(typed: str, looked_for: Wanted) -> None:
    assert wanted(typed) == looked_for


@pytest.mark.parametrize("typed", ["", " ", "s", "mf", "mfa", "MFA-", "MFA-7K", "@nhs.net", "...", "'\\", "\0\ud800"])
def test_too_little_is_not_looked_for(typed: str) -> None:
    assert wanted(typed) is None


@given(st.text(max_size=300))
def test_no_word_holds_what_stands_between_words(typed: str) -> None:
    looked_for = wanted(typed)
    if looked_for is not None:
        assert looked_for.words or looked_for.symbols
        assert len(looked_for.words) <= 6
        assert all(0 < len(word) <= 64 and not set(word) & set(SEPARATORS) for word in looked_for.words)


@given(st.text(alphabet=references.LETTERS, min_size=8, max_size=8))
def test_each_reference_is_found_by_its_link_in_either_case_and_as_it_is_typed(symbols: str) -> None:
    reference = references.spelled(symbols)
    for one in (reference, reference.lower()):
        assert linked(f"{PAGES}{one}", PAGES) == reference
    assert linked(f"{PAGES.upper()}{reference}?x=1#y", PAGES) == reference
    for typed in (reference, reference.lower().replace("-", " "), f"{reference}."):
        assert wanted(typed) == Wanted((), symbols.lower())


@pytest.mark.parametrize(
    "url",
    [
        "",
        PAGES,
        "https://evil.example/r/MFA-7K3Q-9XDM",
        "https://bot.nhs.example.evil/r/MFA-7K3Q-9XDM",
        "https://bot.nhs.example/x/MFA-7K3Q-9XDM",
        "http://bot.nhs.example/r/MFA-7K3Q-9XDM",
        f"{PAGES}7K3Q-9XDM",
        f"{PAGES}MFA-7K3Q-9XDM/x",
        f"{PAGES}x MFA-7K3Q-9XDM",
        f"{PAGES}MFA-0000-0000",
    ],
)
def test_any_other_address_is_no_link_to_a_request(url: str) -> None:
    assert linked(url, PAGES) is None


@given(st.text(max_size=40))
def test_the_end_of_a_link_is_a_reference_or_nothing(part: str) -> None:
    found = in_path(part)
    assert found is None or (found == part.upper() and references.read(found) == found)
