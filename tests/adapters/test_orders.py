"""Effects as jobs: each comes out of the queue as it went in, and in its lane."""

from typing import get_args

import pytest

from adapters.jobs.orders import effect_of, order
from domain.effects import (
    START,
    Alarm,
    Audience,
    Effect,
    End,
    Grant,
    Notice,
    Purge,
    Refresh,
    RevokeSessions,
    ShowDrift,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)

REFERENCE, ANNA, HELEN = "MFA-7K3Q-9XDM", "anna", "helen"
EFFECTS: list[Effect] = [
    Grant(REFERENCE, ANNA, "group"),
    End(REFERENCE, ANNA, "group"),
    RevokeSessions(REFERENCE, ANNA, START),
    Tell(REFERENCE, Notice.REMINDER, Audience.OTHER_OWNERS, "3600"),
    TellTogether(HELEN, Notice.EVIDENCE_WANTED),
    WriteToMailbox(REFERENCE, "2"),
    ShowHelpdesk(REFERENCE, "1"),
    Alarm(REFERENCE, "stuck", "1"),
    Warn("privileged", HELEN, ANNA, "2026-11-24"),
    ShowDrift("stranger:group:anna"),
    Refresh(REFERENCE),
    Purge(REFERENCE),
]


def test_there_is_one_of_each() -> None:
    assert {type(one) for one in EFFECTS} == set(get_args(Effect))


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
def test_an_effect_comes_out_as_it_went_in(effect: Effect) -> None:
    assert effect_of(order(effect).args) == effect


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
def test_a_field_that_a_newer_version_added_stops_no_older_worker(effect: Effect) -> None:
    assert effect_of(order(effect).args | {"added_later": "1"}) == effect


def test_only_what_changes_who_is_exempt_is_brought_forward() -> None:
    assert [type(effect) for effect in EFFECTS if order(effect).urgent] == [Grant, End]


def test_what_changes_one_membership_goes_one_after_the_other_and_holds_up_no_other() -> None:
    end = order(End(REFERENCE, ANNA, "group")).lock
    assert order(Grant("MFA-2222-2222", ANNA, "group")).lock == end
    assert end not in (order(End("MFA-2222-2222", ANNA, "other")).lock, order(End(REFERENCE, HELEN, "group")).lock)
    assert order(End(REFERENCE, ANNA)).lock == order(Grant(REFERENCE, ANNA)).lock, "as an older version wanted it"


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
def test_no_two_effects_that_differ_wait_as_one(effect: Effect) -> None:
    keys = [order(one).key for one in EFFECTS]
    assert keys.count(order(effect).key) == 1


def test_what_is_told_together_waits_for_nothing_but_the_same_for_the_same_person() -> None:
    one, lanes = TellTogether(HELEN, Notice.EVIDENCE_WANTED), [order(effect).lock for effect in EFFECTS]
    assert lanes.count(order(one).lock) == 1
    others = TellTogether(ANNA, Notice.EVIDENCE_WANTED), TellTogether(HELEN, Notice.LAPSED)
    assert order(one).lock not in [order(other).lock for other in others]
