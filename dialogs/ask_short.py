"""The conversation that asks for an exception: which question is next, and what an answer makes of the answers so far.

Pure functions of plain answers (they are kept as JSON); whoever calls them looks things up and keeps the answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cards.ask import FOR_CALLER, FOR_COLLEAGUE, FOR_ME
from dialogs.understand import address_in, choice_in, normal
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Details, Kind, Policy, Reason

Answers = Mapping[str, Any]
"""`kind`, `who`, `typed` (a name or address to look up), `matches`, `subject`, `reason`, `details`, `remedy`,
`verification`, `ticket`; `trail`: the order in which they were given; `changing`: one is being chosen to change."""


class Step(StrEnum):
    WHO = "who"
    PERSON = "person"
    LOOK_UP = "look_up"
    """Not a question: `typed` has to be looked up, and `found` told what came of it."""
    CHOOSE = "choose"
    REASON = "reason"
    DETAILS = "details"
    CHECK = "check"
    """Not a question: the subject's account has to be checked, and `checked` told that it may be exempted."""
    REMEDY = "remedy"
    VERIFICATION = "verification"
    CONFIRM = "confirm"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: typed, or out of a card's fields."""

    text: str = ""
    data: Mapping[str, Any] | None = None

    def value(self, name: str) -> str:
        """A field of the card as text; empty where it is missing or something else."""
        given = (self.data or {}).get(name, "")
        return given.strip() if isinstance(given, str) else ""


class NotNeeded(Exception):  # an outcome, not an error
    """The smaller remedy worked: no exception is needed."""


def begin(kind: str, *, who: str = "", typed: str = "", reason: str = "") -> Answers:
    """A new conversation, with whatever the first sentence already said."""
    given = {"who": who, "typed": typed, "reason": reason}
    return {"kind": kind, "trail": [], **{key: value for key, value in given.items() if value}}


def next_step(answers: Answers, policy: Policy) -> Step:
    if answers.get("changing"):
        return Step.CHANGE
    if "who" not in answers:
        return Step.WHO
    if answers["who"] != FOR_ME and "subject" not in answers:
        if answers.get("matches"):
            return Step.CHOOSE
        return Step.LOOK_UP if answers.get("typed") and "matches" not in answers else Step.PERSON
    reason = reason_of(answers, policy)
    if reason is None:
        return Step.REASON
    if reason.details is not Details.NO and "details" not in answers:
        return Step.DETAILS
    if not answers.get("checked"):
        return Step.CHECK
    if reason.remedy is not None and "remedy" not in answers:
        return Step.REMEDY
    if grants_now(answers, policy) and "verification" not in answers:
        return Step.VERIFICATION
    return Step.CONFIRM


def kind_of(answers: Answers, policy: Policy) -> Kind:
    return policy.kinds[answers["kind"]]


def reason_of(answers: Answers, policy: Policy) -> Reason | None:
    return kind_of(answers, policy).reason(answers.get("reason", ""))


def subject_of(answers: Answers, asker: Person) -> Person:
    return asker if answers["who"] == FOR_ME else Person(**answers["subject"])


def grants_now(answers: Answers, policy: Policy) -> bool:
    """Whether an agent has the caller on the line and may decide alone."""
    reason = reason_of(answers, policy)
    return answers.get("who") == FOR_CALLER and not (reason and reason.second_person)


def place(answers: Answers, policy: Policy) -> tuple[int, int]:
    """Which step of how many this is, as far as one can tell."""
    reason = reason_of(answers, policy)
    steps = [Step.WHO]
    if answers.get("who", FOR_ME) != FOR_ME:
        steps.append(Step.PERSON)
    steps.append(Step.REASON)
    if reason and reason.details is not Details.NO:
        steps.append(Step.DETAILS)
    if reason and reason.remedy:
        steps.append(Step.REMEDY)
    if grants_now(answers, policy):
        steps.append(Step.VERIFICATION)
    steps.append(Step.CONFIRM)
    now = next_step(answers, policy)
    same = {Step.LOOK_UP: Step.PERSON, Step.CHOOSE: Step.PERSON, Step.CHECK: Step.CONFIRM, Step.CHANGE: Step.CONFIRM}
    now = same.get(now, now)
    return (steps.index(now) + 1 if now in steps else len(steps)), len(steps)


