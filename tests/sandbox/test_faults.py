"""Faults on demand: which calls they hit, how often, and what goes out."""

import asyncio
from typing import Any

import pytest

from tests.sandbox.running import Caller
from tests.sandbox.tenants import SHORT


async def _statuses(graph: Caller, times: int, path: str = "/users/anna") -> list[int]:
    return [(await graph.get(path)).status for _ in range(times)]


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [(5, "5"), (0, "0"), (1_000_000, "1000000"), (2.0, "2"), (0.5, "0.5"), ("7", "7"),
     ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")],
)  # fmt: skip
async def test_throttling_says_when_to_try_again(graph: Caller, retry_after: Any, header: str) -> None:
    await graph.door("POST", "faults", {"path": "/v1.0/users/*", "status": 429, "retry_after": retry_after})
    throttled = await graph.get("/users/anna")
    assert throttled.error == (429, "TooManyRequests", "Too many requests. Try again later.")
    assert throttled.headers["Retry-After"] == header
    assert (await graph.get("/users/anna")).status == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "Request_BadRequest"), (401, "InvalidAuthenticationToken"), (403, "Authorization_RequestDenied"),
     (404, "Request_ResourceNotFound"), (418, "UnknownError"), (500, "InternalServerError"), (502, "BadGateway"),
     (503, "ServiceUnavailable"), (504, "GatewayTimeout"), (599, "UnknownError")],
)  # fmt: skip
async def test_each_status_comes_in_graphs_envelope(graph: Caller, status: int, code: str) -> None:
    await graph.door("POST", "faults", {"status": status})
    answer = await graph.get("/users/anna", headers={"client-request-id": "mine"})
    assert answer.error[:2] == (status, code)
    assert answer.headers["client-request-id"] == "mine"
    assert "Retry-After" not in answer.headers


async def test_a_fault_happens_as_often_as_it_was_asked_for(graph: Caller) -> None:
    await graph.door("POST", "faults", {"status": 503, "times": 2})
    assert await graph.door("GET", "faults") == [
        {"path": "*", "method": "*", "status": 503, "retry_after": None, "times": 2, "delay": 0, "body": None}
    ]
    assert await _statuses(graph, 1) == [503]
    assert [fault["times"] for fault in await graph.door("GET", "faults")] == [1]
    assert await _statuses(graph, 2) == [503, 200]
    assert await graph.door("GET", "faults") == []


async def test_faults_happen_in_the_order_in_which_they_were_asked_for(graph: Caller) -> None:
    await graph.door("POST", "faults", [{"status": 500}, {"path": "/v1.0/groups", "status": 504}])
    await graph.door("POST", "faults", {"status": 502})
    assert await _statuses(graph, 3) == [500, 502, 200]
    assert await _statuses(graph, 2, "/groups") == [504, 200]


async def test_a_failed_call_changes_nothing(graph: Caller) -> None:
    await graph.door("POST", "faults", {"method": "post", "status": 503})
    body = {"@odata.id": f"{graph.sandbox.graph_url}/users/anna"}
    assert (await graph.post(f"/groups/{SHORT}/members/$ref", body)).status == 503
    assert (await graph.get(f"/groups/{SHORT}/members")).ids == []


async def test_a_delay_without_a_status_carries_the_call_out_even_for_a_caller_who_gives_up(graph: Caller) -> None:
    await graph.door("POST", "faults", {"method": "POST", "path": f"/groups/{SHORT}/*", "delay": 600})
    body = {"@odata.id": f"{graph.sandbox.graph_url}/users/anna"}
    waiting = asyncio.create_task(graph.post(f"/groups/{SHORT}/members/$ref", body))
    while not (await graph.get(f"/groups/{SHORT}/members")).ids:
        assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await graph.get(f"/groups/{SHORT}/members")).ids == ["anna"]


async def test_a_short_delay_gives_the_usual_answer(graph: Caller) -> None:
    await graph.door("POST", "faults", [{"delay": 0.01}, {"delay": 0.01, "status": 503}])
    assert await _statuses(graph, 3) == [200, 503, 200]


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("body", ["<h1>Proxy – 🙂</h1>", "", "{"])
async def test_a_body_is_sent_as_it_is(graph: Caller, status: int, body: str) -> None:
    await graph.door("POST", "faults", {"status": status, "body": body, "retry_after": 3})
    answer = await graph.get("/users/anna")
    assert (answer.status, answer.text, answer.headers["Retry-After"]) == (status, body, "3")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("status", [200, 204, 302, 304])
async def test_a_status_that_is_no_error_goes_out_empty(graph: Caller, status: int) -> None:
    await graph.door("POST", "faults", {"status": status})
    answer = await graph.ask("GET", "/v1.0/users/anna", allow_redirects=False)
    assert (answer.status, answer.text) == (status, "")


@pytest.mark.parametrize(
    ("path", "hit"),
    [
        ("*", True),
        ("/v1.0/users/anna", True),
        ("/users/anna", True),
        ("/V1.0/USERS/Anna", True),
        ("/v1.0/users", True),
        ("/users/ann?", True),
        ("/users/*", True),
        ("*/anna", True),
        ("/users/[ab]*", True),
        ("/users/zoe", False),
        ("*/users", False),
        ("/sandbox/*", False),
        ("/users/anna/*", False),
    ],
)
async def test_a_path_is_whole_or_a_beginning_or_a_pattern(graph: Caller, path: str, hit: bool) -> None:
    await graph.door("POST", "faults", {"path": path, "status": 503})
    assert await _statuses(graph, 1) == [503 if hit else 200]


async def test_a_method_is_matched_in_either_case_and_doors_are_never_hit(graph: Caller) -> None:
    await graph.door("POST", "faults", {"method": "delete", "status": 503})
    assert await _statuses(graph, 1) == [200]
    assert (await graph.delete("/users/anna")).status == 503
    await graph.door("POST", "faults", {"status": 503})
    assert len(await graph.door("GET", "faults")) == 1
    await graph.door("DELETE", "faults")
    assert await _statuses(graph, 1) == [200]
