"""The conversation that asks for an exception: which question is next, and what an answer makes of the answers so far.

Pure functions of plain answers; whoever calls them looks things up and keeps the answers. The keys are `kind`, `who`,
`typed` (a name or address to look up), `matches`, `subject`, `others` (more subjects), `more`, `site_typed`,
`site_matches`, `site`, `reason`, `details`, `remedy`, `tried`, `remedies`, `since`, `verification`, `ticket`, `renews`;
`trail`: the order in which they were given; `guessed`: those that a sentence gave; `changing`: one is being chosen.
"""

import re
from dataclasses import replace
from enum import StrEnum
from typing import Any

from cards.ask import FOR_CALLER, FOR_COLLEAGUE, FOR_ME
from dialogs import ask_site
from dialogs.said import Answers, NotNeeded, Said, given, without
from dialogs.spelling import normal
from dialogs.understand import Heard, address_in, answer_in, choice_in, hear, name_in
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Details, Kind, Option, Policy, Reason
from domain.request import Request
from texts import say


class Step(StrEnum):
    WHO = "who"
    PERSON = "person"
    LOOK_UP = "look_up"
    """Not a question: `typed` has to be looked up, and `found` told what came of it."""
    CHOOSE = "choose"
    MORE = "more"
    SITE = "site"
    LOOK_UP_SITE = "look_up_site"
    """Not a question: `site_typed` has to be looked up, and `ask_site.found_sites` told what came of it."""
    CHOOSE_SITE = "choose_site"
    REASON = "reason"
    DETAILS = "details"
    CHECK = "check"
    """Not a question: the subject's account has to be checked, and `checked` told that it may be exempted."""
    REMEDY = "remedy"
    TRIED = "tried"
    REMEDIES = "remedies"
    SINCE = "since"
    VERIFICATION = "verification"
    CONFIRM = "confirm"
    CHANGE = "change"


def begin(kind: str, *, who: str = "", typed: str = "", reason: str = "") -> Answers:
    """A new conversation, with whatever is known already."""
    said = {"who": who, "typed": typed, "reason": reason}
    return {"kind": kind, "trail": [], **{key: value for key, value in said.items() if value}}


def begun_by(heard: Heard) -> Answers:
    """A new conversation with what a sentence said. It is guessed, so it can be taken back like an answer."""
    return _with_guesses(begin(heard.kind), heard)


def _with_guesses(answers: Answers, heard: Heard) -> Answers:
    """The answers with what a sentence said besides, where nothing was answered yet."""
    new = [{"who": heard.who, "typed": heard.whom}, {"site_typed": heard.site}, {"reason": heard.reason}]
    for values in new:
        key = next(iter(values))
        if values[key] and key not in answers:
            answers = given(answers, **{name: value for name, value in values.items() if value})
            answers = {**answers, "guessed": [*answers.get("guessed", []), key]}
    return answers


def corrected(answers: Answers, heard: Heard) -> Answers:
    """The answers with what a sentence says instead. “She” and “her phone” say nothing new where it is for somebody."""
    if heard.who == FOR_COLLEAGUE and not heard.whom and answers.get("who", FOR_ME) != FOR_ME:
        heard = replace(heard, who="")
    said = {"subject": heard.who, "site": heard.site, "reason": heard.reason}
    for key in [key for key, value in said.items() if value]:
        answers = change_to(answers, key)
    return _with_guesses(answers, heard)


def of_kind(answers: Answers, kind: str) -> Answers:
    """A new conversation about another kind, for whom the other one was."""
    return begun_by(Heard(kind, who=answers.get("who", ""), whom=answers.get("typed", "")))


def guesses(answers: Answers) -> list[str]:
    """The keys that a sentence gave, while nothing else was answered since: one word takes the last of them back."""
    trail, guessed = answers["trail"], answers.get("guessed", [])
    return list(trail) if all(key in guessed for key in trail) else []


