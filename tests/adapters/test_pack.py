"""The yearly pack, written from a real database and opened again: the spreadsheet, the page and the manifest."""

import argparse
import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from cryptography.fernet import Fernet

from adapters import pack_command, pack_sheet
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.sites import PostgresSites
from adapters.policy_file import BadFileError
from domain.people import Person
from domain.request import Decided, Request, State
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON, OTHER_AGENT, OWNER, POLICY, SITE, long_request, request

NOW = NOON + timedelta(days=110)
KEY = Fernet.generate_key().decode()
HOSTILE = "=cmd|'/c calc'!A1<script>alert(1)</script>\u202e&\x07"
FORMULAS = ("=1+1", "+44 20", "-1", "@SUM(A1)", "\t=1", "'quoted")
RISK = '=HYPERLINK("http://x.example") Watched sign-ins </td><img src=x onerror=alert(1)>'
PLAN = {"risk": RISK, "replacement": "Hardware keys", "replacement_by": "1 October 2026"}
SEALED, GONE, SHORT, OUTSIDE = "MFA-2222-2222", "MFA-3333-3333", "MFA-4444-4444", "MFA-5555-5555"


def exceptions() -> Iterator[Request]:
    """One with its evidence, one whose evidence was deleted, short ones with odd names, and one of another year."""
    subject = Person("id-1", HOSTILE, "x@nhs.net")
    yield long_request(State.ACTIVE, reference=SEALED, subject=subject, site=replace(SITE, owners=(OWNER,)))
    first = Decided(OTHER_AGENT, NOON, approved=True)
    yield long_request(
        State.ENDED, reference=GONE, purged_at=NOON + timedelta(days=300), first_approval=first, subject=OWNER
    )
    for number, name in enumerate(FORMULAS):
        reference = f"MFA-4444-444{number + 4}"
        yield request(State.ENDED, reference=reference, subject=Person(f"id-{name}", name, f"{name}@nhs.net"))
    later = timedelta(days=400)
    yield request(State.ACTIVE, reference=OUTSIDE, starts_at=NOON + later, asked_at=NOON + later)


async def fill(url: str) -> None:
    engine = make_engine(url)
    async with PostgresBook(engine, "tenant").page() as page:
        for one in exceptions():
            assert await page.add(one)
        details = {"notice": f"{GONE}:Tell:ended:subject"}
        await page.record(
            [
                Entry(NOON, SEALED, "approved", "id-2", "", "policy-7", {}),
                Entry(NOON, GONE, "not_delivered", "", "", "policy-7", details),
            ]
        )
    store = PostgresEvidence(engine, [KEY])
    for item, answer in PLAN.items():
        await store.keep_answer(SEALED, item, answer, NOON)
    await PostgresSites(engine, "tenant").save([replace(SITE, owners=(OWNER,))], [])
    await engine.dispose()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as one:
        asyncio.run(fill(one))
        yield one


async def pack(
    url: str, out: Path, *, answers: bool = False, first: str = "2026-04-01", last: str = "2027-03-31"
) -> int:
    options = argparse.Namespace(first=first, last=last, out=out, answers=answers)
    return await pack_command.run(options, url, POLICY, [KEY], NOW)


