"""What the comparison of two runs sees: each fault is planted into an outcome that is otherwise the same."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.crash import trial
from tests.crash.outcome import Outcome, differences
from tests.crash.trial import Result, Trial

GOOD = Outcome(
    requests=[{"state": "active", "ends_at": "(a moment)", "next_due": "(a moment)", "lasts": 1440}],
    members={"exempt_short": ["Anna Baker"]},
    audit=Counter({'{"what": "approved"}': 1, '{"what": "read"}': 1}),
    notices={"(the reference):granted": "sent teams"},
    said=Counter({"anna It is on": 1, "bilal It is on": 1}),
)


def test_the_same_is_no_difference() -> None:
    assert differences(GOOD, GOOD) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"requests": [{**GOOD.requests[0], "ends_at": None, "next_due": None}]},
        {"requests": [{**GOOD.requests[0], "lasts": 1500}]},
        {"requests": [*GOOD.requests, *GOOD.requests]},
        {"members": {"exempt_short": []}},
        {"audit": GOOD.audit + Counter({'{"what": "approved"}': 1})},
        {"audit": GOOD.audit - Counter({'{"what": "read"}': 1})},
        {"audit": GOOD.audit + Counter({'{"what": "ended"}': 1})},
        {"notices": {"(the reference):granted": "sending "}},
        {"said": GOOD.said + Counter({"anna It is on": 1})},
        {"said": GOOD.said - Counter({"anna It is on": 1})},
        {"said": GOOD.said + Counter({"anna It is on": 1}), "repeats": Counter({"bilal It is on": 1})},
        {"said": GOOD.said + Counter({"anna It is on": 2}), "repeats": Counter({"anna It is on": 1})},
        {"broken": ("Entry 3 was removed.",)},
    ],
)
def test_what_went_wrong_is_seen(fault: Mapping[str, Any]) -> None:
    assert differences(replace(GOOD, **fault), GOOD)


@pytest.mark.parametrize(
    "allowed",
    [
        {"audit": GOOD.audit + Counter({'{"what": "read"}': 1})},
        {"said": GOOD.said + Counter({"anna It is on": 1}), "repeats": Counter({"anna It is on": 1})},
    ],
)
def test_what_is_read_again_or_counted_as_told_again_is_no_difference(allowed: Mapping[str, Any]) -> None:
    assert differences(replace(GOOD, **allowed), GOOD) == []


def result(*steps: str, killed: tuple[str, ...] = (), wrong: tuple[str, ...] = (), met_twice: bool = False) -> Result:
    return Result(Trial("long", 1, killed), None, steps, steps, killed, wrong, met_twice)


def test_a_sample_takes_each_kind_of_step_once_and_no_two_of_one_notice_in_one_run() -> None:
    steps = tuple(f"{job} {seam}#1" for job in ("Alarm", "Grant", "Tell", "turn") for seam in "abcdefg")
    runs = trial.sample({("long", 1): result(*steps), ("long", 2): result(*steps)})
    assert sorted(step for run in runs for step in run.kill_at) == sorted(steps)
    for run in runs:
        assert sum(step.startswith("Alarm") for step in run.kill_at) <= 1
        assert sum(step.startswith("Tell") for step in run.kill_at) <= 1


def test_what_is_wrong_where_crashes_met_in_one_notice_is_left_to_the_runs_of_each_alone() -> None:
    both = result(killed=("Tell a#1", "Tell b#1"), wrong=("unknown",), met_twice=True)
    assert trial.wrong([both, result()]) == []
    assert len(trial.wrong([both, result(killed=("Tell a#1",), wrong=("unknown",))])) == 1


def test_crashes_that_met_are_parted_what_went_wrong_is_tried_by_itself_and_what_was_not_met_once_more() -> None:
    steps = ("A write:before:x#1", "B write:before:x#1", "C write:before:x#1")

    def result(*killed: str, wrong: bool = False, met_twice: bool = False) -> Result:
        return Result(Trial("long", 2, steps), GOOD, steps, steps, killed, ("it",) if wrong else (), met_twice)

    def again(*results: Result, most: int = 8) -> list[tuple[str, ...]]:
        return [one.kill_at for one in trial._again(results, most)]

    assert again(result(*steps)) == []
    assert again(result(steps[0]), result(steps[1])) == [(steps[1], steps[2], steps[0], steps[2])]
    assert again(result(*steps, wrong=True)) == [(one,) for one in steps]
    assert again(result(*steps, wrong=True, met_twice=True)) == [(steps[0], steps[2]), (steps[1],)]
    assert again(result(*steps, wrong=True, met_twice=True), most=1) == [(one,) for one in steps]
    assert again(result(steps[0]), most=1) == [(steps[1],), (steps[2],)]
