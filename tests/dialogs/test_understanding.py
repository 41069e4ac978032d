"""How much of what people type is understood: two lists of sentences, and texts that nobody would write by hand.

`sentences.jsonl` was there while the rules were made. `held_out.jsonl` was written afterwards, and the rules were not
fitted to it: its share is the honest one. Only what is not empty in a line was said in its sentence.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialogs.commands import GRAVE, about_request, command_in
from dialogs.spelling import EVERYDAY, Phrases, words_in
from dialogs.understand import answer_in, choice_in, corrected_by, corrects, hear, likely
from domain.policy import Policy
from tests.builders import POLICY, ROOT

ME = "anna.baker@nhs.net"
PARTS = ("command", "reference", "kind", "reason", "who", "whom", "site", "elsewhere")
Line = dict[str, Any]


def lines(name: str) -> list[Line]:
    text = (ROOT / "tests" / "dialogs" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


TUNED, HELD_OUT = lines("sentences"), lines("held_out")
EVERY = [line["say"] for line in (*TUNED, *HELD_OUT)]


def understood(text: str, policy: Policy = POLICY) -> Line:
    """What the bot makes of a first sentence, as `bot/turns.py` does."""
    typed = command_in(text)
    if not typed.command and typed.reference:
        typed = about_request(text, typed.reference)
    if typed.command:
        return {"command": typed.command, "reference": typed.reference, "sure": typed.sure}
    heard = hear(text, policy, ME)
    return {part: getattr(heard, part, "") for part in PARTS} | {"sure": False}


def wrong(line: Line) -> list[str]:
    """The parts that were guessed, and wrongly."""
    heard = understood(line["say"])
    return [part for part in PARTS if heard.get(part) and heard[part] != line.get(part, "")]


def missing(line: Line) -> list[str]:
    heard = understood(line["say"])
    offered = [verb for _, verb, _ in likely(line["say"], agent=False)]
    lacking = [part for part in PARTS if line.get(part) and not heard.get(part)]
    return lacking + [verb for verb in line.get("offer", []) if verb not in offered]


def acts_at_once(line: Line) -> bool:
    """Whether something would be decided, ended or taken back that was not asked for in so many words."""
    heard = understood(line["say"])
    grave = heard.get("command") in GRAVE and bool(heard.get("reference"))
    return grave and heard["sure"] and not line.get("sure")


@pytest.mark.parametrize(
    ("name", "least", "most_wrong"), [("sentences", 0.98, 0.005), ("held_out", 0.82, 0.025)], ids=["tuned", "held out"]
)
def test_most_of_what_people_type_is_understood_and_little_is_mistaken(
    name: str, least: float, most_wrong: float
) -> None:
    every = lines(name)
    mistaken = [line["say"] for line in every if wrong(line)]
    partly = [line["say"] for line in every if not wrong(line) and missing(line)]
    share = 1 - (len(mistaken) + len(partly)) / len(every)
    print(f"{name}: {share:.1%} of {len(every)} understood, {len(mistaken)} wrong: {mistaken}, partly: {partly}")  # noqa: T201  # shown with -s
    assert share >= least
    assert len(mistaken) / len(every) <= most_wrong


def test_nothing_is_decided_ended_or_taken_back_by_a_guess() -> None:
    assert [line["say"] for line in (*TUNED, *HELD_OUT) if acts_at_once(line)] == []
    meant = [line["say"] for line in (*TUNED, *HELD_OUT) if line.get("sure")]
    assert [say for say in meant if not understood(say)["sure"]] == []


def test_the_lists_are_long_enough_and_say_nothing_twice() -> None:
    assert len(EVERY) >= 370
    assert len(set(EVERY)) == len(EVERY)


def misspellings(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]
        yield word[:at] + "e" + word[at:]
        yield word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]


@pytest.mark.parametrize("verb", ["approve", "reject", "revoke", "withdraw", "end", "ask", "grant", "decline"])
def test_a_misspelt_order_is_never_sure(verb: str) -> None:
    for typed in set(misspellings(verb)) - {verb}:
        for text in (f"{typed} MFA-7K3Q-9XDM called back", f"please {typed} MFA-7K3Q-9XDM", f"{typed} 7K3Q9XDM"):
            found = command_in(text)
            assert not (found.command in GRAVE and found.sure), text


@pytest.mark.parametrize(
    "text",
    ["do not approve MFA-7K3Q-9XDM", "why did you reject MFA-7K3Q-9XDM?", "should we revoke MFA-7K3Q-9XDM",
     "never withdraw MFA-7K3Q-9XDM", "if they approve MFA-7K3Q-9XDM I can work", "nobody can approve MFA-7K3Q-9XDM"],
)  # fmt: skip
def test_who_asks_or_denies_gives_no_order(text: str) -> None:
    assert understood(text)["command"] in ("status", "review")


@pytest.mark.parametrize(
    "text", ["end 7k3q9xdm", "end MFA-7K3Q-9XDM please", "withdraw 7K3Q-9XDM", "please withdraw mfa7k3q9xdm, thanks"]
)
def test_a_plain_order_is_sure_however_the_reference_is_typed(text: str) -> None:
    assert understood(text)["sure"]
    assert understood(text)["reference"] == "MFA-7K3Q-9XDM"


@pytest.mark.parametrize(
    "text",
    ["end MFA-7K3Q-9XDM when it is due", "withdraw MFA-7K3Q-9XDM or not", "can you approve MFA-7K3Q-9XDM called back"],
)
def test_an_order_with_more_words_is_asked_about_first(text: str) -> None:
    assert not understood(text)["sure"]


@pytest.mark.parametrize("text", ["end of shift", "withdraw my colleague", "approve of this", "finish at 8", "end"])
def test_an_order_without_a_reference_is_about_nothing_yet(text: str) -> None:
    assert not understood(text).get("reference")


@pytest.mark.parametrize(
    ("text", "way"),
    [("called back", "call_back"), ("2", "call_back"), ("security questions answered", "security_questions"),
     ("seen in person with badge", "seen"), ("confirmed by their line manager", "manager"),
     ("can you send me the number of my manager", ""), ("did not answer the security questions", ""),
     ("what is the number?", ""), ("the person is waiting in the corridor outside", "")],
)  # fmt: skip
def test_only_an_answer_verifies_a_caller(text: str, way: str) -> None:
    assert answer_in(text, [(one.id, one.title, one.words) for one in POLICY.verifications]) == way


@pytest.mark.parametrize(
    ("text", "instead"),
    [("no, short", "short"), ("sorry I meant my colleague", "my colleague"), ("Actually: long", "long")],
)
def test_a_correction_is_what_stands_behind_it(text: str, instead: str) -> None:
    assert corrects(text)
    assert corrected_by(text) == instead


@pytest.mark.parametrize("text", ["now", "notify me", "nobody", "lost phone", "note this"])
def test_other_words_correct_nothing(text: str) -> None:
    assert not corrects(text)


def test_the_order_of_what_is_said_does_not_matter() -> None:
    parts = ["long term", "jane.smith@nhs.net", "we work in a prison", "site ZZ901"]
    heard = {hear(", ".join(parts[n:] + parts[:n]), POLICY) for n in range(len(parts))}
    assert len(heard) == 1
    one = heard.pop()
    assert (one.kind, one.who, one.whom, one.reason, one.site) == (
        "long", "colleague", "jane.smith@nhs.net", "secure_location", "ZZ901"
    )  # fmt: skip


def test_the_words_are_those_of_the_policy() -> None:
    short = POLICY.kinds["short"]
    reasons = tuple(replace(one, words=(f"zebra{n}x",), title=f"Zebra {n}") for n, one in enumerate(short.reasons))
    other = replace(POLICY, kinds={"short": replace(short, words=("giraffe",), reasons=reasons)}, elsewhere=())
    assert hear("a giraffe", other).kind == "short"
    assert hear("zebra1x", other).reason == short.reasons[1].id
    assert not hear("I lost my phone in prison", other).kind
    assert not hear("reset my password", other).elsewhere
    assert choice_in("zebra0x", [(one.id, one.title, one.words) for one in reasons]) == reasons[0].id


TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(EVERY), max_size=4).map(" ".join))


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("MFA-7K3Q-9XDM " * 50)
def test_any_text_is_taken_without_an_error(text: str) -> None:
    heard = understood(text)
    assert not heard.get("reason") or POLICY.kinds[heard["kind"]].reason(heard["reason"])
    assert 2 <= len(likely(text, agent=True)) <= 3
    corrects(text)
    corrected_by(text)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(EVERY), st.sampled_from(["", " ", "\n", "  \t"]), st.sampled_from(["", " ", "!", "...", " \n"]))
def test_case_spaces_and_marks_at_the_ends_change_nothing(text: str, before: str, after: str) -> None:
    if "?" not in text and "@" not in text:
        assert understood(f"{before}{text}{after}") == understood(text)
    said = understood(text)
    names = {"whom", "who", "kind", "reason"} if not said.get("command") else set()
    for changed in (text.upper(), text.lower()):
        again = understood(changed)
        if said.get("whom", "").islower() or not said.get("whom"):
            assert {key: value for key, value in again.items() if key not in names} == {
                key: value for key, value in said.items() if key not in names
            }
            assert again.get("reason") == said.get("reason")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(
        ["lost ", "a@", "a.", "not ", "for Jane Smith ", "MFA-", "@ ", "mailbox ", "-- ", "x" * 40, "site Z9 ", "\n"]
    )
)
def test_a_very_long_text_is_quick(piece: str) -> None:
    began = process_time()
    understood(piece * (100_000 // len(piece)))
    assert process_time() - began < 0.5


def test_everyday_words_are_not_taken_for_ours() -> None:
    phrases = Phrases({"x": ("lost", "stolen", "broken", "prompt", "phone", "signal", "theft", "approve")})
    for word in (*EVERYDAY, "cost", "post", "last", "prove", "token", "phones"):
        assert phrases.put_right(word) in (word, "phone")
    for word, right in (
        ("lsot", "lost"),
        ("losst", "lost"),
        ("stollen", "stolen"),
        ("singal", "signal"),
        ("hpone", "phone"),
    ):
        assert phrases.put_right(word) == right
    assert words_in("I can not, I CAN'T; cannot") == ["i", "cant", "|", "i", "cant", "|", "cant"]
