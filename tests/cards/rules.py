"""What Teams and we ask of an Adaptive Card: the official schema, and rules that no schema holds."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
from microsoft_teams import cards as models
from pydantic import BaseModel, ValidationError

LARGEST = 28 * 1024
MOST_ACTIONS = 6
_HTML = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)
_DATE_FUNCTION = re.compile(r"\{\{\s*(DATE|TIME)\s*\(", re.IGNORECASE)


@cache
def _schema() -> Any:
    text = files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text(encoding="utf-8-sig")
    return jsonschema.Draft6Validator(json.loads(text))


def faults(card: Mapping[str, Any]) -> list[str]:
    """A sentence for each rule that the card breaks."""
    return [*_schema_faults(card), *_typed_faults(card), *_whole(card), *_parts(card)]


def _schema_faults(card: Mapping[str, Any]) -> Iterator[str]:
    for error in _schema().iter_errors(card):
        yield f"schema: {error.message[:200]} at {'/'.join(map(str, error.absolute_path))}"


@cache
def _models() -> Mapping[str, type[BaseModel]]:
    """Microsoft's typed models, by the `type` that they are for."""
    found = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    return {str(one.model_fields["type"].default): one for one in found if "type" in one.model_fields}


def _typed_faults(card: Mapping[str, Any]) -> Iterator[str]:
    """The models take what they do not know and turn words into values, and they do not look into their parts.

    So each part is given to its own model, and has to come back as it was, with nothing that the model does not know.
    """
    for part in [*walk(card), *(part["fallback"] for part in walk(card) if "fallback" in part)]:
        model = _models().get(str(part.get("type")))
        if model is None:
            yield f"models: no type {part.get('type')!r}"
            continue
        try:
            read = model.model_validate(part)
        except ValidationError as error:
            yield f"models: {error.errors()[0]['msg']} at {part['type']} {error.errors()[0]['loc']}"
            continue
        if unknown := sorted(_unknown(read) - {"$schema"}):
            yield f"models: {part['type']} has no {', '.join(unknown)}"
        if read.model_dump(by_alias=True, exclude_unset=True) != part:
            yield f"models: {part['type']} comes back as something else"


def _unknown(read: BaseModel) -> set[str]:
    """What a model of facts or choices does not know either; parts with a type of their own are looked at by it."""
    inner = [one for value in vars(read).values() if isinstance(value, list) for one in value]
    plain = [one for one in inner if isinstance(one, models.Fact | models.Choice)]
    return set(read.model_extra or {}).union(*(one.model_extra or {} for one in plain))


def _whole(card: Mapping[str, Any]) -> Iterator[str]:
    if card.get("type") != "AdaptiveCard" or card.get("version") != "1.5":
        yield "it is not an Adaptive Card 1.5"
    if len(json.dumps(card, ensure_ascii=False).encode()) >= LARGEST:
        yield "it is 28 KB or more"
    if "actions" in card:
        yield "its actions are not in an ActionSet"
    if len([part for part in walk(card) if str(part.get("type", "")).startswith("Action.")]) > MOST_ACTIONS:
        yield "it has more than 6 actions"
    ids = [part["id"] for part in walk(card) if "id" in part]
    if len(ids) != len(set(ids)):
        yield "an id is used twice"


def walk(value: Any) -> Iterator[Mapping[str, Any]]:
    """Each element and action, without fallbacks."""
    if isinstance(value, Mapping):
        if "type" in value:
            yield value
        for key, part in value.items():
            if key not in ("fallback", "data"):
                yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)


def _parts(card: Mapping[str, Any]) -> Iterator[str]:
    for part in walk(card):
        kind = str(part.get("type"))
        if kind == "TextBlock" and part.get("wrap") is not True:
            yield f"a text does not wrap: {part.get('text')!r}"
        if kind.startswith("Input."):
            if not part.get("id") or not part.get("label"):
                yield "a field has no id or no label"
            if part.get("isRequired") and not part.get("errorMessage"):
                yield "a required field does not say what is wrong"
        if kind == "Action.Execute":
            yield from _execute_faults(part)
        if kind == "Action.OpenUrl" and not str(part.get("url", "")).startswith("https://"):
            yield "a link is not https"
    for text in texts(card):
        if not text.strip():
            yield "a text is empty"
        if _HTML.search(text):
            yield f"a text holds HTML: {text!r}"
        if _DATE_FUNCTION.search(text):
            yield f"a text holds a date function: {text!r}"


def _execute_faults(action: Mapping[str, Any]) -> Iterator[str]:
    verb, fallback = action.get("verb"), action.get("fallback", {})
    if not verb or action.get("data", {}).get("verb") != verb:
        yield "a button has no verb, or another one in its data"
    if fallback.get("type") != "Action.Submit" or fallback.get("data") != action.get("data"):
        yield "a button has no Submit fallback with the same data"
    if verb in ("ask.back", "ask.cancel", "review") and action.get("associatedInputs") != "none":
        yield "a way back wants the fields filled"


def texts(card: Any) -> Iterator[str]:
    """All that people read."""
    for part in walk(card):
        yield from (str(part[key]) for key in ("text", "title", "label", "errorMessage", "placeholder") if key in part)
        for fact in part.get("facts", []):
            yield from (fact["title"], fact["value"])
        for choice in part.get("choices", []):
            yield choice["title"]
