"""Files of sites as people and spreadsheets write them: good ones are read, bad ones are told line by line."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import sites_file
from adapters.sites_file import MOST_LINES, parse, read_sites
from domain.given_site import COLUMNS, Given
from domain.site import SiteStatus

HEADER = "ods,name,mailbox,owners,status,succeeded_by"
GOOD = "ZZ901,Riverside Medical Practice,admin.riverside@nhs.example,helen.marsh@nhs.example;imran@nhs.example,open,"
RIVERSIDE = Given(
    "ZZ901",
    "Riverside Medical Practice",
    "admin.riverside@nhs.example",
    ("helen.marsh@nhs.example", "imran@nhs.example"),
    SiteStatus.OPEN,
    "",
    2,
)


def file(*lines: str, header: str = HEADER, end: str = "\n", encoding: str = "utf-8") -> bytes:
    return (end.join((header, *lines)) + end).encode(encoding)


def said(content: bytes) -> list[str]:
    return [str(fault) for fault in parse(content).faults]


@pytest.mark.parametrize(
    "content",
    [
        file(GOOD),
        file(GOOD, end="\r\n"),
        file(GOOD, end="\r"),
        file(GOOD, encoding="utf-8-sig"),
        file(GOOD, encoding="utf-16"),
        file(GOOD).rstrip(b"\n"),
        file(GOOD.replace(",", "\t"), header=HEADER.replace(",", "\t")),
        file(GOOD.replace(";", " ").replace(",", ";"), header=HEADER.replace(",", ";")),
        file(GOOD, header=" ODS , Name,Mailbox,OWNERS,Status,Succeeded by"),
        file(GOOD.replace("Riverside M", '"Riverside M').replace("Practice", 'Practice"').replace("open", "OPEN")),
        file(GOOD.replace("helen", '"helen').replace("imran@nhs.example", ' imran@nhs.example"')),
        file(GOOD.replace("ZZ901,Riverside ", " zz901 , Riverside  ").replace("admin.r", "Admin.R").replace(";", "  ")),
        file(GOOD, ",,,,,", "", "   ", ",,,,,,,"),
        file(GOOD + ",,", header=HEADER + ",,"),
    ],
)  # fmt: skip
def test_a_good_file_is_read_however_it_was_written(content: bytes) -> None:
    assert parse(content).faults == ()
    assert parse(content).given == (RIVERSIDE,)


def test_columns_may_stand_in_any_order_and_the_last_two_may_be_left_out() -> None:
    content = file("a@nhs.example,ZZ901,m@nhs.example,Riverside", header="owners,ods,mailbox,name")
    assert parse(content).given == (Given("ZZ901", "Riverside", "m@nhs.example", ("a@nhs.example",), None, "", 2),)


def test_a_file_from_an_old_spreadsheet_keeps_its_accents() -> None:
    line = "ZZ901,Café Zoë’s Surgery,m@nhs.example,a@nhs.example,,"
    assert [one.name for one in parse(file(line, encoding="cp1252")).given] == ["Café Zoë’s Surgery"]
    assert [one.name for one in parse(file(line)).given] == ["Café Zoë’s Surgery"]


def test_line_numbers_count_blank_lines() -> None:
    content = file("", GOOD, "", ",Nameless,m@nhs.example,,,")
    assert [one.line for one in parse(content).given] == [3]
    assert said(content) == [
        "line 5: the code (nothing) is not an ODS code. Write 1 to 12 letters A to Z and digits, as in ZZ901."
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ZZ-901,N,m@nhs.example,,,", "“ZZ-901” is not an ODS code"),
        ("ZZ90100000000,N,m@nhs.example,,,", "1 to 12 letters"),
        ("ŻZ901,N,m@nhs.example,,,", "letters A to Z"),
        ("ZZ902,,m@nhs.example,,,", "the name is missing"),
        (f"ZZ902,{'n' * 201},m@nhs.example,,,", "201 characters. Shorten it to 200"),
        ("ZZ902,N,,,,", "the mailbox is missing"),
        ("ZZ902,N,not an address,,,", "the mailbox “not an address” is not an address"),
        ("ZZ902,N,m@nhs,,,", "“m@nhs” is not an address"),
        (f"ZZ902,N,{'m' * 120}@nhs.example,,,", "is too long"),
        ("ZZ902,N,m@nhs.example,a@nhs.example;nobody,,", "the owner “nobody” is not an address"),
        ("ZZ902,N,m@nhs.example,a@b@nhs.example,,", "the owner “a@b@nhs.example” is not an address"),
        ("ZZ902,N,m@nhs.example," + ";".join(f"a{n}@nhs.example" for n in range(21)) + ",,", "21 owners. Name 20"),
        ("ZZ902,=1+1,m@nhs.example,,,", "takes for a formula"),
        ("ZZ902, +44 Surgery,m@nhs.example,,,", "takes for a formula"),
        ("ZZ902,-N,m@nhs.example,,,", "takes for a formula"),
        ("ZZ902,@SUM(A1),m@nhs.example,,,", "takes for a formula"),
        ('ZZ902,"\tN",m@nhs.example,,,', "takes for a formula"),
        ("ZZ902,N\u202e,m@nhs.example,,,", "cannot be shown"),
        ("ZZ902,N,m@nhs.example,,shut,", "the status “shut” is not known. Write one of: open, closed, succeeded"),
        ("ZZ902,N,m@nhs.example,,succeeded,", "“succeeded by” is empty"),
        ("ZZ902,N,m@nhs.example,,succeeded,Z-1", "“Succeeded by” “Z-1” is not an ODS code"),
        ("ZZ902,N,m@nhs.example,,succeeded,zz902", "succeeded by itself"),
        ("ZZ902,N,m@nhs.example,,open,ZZ901", "only where its status is succeeded"),
        ("zz901,N,m@nhs.example,,,", "the code is on line 2 already"),
        ("ZZ902,N", "has 2 cells and the header has 6"),
        ("ZZ902,N,m@nhs.example,,,,more", "has 7 cells and the header has 6"),
        ('ZZ902,"N,m@nhs.example,,,', "quotation marks do not fit"),
        ('ZZ902,"N"x,m@nhs.example,,,', "quotation marks do not fit"),
        ("ZZ902,N\x00,m@nhs.example,,,", "not text, for example NUL"),
        (f"ZZ902,{'n' * 20_001},m@nhs.example,,,", "more than 20,000 characters"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_how_to_mend_it(line: str, sentence: str) -> None:
    read = parse(file(GOOD, line, "ZZ903,Last,m@nhs.example,,,"))
    assert [one.ods for one in read.given] == ["ZZ901", "ZZ903"]
    assert len(read.faults) == 1
    assert str(read.faults[0]).startswith("line 3: ")
    assert sentence in str(read.faults[0])
    assert str(read.faults[0]).endswith((".", ")."))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\n \r\n", "the file is empty"),
        (file(), "there is no site below the header"),
        (file(",,,,,"), "there is no site below the header"),
        (b"\x89PNG\x00\x01\r\n\x1a\n", "the file is not text"),
        (b"\x81\x8d\x8f\n", "the file is not text"),
        (b"PK\x03\x04 xl/workbook.xml", "workbook"),
        (b"\xff\xfe\x00", "the file is not text"),
        (HEADER.encode("utf-16-le"), "the file is not text"),
        (b"just a sentence\n", "does not name these columns: ods, name, mailbox, owners"),
        (b'"ods,name\n', "does not name these columns"),
        (file(GOOD, header="ods,name,mailbox"), "does not name these columns: owners"),
        (file(GOOD, header=f"{HEADER},postcode"), "these columns are not known: postcode"),
        (file(GOOD, header=f"{HEADER},ODS"), "more than once: ods"),
        (b"ods" * 12_000_000, "more than 32 MB"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(content: bytes, sentence: str) -> None:
    read = parse(content)
    assert read.given == ()
    assert len(read.faults) == 1
    assert sentence in str(read.faults[0])


def test_a_file_has_a_limit_of_lines() -> None:
    lines = [f"N{number},Name,m@nhs.example,,," for number in range(MOST_LINES)]
    assert len(parse(file(*lines)).given) == MOST_LINES
    assert said(file(*lines, "X,Name,m@nhs.example,,,")) == [
        "line 20002: the file has more than 20,000 lines. Divide it."
    ]


def test_all_faults_are_told_at_once_and_a_quotation_mark_spoils_its_own_line_only() -> None:
    content = file('A1,"x,m@nhs.example,,,', "A2,,m,b,shut,", GOOD, 'A3,y",m@nhs.example,,,', 'A4,"z,m@nhs.example,,,')
    assert [sentence.split(":")[0] for sentence in said(content)] == [
        *("line 2", "line 3", "line 3", "line 3", "line 3", "line 6")
    ]
    assert [one.ods for one in parse(content).given] == ["ZZ901", "A3"]


def test_a_bad_line_keeps_its_code_from_being_used_again_and_is_known_by_it() -> None:
    read = parse(file("ZZ901,,m@nhs.example,,,", GOOD))
    assert read.given == ()
    assert read.codes == {"ZZ901"}
    assert [fault.line for fault in read.faults] == [2, 3]


def test_a_file_is_read_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_bytes(file(GOOD))
    assert read_sites(path).given == (RIVERSIDE,)
    with pytest.raises(FileNotFoundError):
        read_sites(tmp_path / "none.csv")


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_told(content: bytes) -> None:
    for whole in (content, file() + content):
        read = parse(whole)
        assert read.given or read.faults
        assert all(fault.line >= 1 and fault.sentence for fault in read.faults)
        assert all(str(fault).isprintable() for fault in read.faults)


CELL = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@given(st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=6), st.sampled_from(",;\t"))
@settings(max_examples=200, deadline=None)
def test_what_the_csv_module_writes_is_read_as_one_line_each(rows: list[list[str]], separator: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([COLUMNS, *rows])
    read = parse(written.getvalue().encode())
    lines = {one.line for one in read.given} | {fault.line for fault in read.faults}
    assert lines <= set(range(1, len(rows) + 2))
    assert "quotation marks" not in " ".join(map(str, read.faults))
    assert "cells and the header" not in " ".join(map(str, read.faults))


@given(
    st.text(alphabet=st.characters(codec="utf-8", categories=("L", "Nd", "Zs")), min_size=1, max_size=40).filter(
        lambda name: name.strip() != ""
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=200, deadline=None)
def test_any_name_of_letters_comes_back(name: str, encoding: str) -> None:
    read = parse(file(f'ZZ901,"{name}",m@nhs.example,a@nhs.example,,', encoding=encoding))
    assert [one.name for one in read.given] == [" ".join(name.split())]


def test_the_limits_are_those_that_the_documentation_names() -> None:
    text = (Path(sites_file.__file__).parents[1] / "docs" / "running.md").read_text()
    assert f"{MOST_LINES:,} lines" in text
