"""Every card in every state keeps the rules, also with hostile and with the longest words."""

import json
import re
from dataclasses import replace

import pytest

from adapters.entra.directory import person_of
from cards import notices, shared
from cards import request as cards
from cards.card import Card
from cards.parts import plain
from dialogs.commands import command_in
from domain.effects import Audience, Notice
from domain.people import Person
from domain.request import State
from services.show import still_says_so
from tests.builders import NOON, POLICY, SITE, SUBJECT, long_request, request
from tests.cards.rules import faults, texts, walk
from tests.cards.states import everything, requests
from texts import english, say

HOSTILE = [
    "[x](http://evil.example)",
    "<at>bot</at> <script>alert(1)</script>",
    "{{DATE(2026-01-01T00:00:00Z)}}",
    "🙂",
    "a\x00b\x1b[31m\u202e",
    "x" * 5000,
    "**bold** _under_ `code` # head",
    "&lt;at&gt;bot&lt;/at&gt;",
]


def different(words: str) -> dict[str, Card]:
    """Many states look alike: one of each."""
    alike = {json.dumps(card.content): (name, card) for name, card in everything(words)}
    return dict(alike.values())


@pytest.mark.parametrize("words", ["A short reason", *HOSTILE])
def test_every_card_keeps_the_rules_whatever_people_typed(words: str) -> None:
    for name, card in different(words).items():
        assert faults(card.content) == [], name
        assert card.summary.strip(), name


def test_a_decided_request_has_no_live_decision() -> None:
    for _, one in requests():
        verbs = {part.get("verb") for part in walk(cards.decision(one, [], POLICY, NOON).content)} - {None}
        waiting = {"review", "approve", "ask_back", "reject"} if one.given else {"approve", "reject"}
        wanted: dict[State, set[str]] = {
            State.AWAITING_EVIDENCE: {"code", "reject"},
            State.AWAITING_DECISION: waiting,
            State.GRANTING: {"revoke"},
            State.ACTIVE: {"revoke"},
        }
        assert verbs == wanted.get(one.state, set())


def test_no_card_for_people_names_another_request_or_the_methods_that_somebody_has() -> None:
    known = {"MFA-2222-2222", POLICY.account.method_names["password"], "Authenticator app"}
    for _, one in requests():
        shown = [cards.mine(one, POLICY, NOON)]
        for what in Notice:
            if still_says_so(one, what) and what is not Notice.METHOD_FOUND:
                shown += [notices.notice(one, what, to, POLICY, NOON) for to in Audience if to is not Audience.LEADS]
        for card in shown:
            said = " ".join(texts(card.content))
            assert not [word for word in known if word in said], said


def test_only_leads_and_the_helpdesk_see_what_is_unusual() -> None:
    one = replace(request(State.ACTIVE), unusual=tuple(cards.UNUSUAL))
    for key in cards.UNUSUAL.values():
        assert say(key) in " ".join(texts(cards.decision(one, [], POLICY, NOON).content))
        assert say(key) not in " ".join(texts(cards.mine(one, POLICY, NOON).content))
    assert {what for what in Notice if still_says_so(replace(one, unusual=()), what)}.isdisjoint({Notice.UNUSUAL})


def test_our_words_have_no_contractions_and_do_not_shout() -> None:
    for name, card in everything():
        for text in texts(card.content):
            assert not re.search(r"\w['’](t|re|ve|ll|m|d)\b|!", text), (name, text)


@pytest.mark.parametrize("key", [key for key in english().forms if re.search(r"\.command_\w+(?<!_does)$", key)])
def test_each_command_of_the_menu_is_understood_when_it_is_typed(key: str) -> None:
    assert command_in(say(key)).command


def test_a_shared_card_is_the_same_for_every_request_but_for_its_reference() -> None:
    one, other = (shared.shared(reference, "https://x", POLICY) for reference in ("MFA-7K3Q-9XDM", "MFA-2222-2222"))
    assert str(one).replace("MFA-7K3Q-9XDM", "MFA-2222-2222") == str(other)
    assert "userIds" not in str(one)


@pytest.mark.parametrize("words", HOSTILE)
def test_the_lines_of_a_search_are_plain_and_short(words: str) -> None:
    for one in (request(), long_request()):
        hostile = replace(one, subject=replace(SUBJECT, name=words), site=replace(SITE, name=words))
        for line in (shared.title(hostile), shared.line(hostile)):
            assert not set(line) & set("<>[]*_`~#&\\\x00\x1b\u202e")
            assert len(line) < 250
        assert one.reference in shared.title(hostile)


def test_the_state_is_always_said_in_words() -> None:
    for _, one in requests():
        assert cards.status_words(one) in " ".join(texts(cards.mine(one, POLICY, NOON).content))
        assert cards.status_words(one) in " ".join(texts(cards.decision(one, [], POLICY, NOON).content))


def test_a_name_from_entra_cannot_format_or_link() -> None:
    name = person_of({"id": "1", "displayName": "[a](http://x) **b** <at>", "userPrincipalName": "a@b"}).name
    assert not set(name) & set("[]*<>")
    nameless = Person("1", "", "a@b")
    assert person_of({"id": "1", "displayName": "", "userPrincipalName": "a@b"}) == replace(nameless, name="a@b")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Two things:\n- one\n  2. two", "Two things:\n\\- one\n2\\. two"),
        ("Approved by a lead\n===", "Approved by a lead\n\\==="),
        ("x\n    code", "x\ncode"),
        ("a|b\n-|-", "a\\|b\n-\\|-"),
        ("R&D &lt;at&gt;", "R&D \\&lt;at\\&gt;"),
        ("1.5 hours, -5 degrees", "1.5 hours, -5 degrees"),
    ],
)
def test_what_people_typed_makes_no_lists_headings_or_code(typed: str, shown: str) -> None:
    assert plain(typed) == shown
