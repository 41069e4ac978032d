"""Commands as they are typed: alone, politely, behind a reference, or in a sentence. Rules only; nothing is done here.

What decides, ends or takes back is `sure` only where the whole text says it and every word is spelt right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from dialogs.spelling import BREAK, Phrases, normal, one_of, words_in
from domain import reference as references

COMMANDS: dict[str, tuple[str, ...]] = {
    "help": (
        "help", "help me", "hi", "hello", "hey", "hiya", "start", "menu", "good morning", "good afternoon", "morning",
        "good evening", "evening", "afternoon", "hi there", "hey there", "hello there", "ey up", "ay up", "alright",
        "alright duck", "alright mate", "howdy", "what can you do", "what is this", "whats this", "how does this work",
        "what is mfa", "whats mfa", "what do i do", "what is an exception", "who are you", "commands", "options",
    ),
    "ask": (
        "short", "short term", "ask", "ask for an exception", "new request", "24 hours", "exception", "request",
        "short term exception", "short exception", "new exception",
    ),
    "long": ("long", "long term", "180 days", "6 months", "six months", "long term exception", "long exception"),
    "mine": ("my requests", "mine", "my request", "requests", "list", "show me my requests", "list my requests",
             "show my requests", "my exceptions", "my exception", "see my requests"),
    "status": ("status", "show", "how is", "my status", "any news", "any update", "any updates", "is it approved",
               "is it approved yet", "progress"),
    "withdraw": ("withdraw", "take back"),
    "end": ("end", "finish", "i no longer need it", "no longer needed", "no longer need it"),
    "cancel": ("cancel", "stop", "quit", "exit", "never mind", "nevermind", "forget it", "forget about it", "leave it",
               "cancel it", "cancel that"),
    "back": ("back", "go back", "undo", "undo that", "undo it", "previous", "take that back", "wrong", "thats wrong",
             "that is wrong", "not that"),
    "change": ("change", "edit", "correct", "change it", "change something"),
    "queue": ("queue", "que", "the queue", "waiting", "waiting requests", "whats waiting",
              "what is waiting", "show me the queue", "show the queue", "whats in the queue",
              "what is in the queue", "open requests"),
    "tour": ("tour", "the tour", "a tour", "take the tour", "show me the tour", "start the tour", "two minute tour"),
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
    "how_long": ("how long does it take", "how long", "how long will it take", "how soon", "when will i hear"),
    "telephone": ("who do i ring", "who do i call", "who do i phone", "telephone", "telephone number", "phone number",
                  "number", "helpdesk number", "helpdesk", "contact", "human", "agent"),
    "thanks": ("thanks", "thank you", "ok thanks", "thanks a lot", "thank you very much", "ta", "ta very much",
               "cheers", "cheers mate", "many thanks", "thanks so much", "thank you so much", "great thanks",
               "brilliant thanks", "brilliant thank you", "brilliant thank you so much",
               "perfect thanks", "thx", "tysm", "cool thanks",
               "lovely thank you", "great thank you", "thanks bye", "bye", "ok thank you", "nice one", "ok great"),
}  # fmt: skip
"""Each command and the ways to type it."""

WITH_REFERENCE = frozenset({"status", "withdraw", "end", "review", "approve", "reject", "revoke"}) | frozenset(
    {"ask", "renew", "evidence", "needed", "code"}
)
GIVING_UP = frozenset({"withdraw", "end"})
DECIDING = frozenset({"approve", "reject", "revoke"})
GRAVE = GIVING_UP | DECIDING | {"ask"}
"""With a reference these change a request: a guess of them is never carried out."""

IN_SENTENCES: dict[str, tuple[str, ...]] = {
    "help": ("what can you do", "how does this work", "how do i use this", "what is mfa", "whats mfa"),
    "mine": ("my requests", "requests i made", "my exceptions"),
    "status": (
        "status", "any news", "any update", "any updates", "approved yet", "been approved", "is it approved",
        "was it approved", "happening with", "what happened to my request", "up to with", "gone through yet",
        "been granted", "when does it end", "when does my", "when does mine", "when will it end", "when will mine end",
        "is my exception", "is my request", "has my request", "my request been", "sorted yet", "been decided",
        "looked at my request", "chase", "chasing", "still waiting for",
    ),
    "queue": ("the queue", "whats waiting", "what is waiting", "waiting requests"),
    "withdraw": ("withdraw", "withdrawal", "take back", "withdraw my request", "cancel my request"),
    "end": (
        "no longer need it", "no longer need the exception", "no longer need my exception", "dont need it any more",
        "dont need it anymore", "dont need the exception", "end it", "end my exception", "end the exception",
        "end my exemption", "finish my exception", "stop my exception",
    ),
    "how_long": (
        "how long does it", "how long does an", "how long does the", "how long will", "how long is", "how long do",
        "how long have i", "how long until", "how long till", "how quickly", "how soon", "when will it be",
        "when will i hear", "when will somebody", "when will someone", "how many hours", "how many days",
    ),
    "telephone": (
        "who do i ring", "who do i call", "who do i phone", "who do i contact", "who do i speak to",
        "who should i ring", "who should i call", "who can i ring", "who can i call", "who to ring", "who to call",
        "number for the helpdesk", "helpdesk number", "number of the helpdesk", "phone number", "telephone number",
        "number to ring", "number to call", "speak to", "talk to", "real person", "ring somebody", "ring someone",
        "call somebody", "call someone", "contact the helpdesk", "ring the helpdesk", "call the helpdesk",
        "phone the helpdesk",
    ),
}  # fmt: skip
_VERBS: dict[str, tuple[str, ...]] = {
    "status": ("approved", "granted", "accepted", "rejected", "declined", "refused", "denied", "revoked", "withdrawn",
               "ended", "finished", "opened", "status"),
    "withdraw": ("withdraw", "withdrawal", "take back"),
    "end": ("end", "finish"),
    "review": ("review", "open", "look at", "look into", "read"),
    "approve": ("approve", "grant", "accept"),
    "reject": ("reject", "decline", "refuse", "deny"),
    "revoke": ("revoke",),
    "renew": ("renew", "extend", "renewal"),
    "evidence": ("evidence", "mailbox got", "got an email with", "received an email with"),
    "needed": ("still needed",),
    "code": ("new code", "another code"),
}  # fmt: skip
"""What may be asked about a reference in a sentence."""
_BEFORE = one_of(
    "please pls plz can could would will you u i we id ill wed want to wanna like need just kindly hi hello hey hiya "
    "dear helpdesk good morning afternoon go and ahead ok okay yes so may"
)
_MAYBE = one_of("can could would will may u you")
"""“Can you approve ...” is polite or a question: whoever says so sees the form first."""
_AFTER = one_of("please pls plz thanks thank you ta now asap cheers mate for me x xx today")
_ASKING = one_of(
    "has have is was are were did does do should shall why when who what where how if whether cant dont didnt wont "
    "never not isnt wasnt hasnt havent shouldnt nobody unless before until"
)
_THANKS = frozenset("👍🙏👌❤😊🫡")


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed text as a command. Empty parts were not found."""

    command: str = ""
    """A key of COMMANDS."""
    reference: str = ""
    words: str = ""
    """What was typed behind the command and the reference."""
    sure: bool = True
    """False where the command was guessed: from a misspelling, or out of a sentence."""
    whole: bool = True
    """Whether the text says nothing else."""