def next_step(answers: Answers, policy: Policy) -> Step:
    if answers.get("changing"):
        return Step.CHANGE
    step = _whose(answers, policy)
    if step is not None:
        return step
    if kind_of(answers, policy).evidence is not None:
        return _with_evidence(answers, policy)
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


def _whose(answers: Answers, policy: Policy) -> Step | None:
    if "who" not in answers:
        return Step.WHO
    if answers["who"] != FOR_ME and "subject" not in answers:
        if answers.get("matches"):
            return Step.CHOOSE
        return Step.LOOK_UP if answers.get("typed") and "matches" not in answers else Step.PERSON
    evidence = kind_of(answers, policy).evidence
    several = evidence is not None and evidence.most_subjects > 1 and not answers.get("renews")
    return Step.MORE if several and answers["who"] == FOR_COLLEAGUE and "more" not in answers else None


def _with_evidence(answers: Answers, policy: Policy) -> Step:
    evidence = kind_of(answers, policy).evidence
    assert evidence is not None
    if not answers.get("checked"):
        return Step.CHECK
    if not answers.get("site"):
        if answers.get("site_matches"):
            return Step.CHOOSE_SITE
        return Step.LOOK_UP_SITE if answers.get("site_typed") and "site_matches" not in answers else Step.SITE
    if reason_of(answers, policy) is None:
        return Step.REASON
    if ask_site.untold(answers, evidence):
        return Step.TRIED
    if ask_site.next_remedy(answers, evidence) is not None:
        return Step.REMEDIES
    return Step.CONFIRM if answers.get("since") else Step.SINCE


def kind_of(answers: Answers, policy: Policy) -> Kind:
    return policy.kinds[answers["kind"]]


def reason_of(answers: Answers, policy: Policy) -> Reason | None:
    return kind_of(answers, policy).reason(answers.get("reason", ""))


def subject_of(answers: Answers, asker: Person) -> Person:
    return asker if answers["who"] == FOR_ME else Person(**answers["subject"])


def subjects_of(answers: Answers, asker: Person) -> tuple[Person, ...]:
    """Everybody for whom it is asked, each once."""
    people = [*(Person(**one) for one in answers.get("others", [])), subject_of(answers, asker)]
    return tuple({person.id: person for person in people}.values())


def grants_now(answers: Answers, policy: Policy) -> bool:
    """Whether an agent has the caller on the line and may decide alone."""
    reason = reason_of(answers, policy)
    needs_another = answers.get("lead") or (reason and reason.second_person)
    return answers.get("who") == FOR_CALLER and not needs_another


NOT_UNDERSTOOD = frozenset(
    {
        "who",
        "person",
        "choose",
        "reason",
        "remedy",
        "not_verified",
        "more",
        "site",
        "choose_site",
        "no_question",
        "tried",
    }
) | {"since", "details", "change"}
"""The rules of refusals that say what is expected instead of what was typed."""
_SAME = {
    Step.LOOK_UP: Step.PERSON,
    Step.CHOOSE: Step.PERSON,
    Step.LOOK_UP_SITE: Step.SITE,
    Step.CHOOSE_SITE: Step.SITE,
    Step.CHECK: Step.CONFIRM,
    Step.CHANGE: Step.CONFIRM,
}


def place(answers: Answers, policy: Policy) -> tuple[int, int]:
    """Which step of how many this is, as far as one can tell."""
    steps = [Step.WHO]
    if answers.get("who", FOR_ME) != FOR_ME:
        steps.append(Step.PERSON)
    if kind_of(answers, policy).evidence is not None:
        steps += [Step.MORE] if answers.get("who") == FOR_COLLEAGUE else []
        steps += [Step.SITE, Step.REASON, Step.TRIED, Step.REMEDIES, Step.SINCE]
    else:
        steps += _steps_by_telephone(answers, policy)
    steps.append(Step.CONFIRM)
    now = next_step(answers, policy)
    now = _SAME.get(now, now)
    return (steps.index(now) + 1 if now in steps else len(steps)), len(steps)


