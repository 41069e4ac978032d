"""Sites: their codes, how a code is said, and what staff are warned of."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.given_site import COLUMNS, MOST_OWNERS, read
from domain.people import Person
from domain.site import LONGEST_NAME, Site, SiteStatus, address_of, code_of, read_back, warnings
from tests.builders import person

RIVERSIDE = Site("ZZ901", "Riverside", "admin@nhs.example", (person("Helen Marsh"), person("Imran Sheikh")))
FORM = {
    "ods": "zz901",
    "name": "Riverside",
    "mailbox": "admin@nhs.example",
    "owners": "helen.marsh@nhs.net\nimran.sheikh@nhs.net\n",
    "status": "open",
    "succeeded_by": "",
}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("ZZ901", "ZZ901"),
        (" zz901\t", "ZZ901"),
        ("a", "A"),
        ("0123456789AB", "0123456789AB"),
        ("0123456789ABC", None),
        ("", None),
        ("ZZ 901", None),
        ("ZZ-901", None),
        ("ßß", None),
        ("ı1", None),
        ("１２", None),
        ("A\n", "A"),
        ("A\x00", None),
    ],
)
def test_a_code_is_1_to_12_letters_and_digits(typed: str, code: str | None) -> None:
    assert code_of(typed) == code


@given(st.text())
def test_a_code_that_was_read_is_read_again_as_itself(typed: str) -> None:
    code = code_of(typed)
    assert code is None or (code_of(code) == code and code.isascii() and code.isalnum() and code == code.upper())


def test_a_code_is_read_back_so_that_o_and_0_and_i_and_1_are_told_apart() -> None:
    assert read_back("ZZ901") == "Z, Z, nine, zero, one"
    assert read_back("OI01") == "letter O, letter I, zero, one"


@given(st.text(alphabet=string.ascii_uppercase + string.digits, min_size=1, max_size=12))
def test_no_two_codes_are_read_back_alike(code: str) -> None:
    said = read_back(code)
    names = {read_back(sign): sign for sign in string.ascii_uppercase + string.digits}
    assert "".join(names[part] for part in said.split(", ")) == code
    assert not set(said) & set(string.digits)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Admin.Riverside@NHS.net ", "admin.riverside@nhs.net"),
        ("siobhan.o’neill@nhs.net", "siobhan.o'neill@nhs.net"),
        ("a@b", None),
        ("a@b@nhs.net", None),
        ("a b@nhs.net", None),
        ("../a@nhs.net", None),
        ("=a@nhs.net", None),
        ("a?x=1@nhs.net", None),
        ("@nhs.net", None),
        ("é@nhs.net", None),
        (f"{'a' * 120}@nhs.net", None),
    ],
)
def test_an_address_is_kept_in_small_letters(typed: str, address: str | None) -> None:
    assert address_of(typed) == address


def test_a_site_with_two_owners_has_no_warning() -> None:
    assert warnings(RIVERSIDE) == ()


@pytest.mark.parametrize(
    ("owners", "status", "successor", "sentences"),
    [
        ((), SiteStatus.OPEN, "", ["no owner"]),
        (RIVERSIDE.owners[:1], SiteStatus.OPEN, "", ["only 1 owner"]),
        (RIVERSIDE.owners, SiteStatus.CLOSED, "", ["is closed"]),
        ((), SiteStatus.CLOSED, "", ["is closed"]),
        (RIVERSIDE.owners, SiteStatus.SUCCEEDED, "ZZP42", ["succeeded by ZZP42"]),
    ],
)
def test_staff_are_warned(owners: tuple[Person, ...], status: SiteStatus, successor: str, sentences: list[str]) -> None:
    found = warnings(Site("ZZ901", "Riverside", "admin@nhs.example", owners, status, successor))
    assert len(found) == len(sentences)
    assert all(wanted in sentence for wanted, sentence in zip(sentences, found, strict=True))


def test_a_form_is_read() -> None:
    site, faults = read(FORM)
    assert faults == ()
    assert (site.ods, site.status) == ("ZZ901", SiteStatus.OPEN)
    assert site.owners == ("helen.marsh@nhs.net", "imran.sheikh@nhs.net")


def test_an_owner_who_is_named_twice_counts_once() -> None:
    assert read(FORM | {"owners": "a@nhs.net; A@nhs.net, a@nhs.net"})[0].owners == ("a@nhs.net",)


def test_what_can_be_read_is_kept_where_other_parts_are_wrong() -> None:
    site, faults = read(FORM | {"name": "", "mailbox": "x"})
    assert len(faults) == 2
    assert (site.ods, site.name, site.mailbox, len(site.owners)) == ("ZZ901", "", "", 2)


@given(st.fixed_dictionaries({name: st.text(max_size=300) for name in COLUMNS}))
def test_whatever_was_typed_is_read_or_refused_in_sentences(cells: dict[str, str]) -> None:
    site, faults = read(cells, 7)
    assert all(fault.line == 7 and fault.sentence.endswith(".") for fault in faults)
    assert all(fault.sentence.isprintable() for fault in faults)
    if not faults:
        assert code_of(site.ods) == site.ods
        assert 1 <= len(site.name) <= LONGEST_NAME
        assert site.name.isprintable()
        assert site.name[0] not in "=+-@"
        assert address_of(site.mailbox) == site.mailbox
        assert len(site.owners) <= MOST_OWNERS
        assert bool(site.succeeded_by) == (site.status is SiteStatus.SUCCEEDED)
