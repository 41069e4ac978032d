"""Members of a group: listed, added and removed; and the DELETE that deletes the user."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.sandbox.running import EVENTUAL, Answer, Caller, running
from tests.sandbox.tenants import GROUPS, HELPDESK, LEADS, SHORT, tenant

MEMBERS = f"/groups/{SHORT}/members"


async def _add(graph: Caller, reference: object, group: str = SHORT) -> Answer:
    return await graph.post(f"/groups/{group}/members/$ref", {"@odata.id": reference})


async def test_groups_are_those_of_the_tenant_file(graph: Caller) -> None:
    assert (await graph.get("/groups")).ids == list(GROUPS.values())
    group = (await graph.get(f"/groups/{SHORT.upper()}")).json
    assert (group["id"], group["displayName"], group["securityEnabled"]) == (SHORT, "MFA exceptions, short term", True)
    assert (await graph.get("/groups/nobody")).error[:2] == (404, "Request_ResourceNotFound")


CASTS = [f"{way}/{cast}.user" for way in ("members", "transitiveMembers") for cast in ("microsoft.graph", "graph")]


@pytest.mark.parametrize("way", ["members", "transitiveMembers", *CASTS])
async def test_members_are_listed_with_their_type(graph: Caller, way: str) -> None:
    rows = (await graph.get(f"/groups/{HELPDESK}/{way}", headers=EVENTUAL, count="true")).json["value"]
    assert [(row["@odata.type"], row["id"], row["displayName"]) for row in rows] == [
        ("#microsoft.graph.user", "gareth", "Gareth Lloyd"),
        ("#microsoft.graph.user", "meera", "Meera Patel"),
    ]
    assert (await graph.get(f"/groups/nobody/{way}", headers=EVENTUAL, count="true")).error[0] == 404


@pytest.mark.parametrize("way", CASTS)
async def test_members_are_cast_to_a_type_only_as_an_advanced_query(graph: Caller, way: str) -> None:
    for how in ({}, {"headers": EVENTUAL}, {"count": "true"}):
        assert (await graph.get(f"/groups/{HELPDESK}/{way}", **how)).error[:2] == (400, "Request_UnsupportedQuery")


async def test_the_members_of_a_group_within_a_group_are_found_through_it(tmp_path: Path) -> None:
    """Two groups that hold each other, as Entra allows, are no trap."""
    nested = {"helpdesk": ["exempt_short"], "exempt_short": ["leads"], "leads": ["helpdesk"]}
    async with running(tenant(tmp_path, nested=nested), tmp_path / "data") as graph:
        for group, direct in ((HELPDESK, ["gareth", "meera"]), (LEADS, ["meera"]), (SHORT, [])):
            assert (await graph.get(f"/groups/{group}/members")).ids == direct
            assert (await graph.get(f"/groups/{group}/transitiveMembers")).ids == ["gareth", "meera"]
        assert (await graph.get("/users/gareth/memberOf/graph.group")).ids == [HELPDESK]
        assert (await graph.get("/users/gareth/transitiveMemberOf/graph.group")).ids == [HELPDESK, LEADS, SHORT]
        asked = {"groupIds": [LEADS, "group-long"]}
        assert (await graph.post("/users/gareth/checkMemberGroups", asked)).json["value"] == [LEADS]


async def test_members_are_listed_as_references(graph: Caller) -> None:
    rows = (await graph.get(f"/groups/{HELPDESK}/members/$ref")).json["value"]
    root = f"{graph.sandbox.graph_url}/directoryObjects"
    assert rows == [{"@odata.id": f"{root}/gareth"}, {"@odata.id": f"{root}/meera"}]


async def test_members_are_put_in_order_only_as_an_advanced_query(graph: Caller) -> None:
    members = f"/groups/{HELPDESK}/members"
    assert (await graph.get(members, headers=EVENTUAL, count="true", orderby="displayName desc")).ids == [
        "meera",
        "gareth",
    ]
    assert (await graph.get(members, orderby="displayName")).error[1] == "Request_UnsupportedQuery"


async def test_adding_somebody_shows_everywhere(graph: Caller) -> None:
    added = await _add(graph, f"{graph.sandbox.graph_url}/directoryObjects/anna")
    assert (added.status, added.text) == (204, "")
    assert (await graph.get(MEMBERS)).ids == ["anna"]
    assert (await graph.get("/users/anna/memberOf")).ids == [SHORT]
    assert (await graph.post("/users/anna/checkMemberGroups", {"groupIds": [SHORT]})).json["value"] == [SHORT]
    assert (await graph.door("GET", "members"))["exempt_short"] == [
        {"id": "anna", "name": "Anna Baker", "upn": "anna@nhs.example"}
    ]


@pytest.mark.parametrize(
    "reference",
    [
        "https://graph.microsoft.com/v1.0/directoryObjects/anna",
        "https://graph.microsoft.com/v1.0/users/ANNA",
        "https://graph.microsoft.com/v1.0/users/anna@nhs.example",
    ],
)
async def test_a_reference_may_be_written_as_graph_documents_it(graph: Caller, reference: str) -> None:
    assert (await _add(graph, reference)).status == 204
    assert (await graph.get(MEMBERS)).ids == ["anna"]


async def test_of_many_who_add_the_same_person_at_once_one_succeeds(graph: Caller) -> None:
    reference = f"{graph.sandbox.graph_url}/directoryObjects/anna"
    answers = await asyncio.gather(*(_add(graph, reference) for _ in range(30)))
    assert sorted(answer.status for answer in answers) == [204] + [400] * 29
    removed = await asyncio.gather(*(graph.delete(f"{MEMBERS}/anna/$ref") for _ in range(30)))
    assert sorted(answer.status for answer in removed) == [204] + [404] * 29


async def test_adding_twice_is_400_and_changes_nothing(graph: Caller) -> None:
    reference = f"{graph.sandbox.graph_url}/directoryObjects/anna"
    assert (await _add(graph, reference)).status == 204
    status, code, message = (await _add(graph, reference)).error
    assert (status, code) == (400, "Request_BadRequest")
    assert message.startswith("One or more added object references already exist for the following modified properties")
    assert (await graph.get(MEMBERS)).ids == ["anna"]


@pytest.mark.parametrize(
    "reference",
    [None, "", 5, "anna", "directoryObjects", "https://graph.microsoft.com/v1.0/directoryObjects/",
     "https://graph.microsoft.com/v1.0/groups/group-short", "https://graph.microsoft.com/v1.0/users/anna/manager",
     {"id": "anna"}, ["anna"], "x/users/anna\n"],
)  # fmt: skip
async def test_a_malformed_reference_is_400(graph: Caller, reference: object) -> None:
    assert (await _add(graph, reference)).error == (
        400,
        "Request_BadRequest",
        "Invalid URL format specified in '@odata.id'.",
    )
    assert (await graph.get(MEMBERS)).ids == []


async def test_a_body_without_a_reference_is_400(graph: Caller) -> None:
    assert (await graph.post(f"{MEMBERS}/$ref", {})).error[0] == 400
    assert (await graph.post(f"{MEMBERS}/$ref", ["x/users/anna"])).error[0] == 400
    assert (await graph.ask("POST", f"/v1.0{MEMBERS}/$ref", data=b"{")).error[0] == 400


async def test_strangers_and_unknown_groups_are_404(graph: Caller) -> None:
    url = f"{graph.sandbox.graph_url}/directoryObjects"
    assert (await _add(graph, f"{url}/nobody")).error[:2] == (404, "Request_ResourceNotFound")
    assert (await _add(graph, f"{url}/anna", group="nobody")).error[:2] == (404, "Request_ResourceNotFound")
    assert (await graph.delete(f"{MEMBERS}/nobody/$ref")).error[:2] == (404, "Request_ResourceNotFound")
    assert (await graph.delete("/groups/nobody/members/anna/$ref")).error[:2] == (404, "Request_ResourceNotFound")


async def test_removing_leaves_the_user_and_a_second_time_is_404(graph: Caller) -> None:
    assert (await graph.delete(f"/groups/{HELPDESK}/members/meera/$ref")).status == 204
    assert (await graph.get(f"/groups/{HELPDESK}/members")).ids == ["gareth"]
    assert (await graph.get("/users/meera")).status == 200
    assert (await graph.delete(f"/groups/{HELPDESK}/members/meera/$ref")).error == (
        404,
        "Request_ResourceNotFound",
        "Resource 'meera' does not exist or one of its queried reference-property objects are not present.",
    )


@pytest.mark.parametrize("path", [f"/groups/{HELPDESK}/members/meera", "/users/meera", "/users/MEERA@nhs.example"])
async def test_a_delete_without_ref_deletes_the_user_as_graph_does(graph: Caller, path: str) -> None:
    assert (await graph.delete(path)).status == 204
    for gone in ("/users/meera", "/users/meera@nhs.example", "/directoryObjects/meera", "/users/meera/memberOf",
                 "/users/meera/authentication/methods", "/users/meera/mailboxSettings"):  # fmt: skip
        assert (await graph.get(quote(gone))).error[0] == 404, gone
    assert "meera" not in (await graph.get("/users")).ids
    for group in GROUPS.values():
        assert "meera" not in (await graph.get(f"/groups/{group}/members")).ids
    assert (await _add(graph, f"{graph.sandbox.graph_url}/directoryObjects/meera")).error[0] == 404
    assert (await graph.delete(path)).error[0] == 404


async def test_deleting_through_an_unknown_group_deletes_nobody(graph: Caller) -> None:
    assert (await graph.delete("/groups/nobody/members/meera")).error[0] == 404
    assert (await graph.get("/users/meera")).status == 200


async def test_a_group_may_be_a_member_and_is_no_user(graph: Caller) -> None:
    await graph.door("POST", "members", {"group": "exempt_short", "user": "leads", "action": "add"})
    listed = await graph.get(f"/groups/{SHORT}/members", select="id,userPrincipalName")
    assert [(row["@odata.type"], row["id"], row["userPrincipalName"]) for row in listed.json["value"]] == [
        ("#microsoft.graph.group", LEADS, None)
    ]
    users = await graph.get(f"/groups/{SHORT}/members/microsoft.graph.user", headers=EVENTUAL, count="true")
    assert users.ids == []
    assert (await graph.post(f"/users/{LEADS}/checkMemberGroups", {"groupIds": [SHORT]})).status == 404
    assert (await graph.delete(f"/groups/{SHORT}/members/{LEADS}/$ref")).status == 204
    assert (await graph.get(f"/groups/{SHORT}/members")).ids == []
    reference = f"{graph.sandbox.graph_url}/directoryObjects/{LEADS}"
    assert (await graph.post(f"/groups/{SHORT}/members/$ref", {"@odata.id": reference})).status == 204
    assert (await graph.get(f"/groups/{SHORT}/members")).ids == [LEADS]