_PHRASES = Phrases(COMMANDS | {"site": ()})


def command_in(text: str) -> Typed:
    """The command that a text is or begins with. Longer texts without a reference are no command, but a sentence."""
    reference = references.find(text) or ""
    rest = references.without(text)
    flat = normal(rest)
    if flat.startswith("site ") and len(flat.split()) <= _MOST_SITE_WORDS and not reference:
        return Typed("site", words=_behind(rest, 1))
    words = words_in(rest)
    if words and words[-1] == BREAK:
        words = words[:-1]  # “my requests!” is “my requests”
    if not words:
        thanks = not reference and bool(set(text) & _THANKS)
        return Typed("thanks" if thanks else "status" if reference else "", reference)
    asked = _without_politeness(words)
    for tried in (words, asked):
        exact = _exactly(tried)
        if exact:
            return Typed(exact, reference)
    right = [_PHRASES.put_right(word) for word in asked[:_MOST_WORDS]]
    exact = _exactly(right) if len(asked) <= _MOST_WORDS else ""
    if exact:
        return Typed(exact, reference, sure=exact not in GRAVE)
    near = None
    flat = " ".join(words)
    if len(words) <= _MOST_NEAR:
        near = process.extractOne(flat, list(_SPELLINGS), scorer=fuzz.ratio, score_cutoff=_NEAR)
    if near and len(flat) >= _SHORTEST_NEAR:
        command = _SPELLINGS[near[0]]
        return Typed(command, reference, sure=command not in GRAVE)
    return _beginning(rest, reference) if reference or len(words) <= _MOST_BEFORE_BARE else Typed(words=text.strip())