def answer(answers: Answers, said: Said, policy: Policy) -> Answers:
    """The answers with this one added. Raises `Refusal` with a sentence where it does not fit the question."""
    step = next_step(answers, policy)
    if step is Step.WHO:
        return _who(answers, said)
    if step is Step.PERSON:
        return _person(answers, said)
    if step is Step.CHOOSE:
        return _choose(answers, said)
    if step is Step.REASON:
        return _reason(answers, said, policy)
    if step is Step.DETAILS:
        return _details(answers, said, policy)
    if step is Step.REMEDY:
        return _remedy(answers, said)
    if step is Step.VERIFICATION:
        return _verification(answers, said, policy)
    if step is Step.CHANGE:
        return change_to(answers, said.value("change") or normal(said.text))
    raise Refusal("Choose one of the buttons, or type “send”, “change”, “back” or “cancel”.", rule="no_question")


def _with(answers: Answers, **given: Any) -> Answers:
    trail = [key for key in answers["trail"] if key not in given]
    return {**answers, **given, "trail": [*trail, next(iter(given))]}


def _who(answers: Answers, said: Said) -> Answers:
    options = [
        (FOR_ME, "For me", ("me", "myself", "mine", "i", "my", "for me")),
        (FOR_COLLEAGUE, "For a colleague", ("colleague", "someone else", "somebody else", "other", "staff", "them")),
        (FOR_CALLER, "For a caller", ("caller", "call", "telephone", "phone call")),
    ]
    given = said.value("who")
    who = given if given in (FOR_ME, FOR_COLLEAGUE, FOR_CALLER) else choice_in(said.text, options)
    address = address_in(said.text)
    if address:
        return _with(answers, who=who if who == FOR_CALLER else FOR_COLLEAGUE, typed=address)
    if not who:
        raise Refusal("Type “me”, “a colleague”, or the address of your colleague.", rule="who")
    return _with(answers, who=who)


def _person(answers: Answers, said: Said) -> Answers:
    typed = (said.value("person") or said.text).strip()
    if not any(character.isalnum() for character in typed):
        raise Refusal("Type an NHSmail address, for example sam.price@nhs.net, or a name.", rule="person")
    return _with({key: value for key, value in answers.items() if key != "matches"}, typed=typed[:200])


def found(answers: Answers, people: tuple[Person, ...], *, most: int) -> Answers:
    """What the look-up of `typed` came to. Raises `Refusal` where it is nobody or too many; `typed` is then kept."""
    matches = [{"id": one.id, "name": one.name, "address": one.address} for one in people]
    if len(matches) == 1:
        return {**answers, "matches": [], "subject": matches[0]}
    if not matches:
        raise Refusal(f"We cannot find “{answers['typed']}”. Check the spelling, or type the address.", rule="nobody")
    if len(matches) > most:
        raise Refusal("Many people match this. Type more of the name, or the address.", rule="too_many")
    return {**answers, "matches": matches}


def not_found(answers: Answers) -> Answers:
    """Back to the question, after a look-up that came to nothing."""
    return {**answers, "matches": []}


def _choose(answers: Answers, said: Said) -> Answers:
    matches = answers["matches"]
    chosen = said.value("chosen") or choice_in(
        said.text, [(one["id"], one["name"], (one["address"],)) for one in matches]
    )
    one = next((one for one in matches if one["id"] == chosen), None)
    if one is None:
        if address_in(said.text):
            return _person(answers, said)
        raise Refusal("Choose one of these people, or type the address.", rule="choose")
    return _with({**answers, "matches": []}, subject=one)


def _reason(answers: Answers, said: Said, policy: Policy) -> Answers:
    reasons = kind_of(answers, policy).reasons
    chosen = said.value("reason") or choice_in(said.text, [(one.id, one.title, one.words) for one in reasons])
    if kind_of(answers, policy).reason(chosen) is None:
        raise Refusal("Choose one of these reasons, or type its first words.", rule="reason")
    kept = {key: value for key, value in answers.items() if key not in ("details", "remedy")}
    return _with(kept, reason=chosen)


