"""Whether the evidence answers what the policy asks for. Pure; what an answer says is judged by people."""

from collections.abc import Mapping, Sequence
from datetime import date

from domain.moments import read_date
from domain.policy import EvidenceItem, Form
from texts import say

_WORDS = 3


def problem(item: EvidenceItem, text: str, today: date, longest: int) -> str:
    """A sentence that says how to mend this answer; empty where it will do."""
    text = text.strip()
    if item.form is Form.DATE:
        day = read_date(text)
        if day is None:
            return say("owner.date_expected")
        return "" if day > today else say("owner.later_date_expected")
    if len(text) > longest:
        return say("owner.answer_too_long", length=len(text), most=longest)
    if len(text) < item.least or (item.least and len(text.split()) < _WORDS):
        return say("owner.answer_too_short", least=item.least, length=len(text))
    return "" if any(character.isalnum() for character in text) else say("owner.words_expected")


def missing(items: Sequence[EvidenceItem], answers: Mapping[str, str]) -> tuple[EvidenceItem, ...]:
    """What has no answer yet. What was saved was accepted when it was given."""
    return tuple(item for item in items if not answers.get(item.id, "").strip())
