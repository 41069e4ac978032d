"""The directory audit: who was added to a group and removed, by whom; and the door that changes members."""

import pytest

from tests.sandbox.running import Caller
from tests.sandbox.tenants import HELPDESK, SHORT

AUDITS = "/auditLogs/directoryAudits"


async def test_what_an_application_changes_is_written_down_as_its_own(graph: Caller) -> None:
    reference = f"{graph.sandbox.graph_url}/directoryObjects/anna"
    await graph.door("POST", "clock", {"set": "2031-05-06T07:00:00Z"})
    await graph.post(f"/groups/{SHORT}/members/$ref", {"@odata.id": reference})
    await graph.delete(f"/groups/{SHORT}/members/anna/$ref")
    removed, added = (await graph.get(AUDITS)).json["value"]
    assert (added["activityDisplayName"], removed["activityDisplayName"]) == (
        "Add member to group",
        "Remove member from group",
    )
    assert added["activityDateTime"].startswith("2031-05-06T07:00:")
    assert added["initiatedBy"]["user"] is None
    assert added["initiatedBy"]["app"]["displayName"] == "MFA exceptions"
    assert [(one["type"], one["id"]) for one in added["targetResources"]] == [("User", "anna"), ("Group", SHORT)]
    assert added["targetResources"][0]["modifiedProperties"][0]["newValue"] == f'"{SHORT}"'


async def test_what_somebody_changes_by_the_door_bears_their_name(graph: Caller) -> None:
    change = {"group": "exempt_short", "user": "anna@nhs.example", "action": "add"}
    assert (await graph.door("POST", "members", change | {"by": "Sam Price"}))["members"] == ["anna"]
    assert (await graph.door("POST", "members", change | {"user": "zoe", "by": "meera"}))["members"] == ["anna", "zoe"]
    assert (await graph.door("POST", "members", change | {"action": "remove"}))["members"] == ["zoe"]
    by = [row["initiatedBy"]["user"]["displayName"] for row in (await graph.get(AUDITS)).json["value"]]
    assert by == ["Somebody in Entra", "Meera Patel", "Sam Price"]
    assert (await graph.get("/users/zoe/memberOf")).ids == [SHORT]


async def test_what_changes_nothing_is_not_written_down(graph: Caller) -> None:
    change = {"group": HELPDESK, "user": "meera", "action": "add"}
    await graph.door("POST", "members", change)
    await graph.door("POST", "members", change | {"user": "anna", "action": "remove"})
    assert (await graph.get(AUDITS)).json["value"] == []


async def test_entries_are_found_by_whom_and_what_and_when(graph: Caller) -> None:
    for user in ("anna", "zoe"):
        await graph.door("POST", "members", {"group": SHORT, "user": user, "action": "add"})
    await graph.door("POST", "members", {"group": SHORT, "user": "anna", "action": "remove"})
    about = "targetResources/any(t:t/id eq 'anna')"
    assert len((await graph.get(AUDITS, filter=about)).json["value"]) == 2
    wanted = f"activityDisplayName eq 'Add member to group' and {about}"
    [row] = (await graph.get(AUDITS, filter=wanted, top="1")).json["value"]
    assert row["targetResources"][0]["id"] == "anna"
    assert (await graph.get(AUDITS, filter="activityDateTime ge 2100-01-01T00:00:00Z")).json["value"] == []
    oldest = (await graph.get(AUDITS, orderby="activityDateTime")).json["value"]
    assert [one["targetResources"][0]["id"] for one in oldest] == ["anna", "zoe", "anna"]
    for nonsense in ("nonsense", "activityDateTime ge yesterday"):
        assert (await graph.get(AUDITS, filter=nonsense)).error[0] == 400


async def test_a_reset_forgets_what_was_written_down(graph: Caller) -> None:
    await graph.door("POST", "members", {"group": SHORT, "user": "anna", "action": "add"})
    await graph.door("POST", "reset")
    assert (await graph.get(AUDITS)).json["value"] == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"group": "exempt_short", "user": "anna"},
        {"group": "exempt_short", "user": "anna", "action": "delete"},
        {"group": "exempt_short", "user": "anna", "action": "add", "by": 5},
        {"group": "exempt_short", "user": "anna", "action": "add", "more": 1},
        {"group": "no such group", "user": "anna", "action": "add"},
        {"group": "exempt_short", "user": "nobody", "action": "add"},
    ],
)
async def test_the_door_says_what_it_takes(graph: Caller, body: object) -> None:
    assert await graph.refusal("members", body)
    assert (await graph.door("GET", "members"))["exempt_short"] == []