def _details(answers: Answers, said: Said, policy: Policy) -> Answers:
    reason = reason_of(answers, policy)
    assert reason is not None
    details = (said.value("details") or said.text).strip()
    if reason.details is Details.OPTIONAL and normal(details) in ("", "skip", "no", "none"):
        details = ""
    elif not any(character.isalnum() for character in details):
        raise Refusal("Say in a sentence or two what happened.", rule="details")
    if len(details) > policy.limits.text:
        raise Refusal(
            f"This is {len(details)} characters long. Use {policy.limits.text} or fewer.", rule="details_too_long"
        )
    return _with(answers, details=details)


def _remedy(answers: Answers, said: Said) -> Answers:
    given = said.value("remedy") or choice_in(
        said.text,
        [
            ("worked", "It worked", ("worked", "works", "yes", "solved", "fixed")),
            ("tried", "I tried, it does not work", ("no", "not", "tried", "doesn't", "does not", "didn't", "cannot")),
        ],
    )
    if given == "worked":
        raise NotNeeded
    if given != "tried":
        raise Refusal("Type “it worked” or “it does not work”.", rule="remedy")
    return _with(answers, remedy="tried")


def _verification(answers: Answers, said: Said, policy: Policy) -> Answers:
    way, ticket = verification_in(said, policy)
    return _with({**answers, "ticket": ticket or answers.get("ticket", "")}, verification=way)


def verification_in(said: Said, policy: Policy) -> tuple[str, str]:
    """The way of verification (a policy's id) and the ticket, from a card's fields or “called back, ticket 123”."""
    before, _, after = said.text.partition("ticket")
    options = [(way.id, way.title, way.words) for way in policy.verifications]
    way = said.value("verification") or choice_in(before.strip(" ,;"), options)
    if policy.verification(way) is None:
        titles = "; ".join(f"{number}. {one.title}" for number, one in enumerate(policy.verifications, start=1))
        raise Refusal(f"Say how you verified the caller: {titles}.", rule="not_verified")
    return way, (said.value("ticket") or after.strip(" :,.number"))[:100]


_NAMES = {"subject": "For", "reason": "Reason", "details": "In their words", "verification": "Verified"}


def rows(answers: Answers, asker: Person, policy: Policy) -> list[tuple[str, str, str]]:
    """(key, name, what was answered) of each answer that stands."""
    subject = subject_of(answers, asker)
    reason = reason_of(answers, policy)
    way = policy.verification(answers.get("verification", ""))
    ticket = f", ticket {answers['ticket']}" if answers.get("ticket") else ""
    values = {
        "subject": f"{subject.name} ({subject.address})",
        "reason": reason.title if reason else "",
        "details": answers.get("details", ""),
        "verification": f"{way.title}{ticket}" if way else "",
    }
    return [(key, _NAMES[key], value) for key, value in values.items() if value]


def asks_to_change(answers: Answers) -> Answers:
    return {**answers, "changing": True}


def change_to(answers: Answers, key: str) -> Answers:
    """Takes one answer out, so that it is asked again; the others stay."""
    by_name = {normal(name): key for key, name in _NAMES.items()} | {"who": "subject", "person": "subject"}
    key = by_name.get(key, key)
    if key not in _NAMES:
        raise Refusal("Choose what to change: the person, the reason, the details or the verification.", rule="change")
    gone = {"changing", "checked"} | {
        "subject": {"who", "typed", "matches", "subject", "verification", "ticket"},
        "reason": {"reason", "details", "remedy"},
        "details": {"details"},
        "verification": {"verification", "ticket"},
    }[key]
    return _without(answers, gone)


def back(answers: Answers) -> Answers:
    """Takes the latest answer out. At the first question there is nothing to take: the answers stay as they are."""
    if answers.get("changing"):
        return _without(answers, {"changing"})
    trail = answers["trail"]
    if not trail:
        return begin(answers["kind"])
    latest = trail[-1]
    gone = {
        "who": {"who", "typed", "matches", "subject"},
        "typed": {"typed", "matches", "subject"},
        "subject": {"typed", "matches", "subject"},
        "reason": {"reason", "details", "remedy"},
    }.get(latest, {latest, "ticket"} if latest == "verification" else {latest})
    return _without(answers, gone | {"checked"})


def checked(answers: Answers) -> Answers:
    return {**answers, "checked": True}


def _without(answers: Answers, keys: set[str]) -> Answers:
    kept = {key: value for key, value in answers.items() if key not in keys}
    return {**kept, "trail": [key for key in answers["trail"] if key not in keys]}