def _beginning(rest: str, reference: str) -> Typed:
    """A command with words behind it, where it is about a request."""
    begun = rest.split()
    ordered = _MAYBE.isdisjoint(words_in(" ".join(begun[:3])))
    while begun and (not words_in(begun[0]) or words_in(begun[0])[0] in _BEFORE):
        begun = begun[1:]
    for length in (3, 2, 1):
        typed = [word for word in words_in(" ".join(begun[:length])) if word != BREAK]
        command = _exactly(typed) or _exactly([_PHRASES.put_right(word) for word in typed])
        if command not in WITH_REFERENCE or len(begun) <= length - 1:
            continue
        behind = " ".join(begun[length:]).strip(" :,-")
        spelt = command not in GRAVE or bool(_exactly(typed))
        if reference:
            plain = ordered if command not in GIVING_UP else not _without_politeness(words_in(behind))
            return Typed(command, reference, behind, sure=spelt and (plain or command not in GRAVE))
        bare = references.read(behind)
        if bare:
            return Typed(command, bare, sure=spelt)
    return Typed(reference=reference, words=rest.strip())


def _exactly(words: Sequence[str]) -> str:
    key = tuple(word for word in words if word != BREAK)
    return _COMMAND_OF.get(key, "")


def _without_politeness(words: Sequence[str]) -> list[str]:
    kept = [word for word in words if word != BREAK]
    while kept and kept[0] in _BEFORE:
        kept = kept[1:]
    while kept and kept[-1] in _AFTER:
        kept = kept[:-1]
    return kept


def about_request(text: str, reference: str) -> Typed:
    """What a sentence with a reference in it asks for: what it names, else how the request stands. Never sure."""
    words = words_in(references.without(text))
    right = [_REQUEST_PHRASES.put_right(word) for word in words]
    named = {hit.meaning for hit in _REQUEST_PHRASES.found(words, right) if not _asks(right[: hit.start])}
    command = named.pop() if len(named) == 1 else "status"
    return Typed(command, reference, sure=command not in GRAVE, whole=False)


def _asks(before: Sequence[str]) -> bool:
    """Whether the words before a verb, in its clause, ask or deny: “should I approve”, “do not withdraw”."""
    clause = before[len(before) - before[::-1].index(BREAK) :] if BREAK in before else before
    return not _ASKING.isdisjoint(clause)


def _behind(text: str, words: int) -> str:
    return " ".join(text.split()[words:]).strip(" :,-")


_COMMAND_OF = {tuple(words_in(spelling)): command for command, spellings in COMMANDS.items() for spelling in spellings}
_SPELLINGS = {" ".join(words): command for words, command in _COMMAND_OF.items()}
_NEAR, _SHORTEST_NEAR, _MOST_NEAR = 88, 4, 2
"""How alike (in percent) a text has to be to a command, how long in letters, and how short in words."""
_REQUEST_PHRASES = Phrases(_VERBS)
_MOST_SITE_WORDS = 10
"""With more words behind it, “site” begins a sentence."""
_MOST_WORDS = 6
_MOST_BEFORE_BARE = 8
