"""The pieces that all cards are built from. They keep Teams' rules, so that the cards need not know them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cards.card import Card
from domain.policy import Policy
from texts import say

Part = dict[str, Any]

_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]#~|"} | {"<": "‹", ">": "›"})
_BEGINS_A_BLOCK = re.compile(r"^[ \t]*(\d*)([-+=.)])(?=[-=\s]|$)|^[ \t]+", re.MULTILINE)
"""Spaces make code; these signs make lists, rules and headings of the line before."""
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LONGEST_SHOWN = 1200
MOST_BUTTONS = 6
"""Of one card: Teams shows no more."""


def plain(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """What a person typed, so that a card shows it as it is: no links, no mentions, no formatting.

    Control characters become spaces; what is longer than a card bears is cut, and says so.
    """
    kept = "".join(character if character.isprintable() or character == "\n" else " " for character in text).strip()
    if len(kept) > longest:
        kept = say("everyone.cut", text=kept[:longest])
    kept = _BEGINS_A_BLOCK.sub(_as_words, kept.replace("{{", "{ {").translate(_MARKDOWN))
    return _ENTITY.sub(r"\&", kept)


def _as_words(found: re.Match[str]) -> str:
    number, sign = found.groups(default="")
    return f"{number}\\{sign}" if sign else ""


def sentences(*said: str) -> str:
    """Whole sentences, one after the other; empty ones are left out."""
    return " ".join(one for one in said if one)


def heading(text: str) -> Part:
    return {"type": "TextBlock", "text": text, "size": "Large", "weight": "Bolder", "wrap": True, "style": "heading"}


def words(text: str, **more: Any) -> Part:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def quiet(text: str) -> Part:
    return words(text, isSubtle=True, size="Small", spacing="Medium")


def state(icon: str, text: str, style: str = "default") -> Part:
    """The line that says how things stand: by icon and words; the colour only repeats it."""
    return {
        "type": "Container",
        "style": style,
        "items": [words(f"{icon} {text}", weight="Bolder")],
        "spacing": "Small",
    }


def next_step(text: str) -> Part:
    title = words(say("everyone.what_is_next_title"), weight="Bolder")
    return {"type": "Container", "separator": True, "items": [title, words(text)]}


def mistake(text: str) -> Part:
    """What went wrong, on top of a card. It may quote what somebody typed."""
    return {"type": "Container", "style": "attention", "items": [words(f"⚠️ {plain(text)}")]}


def facts(pairs: Iterable[tuple[str, str]]) -> Part:
    """Name and value, one below the other; pairs without a value are left out."""
    return {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in pairs if value]}


def choice(input_id: str, label: str, options: Sequence[tuple[str, str]], *, error: str, value: str = "") -> Part:
    """Radio buttons. `options` are (title, value)."""
    part: Part = {
        "type": "Input.ChoiceSet",
        "id": input_id,
        "label": label,
        "style": "expanded",
        "isRequired": True,
        "errorMessage": error,
        "wrap": True,
        "choices": [{"title": title, "value": choice_value} for title, choice_value in options],
    }
    return part | ({"value": value} if value else {})


def field(
    input_id: str,
    label: str,
    *,
    error: str = "",
    value: str = "",
    hint: str = "",
    lines: bool = False,
    most: int = 0,
) -> Part:
    """A field to type in; required where there is an `error` to show."""
    part: Part = {"type": "Input.Text", "id": input_id, "label": label}
    if error:
        part |= {"isRequired": True, "errorMessage": error}
    if value:
        part["value"] = value
    if hint:
        part["placeholder"] = hint
    if lines:
        part["isMultiline"] = True
    if most:
        part["maxLength"] = most
    return part


def button(
    title: str, verb: str, data: Mapping[str, Any] | None = None, *, style: str = "", inputs: bool = False
) -> Part:
    """A button that does `verb`. `inputs`: whether it sends the card's fields, and so needs them filled.

    The Submit fallback carries the same data, for clients in which Execute fails.
    """
    sent = {**(data or {}), "verb": verb}
    common: Part = {"title": title, "data": sent, "associatedInputs": "auto" if inputs else "none"}
    if style:
        common["style"] = style
    return {"type": "Action.Execute", "verb": verb, **common, "fallback": {"type": "Action.Submit", **common}}


def link(title: str, url: str) -> Part:
    return {"type": "Action.OpenUrl", "title": title, "url": url}


def buttons(*actions: Part) -> Part:
    return {"type": "ActionSet", "actions": list(actions)}


def folded(title: str, part_id: str, *items: Part) -> tuple[Part, Part]:
    """What is there when somebody asks for it: the button, and what it shows and hides again."""
    toggle = {"type": "Action.ToggleVisibility", "title": title, "targetElements": [part_id]}
    return buttons(toggle), {"type": "Container", "id": part_id, "isVisible": False, "items": list(items)}


def help_line(policy: Policy) -> Part:
    return quiet(say("everyone.help_line", helpdesk=policy.helpdesk.name, telephone=policy.helpdesk.telephone))


def agents_help_line(policy: Policy) -> Part:
    """For helpdesk staff, who are whom others telephone."""
    return quiet(say("agent.help_line", helpdesk=policy.helpdesk.name))


def card(summary: str, *body: Part | None) -> Card:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [part for part in body if part is not None],
    }
    return Card(content, summary)
