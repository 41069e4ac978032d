"""Every card in every state keeps the rules, also with hostile and with the longest words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.entra.directory import person_of
from cards import ask, decide, lists, plain_words
from cards import request as cards
from cards.card import Card
from domain.effects import Notice
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Details, Remedy
from domain.request import Request, State
from services.show import still_says_so
from tests.builders import ASKER, NOON, POLICY, SUBJECT, request, stuck
from tests.cards.rules import faults, texts, walk

KIND = POLICY.kinds["short"]
HOSTILE = [
    "[x](http://evil.example)",
    "<at>bot</at> <script>alert(1)</script>",
    "{{DATE(2026-01-01T00:00:00Z)}}",
    "🙂",
    "a\x00b\x1b[31m\u202e",
    "x" * 5000,
    "**bold** _under_ `code` # head",
]


def requests(words: str = "A short reason") -> Iterator[Request]:
    for state in State:
        one = request(state, asked_by=ASKER, details=words)
        if one.decided:
            one = replace(one, decided=replace(one.decided, words=words))
        if one.closing:
            one = replace(one, closing=replace(one.closing, words=words))
        yield one
        if state in (State.GRANTING, State.ENDING):
            yield replace(one, stuck=replace(stuck(), message=words))


def of_requests(words: str = "A short reason") -> Iterator[tuple[str, Card]]:
    for one in requests(words):
        yield f"mine, {one.state}", cards.mine(one, POLICY, NOON)
        history = [replace(request(State.ENDED), reference=f"MFA-2222-222{n}") for n in range(2, 9)]
        yield f"decision, {one.state}", cards.decision(one, history, POLICY, NOON, "It is too late for that.")
        for what in Notice:
            if still_says_so(one, what):
                for for_subject in (True, False):
                    yield f"{what}, {one.state}", cards.notice(one, what, POLICY, NOON, for_subject=for_subject)
        if one.stuck:
            yield f"alarm, {one.state}", cards.alarm(one, POLICY)
        for form in (decide.approve, decide.reject, decide.revoke):
            yield f"form, {one.state}", form(one, POLICY, words[:200])


def of_questions(words: str = "A short reason") -> Iterator[tuple[str, Card]]:
    asking = ask.Asking(POLICY, KIND, 3, (2, 5), "Choose one of these.")
    reason = replace(KIND.reasons[0], details=Details.OPTIONAL, details_question="What?", remedy=Remedy("Try", "So"))
    safe = person_of({"id": "1", "displayName": words, "userPrincipalName": "a@nhs.example"})
    for agent in (True, False):
        yield "who", ask.who(asking, agent=agent)
        yield "welcome", plain_words.welcome(POLICY, agent=agent)
        yield "help", plain_words.how_to(POLICY, agent=agent)
        yield "person", ask.person(asking, caller=agent, typed=words)
        yield "refused", ask.refused(asking, "That is not possible.", ("Read", POLICY.links.guide), for_me=agent)
        for now in (True, False):
            yield "confirm", ask.confirm(asking, [("For", words)], caller=agent, granted_now=now)
    yield "choose", ask.choose(asking, words, [safe, SUBJECT])
    yield "reason", ask.reason(asking, "misplaced")
    yield "details", ask.details(asking, reason, words)
    yield "remedy", ask.remedy(asking, reason)
    yield "verification", ask.verification(asking, safe, "manager", words[:100])
    yield "change", ask.change(asking, [("reason", "Reason", words)])
    yield "cancelled", ask.cancelled(POLICY)
    yield "remedied", ask.remedied(POLICY)
    yield "not understood", plain_words.not_understood(POLICY, [("Help", "help")])
    yield "refusal", plain_words.refused(Refusal("No.", rule="x", link=("Read", POLICY.links.guide)), POLICY)
    yield "went wrong", plain_words.went_wrong("It failed.", POLICY)
    yield "note", plain_words.note("Done", "It is done.", POLICY)
    yield "answered", plain_words.answered("What?", "That.")
    for number in (0, 1, lists.MOST):
        many = [replace(request(), reference=f"MFA-2222-222{n}", details=words) for n in range(2, 2 + number)]
        yield "queue", lists.queue(many, POLICY, NOON + timedelta(hours=1), more=bool(number))
        yield "my requests", lists.mine(many, POLICY)


@pytest.mark.parametrize("words", ["A short reason", *HOSTILE])
def test_every_card_keeps_the_rules_whatever_people_typed(words: str) -> None:
    for name, card in (*of_requests(words), *of_questions(words)):
        assert faults(card.content) == [], name
        assert card.summary.strip(), name


def test_a_decided_request_has_no_live_decision() -> None:
    for one in requests():
        verbs = {part.get("verb") for part in walk(cards.decision(one, [], POLICY, NOON).content)} - {None}
        wanted: dict[State, set[str]] = {
            State.AWAITING_DECISION: {"approve", "reject"},
            State.GRANTING: {"revoke"},
            State.ACTIVE: {"revoke"},
        }
        assert verbs == wanted.get(one.state, set())


def test_our_words_have_no_contractions_and_do_not_shout() -> None:
    for name, card in (*of_requests(), *of_questions()):
        for text in texts(card.content):
            assert not re.search(r"\w['’](t|re|ve|ll|m|d)\b|!", text), (name, text)


def test_the_state_is_always_said_in_words() -> None:
    for one in requests():
        assert cards.status_words(one) in " ".join(texts(cards.mine(one, POLICY, NOON).content))
        assert cards.status_words(one) in " ".join(texts(cards.decision(one, [], POLICY, NOON).content))


def test_a_name_from_entra_cannot_format_or_link() -> None:
    name = person_of({"id": "1", "displayName": "[a](http://x) **b** <at>", "userPrincipalName": "a@b"}).name
    assert not set(name) & set("[]*<>")
    nameless = Person("1", "", "a@b")
    assert person_of({"id": "1", "displayName": "", "userPrincipalName": "a@b"}) == replace(nameless, name="a@b")
