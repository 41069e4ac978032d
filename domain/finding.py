"""What somebody looks for when they type into the box that finds requests: words, a reference, or both."""

import string
from dataclasses import dataclass

from domain import reference as references

SEPARATORS = f"{string.punctuation}{string.whitespace}\u00a0’‘–—"
"""What stands between words, here and in the database's index."""
_APART = str.maketrans(dict.fromkeys(SEPARATORS, " "))
_SHORTEST, _LONGEST, _MOST = 3, 64, 6
_MFA = "mfa"


@dataclass(frozen=True, slots=True)
class Wanted:
    words: tuple[str, ...]
    """Beginnings of words, in lower case, without separators; each has to fit."""
    symbols: str = ""
    """The eight symbols of a reference in lower case, where the text may also be one."""


def wanted(text: str) -> Wanted | None:
    """None where there is too little to look for. Of an address only what stands before the @ counts."""
    shown = "".join(sign for sign in text if sign.isprintable() or sign.isspace())
    reference = references.read(shown)
    symbols = symbols_of(reference) if reference else ""
    if reference and _MFA in shown.lower():
        return Wanted((), symbols)
    words = [word for part in shown.lower().split() for word in part.partition("@")[0].translate(_APART).split()]
    if words and words[0] == _MFA:
        # The beginning of a reference: its symbols are one word, however they are typed.
        words = ["".join(words[1:])]
    # With a longer word beside them, one or two letters are the beginning of what is still being typed.
    telling = [word for word in words if len(word) >= _SHORTEST]
    if not telling and sum(map(len, words)) < _SHORTEST:
        return None
    return Wanted(tuple(word[:_LONGEST] for word in (telling or words)[:_MOST]), symbols)


def symbols_of(reference: str) -> str:
    """`MFA-7K3Q-9XDM` is `7k3q9xdm`."""
    return reference.partition("-")[2].replace("-", "").lower()


def linked(url: str, pages: str) -> str | None:
    """The reference in a link to a request; None for any other address. `pages`: what such links begin with."""
    if not url.lower().startswith(pages.lower()):
        return None
    return in_path(url[len(pages) :].partition("?")[0].partition("#")[0])


def in_path(part: str) -> str | None:
    """The reference that the end of a link is: spelled as we spell it, in either case."""
    found = references.read(part)
    return found if found == part.upper() else None
