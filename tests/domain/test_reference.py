"""References survive being read out, typed and pasted."""

from hypothesis import given
from hypothesis import strategies as st

from domain.reference import LENGTH, LETTERS, find, read, spelled, without

SYMBOLS = st.text(LETTERS, min_size=LENGTH, max_size=LENGTH)


@given(SYMBOLS, st.sampled_from(["MFA-{}-{}", "mfa {} {}", "Mfa{}{}", "about MFA-{}-{}, please", "(mfa-{}{})"]))
def test_a_reference_is_found_however_it_was_typed(symbols: str, shape: str) -> None:
    typed = shape.format(symbols[:4], symbols[4:])
    for text in (typed, typed.lower()):
        assert find(text) == spelled(symbols)


@given(SYMBOLS)
def test_where_one_is_expected_the_letters_alone_will_do(symbols: str) -> None:
    assert read(f" {symbols[:4].lower()} {symbols[4:]} ") == spelled(symbols)


@given(st.text(max_size=300))
def test_no_text_breaks_the_search(text: str) -> None:
    found = find(text)
    assert found is None or read(found) == found


def test_a_word_is_no_reference() -> None:
    assert find("MFA-7K3Q-9XDMX") is None
    assert find("my phone was stolen") is None
    assert without("reject MFA-7K3Q-9XDM not verified") == "reject not verified"
