"""What a typed sentence says about an exception, by rules that can be explained. No input, no output.

The words come from the policy. Longer phrases win over shorter ones, and no word counts twice.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from dialogs.commands import COMMANDS, GIVING_UP, IN_SENTENCES
from dialogs.spelling import BREAK, EVERYDAY, LONGEST, Hit, Phrases, normal, one_of, words_in
from domain.policy import LONG, SHORT, Kind, Policy, Reason

_ADDRESS = re.compile(r"[\w.+'’-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_BROKEN_ADDRESS = re.compile(r"(?<=\w) ?@ ?(?=[\w-]{1,63}\.[\w-])")
_SIGNATURE = re.compile(
    r"(?im)^[ \t]*(?:--|sent from|get outlook)|\b(?:kind(?:est)? regards|best regards|best wishes|many thanks|"
    r"with thanks|yours sincerely|kr)\b|^[ \t]*(?:regards|thanks|thank you|cheers)[ \t,.]*$"
)
_NAME = re.compile(
    r"\b(?P<before>for|behalf of|colleague|caller|named|called|name is)\s+"
    r"(?P<title>(?:dr|mr|mrs|ms|miss|prof|sister|nurse)\.?\s+)?"
    r"(?P<name>[^\W\d_][^\W\d_'’-]{1,30}\s+[^\W\d_][\w'’-]{1,30})",
    re.IGNORECASE,
)
_SITE = re.compile(r"\b(?:site|ods|ods code|code|practice|surgery|trust)\s+(?=\w*\d)(\w{3,8})\b", re.IGNORECASE)
_MAILBOX = re.compile(r"\b(?:mailbox|site|mail box)\s+(?:is\s+)?$", re.IGNORECASE)
_NOT_FOR = re.compile(r"\b(?:not|isn.?t)\s+(?:for\s+)?$", re.IGNORECASE)

_WHO: dict[str, tuple[str, ...]] = {
    "me": ("for me", "for myself", "its me", "for my own", "just me", "for my account"),
    "asks": (
        "i need", "i want", "i require", "can i have", "can i get", "could i have", "could i get", "can i be",
        "could i be", "may i have", "exempt me", "let me in", "i would like", "id like", "i am after", "im after",
    ),
    "colleague": (
        "colleague", "colleagues", "coworker", "workmate", "member of staff", "staff member", "team member",
        "someone else", "somebody else", "another person", "one of my", "one of our", "one of the", "on behalf of",
        "for her", "for him", "for them", "she", "he", "shes", "hes", "my manager has", "my nurse", "our nurse",
        "our receptionist", "our doctor", "our gp", "a nurse", "a doctor", "a gp", "not for me", "not me",
    ),
    "caller": ("caller", "callers", "a caller"),
}  # fmt: skip
_THEIRS = frozenset({"her", "his", "their"})
_NEGATES = one_of("not no never didnt dont doesnt isnt wasnt hasnt havent hadnt arent werent")
_BETWEEN = one_of("been a the my me it was actually really even being just that i in an")
_CORRECTING = one_of("no nope sorry actually oops wrong correction wait i meant mean should be it its make that is")
_CORRECTS = (
    "no",
    "nope",
    "sorry",
    "i meant",
    "i mean",
    "actually",
    "wrong",
    "not",
    "oops",
    "correction",
    "should be",
    "wait",
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a sentence says. Empty parts were not said."""

    kind: str = ""
    """A key of the policy's kinds."""
    reason: str = ""
    """The id of a reason of that kind."""
    who: str = ""
    """`me`, `colleague` or `caller`."""
    whom: str = ""
    """The address or the name of the colleague or caller."""
    site: str = ""
    """A code or a mailbox to look up, where the kind is asked for from a site."""
    command: str = ""
    """A key of COMMANDS that stands in the sentence. It was guessed: what it would change has to be confirmed."""
    elsewhere: str = ""
    """The id of something that this bot does not do."""


