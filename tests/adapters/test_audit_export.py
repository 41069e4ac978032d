"""Exports of the audit as files: cells that a spreadsheet must not take for formulas, and folders that are in use."""

import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.audit_export import cell, export
from adapters.database.audit import Wanted, reading
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON

ODD = ("=1+1", "+44 20", "-1", "@x", "'quoted", "\ttab", "\rreturn", "\nline", 'a "b", c', "plain", "", "é\u2028😀")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as one:
        yield one


@pytest.mark.parametrize("text", ODD)
def test_no_cell_begins_like_a_formula_and_none_loses_anything(text: str) -> None:
    made = cell(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert (made[1:] if made.startswith("'") else made) == text


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_whatever_is_in_an_entry_the_export_can_be_checked(url: str, form: str) -> None:
    engine = make_engine(url)
    async with PostgresBook(engine, "t1").page() as page:
        await page.record([Entry(NOON, text, text, text, text, text, {text: text, "a": text}) for text in ODD])
    await engine.dispose()
    folder = Path(tempfile.mkdtemp(prefix="mfa-"))
    try:
        with reading(url) as audit:
            done = export(audit, Wanted(since=NOON), form=form, out=folder, at=NOON, about={})
        assert done.entries >= len(ODD)
        command = [sys.executable, "-I", "verify.py"]
        checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: ASYNC221
        assert (checked.returncode, checked.stdout.split(" entries")[0]) == (0, str(done.entries))
        if form == "csv":
            with (folder / "entries.csv").open(newline="", encoding="utf-8") as file:
                cells = [one for row in csv.reader(file) for one in row]
            assert not [one for one in cells if one.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    finally:
        shutil.rmtree(folder)


def test_nothing_that_fits_is_an_empty_export_that_can_be_checked(url: str, tmp_path: Path) -> None:
    with reading(url) as audit:
        done = export(audit, Wanted(reference="MFA-2222-2222"), form="jsonl", out=tmp_path, at=NOON, about={})
    assert done.entries == 0
    checked = subprocess.run([sys.executable, "-I", "verify.py"], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0
