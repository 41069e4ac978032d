"""Reads the policy from its file. A bad file is refused whole, with a sentence for each fault and its line."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import holidays
from pydantic import TypeAdapter, ValidationError

from adapters.toml_lines import line_of
from domain import policy_faults as rules
from domain.policy import Policy

NATIONS = {"England": "ENG", "Wales": "WLS", "Scotland": "SCT", "Northern Ireland": "NIR"}


class BadFileError(Exception):
    """A file that people write cannot be used. `sentences` say where and how to mend it, one for each fault."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def read_policy(path: Path) -> Policy:
    """Raises `BadFileError` with all that is wrong."""
    text = _text(path)
    try:
        policy = TypeAdapter(Policy).validate_python(_parsed(path, text))
    except ValidationError as error:
        raise BadFileError(tuple(_sentence(path, text, fault) for fault in error.errors())) from None
    found = tuple(f"{path}, {_where(text, at)}: {sentence}" for at, sentence in rules.faults(policy))
    nation = NATIONS.get(policy.working.bank_holidays)
    if nation is None:
        at = _where(text, ("working", "bank_holidays"))
        found = (*found, f"{path}, {at}: write one of these: {', '.join(NATIONS)}.")
    if nation is None or found:
        raise BadFileError(found)
    bank_holidays = holidays.country_holidays("GB", subdiv=nation, years=range(2020, 2101))
    working = replace(policy.working, days_off=policy.working.days_off | frozenset(bank_holidays))
    return replace(policy, working=working)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadFileError((f"{path}: cannot be read: {reason}.",)) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFileError((f"{path}: not valid TOML: {error}.",)) from None


_MEANINGS = {
    "missing": "this is missing.",
    "extra_forbidden": "this key is not known. Check its spelling or take it out.",
    "unexpected_keyword_argument": "this key is not known. Check its spelling or take it out.",
    "time_delta_parsing": "this is not a duration. Write it as in ISO 8601, for example PT24H or P3D.",
    "time_delta_type": "this is not a duration. Write it as in ISO 8601, for example PT24H or P3D.",
}


def _sentence(path: Path, text: str, fault: Any) -> str:
    at = fault["loc"]
    meaning = _MEANINGS.get(fault["type"], f"{fault['msg'][:1].lower()}{fault['msg'][1:]}.")
    return f"{path}, {_where(text, at)}: {meaning}"


def _where(text: str, at: tuple[str | int, ...]) -> str:
    line = line_of(text, at)
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in at)
    return f"line {line}, {key}" if line else key
