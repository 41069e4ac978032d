"""Whether the evidence answers what the policy asks for. Pure; what an answer says is judged by people."""

from collections.abc import Mapping, Sequence
from datetime import date

from domain.moments import read_date
from domain.policy import EvidenceItem, Form

_WORDS = 3


def problem(item: EvidenceItem, text: str, today: date, longest: int) -> str:
    """A sentence that says how to mend this answer; empty where it will do."""
    text = text.strip()
    if item.form is Form.DATE:
        day = read_date(text)
        if day is None:
            return "Type a date, for example 31 March 2027."
        return "" if day > today else "Type a date that is still to come."
    if len(text) > longest:
        return f"This is {len(text)} characters long. Use {longest} or fewer, or send a file."
    if len(text) < item.least or (item.least and len(text.split()) < _WORDS):
        return f"Say more: {item.least} characters or more, in a few words. This has {len(text)}."
    return "" if any(character.isalnum() for character in text) else "Type an answer in words."


def missing(items: Sequence[EvidenceItem], answers: Mapping[str, str]) -> tuple[EvidenceItem, ...]:
    """What has no answer yet. What was saved was accepted when it was given."""
    return tuple(item for item in items if not answers.get(item.id, "").strip())
