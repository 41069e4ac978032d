"""The bodies with which an invoke is answered, always inside HTTP 200. Pure: values in, plain dicts out.

https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
"""

import json
from typing import Any

from bot.incoming import Found, InPlace, Suggestion
from cards.card import Card

_PREVIEW_TYPE = "application/vnd.microsoft.card.thumbnail"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
_MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
_ERROR_TYPE = "application/vnd.microsoft.error"


def plain(card: Card) -> dict[str, Any]:
    """The card's JSON as dicts and lists: msrest turns tuples and other mappings into `str(...)` silently."""
    copy: dict[str, Any] = json.loads(json.dumps(card.content, default=dict))
    return copy


def answer(in_place: InPlace | None) -> dict[str, Any]:
    if in_place is not None and in_place.card is not None:
        return {"statusCode": 200, "type": CARD_TYPE, "value": plain(in_place.card)}
    return sentence((in_place.sentence if in_place else "") or "Done.")


def found(what: Found) -> dict[str, Any]:
    """The answer to a search: https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search"""
    if what.sentence and not what.suggestions:
        return {"composeExtension": {"type": "message", "text": what.sentence}}
    attachments = [_suggested(one) for one in what.suggestions]
    return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": attachments}}


def _suggested(one: Suggestion) -> dict[str, Any]:
    preview = {"contentType": _PREVIEW_TYPE, "content": {"title": one.title, "text": one.text}}
    return {"contentType": CARD_TYPE, "content": plain(one.card), "preview": preview}


def sentence(text: str) -> dict[str, Any]:
    return {"statusCode": 200, "type": _MESSAGE_TYPE, "value": text}


def error(status: int, code: str, message: str) -> dict[str, Any]:
    return {"statusCode": status, "type": _ERROR_TYPE, "value": {"code": code, "message": message}}