def _steps_by_telephone(answers: Answers, policy: Policy) -> list[Step]:
    reason = reason_of(answers, policy)
    steps = [Step.REASON]
    if reason and reason.details is not Details.NO:
        steps.append(Step.DETAILS)
    if reason and reason.remedy:
        steps.append(Step.REMEDY)
    if grants_now(answers, policy):
        steps.append(Step.VERIFICATION)
    return steps


def answer(answers: Answers, said: Said, policy: Policy) -> Answers:
    """The answers with this one added. Raises `Refusal` with a sentence where it does not fit the question."""
    step = next_step(answers, policy)
    if step is Step.WHO:
        return _who(answers, said, policy)
    if step is Step.PERSON:
        return _person(answers, said, policy)
    if step is Step.CHOOSE:
        return _choose(answers, said, policy)
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
    evidence = kind_of(answers, policy).evidence
    if evidence is not None:
        match step:
            case Step.MORE:
                return ask_site.more(answers, said, evidence)
            case Step.SITE:
                return ask_site.typed_site(answers, said)
            case Step.CHOOSE_SITE:
                return ask_site.chosen_site(answers, said)
            case Step.TRIED:
                return ask_site.tried(answers, said, evidence, policy)
            case Step.REMEDIES:
                return ask_site.remedy(answers, said, evidence, policy)
            case Step.SINCE:
                return ask_site.since(answers, said, policy)
    raise Refusal(say("requester.confirm_expected"), rule="no_question")


def _who(answers: Answers, said: Said, policy: Policy) -> Answers:
    options = [
        (FOR_ME, say("requester.for_me_button"), ("me", "myself", "mine", "i", "ive", "im", "my", "for me", "yes")),
        (
            FOR_COLLEAGUE,
            say("requester.for_colleague_button"),
            ("colleague", "someone else", "somebody else", "other", "staff", "them"),
        ),
        (FOR_CALLER, say("agent.for_caller_choice"), ("caller", "call", "telephone", "phone call")),
    ]
    clicked = said.value("who")
    if clicked in (FOR_ME, FOR_COLLEAGUE, FOR_CALLER):
        return given(answers, who=clicked)
    heard = hear(said.text, policy, kind=answers["kind"])
    who = heard.who or choice_in(said.text, options)
    if not who:
        raise Refusal(say("requester.who_expected"), rule="who")
    answered = given(answers, who=who, **({"typed": heard.whom} if heard.whom else {}))
    return _with_guesses(answered, heard)


_MOST_NAME_WORDS = 4


def _person(answers: Answers, said: Said, policy: Policy) -> Answers:
    typed = (said.value("person") or said.text).strip()
    if not any(character.isalnum() for character in typed):
        raise Refusal(say("requester.person_expected"), rule="person")
    whom = address_in(typed) or (name_in(typed, policy) if said.data is None else "")
    if not whom and said.data is None and len(typed.split()) > _MOST_NAME_WORDS:
        raise Refusal(say("requester.person_or_address_only"), rule="person")
    kept = {key: value for key, value in answers.items() if key != "matches"}
    answered = given(kept, typed=(whom or typed)[:200])
    return _with_guesses(answered, hear(typed, policy, kind=answers["kind"])) if whom else answered


def found(answers: Answers, people: tuple[Person, ...], *, most: int) -> Answers:
    """What the look-up of `typed` came to. Raises `Refusal` where it is nobody or too many; `typed` is then kept."""
    matches = [{"id": one.id, "name": one.name, "address": one.address} for one in people]
    if len(matches) == 1:
        return {**answers, "matches": [], "subject": matches[0]}
    if not matches:
        raise Refusal(say("requester.person_not_found", typed=answers["typed"]), rule="nobody")
    if len(matches) > most:
        raise Refusal(say("requester.too_many_people"), rule="too_many")
    return {**answers, "matches": matches}


