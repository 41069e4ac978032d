"""Faults that make no sense are answered with a sentence, and none of them happens."""

from typing import Any

import pytest

from tests.sandbox.running import Caller

_KEYS = "path, method, status, retry_after, times, delay, body"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({}, "Say what should happen: a status from 200 to 599, a delay in seconds, or both."),
        ({"path": "/users"}, "Say what should happen: a status from 200 to 599, a delay in seconds, or both."),
        (
            {"status": None, "delay": 0},
            "Say what should happen: a status from 200 to 599, a delay in seconds, or both.",
        ),
        ({"stat": 503}, f"stat is not known. Write one of: {_KEYS}."),
        ({"status": 503, "retry-after": 5}, f"retry-after is not known. Write one of: {_KEYS}."),
        ({"status": 199}, "status: input should be greater than or equal to 200."),
        ({"status": 600}, "status: input should be less than or equal to 599."),
        ({"status": "bad"}, "status: input should be a valid integer, unable to parse string as an integer."),
        ({"status": 503, "times": 0}, "times: input should be greater than or equal to 1."),
        ({"status": 503, "times": 1.5}, "times: input should be a valid integer, got a number with a fractional part."),
        ({"status": 503, "delay": -1}, "delay: input should be greater than or equal to 0."),
        ({"status": 503, "delay": 601}, "delay: input should be less than or equal to 600."),
        ({"status": 503, "retry_after": -1}, "retry_after: input should be greater than or equal to 0."),
        ({"status": 503, "path": ""}, "path: string should have at least 1 character."),
        ({"status": 503, "path": "groups"}, "path: begin it with / or *, as in /v1.0/groups/* or */sendMail."),
        ({"status": 503, "path": 5}, "path: input should be a valid string."),
        ({"status": 503, "body": {}}, "body: input should be a valid string."),
        ({"delay": 1, "body": "x"}, "Add a status: retry_after and body go out only with one."),
        ({"delay": 1, "retry_after": 5}, "Add a status: retry_after and body go out only with one."),
        (
            {"status": 503, "method": "GTE"},
            "method: GTE is not known. Write one of: *, GET, POST, PATCH, PUT, DELETE, HEAD, OPTIONS.",
        ),
    ],
)
async def test_a_bad_fault_is_answered_with_a_sentence(graph: Caller, fault: dict[str, Any], sentence: str) -> None:
    assert await graph.refusal("faults", fault) == sentence
    assert await graph.door("GET", "faults") == []


@pytest.mark.parametrize("body", [None, 5, "503", [], [5], [[{"status": 503}]]])
async def test_what_is_no_object_is_answered_with_an_example(graph: Caller, body: Any) -> None:
    sentence = await graph.refusal("faults", body)
    assert sentence == 'Send a JSON object, as in {"path": "/v1.0/groups", "status": 503, "times": 2}.'


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 200_000])
async def test_what_is_no_json_is_answered_with_an_example(graph: Caller, data: bytes) -> None:
    answer = await graph.ask("POST", "/sandbox/faults", data=data)
    assert (answer.status, answer.json["error"][:18]) == (400, "Send a JSON object")


@pytest.mark.parametrize(
    "text",
    ['{"status": 503, "retry_after": Infinity}', '{"status": 503, "retry_after": 1e400}', '{"delay": NaN}',
     '{"status": 503, "retry_after": NaN}', '{"status": 503, "retry_after": "a\\r\\nb: c"}', '{"status": 1e400}',
     '{"status": 503, "retry_after": "é"}', '{"status": 503, "body": "\\ud800"}', '{"status": 503, "retry_after": ""}'],
)  # fmt: skip
async def test_what_cannot_be_sent_is_refused_before_it_is_needed(graph: Caller, text: str) -> None:
    answer = await graph.ask("POST", "/sandbox/faults", data=text)
    assert (answer.status, answer.json["error"][-1]) == (400, ".")
    assert await graph.door("GET", "faults") == []


async def test_one_bad_fault_in_a_list_refuses_the_list(graph: Caller) -> None:
    sentence = await graph.refusal("faults", [{"status": 503}, {"status": 1}])
    assert sentence == "status: input should be greater than or equal to 200."
    assert await graph.door("GET", "faults") == []
