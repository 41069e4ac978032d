"""One user, what they sign in with, and which groups and roles they have."""

from urllib.parse import quote

import pytest

from tests.sandbox.running import Caller
from tests.sandbox.tenants import HELPDESK, LEADS, SHORT

GROUP, ROLE = "#microsoft.graph.group", "#microsoft.graph.directoryRole"


@pytest.mark.parametrize(
    ("key", "id"),
    [
        ("anna", "anna"),
        ("ANNA", "anna"),
        ("anna@nhs.example", "anna"),
        ("Anna@NHS.example", "anna"),
        ("siobhan.o'neill@nhs.example", "siobhan"),
    ],
)
async def test_a_user_is_found_by_id_and_by_upn_in_either_case(graph: Caller, key: str, id: str) -> None:
    found = await graph.get(f"/users/{quote(key)}")
    assert (found.status, found.json["id"]) == (200, id)
    assert found.json["@odata.context"] == f"{graph.sandbox.graph_url}/$metadata#users/$entity"


@pytest.mark.parametrize(
    "key", ["nobody", "anna.baker@nhs.example", "zoë@nhs.example", "%", "$count2", "a b", "🙂", "a/b"]
)
async def test_an_unknown_user_is_404_in_graphs_words(graph: Caller, key: str) -> None:
    assert (await graph.get(f"/users/{quote(key, safe='')}")).error == (
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


async def test_a_disabled_account_says_so_when_asked(graph: Caller) -> None:
    assert (await graph.get("/users/farah", select="accountEnabled")).json["accountEnabled"] is False
    assert (await graph.get("/users/anna", select="accountEnabled")).json["accountEnabled"] is True


async def test_directory_objects_are_users_and_groups_with_their_type(graph: Caller) -> None:
    user, group = await graph.get("/directoryObjects/anna"), await graph.get(f"/directoryObjects/{SHORT}")
    assert (user.json["@odata.type"], user.json["displayName"]) == ("#microsoft.graph.user", "Anna Baker")
    assert (group.json["@odata.type"], group.json["id"]) == (GROUP, SHORT)
    assert user.json["@odata.context"].endswith("$metadata#directoryObjects/$entity")
    assert (await graph.get("/directoryObjects/nobody")).error[0] == 404


async def test_authentication_methods_have_graphs_type_names(graph: Caller) -> None:
    answer = await graph.get("/users/zoe@nhs.example/authentication/methods")
    assert [method["@odata.type"] for method in answer.json["value"]] == [
        "#microsoft.graph.passwordAuthenticationMethod",
        "#microsoft.graph.phoneAuthenticationMethod",
        "#microsoft.graph.fido2AuthenticationMethod",
    ]
    assert len(set(answer.ids)) == 3
    assert (await graph.get("/users/cher/authentication/methods")).json["value"] == []
    assert (await graph.get("/users/nobody/authentication/methods")).error[0] == 404


@pytest.mark.parametrize(
    ("user", "asked", "found"),
    [
        ("meera", [HELPDESK, LEADS, SHORT], [HELPDESK, LEADS]),
        ("meera@nhs.example", [LEADS, HELPDESK], [LEADS, HELPDESK]),
        ("meera", [HELPDESK.upper()], [HELPDESK]),
        ("meera", [HELPDESK, HELPDESK, HELPDESK.upper()], [HELPDESK]),
        ("meera", ["no-such-group", "", "\ud800"], []),
        ("anna", [HELPDESK], []),
        ("meera", [*(f"g{number}" for number in range(19)), LEADS], [LEADS]),
    ],
)
async def test_check_member_groups_names_the_groups_among_those_asked_for(
    graph: Caller, user: str, asked: list[str], found: list[str]
) -> None:
    answer = await graph.post(f"/users/{user}/checkMemberGroups", {"groupIds": asked})
    assert (answer.status, answer.json["value"]) == (200, found)
    assert answer.json["@odata.context"].endswith("$metadata#Collection(Edm.String)")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"groupIds": []},
        {"groupIds": None},
        {"groupIds": "group-helpdesk"},
        {"groupIds": [1]},
        {"groupIds": [None]},
        {"groupIds": {"a": "b"}},
        {"groupids": [HELPDESK]},
        {"groupIds": [f"g{number}" for number in range(21)]},
        [HELPDESK],
        "text",
        None,
    ],
)
async def test_check_member_groups_refuses_what_is_not_one_to_twenty_ids(graph: Caller, body: object) -> None:
    status, code, _ = (await graph.post("/users/meera/checkMemberGroups", body)).error
    assert (status, code) == (400, "Request_BadRequest")


async def test_check_member_groups_of_nobody_is_404(graph: Caller) -> None:
    assert (await graph.post("/users/nobody/checkMemberGroups", {"groupIds": [HELPDESK]})).error[0] == 404


@pytest.mark.parametrize("way", ["memberOf", "transitiveMemberOf"])
async def test_what_somebody_belongs_to_can_be_cast_to_a_type(graph: Caller, way: str) -> None:
    role = (await graph.get("/directoryRoles")).ids[0]
    everything = await graph.get(f"/users/gareth/{way}")
    assert [(row["@odata.type"], row["id"]) for row in everything.json["value"]] == [(GROUP, HELPDESK), (ROLE, role)]
    for prefix in ("microsoft.graph", "graph"):
        assert (await graph.get(f"/users/gareth/{way}/{prefix}.group")).ids == [HELPDESK]
        assert (await graph.get(f"/users/gareth/{way}/{prefix}.directoryRole")).ids == [role]
        assert (await graph.get(f"/users/gareth/{way}/{prefix}.administrativeUnit")).ids == []
        assert (await graph.get(f"/users/gareth/{way}/{prefix}.unicorn")).error[:2] == (400, "BadRequest")
    assert (await graph.get(f"/users/anna/{way}")).ids == []
    assert (await graph.get(f"/users/anna/{way}/microsoft.graph.directoryRole")).ids == []
    assert (await graph.get(f"/users/nobody/{way}")).error[0] == 404


async def test_select_on_what_somebody_belongs_to_leaves_out_what_one_kind_lacks(graph: Caller) -> None:
    rows = (await graph.get("/users/gareth/memberOf", select="id,roleTemplateId")).json["value"]
    assert [set(row) for row in rows] == [{"@odata.type", "id"}, {"@odata.type", "id", "roleTemplateId"}]


async def test_directory_roles_have_the_privileged_as_members(graph: Caller) -> None:
    roles = await graph.get("/directoryRoles")
    assert [row["displayName"] for row in roles.json["value"]] == ["Helpdesk Administrator"]
    role = roles.ids[0]
    assert (await graph.get(f"/directoryRoles/{role}")).json["id"] == role
    for key in (role, role.upper(), "roleTemplateId=729827e3-9c14-49f7-bb1b-9608f156bbb8"):
        members = await graph.get(f"/directoryRoles/{key}/members", select="id")
        assert members.json["value"] == [{"@odata.type": "#microsoft.graph.user", "id": "gareth"}]
    assert (await graph.get("/directoryRoles/other/members")).error[:2] == (404, "Request_ResourceNotFound")
    assert (await graph.get("/directoryRoles/other")).error[0] == 404
