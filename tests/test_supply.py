"""What this product is made of: pinned, with a reason and a licence for each, and a bill of materials."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supply import licences, packages
from supply.sbom import bill
from tests.builders import ROOT

FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla|ISC|LGPL|Unlicense|0BSD|CC0", re.IGNORECASE
)
STRONG_COPYLEFT = re.compile(r"(?<!L)GPL|Affero|AGPL", re.IGNORECASE)


@pytest.mark.parametrize("file", [packages.RUNNING, packages.TESTING])
def test_every_requirement_pins_one_version_and_the_hashes_of_its_files(file: str) -> None:
    text = (ROOT / file).read_text().replace("\\\n", " ")
    wanted = [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pinned = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^* ]+( --hash=sha256:[0-9a-f]{64})+")
    assert wanted
    assert [line for line in wanted if not pinned.fullmatch(line)] == []


@pytest.mark.parametrize("file", [packages.RUNNING, packages.TESTING])
def test_the_hashes_are_those_of_other_machines_too(file: str) -> None:
    """What is compiled has a file for each system and version of Python: one hash alone would be this machine's."""
    text = (ROOT / file).read_text()
    compiled = ("aiohttp", "cffi", "cryptography", "psycopg-binary", "pydantic-core", "sqlalchemy", "yarl")
    counted = {
        name: len(re.findall("--hash", found)) for name, found in re.findall(r"^(\S+?)==(.*(?:\n .*)*)", text, re.M)
    }
    assert all(counted[name] > 20 for name in compiled if name in counted), counted
    assert "aiohttp" in counted


@pytest.mark.parametrize("file", [packages.RUNNING, packages.TESTING])
def test_what_is_installed_here_is_what_is_pinned(file: str) -> None:
    pinned = packages.pins(file)
    assert {name: importlib.metadata.version(name) for name in pinned} == pinned


@pytest.mark.parametrize(
    ("chosen", "pinned"), [("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")]
)
def test_what_we_chose_is_pinned(chosen: str, pinned: str) -> None:
    assert set(packages.asked_for(chosen)) <= set(packages.pins(pinned))


def test_production_and_tests_pin_the_same_versions() -> None:
    running, testing = packages.pins(packages.RUNNING), packages.pins(packages.TESTING)
    assert {name: testing[name] for name in running if name in testing} == {
        name: running[name] for name in running if name in testing
    }


@pytest.mark.parametrize("file", ["requirements.in", "requirements-dev.in"])
def test_each_package_that_we_chose_has_its_reason_in_the_decisions(file: str) -> None:
    reasons = (ROOT / "docs" / "decisions" / "0005-libraries.md").read_text().lower()
    assert [
        name for name in packages.asked_for(file) if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", reasons)
    ] == []


def test_the_page_of_licences_is_what_the_packages_say() -> None:
    assert licences.FILE.read_text() == licences.page(), "run “make licences”"


def test_each_package_in_production_has_a_licence_that_lets_us_use_it() -> None:
    for package in packages.installed(packages.RUNNING):
        assert FREE.search(package.licence), package
        assert not STRONG_COPYLEFT.search(package.licence), package


def test_the_bill_of_materials_names_each_package_once_with_version_licence_and_what_it_needs() -> None:
    found = bill()
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["serialNumber"])
    assert {one["name"]: one["version"] for one in found["components"]} == packages.pins(packages.RUNNING)
    references = [one["bom-ref"] for one in found["components"]]
    assert len(set(references)) == len(references)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in found["components"])
    assert all(one["licenses"][0]["license"]["name"] for one in found["components"])
    known = {*references, found["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in found["dependencies"]} == known
    assert {need for one in found["dependencies"] for need in one["dependsOn"]} <= known
    needs = {one["ref"].partition("@")[0]: one["dependsOn"] for one in found["dependencies"]}
    assert any("/yarl@" in need for need in needs["pkg:pypi/aiohttp"])


def test_the_bill_of_materials_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        subprocess.run([sys.executable, "-m", "supply.sbom", str(tmp_path / name)], cwd=ROOT, check=True, timeout=60)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert json.loads((tmp_path / "one.json").read_text()) == bill()
