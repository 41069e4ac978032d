"""The doors under /sandbox: calls in order, the start again, and the page that says what there is."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import Caller, running
from tests.sandbox.tenants import GROUPS, HELPDESK, SHORT, tenant
from tests.sandbox.test_mailboxes import mail


async def _calls(graph: Caller) -> list[tuple[str, str, int]]:
    return [(call["method"], call["path"], call["status"]) for call in await graph.door("GET", "calls")]


async def test_graph_calls_are_listed_in_order_with_their_status(graph: Caller) -> None:
    await graph.get("/users/anna")
    await graph.get("/users/nobody")
    await graph.door("POST", "faults", {"status": 503})
    await graph.delete(f"/groups/{SHORT}/members/anna/$ref")
    await graph.get("/unicorns")
    await graph.get("/users", filter="nonsense")
    await graph.get("/users", headers={"Authorization": ""})
    assert await _calls(graph) == [
        ("GET", "/v1.0/users/anna", 200),
        ("GET", "/v1.0/users/nobody", 404),
        ("DELETE", f"/v1.0/groups/{SHORT}/members/anna/$ref", 503),
        ("GET", "/v1.0/unicorns", 400),
        ("GET", "/v1.0/users", 400),
        ("GET", "/v1.0/users", 401),
    ]


async def test_a_call_is_listed_with_its_query_its_id_and_the_tenants_time(graph: Caller) -> None:
    await graph.door("POST", "clock", {"set": "2031-05-06T07:00:00Z"})
    await graph.get("/users", headers={"client-request-id": "mine"}, top="1", filter="displayName eq 'Zoë'")
    [call] = await graph.door("GET", "calls")
    assert call.pop("at").startswith("2031-05-06T07:00:")
    assert call == {
        "method": "GET",
        "path": "/v1.0/users",
        "query": "$top=1&$filter=displayName eq 'Zoë'",
        "status": 200,
        "client-request-id": "mine",
    }


async def test_only_the_newest_calls_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.calls._MOST_CALLS", 3)
    async with running(tenant(tmp_path), tmp_path) as graph:
        for number in range(5):
            await graph.get(f"/users/{number}")
        assert [path for _, path, _ in await _calls(graph)] == [f"/v1.0/users/{number}" for number in (2, 3, 4)]


async def test_a_call_that_is_still_waited_for_is_listed_without_a_status(graph: Caller) -> None:
    await graph.door("POST", "faults", {"delay": 600})
    waiting = asyncio.create_task(graph.get("/users"))
    while not (calls := await graph.door("GET", "calls")):
        assert not waiting.done()
    assert calls[0]["status"] is None
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_reset_goes_back_to_what_the_file_says(graph: Caller) -> None:
    reference = {"@odata.id": f"{graph.sandbox.graph_url}/users/anna"}
    assert (await graph.post(f"/groups/{SHORT}/members/$ref", reference)).status == 204
    assert (await graph.delete(f"/groups/{HELPDESK}/members/gareth/$ref")).status == 204
    assert (await graph.delete("/users/meera")).status == 204
    assert (await graph.post("/users/anna/sendMail", {"message": mail("s", "a@b.example")})).status == 202
    await graph.door("POST", "clock", {"set": "2031-05-06T07:00:00Z"})
    await graph.door("POST", "faults", {"status": 503, "times": 9})
    answer = await graph.ask("POST", "/sandbox/reset")
    assert (answer.status, answer.text) == (204, "")
    for door in ("faults", "mail", "calls"):
        assert await graph.door("GET", door) == []
    assert not (await graph.door("GET", "clock"))["now"].startswith("2031")
    members = await graph.door("GET", "members")
    assert {name: [one["id"] for one in people] for name, people in members.items()} == {
        "helpdesk": ["gareth", "meera"],
        "leads": ["meera"],
        "exempt_short": [],
        "exempt_long": [],
    }
    assert (await graph.get("/users/meera")).status == 200


async def test_the_doors_need_no_token_and_are_no_graph_calls(graph: Caller) -> None:
    for door in ("clock", "faults", "mail", "calls", "members", "identity"):
        assert (await graph.ask("GET", f"/sandbox/{door}", headers={"Authorization": ""})).status == 200
    assert await graph.door("GET", "calls") == []


async def test_members_are_shown_by_the_files_own_names(graph: Caller) -> None:
    assert list(await graph.door("GET", "members")) == list(GROUPS)


@pytest.mark.parametrize("path", ["/", "/sandbox", "/sandbox/"])
async def test_a_page_says_what_there_is(graph: Caller, path: str) -> None:
    page = await graph.ask("GET", path)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for part in ("<th scope=row>helpdesk<td>Gareth Lloyd, Meera Patel", "<th scope=row>leads<td>Meera Patel",
                 "<th scope=row>exempt_short<td>nobody", "POST /sandbox/faults", "7 users"):  # fmt: skip
        assert part in page.text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sandbox/unicorns"), ("PUT", "/sandbox/clock"), ("GET", "/sandbox/reset")]
)
async def test_a_door_that_is_not_there_is_named_in_a_sentence(graph: Caller, method: str, path: str) -> None:
    answer = await graph.ask(method, path)
    sentence = f"There is no {method} {path}. GET /sandbox lists what there is."
    expected: Any = {"error": sentence}
    assert (answer.status, answer.json) == (404, expected)
