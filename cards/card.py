"""One Adaptive Card, ready to be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Card:
    """`content` is the card's JSON; `summary` is the line that notifications and screen readers give."""

    content: Mapping[str, Any]
    summary: str
