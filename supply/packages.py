"""The packages that `requirements.txt` pins, as they are installed here. It downloads nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNNING, TESTING = "requirements.txt", "requirements-dev.txt"
_OWN_WORDS = 60
"""Longer than this, a licence field holds the licence's text and not its name."""


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    version: str
    licence: str
    home: str
    needs: tuple[str, ...]
    """Names of other packages, with and without the extras that are asked for."""


def pins(file: str) -> dict[str, str]:
    """Name and version of each line `name==version` of a requirements file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / file).read_text(encoding="utf-8"), re.M)
    return {str(canonicalize_name(name)): version for name, version in found}


def asked_for(file: str) -> tuple[str, ...]:
    """What a `.in` file names: the packages that we chose ourselves."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
    return tuple(str(canonicalize_name(Requirement(line).name)) for line in lines if line and not line.startswith("-"))


def installed(file: str) -> Iterator[Package]:
    """Raises PackageNotFoundError where something that is pinned is not installed."""
    for name in sorted(pins(file)):
        found = distribution(name)
        yield Package(name, found.version, _licence(found), _home(found), tuple(sorted(_needs(found))))


def _licence(found: Distribution) -> str:
    """As the package says it: an SPDX expression, its classifiers, or a short licence field."""
    expression = _field(found, "License-Expression")
    if expression:
        return expression
    classifiers = found.metadata.get_all("Classifier") or []
    named = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ") and one.count("::") > 1]
    if named:
        return " or ".join(dict.fromkeys(named))
    words = " ".join(_field(found, "License").split())
    return words if 0 < len(words) <= _OWN_WORDS else _first_line_of_the_licence(found)


def _first_line_of_the_licence(found: Distribution) -> str:
    for file in found.files or ():
        if file.name.lower().startswith(("license", "licence", "copying")):
            path = Path(str(file.locate()))
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
            first = next((line.strip() for line in lines if line.strip()), "")
            if first:
                return first[:_OWN_WORDS]
    return ""


def _home(found: Distribution) -> str:
    urls = dict(one.split(", ", 1) for one in found.metadata.get_all("Project-URL") or [] if ", " in one)
    known = {name.lower(): url for name, url in urls.items()}
    wanted = ("homepage", "home", "source", "source code", "repository", "github", "code")
    return next((known[name] for name in wanted if name in known), _field(found, "Home-page"))


def _field(found: Distribution, name: str) -> str:
    return next(iter(found.metadata.get_all(name) or []), "")


def _needs(found: Distribution) -> Iterator[str]:
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield str(canonicalize_name(requirement.name))
