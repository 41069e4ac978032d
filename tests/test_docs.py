"""The documentation points at things that exist: files, headings, tests, commands."""

import re
from pathlib import Path

import pytest

from tests.browser.pictures import FOLDER, PICTURES
from tests.builders import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAMED_FILE = re.compile(
    r"`((?:tests|bot|adapters|domain|services|dialogs|cards|sandbox|policy|docs|bench|supply|manifest)/[\w./-]+\.\w+)`"
)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^()\s]+)\)")
MAKE = re.compile(r"`make ([a-z-]+)`")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def heading_marks(text: str) -> set[str]:
    """As GitHub makes them: lower case, spaces to hyphens, punctuation gone."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, mark = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if mark and found.suffix == ".md":
            assert mark in heading_marks(found.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_test_that_is_named_exists(page: Path) -> None:
    for file, test in NAMED_TEST.findall(page.read_text(encoding="utf-8")):
        path = ROOT / file
        assert path.is_file(), file
        assert re.search(rf"^(?:async )?def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), (
            f"{file}::{test}"
        )


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name)
def test_each_file_and_make_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [file for file in NAMED_FILE.findall(text) if not (ROOT / file).exists()] == []
    assert [target for target in MAKE.findall(text) if target not in targets] == []


def test_each_threat_names_a_control_and_a_test() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.count("|") == 6 and not re.match(r"\| (---|STRIDE)", line)]
    assert len(rows) > 40
    for row in rows:
        stride, threat, who, control, shown = (cell.strip() for cell in row.strip("|").split("|"))
        assert all((stride, threat, who, control)), row
        assert NAMED_TEST.search(shown), row


def test_each_rule_of_the_store_names_a_test_or_has_a_note() -> None:
    text = (ROOT / "docs" / "store-checklist.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not re.match(r"\| (---|Rule)", line)]
    assert len(rows) > 40
    for row in rows:
        rule, how, shown = (cell.strip() for cell in row.strip("|").split("|"))
        assert rule, row
        assert how, row
        assert NAMED_TEST.search(shown) or shown.startswith("note"), row
    assert sum(bool(NAMED_TEST.search(row)) for row in rows) > len(rows) / 2


def test_every_boundary_has_its_threats_and_every_letter_of_stride_is_there() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(sections) == 6
    assert all(section.count("\n| ") > 4 for section in sections)
    for kind in ("Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service", "Elevation"):
        assert f"| {kind} |" in text


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if re.match(r"\d{4}-", page.name) and page.name not in listed] == []


def test_each_picture_is_in_the_table_and_on_a_page_and_says_what_it_shows() -> None:
    images = [(page, *image) for page in PAGES for image in IMAGE.findall(page.read_text(encoding="utf-8"))]
    assert [name(page) for page, instead, _ in images if len(instead.split()) < 4] == []
    assert {(page.parent / target).resolve() for page, _, target in images} == set(FOLDER.iterdir())
    assert {path.name for path in FOLDER.iterdir()} == {f"{picture}.png" for picture in PICTURES}


def test_each_picture_is_taken_by_a_test() -> None:
    journeys = (ROOT / "tests" / "browser" / "test_journey.py").read_text(encoding="utf-8")
    taken = {f"{card}-card" for card in re.findall(r'takes_a_picture\("([\w-]+)", card=True\)', journeys)}
    taken |= set(re.findall(r'takes_a_picture_of_the_mail\(browser, "([\w-]+)"', journeys))
    assert set(PICTURES.values()) - taken == set()


@pytest.mark.parametrize("who", ["requester", "owner", "agent", "lead"])
def test_each_page_for_users_begins_with_what_they_see(who: str) -> None:
    text = (ROOT / "docs" / "using" / f"{who}.md").read_text(encoding="utf-8")
    assert 2 <= len(IMAGE.findall(text)) <= 4
    assert f"({who}.md)" in (ROOT / "docs" / "using" / "README.md").read_text(encoding="utf-8")


def test_make_help_lists_each_target_that_says_what_it_is_for() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    [pattern] = [found[1] for line in lines if (found := re.search(r"grep -E '(.+)' \$", line))]
    described = [line for line in lines if re.match(r"[^\s#.][^=]*:.*## ", line)]
    assert "bench-grow" in {line.partition(":")[0] for line in described}
    assert [line for line in described if not re.match(pattern, line)] == []