def not_found(answers: Answers) -> Answers:
    """Back to the question, after a look-up that came to nothing."""
    return {**answers, "matches": []}


def _choose(answers: Answers, said: Said, policy: Policy) -> Answers:
    matches = answers["matches"]
    chosen = said.value("chosen") or choice_in(
        said.text, [(one["id"], one["name"], (one["address"],)) for one in matches]
    )
    one = next((one for one in matches if one["id"] == chosen), None)
    if one is None:
        if address_in(said.text):
            return _person(answers, said, policy)
        raise Refusal(say("requester.choose_expected"), rule="choose")
    return given({**answers, "matches": []}, subject=one)


def _reason(answers: Answers, said: Said, policy: Policy) -> Answers:
    reasons = kind_of(answers, policy).reasons
    chosen = said.value("reason") or choice_in(said.text, [(one.id, one.title, one.words) for one in reasons])
    if kind_of(answers, policy).reason(chosen) is None:
        raise Refusal(say("requester.reason_expected", example=reasons[0].title), rule="reason")
    kept = {key: value for key, value in answers.items() if key not in ("details", "remedy")}
    return given(kept, reason=chosen)


def _details(answers: Answers, said: Said, policy: Policy) -> Answers:
    reason = reason_of(answers, policy)
    assert reason is not None
    details = (said.value("details") or said.text).strip()
    if reason.details is Details.OPTIONAL and normal(details) in ("", "skip", "no", "none"):
        details = ""
    elif not any(character.isalnum() for character in details):
        raise Refusal(say("requester.details_expected"), rule="details")
    if len(details) > policy.limits.text:
        raise Refusal(
            say("requester.details_too_long", length=len(details), most=policy.limits.text), rule="details_too_long"
        )
    return given(answers, details=details)


def _remedy(answers: Answers, said: Said) -> Answers:
    chosen = said.value("remedy") or choice_in(
        said.text,
        [
            ("worked", say("requester.it_worked_button"), ("worked", "works", "yes", "solved", "fixed")),
            (
                "tried",
                say("requester.it_does_not_work_button"),
                ("no", "not", "tried", "doesn't", "does not", "didn't", "cannot"),
            ),
        ],
    )
    if chosen == "worked":
        raise NotNeeded
    if chosen != "tried":
        raise Refusal(say("requester.remedy_expected"), rule="remedy")
    return given(answers, remedy="tried")


def _verification(answers: Answers, said: Said, policy: Policy) -> Answers:
    way, ticket = verification_in(said, policy)
    return given({**answers, "ticket": ticket or answers.get("ticket", "")}, verification=way)


def verification_in(said: Said, policy: Policy) -> tuple[str, str]:
    """The way of verification (a policy's id) and the ticket, from a card's fields or “called back, ticket 123”.

    Other sentences, in which a word of a way only happens to stand, verify nobody.
    """
    parts = _TICKET.split(said.text, maxsplit=1)
    before, after = parts[0], parts[1] if len(parts) > 1 else ""
    options = [(way.id, way.title, way.words) for way in policy.verifications]
    way = said.value("verification") or answer_in(before.strip(" ,;"), options)
    if policy.verification(way) is None:
        titles = "; ".join(f"{number}. {one.title}" for number, one in enumerate(policy.verifications, start=1))
        raise Refusal(say("agent.verification_expected", titles=titles), rule="not_verified")
    return way, (said.value("ticket") or after.strip(" :,.number"))[:100]


_TICKET = re.compile(r"\bticket\b", re.IGNORECASE)
_NAMES = {
    "subject": "requester.row_for",
    "site": "requester.row_site",
    "reason": "requester.row_reason",
    "details": "requester.row_details",
    "tried": "requester.row_tried",
    "remedies": "requester.row_remedies",
    "since": "requester.row_since",
    "verification": "requester.row_verification",
}