@lru_cache(maxsize=4)
def _phrases(written: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> Phrases[tuple[str, ...]]:
    return Phrases(dict(written))


def _phrases_of(policy: Policy) -> Phrases[tuple[str, ...]]:
    return _phrases(
        (
            *(((_KIND, name), kind.words) for name, kind in policy.kinds.items()),
            *(
                ((_REASON, name, one.id), (*one.words, one.title))
                for name, kind in policy.kinds.items()
                for one in kind.reasons
            ),
            *(((_ELSEWHERE, one.id), one.words) for one in policy.elsewhere),
            *(((_WHOSE, who), words) for who, words in _WHO.items()),
            *(((_COMMAND, command), words) for command, words in IN_SENTENCES.items()),
            ((_DEVICE, ""), policy.device_words),
        )
    )


_KIND, _REASON, _ELSEWHERE, _WHOSE, _COMMAND, _DEVICE = "kind", "reason", "elsewhere", "who", "command", "device"


def hear(text: str, policy: Policy, me: str = "", *, kind: str = "") -> Heard:
    """What a sentence says. `me` is the address of whoever typed it, in any case; `kind` is what is being asked for."""
    body = _BROKEN_ADDRESS.sub("@", _without_signature(text[:LONGEST]))
    whom, own, site = _addressed(body, me)
    typed = words_in(_ADDRESS.sub(" , ", body))
    phrases = _phrases_of(policy)
    right = [phrases.put_right(word) for word in typed]
    hits = [hit for hit in phrases.found(typed, right) if not _denied(hit, right)]
    score: dict[tuple[str, ...], int] = {}
    for hit in hits:
        score[hit.meaning] = score.get(hit.meaning, 0) + hit.score
    command = next((meaning[1] for meaning in score if meaning[0] == _COMMAND), "")
    inside, kind = bool(kind), kind or _kind(score, policy)
    reason = _best({meaning[2]: points for meaning, points in score.items() if meaning[:2] == (_REASON, kind)})
    named = any(meaning[0] == _KIND for meaning in score)
    elsewhere = _best({meaning[1]: points for meaning, points in score.items() if meaning[0] == _ELSEWHERE})
    device = any(word in policy.device_words for word in right)
    about = named or bool(reason) or any(meaning[0] == _REASON for meaning in score)
    if command and not inside and not whom and (command in GIVING_UP or not reason):
        return Heard(command=command)
    if elsewhere and not inside and not (reason and device) and not whom and not named:
        return Heard(elsewhere=elsewhere)
    if not about and not inside and not _ADDRESS.search(body):
        return Heard()
    name = "" if whom or own else name_in(body, policy)
    who = _who(score, right, policy, whom or name, own)
    whom = whom or (name if who in ("colleague", "caller") else "")
    site = (site or _site_in(body)) if policy.kinds[kind].evidence is not None else ""
    return Heard(kind, reason, who, whom, site)


def corrects(text: str) -> bool:
    """Whether a text takes back what was said before: “no, short”, “sorry, I meant my colleague”."""
    begun = " ".join(word for word in words_in(text[:200]) if word != BREAK)
    return any(f"{begun} ".startswith(f"{word} ") for word in _CORRECTS)


def corrected_by(text: str) -> str:
    """What is said instead: the words behind “no” and “sorry, I meant”."""
    words = [word for word in words_in(text) if word != BREAK]
    while words and words[0] in _CORRECTING:
        words = words[1:]
    return " ".join(words)


def _without_signature(text: str) -> str:
    found = _SIGNATURE.search(text)
    head = text[: found.start()] if found else text
    return head if len(head.split()) >= 2 else text


def _addressed(text: str, me: str) -> tuple[str, bool, str]:
    """(the address of somebody else, whether one's own address was typed, a mailbox of a site)."""
    whom, own, site = "", False, ""
    for found in _ADDRESS.finditer(text):
        address, before = found[0].strip(".'’").casefold(), text[max(0, found.start() - 40) : found.start()]
        if _MAILBOX.search(before):
            site = site or address
        elif me and address == me.casefold():
            own = True
        elif not _NOT_FOR.search(before):
            whom = whom or address
    return whom, own, site


def _denied(hit: Hit[tuple[str, ...]], words: Sequence[str]) -> bool:
    """Whether “not”, “never” or the like stands right before a phrase, with nothing but filling between them."""
    if words[hit.start] in _NEGATES or hit.meaning[0] not in (_REASON, _WHOSE):
        return False
    at = hit.start - 1
    while at >= max(0, hit.start - 4) and words[at] in _BETWEEN:
        at -= 1
    return at >= 0 and words[at] in _NEGATES and words[at] not in ("no", "dont", "doesnt")


def _kind(score: dict[tuple[str, ...], int], policy: Policy) -> str:
    """The long kind where the words speak of it, or name one of its grounds more than a reason of the short one."""
    if LONG not in policy.kinds:
        return SHORT
    named = {kind: score.get((_KIND, kind), 0) for kind in (SHORT, LONG)}
    if named[LONG]:
        return LONG if named[LONG] >= named[SHORT] else SHORT
    grounds = {
        kind: max((points for meaning, points in score.items() if meaning[:2] == (_REASON, kind)), default=0)
        for kind in (SHORT, LONG)
    }
    return LONG if grounds[LONG] > grounds[SHORT] else SHORT


def _best(scores: dict[str, int]) -> str:
    """The one with the highest score; empty where several have it."""
    best = max(scores.values(), default=0)
    first = [name for name, score in scores.items() if score == best]
    return first[0] if best and len(first) == 1 else ""


def _who(score: dict[tuple[str, ...], int], words: Sequence[str], policy: Policy, whom: str, own: bool) -> str:
    said = {meaning[1] for meaning in score if meaning[0] == _WHOSE}
    theirs = any(
        word in _THEIRS and any(after in policy.device_words for after in words[at + 1 : at + 4])
        for at, word in enumerate(words)
    )
    if "caller" in said:
        return "caller"
    if whom:
        return "colleague"
    if own or "me" in said:
        return "me"
    if "colleague" in said or theirs:
        return "colleague"
    return "me" if "asks" in said else ""


def name_in(text: str, policy: Policy) -> str:
    """Two words behind “for”, “behalf of” or “colleague” that may be a name: with capitals, or with a title."""
    phrases = _phrases_of(policy)
    for found in _NAME.finditer(text[:LONGEST]):
        first, last = found["name"].split()[:2]
        known = {*words_in(first), *words_in(last)} & (phrases.words | EVERYDAY)
        capitals = first[0].isupper() and last[0].isupper() and not (first.isupper() and last.isupper())
        if not known and (capitals or found["title"] or found["before"].endswith(" is")):
            return f"{first} {last}"
    return ""


def _site_in(text: str) -> str:
    found = _SITE.search(text)
    return found[1].upper() if found else ""


def address_in(text: str) -> str:
    found = _ADDRESS.search(_BROKEN_ADDRESS.sub("@", text[:LONGEST]))
    return found[0].strip(".'’").casefold() if found else ""


def reason_in(text: str, kind: Kind) -> Reason | None:
    """The one reason whose words the text has most of; None where none or several fit alike."""
    chosen = _most(text, [(one.id, one.title, one.words) for one in kind.reasons])
    return kind.reason(chosen)


Options = Sequence[tuple[str, str, tuple[str, ...]]]
"""Numbered options: (id, title, words)."""


def _most(text: str, options: Options) -> str:
    phrases = _options(tuple((option_id, (title, *words)) for option_id, title, words in options))
    typed = words_in(text)
    right = [phrases.put_right(word) for word in typed]
    scores: dict[str, int] = {}
    for hit in phrases.found(typed, right):
        if not _denied(Hit((_REASON,), hit.start, hit.end, hit.spelt), right):
            scores[hit.meaning] = scores.get(hit.meaning, 0) + hit.score
    return _best(scores)


@lru_cache(maxsize=32)
def _options(written: tuple[tuple[str, tuple[str, ...]], ...]) -> Phrases[str]:
    return Phrases(dict(written))


def choice_in(text: str, options: Options) -> str:
    """Which of numbered options a text means: its number, its title or its words. Empty: none."""
    flat = normal(text)
    number = flat.removeprefix("number ").removeprefix("option ")
    if number.isdecimal() and len(number) <= 3 and 1 <= int(number) <= len(options):
        return options[int(number) - 1][0]
    for option_id, title, _ in options:
        if flat in (normal(option_id), normal(title)):
            return option_id
    best = _most(text, options)
    if best:
        return best
    near = [option_id for option_id, title, _ in options if len(flat) >= 3 and flat in normal(title)]
    return near[0] if len(near) == 1 else ""


def answer_in(text: str, options: Options) -> str:
    """As `choice_in`, where a guess would decide: most words have to be the option's, and none may ask or deny."""
    chosen = choice_in(text, options)
    if not chosen or len(words_in(text)) == 1:
        return chosen
    words = [word for word in words_in(text) if word != BREAK and word not in _FILLING]
    own = {
        word for option_id, title, more in options if option_id == chosen for word in words_in(" ".join((title, *more)))
    }
    told = sum(word in own or word.isdecimal() for word in words)
    return chosen if "?" not in text and _UNSURE.isdisjoint(words) and 2 * told > len(words) else ""


_FILLING = one_of("a an the on in by with and my their them they he she his her i we to of have has was at it via")
_UNSURE = one_of("not no never cant couldnt didnt dont wasnt isnt wont can could will should would if when what")


def likely(text: str, *, agent: bool, long: bool = True) -> list[tuple[str, str, str]]:
    """Three (title, verb, what to type) that somebody may have meant who was not understood, the likeliest first."""
    names = [name for name in _TITLES if (agent or name != "queue") and (long or name != "long")]
    flat = normal(text)[:200]
    scored = sorted(names, key=lambda name: -_nearness(flat, COMMANDS[name]))
    first = scored[:3] if "ask" in scored[:3] else ["ask", *scored[:2]]
    return [(*_TITLES[name], COMMANDS[name][0]) for name in first]


def _nearness(flat: str, spellings: Iterable[str]) -> float:
    near = max(fuzz.ratio(flat, spelling) for spelling in spellings)
    return near if near >= 50 else 0


_TITLES = {
    "ask": ("Ask for an exception", "ask.start"),
    "mine": ("My requests", "mine"),
    "queue": ("Waiting requests", "queue"),
    "long": ("Ask for a long-term exception", "ask.long"),
    "help": ("Help", "help"),
}
