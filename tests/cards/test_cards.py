"""Every card in every state keeps the rules, also with hostile and with the longest words."""

import json
import re
from dataclasses import replace

import pytest

from adapters.entra.directory import person_of
from cards import ask, decide, lists, mails, notices, plain_words, shared
from cards import request as cards
from cards.card import Card
from cards.parts import plain
from dialogs.commands import command_in
from domain.effects import Audience, Notice
from domain.people import Person
from domain.request import State
from services.show import still_says_so
from tests.builders import AGENT, ASKER, NOON, OWNER, POLICY, SITE, SUBJECT, long_request, request
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
        shown = [cards.mine(one, SUBJECT.id, POLICY, NOON)]
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
        assert say(key) not in " ".join(texts(cards.mine(one, SUBJECT.id, POLICY, NOON).content))
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
        for viewer in (SUBJECT, ASKER):
            said = " ".join(texts(cards.mine(one, viewer.id, POLICY, NOON).content))
            assert cards.status_words(one, viewer.id) in said
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


def said_on(card: Card) -> str:
    return " ".join(texts(card.content))


def verbs_of(card: Card) -> set[object]:
    return {part.get("verb") for part in walk(card.content)} - {None}


def test_whoever_approves_for_a_colleague_is_told_to_verify_the_person_who_is_exempted() -> None:
    asked = request(asked_by=ASKER)
    form, shown = said_on(decide.approve(asked, POLICY)), said_on(cards.decision(asked, [], POLICY, NOON))
    assert f"Verify {SUBJECT.name}, whose account it is." in form
    assert f"How did you verify {SUBJECT.name}?" in form
    assert f"Verify {SUBJECT.name}, whoever calls" in shown
    for one in (request(), request(taken_by=AGENT)):
        assert f"Make sure that the caller is {SUBJECT.name}." in said_on(decide.approve(one, POLICY))


def test_only_whoever_is_exempted_is_told_to_telephone_and_others_are_told_that_it_is_them() -> None:
    asked = request(asked_by=ASKER)
    theirs, colleagues = (cards.mine(asked, viewer.id, POLICY, NOON) for viewer in (SUBJECT, ASKER))
    assert theirs.summary == f"{asked.reference}: Telephone the helpdesk."
    assert f"Telephone the {POLICY.helpdesk.name} on {POLICY.helpdesk.telephone} now" in said_on(theirs)
    assert colleagues.summary == f"{asked.reference}: Waiting for {SUBJECT.name} to telephone the helpdesk."
    assert f"{SUBJECT.name} has to telephone the {POLICY.helpdesk.name}" in said_on(colleagues)
    notice = notices.notice(asked, Notice.ASKED_FOR_YOU, Audience.SUBJECT, POLICY, NOON)
    assert f"telephone the helpdesk on {POLICY.helpdesk.telephone} and quote {asked.reference}" in said_on(notice)
    assert "Telephone the helpdesk" in said_on(lists.mine([asked], SUBJECT.id, POLICY))
    assert "Telephone the helpdesk" not in cards.mine(request(taken_by=AGENT), SUBJECT.id, POLICY, NOON).summary


def test_only_whoever_is_exempted_is_told_what_there_is_to_do_about_their_telephone() -> None:
    for state in (State.ACTIVE, State.ENDING, State.ENDED):
        one = request(state, asked_by=ASKER)
        assert "set up MFA again" in said_on(cards.mine(one, SUBJECT.id, POLICY, NOON))
        assert "set up MFA again" not in said_on(cards.mine(one, ASKER.id, POLICY, NOON))
        for what in {Notice.GRANTED, Notice.REMINDER, Notice.ENDED}:
            if still_says_so(one, what):
                for to in Audience:
                    said = said_on(notices.notice(one, what, to, POLICY, NOON))
                    assert ("set up MFA again" in said) == (to is Audience.SUBJECT), (what, to)


def test_whoever_is_exempted_has_no_button_to_give_the_evidence() -> None:
    waiting = long_request(State.AWAITING_EVIDENCE)
    theirs, owners = (cards.mine(waiting, viewer.id, POLICY, NOON) for viewer in (SUBJECT, OWNER))
    assert verbs_of(theirs) == {"withdraw"}
    assert "It cannot be you." in said_on(theirs)
    assert verbs_of(owners) == {"evidence", "withdraw"}
    assert f"It cannot be {SUBJECT.name}." in said_on(owners)


def test_a_lead_hears_of_an_unusual_approval_as_approved_before_entra_has_confirmed_it() -> None:
    approved = replace(request(State.GRANTING), unusual=tuple(cards.UNUSUAL))
    said = said_on(notices.notice(approved, Notice.UNUSUAL, Audience.LEADS, POLICY, NOON))
    assert "Approved: look at it" in said
    assert say("everyone.state_active") not in said
    assert "It was approved at night. The same agent" in said
    assert "The approval stands." in said


def test_a_notice_to_the_site_does_not_tell_the_reason() -> None:
    told = 0
    for _, one in requests():
        for what in Notice:
            for to in (Audience.GIVER, Audience.OWNERS, Audience.OTHER_OWNERS):
                if still_says_so(one, what):
                    told += 1
                    said = said_on(notices.notice(one, what, to, POLICY, NOON))
                    assert cards.reason_title(one, POLICY) not in said, (what, to)
    assert told


def test_what_has_lapsed_says_after_how_long() -> None:
    short, long = request(State.LAPSED), long_request(State.LAPSED)
    for one, within in ((short, "within 3 days"), (long, "within 28 days")):
        assert within in said_on(notices.notice(one, Notice.LAPSED, Audience.SUBJECT, POLICY, NOON))
        assert within in str(mails.notice(one, Notice.LAPSED, Audience.SUBJECT, "https://x", POLICY, NOON))


def test_the_question_for_whom_says_what_happens_without_evidence() -> None:
    asking = ask.Asking(POLICY, POLICY.kinds["long"], 1, (1, 9))
    assert "If none comes within 28 days, the request lapses." in said_on(ask.who(asking, agent=False))


def test_the_helpdesks_reason_for_ending_is_not_called_the_words_of_whoever_asked() -> None:
    ended = request(State.ENDED)
    [named] = [part for part in walk(cards.mine(ended, SUBJECT.id, POLICY, NOON).content) if "facts" in part][:1]
    labels = {one["title"] for one in named["facts"]}
    assert say("everyone.reason_given_label") in labels
    assert say("everyone.their_words_label") not in labels


def test_an_agent_is_told_what_they_can_do_and_is_not_sent_to_the_helpdesk_for_help() -> None:
    agents, staff = (plain_words.welcome(POLICY, groups) for groups in (("helpdesk",), ()))
    assert "you decide on requests" in said_on(agents)
    assert say("agent.for_a_caller_button") in said_on(agents)
    for card in (agents, plain_words.tour(POLICY), cards.decision(request(), [], POLICY, NOON)):
        assert f"Telephone the {POLICY.helpdesk.name}" not in said_on(card)
    assert f"Telephone the {POLICY.helpdesk.name}" in said_on(staff)
