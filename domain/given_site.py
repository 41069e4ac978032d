"""A site as somebody gave it, in a file or a form, checked as far as words alone allow. Nothing is looked up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.site import LONGEST_ADDRESS, LONGEST_NAME, SiteStatus, address_of, code_of
from texts import say

MOST_OWNERS = 20
COLUMNS = ("ods", "name", "mailbox", "owners", "status", "succeeded_by")
_PARTS = {
    "ods": "agent.site_code",
    "name": "agent.site_name",
    "mailbox": "agent.site_mailbox",
    "owners": "agent.site_owners",
    "status": "agent.site_status",
    "succeeded_by": "agent.site_succeeded_by",
}
_FORMULA = ("=", "+", "-", "@")
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
        *([] if ods else [say("agent.site_code_wrong", code=_quote(values["ods"]))]),
        *_name_faults(name),
        *([] if mailbox else [_not_an_address(say("agent.site_mailbox"), values["mailbox"])]),
        *owner_faults,
        *(status_faults or _successor_faults(status, values["succeeded_by"], ods)),
    ]
    given = Given(ods or "", name, mailbox or "", owners, status, code_of(values["succeeded_by"]) or "", line)
    return given, tuple(Fault(line, sentence) for sentence in sentences)


def _unsafe(name: str, text: str) -> str:
    if text[:1] in ("\t", "\r") or text.strip()[:1] in _FORMULA:
        return say("agent.site_formula", part=say(_PARTS[name]))
    if not "".join(text.split()).isprintable():
        return say("agent.site_unprintable", part=say(_PARTS[name]))
    return ""


def _name_faults(name: str) -> list[str]:
    if not name:
        return [say("agent.site_name_missing")]
    if len(name) > LONGEST_NAME:
        return [say("agent.site_name_too_long", length=len(name), most=LONGEST_NAME)]
    return []


def _owners(text: str) -> tuple[tuple[str, ...], list[str]]:
    typed = [one for one in re.split(r"[;,\s]+", text) if one]
    read_ones = {one: address_of(one) for one in typed}
    sentences = [_not_an_address(say("agent.site_owner"), one) for one, address in read_ones.items() if address is None]
    owners = tuple(dict.fromkeys(address for address in read_ones.values() if address))
    if len(owners) > MOST_OWNERS:
        sentences = [say("agent.site_too_many_owners", number=len(owners), most=MOST_OWNERS)]
    return owners, sentences


def _status(text: str) -> tuple[SiteStatus | None, list[str]]:
    if not text:
        return None, []
    known = next((status for status in SiteStatus if status == text.lower()), None)
    return known, [] if known else [say("agent.site_status_unknown", status=_quote(text), known=", ".join(SiteStatus))]


def _successor_faults(status: SiteStatus | None, successor: str, ods: str | None) -> list[str]:
    if status is not SiteStatus.SUCCEEDED:
        unwanted = say("agent.successor_unwanted")
        return [unwanted] if successor else []
    if not successor:
        return [say("agent.successor_missing")]
    code = code_of(successor)
    if code is None:
        return [say("agent.successor_wrong", code=_quote(successor))]
    if code == ods:
        return [say("agent.successor_itself")]
    return []


def _not_an_address(part: str, text: str) -> str:
    if not text:
        return say("agent.site_address_missing", part=part)
    if len(text) > LONGEST_ADDRESS:
        return say("agent.site_address_too_long", part=part, address=_quote(text), most=LONGEST_ADDRESS)
    return say("agent.site_address_wrong", part=part, address=_quote(text))


def _quote(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"“{shown[:_QUOTED]}{'…' if len(shown) > _QUOTED else ''}”" if shown else say("agent.site_nothing")
