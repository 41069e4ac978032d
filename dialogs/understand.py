"""What a typed sentence means, by rules that can be explained: commands, reasons and addresses. No input, no output."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from domain import reference as references
from domain.policy import Kind, Policy, Reason

COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("help", "hi", "hello", "hey", "hiya", "start", "menu", "good morning", "good afternoon", "good evening"),
    "ask": ("short", "short term", "ask", "ask for an exception", "new request", "24 hours", "exception"),
    "long": ("long", "long term", "180 days", "6 months"),
    "mine": ("my requests", "mine", "my request", "requests", "list"),
    "status": ("status", "show", "how is"),
    "withdraw": ("withdraw", "take back"),
    "end": ("end", "finish", "i no longer need it", "no longer needed", "no longer need it"),
    "cancel": ("cancel", "stop", "quit", "exit", "never mind", "nevermind"),
    "back": ("back", "go back", "undo", "previous"),
    "change": ("change", "edit", "correct"),
    "queue": ("queue", "waiting", "waiting requests"),
    "review": ("review", "open", "look at"),
    "approve": ("approve", "grant", "accept"),
    "reject": ("reject", "decline", "refuse", "deny"),
    "revoke": ("revoke",),
    "use this channel": ("use this channel",),
    "site": ("site", "sites"),
    "renew": ("renew", "extend"),
    "evidence": ("evidence", "give evidence"),
    "needed": ("still needed", "needed"),
    "code": ("new code", "send a new code"),
}
"""Each command and the ways to type it."""

WITH_REFERENCE = frozenset({"status", "withdraw", "end", "review", "approve", "reject", "revoke"}) | frozenset(
    {"ask", "renew", "evidence", "needed", "code"}
)
MOST_SITE_WORDS = 10
"""With more words behind it, “site” begins a sentence."""
_ADDRESS = re.compile(r"[\w.+'’-]+@[\w-]+(?:\.[\w-]+)+")
_MISSPELT = 88
_TITLES = {
    "ask": ("Ask for an exception", "ask.start"),
    "long": ("Ask for a long-term exception", "ask.long"),
    "mine": ("My requests", "mine"),
    "queue": ("Waiting requests", "queue"),
    "help": ("Help", "help"),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed text, understood as far as possible. Empty parts were not found."""

    command: str = ""
    """A key of COMMANDS."""
    reference: str = ""
    words: str = ""
    """What was typed behind the command and the reference."""


def command_in(text: str) -> Typed:
    """The command that a text is or begins with. Longer texts without a reference are no command, but a sentence."""
    reference = references.find(text) or ""
    flat = normal(references.without(text))
    if flat.startswith("site ") and len(flat.split()) <= MOST_SITE_WORDS and not reference:
        return Typed("site", words=_behind(text, 1))
    for command, spellings in COMMANDS.items():
        for spelling in sorted(spellings, key=len, reverse=True):
            if flat == spelling:
                return Typed(command, reference)
            if command in WITH_REFERENCE and flat.startswith(f"{spelling} "):
                behind = _behind(references.without(text), len(spelling.split()))
                bare = references.read(behind) if not reference else None
                if reference or bare or len(behind.split()) <= 2:
                    return Typed(command, reference or bare or "", "" if bare else behind)
    if not flat and reference:
        return Typed("status", reference)
    words = flat.split()
    if 0 < len(words) <= 2:
        near = process.extractOne(flat, [s for every in COMMANDS.values() for s in every], scorer=fuzz.ratio)
        if near and near[1] >= _MISSPELT and len(flat) >= 4:
            return Typed(next(name for name, every in COMMANDS.items() if near[0] in every), reference)
    if reference and words:
        near = process.extractOne(words[0], sorted(WITH_REFERENCE), scorer=fuzz.ratio)
        if near and near[1] >= _MISSPELT:
            return Typed(near[0], reference, _behind(references.without(text), 1))
    return Typed(reference=reference, words=text.strip())


def _behind(text: str, words: int) -> str:
    return " ".join(text.split()[words:]).strip(" :,-")


def normal(text: str) -> str:
    """Small letters, single spaces, no punctuation at the ends; apostrophes and accents made plain."""
    plain = unicodedata.normalize("NFKC", text[:2000]).replace("’", "'").casefold()
    return " ".join(re.sub(r"[^\w'@.+-]+", " ", plain).split()).strip(" .'-")


def address_in(text: str) -> str:
    found = _ADDRESS.search(text[:2000])
    return found[0].strip(".'’").casefold() if found else ""


def reason_in(text: str, kind: Kind) -> Reason | None:
    """The one reason whose words the text has most of; None where none or several fit alike."""
    scores = {reason.id: _score(text, (*reason.words, normal(reason.title))) for reason in kind.reasons}
    best = max(scores.values(), default=0)
    fitting = [reason for reason in kind.reasons if scores[reason.id] == best]
    return fitting[0] if best and len(fitting) == 1 else None


def about_exceptions(text: str, policy: Policy) -> str:
    """The kind (a key of the policy) that a text may be about; empty where it is about something else."""
    scores = {name: _score(text, kind.words) for name, kind in policy.kinds.items()}
    best = max(scores, key=lambda name: scores[name], default="")
    return best if best and scores[best] else ""


def _score(text: str, phrases: Iterable[str]) -> int:
    """Words of the phrases that stand in the text; a phrase counts whole, and long words may be misspelt a little."""
    flat = normal(text)
    words = [word.strip(".") for word in flat.split()]
    padded = f" {' '.join(words)} "
    found = 0
    for phrase in set(phrases):
        if f" {phrase} " in padded:
            found += 2 * len(phrase.split())
        elif (
            " " not in phrase
            and len(phrase) >= 5
            and process.extractOne(phrase, words, scorer=fuzz.ratio, score_cutoff=90)
        ):
            found += 1
    return found


def choice_in(text: str, options: Sequence[tuple[str, str, tuple[str, ...]]]) -> str:
    """Which of numbered options (id, title, words) a text means: its number, its title or its words. Empty: none."""
    flat = normal(text)
    if flat.isdecimal() and len(flat) <= 3 and 1 <= int(flat) <= len(options):
        return options[int(flat) - 1][0]
    for option_id, title, _ in options:
        if flat in (normal(option_id), normal(title)):
            return option_id
    scores = {option_id: _score(text, (normal(title), *words)) for option_id, title, words in options}
    best = max(scores.values(), default=0)
    fitting = [option_id for option_id, score in scores.items() if score == best]
    if best and len(fitting) == 1:
        return fitting[0]
    near = [option_id for option_id, title, _ in options if len(flat) >= 3 and flat in normal(title)]
    return near[0] if len(near) == 1 else ""


def likely(text: str, *, agent: bool) -> list[tuple[str, str]]:
    """Up to three (title, verb) that somebody may have meant who was not understood, the likeliest first."""
    names = ["ask", "long", "mine", "queue", "help"] if agent else ["ask", "long", "mine", "help"]
    flat = normal(text)
    scored = sorted(names, key=lambda name: -max(fuzz.partial_ratio(flat, spelling) for spelling in COMMANDS[name]))
    return [_TITLES[name] for name in scored[:3]]
