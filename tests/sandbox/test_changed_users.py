"""Somebody changes after the tenant file was read: disabled, an administrator, with other methods."""

from pathlib import Path

import pytest

from tests.sandbox.running import Caller, running
from tests.sandbox.tenants import tenant


async def first_user(graph: Caller) -> dict[str, object]:
    answer = await graph.get("/users", top="1", select="id,userPrincipalName,accountEnabled")
    user: dict[str, object] = answer.json["value"][0]
    return user


async def test_a_change_is_seen_through_graph_and_taken_back_by_a_reset(graph: Caller) -> None:
    user = await first_user(graph)
    change = {"user": user["userPrincipalName"], "enabled": False, "privileged": True, "methods": ["phone"]}
    assert (await graph.door("POST", "users", change))["methods"] == ["phone"]
    assert (await first_user(graph))["accountEnabled"] is False
    methods = await graph.get(f"/users/{user['id']}/authentication/methods")
    assert [one["@odata.type"] for one in methods.json["value"]] == ["#microsoft.graph.phoneAuthenticationMethod"]
    await graph.door("POST", "users", {"user": user["id"], "enabled": True})
    assert (await first_user(graph))["accountEnabled"] is True
    await graph.door("POST", "reset", {})
    assert await first_user(graph) == user


async def test_a_change_outlives_a_restart(tmp_path: Path) -> None:
    async with running(tenant(tmp_path), tmp_path / "data") as graph:
        user = await first_user(graph)
        await graph.door("POST", "users", {"user": user["id"], "enabled": False})
    async with running(tenant(tmp_path), tmp_path / "data") as graph:
        assert (await first_user(graph))["accountEnabled"] is False


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"user": "nobody@nhs.example"},
        {"user": 5},
        {"user": "x", "enabled": "no"},
        {"user": "x", "y": 1},
        {"user": "x", "methods": ["../x"]},
    ],
)
async def test_a_bad_change_is_refused_with_a_sentence(graph: Caller, body: object) -> None:
    assert len(await graph.refusal("users", body)) > 20
