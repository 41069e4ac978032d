"""Pages: `$top`, the link to the next one, and counting."""

import base64
from pathlib import Path

import pytest

from tests.sandbox.running import EVENTUAL, Answer, Caller, running
from tests.sandbox.tenants import HELPDESK, PEOPLE, person, tenant


async def _pages(graph: Caller, first: Answer) -> list[Answer]:
    pages = [first]
    while link := pages[-1].json.get("@odata.nextLink"):
        pages.append(await graph.ask("GET", link))
    return pages


async def test_a_second_page_is_linked_until_there_is_no_more(graph: Caller) -> None:
    pages = await _pages(graph, await graph.get("/users", top="3"))
    assert [len(page.json["value"]) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page.ids] == [one["id"] for one in PEOPLE]


@pytest.mark.parametrize("top", ["7", "8", "999", "007"])
async def test_what_fits_on_a_page_has_no_link(graph: Caller, top: str) -> None:
    page = await graph.get("/users", top=top)
    assert len(page.json["value"]) == 7
    assert "@odata.nextLink" not in page.json


async def test_a_page_has_a_hundred_people_unless_it_is_asked_for_more(tmp_path: Path) -> None:
    crowd = [person(f"u{number:03}", f"Person {number}", groups=["helpdesk"]) for number in range(250)]
    async with running(tenant(tmp_path, users=crowd), tmp_path) as graph:
        for path in ("/users", f"/groups/{HELPDESK}/members", f"/groups/{HELPDESK}/members/$ref"):
            pages = await _pages(graph, await graph.get(path))
            assert [len(page.json["value"]) for page in pages] == [100, 100, 50], path
        pages = await _pages(graph, await graph.get("/users"))
        assert [one for page in pages for one in page.ids] == [one["id"] for one in crowd]
        assert len((await graph.get("/users", top="250")).json["value"]) == 250


async def test_the_link_keeps_what_was_asked_for(graph: Caller) -> None:
    first = await graph.get("/users", top="1", filter="startswith(displayName,'Siobhan O''N')", select="id,displayName")
    assert first.json["value"] == [{"id": "siobhan", "displayName": "Siobhan O'Neill"}]
    wide = await graph.get("/users", top="2", filter="displayName ne 'a+b & c'", headers=EVENTUAL, count="true")
    link = wide.json["@odata.nextLink"]
    assert link.startswith(f"{graph.sandbox.graph_url}/users?")
    second = await graph.ask("GET", link, headers=EVENTUAL)
    assert second.ids == ["siobhan", "farah"]
    assert second.json["@odata.count"] == 7


@pytest.mark.parametrize("top", ["0", "-1", "1000", "0000005000", "1e2", "ten", "", "٣", "1.0", "9" * 5000])
async def test_a_wrong_page_size_is_refused_in_graphs_way(graph: Caller, top: str) -> None:
    status, code, message = (await graph.get("/users", top=top)).error
    assert (status, code) == (400, "Request_BadRequest")
    assert message == f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."


@pytest.mark.parametrize("start", ["-3", "1_0", " 5", "", "five", "9" * 40])
async def test_a_skip_token_of_ones_own_making_is_refused(graph: Caller, start: str) -> None:
    token = base64.urlsafe_b64encode(start.encode()).decode() or "="
    assert (await graph.get("/users", skiptoken=token)).error[0] == 400


@pytest.mark.parametrize("token", ["x", "!!!!", "é", "MQ", "%%"])
async def test_a_broken_skip_token_is_refused(graph: Caller, token: str) -> None:
    assert (await graph.get("/users", skiptoken=token)).error == (
        400,
        "Request_BadRequest",
        "Skip token is null, invalid or has expired.",
    )


async def test_a_skip_token_beyond_the_end_gives_an_empty_page(graph: Caller) -> None:
    page = await graph.get("/users", skiptoken=base64.urlsafe_b64encode(b"100").decode())
    assert page.ids == []
    assert "@odata.nextLink" not in page.json


async def test_pages_are_counted_only_for_those_who_take_late_answers(graph: Caller) -> None:
    assert (await graph.get("/users", headers=EVENTUAL, count="true", top="2")).json["@odata.count"] == 7
    assert (await graph.get("/users", headers={"consistencylevel": "Eventual"}, count="TRUE")).json["@odata.count"] == 7
    assert "@odata.count" not in (await graph.get("/users", count="true")).json
    assert "@odata.count" not in (await graph.get("/users", headers=EVENTUAL, count="false")).json


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/users/$count", "7"),
        ("/groups/$count", "4"),
        (f"/groups/{HELPDESK}/members/$count", "2"),
        (f"/groups/{HELPDESK}/transitiveMembers/$count", "2"),
    ],
)
async def test_a_bare_count_is_text_and_needs_the_header(graph: Caller, path: str, number: str) -> None:
    counted = await graph.get(path, headers=EVENTUAL)
    assert (counted.status, counted.headers["Content-Type"].split(";")[0], counted.text) == (200, "text/plain", number)
    assert (await graph.get(path)).error == (400, "Request_BadRequest", "$count is not currently supported.")


async def test_a_bare_count_follows_the_filter(graph: Caller) -> None:
    assert (await graph.get("/users/$count", headers=EVENTUAL, filter="accountEnabled eq false")).text == "1"
    leads = f"/groups/{HELPDESK}/members/$count"
    assert (await graph.get(leads, headers=EVENTUAL, filter="startswith(displayName,'Meera')")).text == "1"
    assert (await graph.get("/users/$count", headers=EVENTUAL, search='"displayName:zoe"')).text == "1"
