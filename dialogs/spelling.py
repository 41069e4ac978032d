"""Typed words as they are compared: plain, whole, and put right where they are nearly a word that we know."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rapidfuzz.distance import OSA

Meaning = TypeVar("Meaning")

LONGEST = 2000
"""What stands behind so many characters is not looked at."""
BREAK = "|"
"""Stands where a comma, a full stop or a new line stood."""
_WORD = re.compile(r"[^\W_]+|[,.;:!?\n…–—]")


def one_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NOT = one_of("do does did is was are were has have had can could will would should")
EVERYDAY = one_of(
    "able about above after again also always been before being best better both bring brought came change close come "
    "cost could done down each ever every fine form from give given gone good hand have head hear here high hope hour "
    "into just keep kept kind know last late later less like line list live look made mail make many more most much "
    "must need never next nice night only open over part past post quite read said same seen send sent ship show shop "
    "side single some soon sorry sort store stone stuff such take tell than that them then there these they thing "
    "think this those time times told turn very want week well went were what when where which while will with word "
    "work world would write wrong year your least loose reason season person prison phase those close whole party "
    "patient patience passed signed single simple sight slight right might"
)
"""Everyday words that are near to ours: never taken for a misspelling."""


def normal(text: str) -> str:
    """Small letters, single spaces, no punctuation at the ends; apostrophes and accents made plain."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).replace("’", "'").casefold()
    return " ".join(re.sub(r"[^\w'@.+-]+", " ", plain).split()).strip(" .'-")


def words_in(text: str) -> list[str]:
    """Small letters without apostrophes; “can not” and “cannot” are `cant`; a `BREAK` where a clause ends."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).casefold().replace("’", "").replace("'", "")
    words: list[str] = []
    for word in _WORD.findall(plain):
        if not word[0].isalnum():
            word = BREAK
        if word == "cannot":
            words.append("cant")
        elif word == "not" and words and words[-1] in _NOT:
            words[-1] = "cant" if words[-1] == "can" else "wont" if words[-1] == "will" else f"{words[-1]}nt"
        elif word != BREAK or (words and words[-1] != BREAK):
            words.append(word)
    return words


@dataclass(frozen=True, slots=True)
class Hit(Generic[Meaning]):
    """A phrase that stands in a text, from word `start` to before word `end`."""

    meaning: Meaning
    start: int
    end: int
    spelt: bool
    """False where a word had to be put right."""

    @property
    def score(self) -> int:
        return 2 * (self.end - self.start) - (not self.spelt)


class Phrases(Generic[Meaning]):
    """Phrases and what each means; several meanings may share a phrase."""

    def __init__(self, phrases: Mapping[Meaning, Iterable[str]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], list[Meaning]]]] = {}
        meant: dict[tuple[str, ...], list[Meaning]] = {}
        for meaning, written in phrases.items():
            for phrase in written:
                key = tuple(word for word in words_in(phrase) if word != BREAK)
                if key and meaning not in meant.setdefault(key, []):
                    meant[key].append(meaning)
        for key in sorted(meant, key=len, reverse=True):
            self._by_first.setdefault(key[0], []).append((key, meant[key]))
        self.words = frozenset(word for key in meant for word in key)
        self._near: dict[str, list[str]] = {}
        for word in sorted(self.words):
            if len(word) >= _SHORTEST:
                for first in {word[0], word[1]}:
                    self._near.setdefault(first, []).append(word)

    def put_right(self, word: str) -> str:
        """The known word that this one is nearly; the word itself where it is known, everyday, or near to none."""
        if word in self.words or word in EVERYDAY or len(word) < _SHORTEST or not word.isalpha():
            return word
        best, found = 3, [word]
        for known in self._near.get(word[0], ()):
            if abs(len(known) - len(word)) <= 2 and (steps := _steps(word, known)) and steps <= best:
                found = [known] if steps < best else [*found, known]
                best = steps
        return found[0] if len(found) == 1 else word

    def found(self, typed: Sequence[str], right: Sequence[str]) -> list[Hit[Meaning]]:
        """The phrases in a text, none over another: longer ones first. `right` are the words as they were put right."""
        every = sorted(self._all(typed, right), key=lambda hit: (hit.start - hit.end, hit.start))
        taken: dict[int, tuple[int, int]] = {}
        kept = []
        for hit in every:
            place = (hit.start, hit.end)
            if all(taken.get(n, place) == place for n in range(*place)):
                taken.update(dict.fromkeys(range(*place), place))
                kept.append(hit)
        return kept

    def _all(self, typed: Sequence[str], right: Sequence[str]) -> Iterator[Hit[Meaning]]:
        for start, word in enumerate(right):
            for phrase, meanings in self._by_first.get(word, ()):
                end = start + len(phrase)
                if tuple(right[start:end]) == phrase:
                    spelt = tuple(typed[start:end]) == phrase
                    yield from (Hit(meaning, start, end, spelt) for meaning in meanings)


_SHORTEST = 4
"""Shorter words are too near to each other to be put right."""


def _steps(word: str, known: str) -> int:
    """How many letters are wrong, missing, too many or in the wrong place; 0 where the words are not near enough.

    One in short words, where no letter may stand for another one; two in words of eight letters and more.
    """
    if word[0] != known[0] and word[:2] != known[1::-1]:
        return 0
    shorter = min(len(word), len(known))
    most = 2 if shorter >= 8 else 1
    steps = OSA.distance(word, known, score_cutoff=most)
    if steps > most:
        return 0
    if shorter < 6 and not (sorted(word) == sorted(known) or _one_more(word, known)):
        return 0
    return steps


def _one_more(word: str, known: str) -> bool:
    """Whether one of two short words has a letter twice that the other has once, or lacks the last letter."""
    short, long = sorted((word, known), key=len)
    if len(long) != len(short) + 1:
        return False
    doubled = any(long[n] == long[n - 1] and long[:n] + long[n + 1 :] == short for n in range(1, len(long)))
    return doubled or known[:-1] == word
