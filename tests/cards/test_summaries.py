"""What the activity feed and a locked screen show: enough by itself, and nothing that is private."""

import json
import re
from datetime import timedelta

import pytest

from cards import notices
from domain.effects import Audience, Notice
from domain.request import State
from services.show import still_says_so
from tests.builders import NOON, POLICY
from tests.cards.golden import FOLDER, WORDS
from tests.cards.states import requests

SHOWN = 100
"""About as many characters as a locked screen shows."""
SENT = ("notices.notice", "alarms.alarm", "alarms.attempt", "request.decision")
"""The cards that come by themselves."""
ALL = {
    f"{name}: {state}": kept["summary"]
    for name in SENT
    for state, kept in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")).items()
}
PRIVATE = [
    *(reason.title for kind in POLICY.kinds.values() for reason in kind.reasons),
    *(reason.follow_up for kind in POLICY.kinds.values() for reason in kind.reasons if reason.follow_up),
    "“",
]
SAYS = {
    Notice.ASKED_FOR_YOU: "asked for",
    Notice.EVIDENCE_WANTED: "Give evidence",
    Notice.EVIDENCE_REMINDER: "still missing",
    Notice.SENT_BACK: "needs more evidence",
    Notice.EVIDENCE_GIVEN: "helpdesk decides",
    Notice.WAITING_LONG: "Not decided",
    Notice.GRANTED: "is on until",
    Notice.REJECTED: "rejected",
    Notice.WITHDRAWN: "withdrawn",
    Notice.LAPSED: "lapsed",
    Notice.REMINDER: "ends in",
    Notice.HALF_WAY: "still needed?",
    Notice.METHOD_FOUND: "registered a new MFA method",
    Notice.UNUSUAL: "Unusual approval",
    Notice.ENDED: "MFA prompts are back",
}
WITH_A_DATE = {
    Notice.EVIDENCE_WANTED,
    Notice.EVIDENCE_REMINDER,
    Notice.SENT_BACK,
    Notice.GRANTED,
    Notice.REMINDER,
}


@pytest.mark.parametrize(("name", "summary"), ALL.items())
def test_each_is_a_few_plain_sentences(name: str, summary: str) -> None:
    assert summary.endswith("."), name
    assert ".." not in summary
    assert "?." not in summary
    assert not re.search(r"[\\*_#`~\n\[\]<>]", summary)
    assert len(summary) <= 2 * SHOWN


@pytest.mark.parametrize(("name", "summary"), ALL.items())
def test_none_tells_a_reason_or_what_somebody_wrote(name: str, summary: str) -> None:
    told = summary.replace(f"Refused: {WORDS} tried", "") if "attempt" in name else summary  # there it is the name
    assert not [one for one in [*PRIVATE, WORDS] if one in told]


@pytest.mark.parametrize("to", list(Audience))
@pytest.mark.parametrize("what", list(Notice))
def test_a_notice_says_what_happened_to_whom_and_until_when_before_a_screen_cuts_it(what: Notice, to: Audience) -> None:
    said = [
        (one, notices.notice(one, what, to, POLICY, NOON + timedelta(days=4)).summary)
        for _, one in requests()
        if still_says_so(one, what)
    ]
    assert said
    for one, summary in said:
        start = summary[:SHOWN]
        assert len(summary) <= SHOWN + 10
        assert ("could not be started" if one.never_confirmed else SAYS[what]) in summary[:80]
        about_me = to is Audience.SUBJECT or what in (Notice.ASKED_FOR_YOU, Notice.METHOD_FOUND)
        to_me = about_me and re.search(r"\byour?\b", start, re.IGNORECASE)
        assert to_me or "Sam Price" in start
        assert what not in WITH_A_DATE or re.search(r"\d [A-Z][a-z]+ 20\d\d", summary)


def test_what_the_helpdesk_gets_names_the_request_and_what_to_do() -> None:
    for name, summary in ALL.items():
        if name.startswith(("alarms.alarm", "request.decision")):
            assert "Sam Price" in summary[:60], name
            assert "MFA-7K3Q-9XDM" in summary[:SHOWN], name
        if name.startswith("alarms"):
            start = summary.replace(WORDS, "Sam Price")[: SHOWN + 10]
            assert re.search(r"\. (The|Open|Ask|Tell|Send|Nothing)\b", start), name
    waiting = [
        one for name, one in ALL.items() if name.startswith("request.decision") and State.AWAITING_DECISION in name
    ]
    assert waiting
    assert all(one.endswith("and decide.") for one in waiting)