def sheets(out: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(out / "exceptions.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            for one in row:
                assert one.data_type != "f", one.coordinate
                assert one.hyperlink is None
                assert not str(one.value or "").startswith(("=", "+", "-", "@", "\t", "\r")), one.coordinate
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


class Page(HTMLParser):
    """What is on the page, checked as it is read: whole, without anything that runs or comes from outside."""

    VOID = frozenset({"meta", "br"})
    TAGS = VOID | {"html", "head", "title", "style", "body", "main", "nav", "div", "ul", "li", "a", "p", "strong"}
    TAGS |= {"h1", "h2", "table", "caption", "thead", "tbody", "tr", "th", "td"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.wanted: set[str] = set()
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self.feed(text)
        assert self.open == []
        assert self.wanted <= self.ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag in self.TAGS
        assert set(given) <= {
            "lang", "charset", "name", "content", "http-equiv", "href", "id", "class", "role", "tabindex", "scope",
            "aria-label", "aria-labelledby",
        }  # fmt: skip
        if tag == "html":
            assert given["lang"] == "en-GB"
        if tag == "th":
            assert given["scope"] in ("col", "row")
        if tag == "a":
            self.wanted.add(str(given["href"]).removeprefix("#"))
        if "id" in given:
            assert given["id"] not in self.ids
            self.ids.add(str(given["id"]))
        if "aria-labelledby" in given:
            self.wanted.add(str(given["aria-labelledby"]))
        if tag == "thead":
            assert self.seen_before == "caption"
        if tag in ("h1", "h2"):
            self.headings.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.seen_before = tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings[-1] += data


def row_of(rows: list[list[str]], name: str) -> list[str]:
    return next(row for row in rows if row[0] == name)


async def test_each_exception_of_the_year_is_documented_in_both_and_no_word_does_anything(
    url: str, tmp_path: Path
) -> None:
    assert await pack(url, tmp_path / "pack") == 0
    found = sheets(tmp_path / "pack")
    head, *rows = found["Exceptions"]
    by_reference = {str(row[0]): dict(zip(head, row, strict=True)) for row in rows}
    assert len(rows) == len(list(exceptions())) - 1
    assert OUTSIDE not in by_reference
    sealed, gone = by_reference[SEALED], by_reference[GONE]
    assert sealed["Name"] == "'" + HOSTILE.replace("\u202e", " ").replace("\x07", " ")
    assert (sealed["Site code"], sealed["Policy version"]) == ("ZZ901", "policy-7")
    assert sealed["Approved by"] == "Helen Desk"
    assert str(sealed["Began"]) == "2026-08-06 13:06:00"  # UK time
    assert sealed["Evidence (SHA-256)"] == "e" * 64
    assert "was not opened" in str(sealed["Risk"])
    assert sealed["To be replaced by"] is None
    assert gone["First approved by"] == "Harry Desk"
    assert "deleted on 2 June 2027" in str(gone["Risk"])
    assert {str(row[2]) for row in found["Follow-ups"][1:]} == {"Mobile phone lost or stolen"}
    actions = [row[:2] for row in found["Open actions"][1:]]
    assert actions == [
        ("Somebody could not be told", GONE),
        ("A warning about a site that has an exception on", "ZZ901"),
    ]

    text = (tmp_path / "pack" / "exceptions.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.headings[0] == "MFA exceptions, 1 April 2026 to 31 March 2027"
    assert row_of(page.rows, SEALED)[1].startswith("=cmd|'/c calc'!A1<script>alert(1)</script> &")
    assert "First by Harry Desk" in row_of(page.rows, GONE)[4]
    assert row_of(page.rows, "Exceptions in force at any time")[1:] == ["6", "2"]
    assert not re.search(r"<script|https?://|url\(|@import", text)
    assert "Watched sign-ins" not in text

    manifest = json.loads((tmp_path / "pack" / "manifest.json").read_text())
    assert manifest["exceptions"] == len(rows)
    for name, described in manifest["files"].items():
        assert sha256((tmp_path / "pack" / name).read_bytes()).hexdigest() == described["sha256"]
    assert sorted(one.name for one in (tmp_path / "pack").iterdir()) == [
        "exceptions.html", "exceptions.xlsx", "manifest.json",
    ]  # fmt: skip
    with psycopg.connect(url) as connection:
        head_hash = connection.execute("SELECT hash FROM audit_heads WHERE tenant_id = 'tenant'").fetchone()
    assert head_hash
    assert manifest["chains"][0] == {"tenant_id": "tenant", "number": 2, "hash": head_hash[0], "whole": True}
    assert head_hash[0] in text
    assert any(head_hash[0] in str(row[0]) for row in found["Summary"])


async def test_answers_are_opened_only_when_asked_and_after_the_audit_says_so(url: str, tmp_path: Path) -> None:
    assert await pack(url, tmp_path / "pack", answers=True) == 0
    found = sheets(tmp_path / "pack")
    sealed = next(row for row in found["Exceptions"] if row[0] == SEALED)
    assert "Watched sign-ins </td><img src=x" in str(sealed[13])
    assert sealed[21:23] == ("Hardware keys", "1 October 2026")
    page = Page((tmp_path / "pack" / "exceptions.html").read_text(encoding="utf-8"))
    assert RISK in row_of(page.rows, SEALED)[3]
    assert "On after the day it was to be replaced" in {row[0] for row in page.rows}
    with psycopg.connect(url) as connection:
        read = connection.execute(
            "SELECT reference, tenant_id, details ->> 'pack' FROM audit WHERE what = 'read'"
        ).fetchall()
    assert read == [(SEALED, "tenant", "2026-04-01 to 2027-03-31")]
    manifest = json.loads((tmp_path / "pack" / "manifest.json").read_text())
    assert (manifest["answers_opened"], manifest["chains"][0]["number"]) == (True, 3)


async def test_a_year_without_exceptions_is_a_pack_that_says_so(url: str, tmp_path: Path) -> None:
    assert await pack(url, tmp_path / "pack", first="2020-04-01", last="2021-03-31") == 0
    assert len(sheets(tmp_path / "pack")["Exceptions"]) == 1
    page = Page((tmp_path / "pack" / "exceptions.html").read_text(encoding="utf-8"))
    assert row_of(page.rows, "Exceptions in force at any time")[1:] == ["0", "0"]


def change_audit(url: str, by_id: str) -> None:
    """As somebody would who owns the database."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        connection.execute("UPDATE audit SET by_id = %s WHERE number = 1", (by_id,))
        connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")


async def test_a_changed_audit_is_said_on_both_and_by_the_exit_status(url: str, tmp_path: Path) -> None:
    change_audit(url, "<b>somebody")
    try:
        assert await pack(url, tmp_path / "pack") == 1
    finally:
        change_audit(url, "id-2")
    text = (tmp_path / "pack" / "exceptions.html").read_text(encoding="utf-8")
    assert "What is wrong with the audit" in Page(text).headings
    said = [str(row[0]) for row in sheets(tmp_path / "pack")["Summary"]]
    assert any("NOT whole" in sentence for sentence in said)
    assert any("Entry 1 " in sentence and "was changed" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("first", "last"), [("2027-04-01", "2026-03-31"), ("April", "2026-03-31"), ("0001-01-01", "2026-03-31")]
)
async def test_dates_that_cannot_be_used_are_said_before_anything_is_written(
    url: str, tmp_path: Path, first: str, last: str
) -> None:
    with pytest.raises(BadFileError):
        await pack(url, tmp_path / "pack", first=first, last=last)
    assert not (tmp_path / "pack").exists()


async def test_a_folder_that_is_in_use_stays_as_it_is(url: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(BadFileError):
        await pack(url, tmp_path)
    assert list(tmp_path.glob("*")) == [mine]  # noqa: ASYNC240


def test_a_sheet_that_is_full_is_refused_and_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_sheet, "MOST_ROWS", 3)
    with pack_sheet.workbook(tmp_path / "x.xlsx", "x", NOON) as book:
        sheet = book.sheet("x", ("a",))
        sheet.row(("b",))
        sheet.row(("c",))
        with pytest.raises(BadFileError):
            sheet.row(("d",))
