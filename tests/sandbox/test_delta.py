"""Graph's delta of groups: everybody first, in pages, and then only what has changed."""

from typing import Any

import pytest

from tests.sandbox.running import Caller
from tests.sandbox.tenants import HELPDESK, LONG, SHORT

BOTH = f"id eq '{SHORT}' or id eq '{HELPDESK}'"
GONE = {"reason": "deleted"}


async def put(graph: Caller, user: str, action: str = "add", group: str = "exempt_short") -> None:
    await graph.door("POST", "members", {"group": group, "user": user, "action": action})


async def first(graph: Caller, groups: str = BOTH, **headers: str) -> Any:
    return (await graph.get("/groups/delta", headers=headers, select="id,members", filter=groups)).json


def members(body: Any) -> dict[str, list[str]]:
    """By group; with a minus those who were removed."""
    return {
        row["id"]: [f"-{one['id']}" if one.get("@removed") == GONE else one["id"] for one in row["members@delta"]]
        for row in body["value"]
        if "members@delta" in row
    }


async def test_at_first_everybody_is_listed_and_groups_without_members_too(graph: Caller) -> None:
    body = await first(graph)
    assert [row["id"] for row in body["value"]] == [HELPDESK, SHORT]
    assert members(body) == {HELPDESK: ["gareth", "meera"]}
    assert "@odata.nextLink" not in body


async def test_then_only_what_has_changed_since_and_only_how_it_ended(graph: Caller) -> None:
    link = (await first(graph))["@odata.deltaLink"]
    await put(graph, "anna")
    await put(graph, "zoe")
    await put(graph, "zoe", "remove")
    await put(graph, "meera", "remove", "helpdesk")
    await put(graph, "anna", group="exempt_long")
    body = (await graph.ask("GET", link)).json
    assert members(body) == {HELPDESK: ["-meera"], SHORT: ["anna", "-zoe"]}
    again = (await graph.ask("GET", body["@odata.deltaLink"])).json
    assert again["value"] == []
    assert members((await graph.ask("GET", link)).json) == members(body)


async def test_many_come_in_pages_and_nobody_is_left_out_who_was_there_all_the_time(graph: Caller) -> None:
    for user in ("anna", "cher", "gareth", "meera", "siobhan", "zoe"):
        await put(graph, user)
    found: list[str] = []
    body = await first(graph, f"id eq '{SHORT}'", Prefer="odata.maxpagesize=2")
    found += members(body)[SHORT]
    await put(graph, "anna", "remove")
    while "@odata.nextLink" in body:
        body = (await graph.ask("GET", body["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"})).json
        found += members(body).get(SHORT, [])
    assert found == ["anna", "cher", "gareth", "meera", "siobhan", "zoe"]
    assert members((await graph.ask("GET", body["@odata.deltaLink"])).json) == {SHORT: ["-anna"]}


async def test_a_token_from_before_a_reset_is_too_old_and_a_spoilt_one_is_refused(graph: Caller) -> None:
    await put(graph, "anna")
    link = (await first(graph))["@odata.deltaLink"]
    await graph.door("POST", "reset")
    assert (await graph.ask("GET", link)).error[:2] == (410, "syncStateNotFound")
    assert (await graph.ask("GET", link[:-4])).error[0] in (400, 410)
    assert (await graph.ask("GET", "/v1.0/groups/delta?$deltatoken=nonsense")).error[:2] == (400, "Request_BadRequest")


@pytest.mark.parametrize("filtered", ["displayName eq 'x'", "id eq x", f"id eq '{LONG}' and id eq '{SHORT}'"])
async def test_only_groups_by_their_ids_can_be_asked_for(graph: Caller, filtered: str) -> None:
    answer = await graph.get("/groups/delta", filter=filtered)
    assert answer.error[:2] == (400, "Request_UnsupportedQuery")
