"""What the comparison of two runs sees: each fault is planted into an outcome that is otherwise the same."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.crash.outcome import Outcome, differences

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
