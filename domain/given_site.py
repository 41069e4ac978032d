"""A site as somebody gave it, in a file or a form, checked as far as words alone allow. Nothing is looked up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.site import LONGEST_ADDRESS, LONGEST_NAME, SiteStatus, address_of, code_of

MOST_OWNERS = 20
COLUMNS = ("ods", "name", "mailbox", "owners", "status", "succeeded_by")
_FORMULA = ("=", "+", "-", "@")
_CODE = "Write 1 to 12 letters A to Z and digits, as in ZZ901."
_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Given:
    """Parts that cannot be read are empty, so that the others can be looked up all the same."""

    ods: str
    name: str
    mailbox: str
    owners: tuple[str, ...]
    """Addresses, each once. Nobody has looked yet whether they are people."""
    status: SiteStatus | None = None
    """None: nothing was said about it, so it stays as it is, and a new site is open."""
    succeeded_by: str = ""
    line: int = 0
    """Where it stands in its file; 0 in a form."""


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    sentence: str
    """What is wrong and how to mend it; it begins with a capital."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence[:1].lower()}{self.sentence[1:]}"


def read(cells: Mapping[str, str], line: int = 0) -> tuple[Given, tuple[Fault, ...]]:
    """What was given, and every fault in it. `cells` are raw texts by the names of `Given`, or left out."""
    values = {name: " ".join(cells.get(name, "").split()) for name in COLUMNS}
    ods, name, mailbox = code_of(values["ods"]), values["name"], address_of(values["mailbox"])
    owners, owner_faults = _owners(values["owners"])
    status, status_faults = _status(values["status"])
    sentences = [
        *filter(None, (_unsafe(column, text) for column, text in cells.items())),
        *([] if ods else [f"The code {_quote(values['ods'])} is not an ODS code. {_CODE}"]),
        *_name_faults(name),
        *([] if mailbox else [f"The mailbox {_not_an_address(values['mailbox'])}"]),
        *owner_faults,
        *(status_faults or _successor_faults(status, values["succeeded_by"], ods)),
    ]
    given = Given(ods or "", name, mailbox or "", owners, status, code_of(values["succeeded_by"]) or "", line)
    return given, tuple(Fault(line, sentence) for sentence in sentences)


def _unsafe(name: str, text: str) -> str:
    if text[:1] in ("\t", "\r") or text.strip()[:1] in _FORMULA:
        return (
            f"The {_title(name)} begins with a sign that a spreadsheet takes for a formula (= + - @, tab or return). "
            "Take that sign out."
        )
    if not "".join(text.split()).isprintable():
        return f"The {_title(name)} has a sign in it that cannot be shown. Type it again."
    return ""


def _name_faults(name: str) -> list[str]:
    if not name:
        return ["The name is missing. Write the name of the site."]
    if len(name) > LONGEST_NAME:
        return [f"The name has {len(name)} characters. Shorten it to {LONGEST_NAME} or fewer."]
    return []


def _owners(text: str) -> tuple[tuple[str, ...], list[str]]:
    typed = [one for one in re.split(r"[;,\s]+", text) if one]
    read_ones = {one: address_of(one) for one in typed}
    sentences = [f"The owner {_not_an_address(one)}" for one, address in read_ones.items() if address is None]
    owners = tuple(dict.fromkeys(address for address in read_ones.values() if address))
    if len(owners) > MOST_OWNERS:
        sentences = [f"There are {len(owners)} owners. Name {MOST_OWNERS} or fewer."]
    return owners, sentences


def _status(text: str) -> tuple[SiteStatus | None, list[str]]:
    if not text:
        return None, []
    known = next((status for status in SiteStatus if status == text.lower()), None)
    return known, [] if known else [f"The status {_quote(text)} is not known. Write one of: {', '.join(SiteStatus)}."]


def _successor_faults(status: SiteStatus | None, successor: str, ods: str | None) -> list[str]:
    if status is not SiteStatus.SUCCEEDED:
        unwanted = "A site has a code in “succeeded by” only where its status is succeeded. Correct one of the two."
        return [unwanted] if successor else []
    if not successor:
        return ["The status is succeeded, and “succeeded by” is empty. Write the code of the site that took over."]
    code = code_of(successor)
    if code is None:
        return [f"“Succeeded by” {_quote(successor)} is not an ODS code. Write the code of the site that took over."]
    if code == ods:
        return ["The site is said to be succeeded by itself. Write the code of the other site."]
    return []


def _not_an_address(text: str) -> str:
    if not text:
        return "is missing. Write an address as in admin.riverside@nhs.net."
    if len(text) > LONGEST_ADDRESS:
        return f"{_quote(text)} is too long. Write an address of {LONGEST_ADDRESS} characters or fewer."
    return f"{_quote(text)} is not an address. Write one as in admin.riverside@nhs.net."


def _title(name: str) -> str:
    return {"ods": "code", "succeeded_by": "“succeeded by”"}.get(name, name)


def _quote(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"“{shown[:_QUOTED]}{'…' if len(shown) > _QUOTED else ''}”" if shown else "(nothing)"