def rows(answers: Answers, asker: Person, policy: Policy) -> list[tuple[str, str, str]]:
    """(key, name, what was answered) of each answer that stands."""
    people = subjects_of(answers, asker)
    reason = reason_of(answers, policy)
    way = policy.verification(answers.get("verification", ""))
    if way and answers.get("ticket"):
        verified = say("agent.verified_with_ticket", verified=way.title, ticket=answers["ticket"])
    else:
        verified = way.title if way else ""
    site = ask_site.site_of(answers)
    evidence = kind_of(answers, policy).evidence
    values = {
        "subject": "; ".join(f"{one.name} ({one.address})" for one in people),
        "site": f"{site.name} ({site.ods}), {site.mailbox}" if site else "",
        "reason": reason.title if reason else "",
        "details": answers.get("details", ""),
        "tried": _listed(answers.get("tried", {}), evidence.methods if evidence else ()),
        "remedies": _listed(answers.get("remedies", {}), evidence.remedies if evidence else ()),
        "since": answers.get("since", ""),
        "verification": verified,
    }
    return [(key, say(_NAMES[key]), value) for key, value in values.items() if value]


def _listed(said: Any, options: tuple[Option, ...]) -> str:
    return "; ".join(f"{option.title}: {said[option.id][:300]}" for option in options if option.id in said)


def asks_to_change(answers: Answers) -> Answers:
    """Raises `Refusal` where it is not known yet for whom it is: there is nothing to change."""
    if answers.get("who") != FOR_ME and "subject" not in answers:
        raise Refusal(say("requester.nothing_to_change"), rule="change")
    return {**answers, "changing": True}


_WITH = {
    "who": {"who", "typed", "matches", "subject", "others", "more", "lead"},
    "typed": {"typed", "matches", "subject"},
    "subject": {"typed", "matches", "subject"},
    "site": {"site", "site_typed", "site_matches"},
    "site_typed": {"site", "site_typed", "site_matches"},
    "reason": {"reason", "details", "remedy"},
    "verification": {"verification", "ticket"},
}
"""What goes with an answer that is taken out."""


def change_to(answers: Answers, key: str) -> Answers:
    """Takes one answer out, so that it is asked again; the others stay."""
    by_name = {normal(say(name)): key for key, name in _NAMES.items()} | {"who": "subject", "person": "subject"}
    key = by_name.get(key, key)
    if key not in _NAMES:
        named = ", ".join(say(name).lower() for name in _NAMES.values())
        raise Refusal(say("requester.change_expected", named=named), rule="change")
    if key == "subject" and answers.get("renews"):
        raise Refusal(say("requester.renewal_same_person"), rule="change")
    gone = {"changing"} | _WITH.get(key, {key})
    if key == "subject":
        gone |= {"checked", "verification", "ticket"} | _WITH["who"]
        if answers.get("who") == FOR_CALLER:
            gone -= {"who"}  # another caller is a caller still
    return without(answers, gone)


def back(answers: Answers) -> Answers:
    """Takes the latest answer out. At the first question there is nothing to take: the answers stay as they are."""
    if answers.get("changing"):
        return without(answers, {"changing"})
    trail = answers["trail"]
    if not trail:
        return answers if answers.get("site") or answers.get("renews") else begin(answers["kind"])
    latest = trail[-1]
    return without(answers, _WITH.get(latest, {latest}) | {"checked"})


def checked(answers: Answers) -> Answers:
    return {**answers, "checked": True}


def renewing(request: Request, me: Person) -> Answers:
    """A new conversation that renews this exception, with what it said filled in."""
    return {**for_the_same(request, me), "renews": request.reference}


def for_the_same(request: Request, me: Person) -> Answers:
    """A new conversation with what this request said filled in."""
    subject = request.subject
    whose: Answers = {"who": FOR_ME}
    if subject.id != me.id:
        person = {"id": subject.id, "name": subject.name, "address": subject.address}
        whose = {"who": FOR_COLLEAGUE, "subject": person, "more": "no"}
    return {**ask_site.again(request), **whose}
