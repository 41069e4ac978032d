"""References of requests: short, sayable on the telephone and not guessable, as `MFA-7K3Q-9XDM`."""

import re

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0, 1, I, L, O and U, which are taken for each other or make words."""

LENGTH = 8
_WRITTEN = re.compile(rf"(?<![A-Z0-9])MFA[\s-]*([{LETTERS}]{{4}})[\s-]*([{LETTERS}]{{4}})(?![A-Z0-9])", re.IGNORECASE)
_BARE = re.compile(rf"\s*([{LETTERS}]{{4}})[\s-]*([{LETTERS}]{{4}})\s*", re.IGNORECASE)


def spelled(symbols: str) -> str:
    """The reference that stands for eight symbols of `LETTERS`."""
    return f"MFA-{symbols[:4]}-{symbols[4:]}".upper()


def find(text: str) -> str | None:
    """The first reference in a text, however its case, spaces and hyphens were typed; `MFA` must stand before it."""
    match = _WRITTEN.search(text)
    return spelled(match[1] + match[2]) if match else None


def read(text: str) -> str | None:
    """The reference that a text is, where one is expected: `MFA` may be left out."""
    match = _BARE.fullmatch(text)
    return spelled(match[1] + match[2]) if match else find(text)


def without(text: str) -> str:
    """The text with its first reference taken out."""
    return " ".join(_WRITTEN.sub(" ", text, count=1).split())
