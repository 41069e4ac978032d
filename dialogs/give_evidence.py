"""The conversation in which the site gives its evidence: which page is open, and what a typed text means on it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from dialogs.said import Said
from dialogs.spelling import normal
from dialogs.understand import choice_in
from domain.checklist import missing
from domain.errors import Refusal
from domain.evidence import EvidenceFile
from domain.policy import EvidenceItem


class Page(StrEnum):
    CODE = "code"
    LIST = "list"
    ITEM = "item"
    CHANGE = "change"
    FILES = "files"


Place = Mapping[str, Any]
"""`reference`, `page` and `item`: where somebody is. Never what they answered: that is kept encrypted."""


def begin(reference: str) -> Place:
    return {"reference": reference, "page": Page.LIST.value, "item": ""}


def on(place: Place, page: Page, item: str = "") -> Place:
    return {**place, "page": page.value, "item": item}


def page_of(place: Place) -> Page:
    return Page(place["page"])


_TYPED = {
    "send": ("send", "send it", "send to the helpdesk", "i confirm", "confirm"),
    "next": ("next", "continue", "go on", "answer"),
    "files": ("files", "file", "attachments"),
    "change": ("change", "edit", "correct"),
    "list": ("list", "back", "overview"),
    "close": ("close", "save", "save and close", "cancel", "later"),
    "new_code": ("new code", "send a new code", "another code"),
}


def confirms(text: str) -> bool:
    return normal(text) in ("i confirm", "confirm", "yes i confirm", "i confirm it")


def meant(place: Place, text: str, command: str) -> str:
    """The verb that a typed text stands for on this page; free words are an answer or a code."""
    flat = normal(text)
    page = page_of(place)
    if command in ("back", "cancel", "change"):
        return {"back": "list", "cancel": "close", "change": "change"}[command]
    if page is Page.ITEM:
        return "answer"
    verb = next((verb for verb, spellings in _TYPED.items() if flat in spellings), "")
    if verb:
        return verb
    if page is Page.CHANGE:
        return "change_to"
    if page is Page.FILES and flat.startswith("remove"):
        return "remove"
    return "code"


def item_of(place: Place, said: Said, items: Sequence[EvidenceItem]) -> EvidenceItem:
    """The question that is answered: the one on the card, else the one that is open."""
    wanted = said.value("item") or place["item"]
    found = next((item for item in items if item.id == wanted), None)
    if found is None:
        raise Refusal("Choose a question from the list first.", rule="no_item")
    return found


def next_item(place: Place, items: Sequence[EvidenceItem], answers: Mapping[str, str]) -> Place:
    """The first question without an answer, else the list."""
    lacking = missing(items, answers)
    return on(place, Page.ITEM, lacking[0].id) if lacking else on(place, Page.LIST)


def file_of(said: Said, files: Sequence[EvidenceFile]) -> str:
    """The id of the file that is meant: chosen on the card, or typed as “remove 2” or by its name."""
    behind = said.text.strip().partition(" ")[2]
    chosen = said.value("file") or choice_in(behind, [(file.id, file.name, ()) for file in files])
    if not any(file.id == chosen for file in files):
        raise Refusal("Choose the file to remove, or type “remove” and its number.", rule="no_file")
    return chosen


def turned_to(place: Place, verb: str, said: Said, items: Sequence[EvidenceItem], answers: Mapping[str, str]) -> Place:
    """Another page."""
    match verb:
        case "next":
            return next_item(place, items, answers)
        case "change":
            return on(place, Page.CHANGE if any(answers.values()) else Page.LIST)
        case "change_to":
            options = [(item.id, item.title, ()) for item in items if answers.get(item.id)]
            chosen = said.value("item") or choice_in(said.text, options)
            if not any(item.id == chosen for item in items):
                raise Refusal("Choose the answer to change, or type its number.", rule="no_item")
            return on(place, Page.ITEM, chosen)
        case "files":
            return on(place, Page.FILES)
        case "list":
            return on(place, Page.LIST)
    raise Refusal(
        "Choose one of the buttons, or type “next”, “change”, “files”, “send” or “close”.", rule="no_question"
    )
