"""`$search`, `$select` and `$orderby`."""

import pytest

from tests.sandbox.running import EVENTUAL, Caller
from tests.sandbox.tenants import HELPDESK


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ('"displayName:anna"', ["anna"]),
        ('"displayName:bak ann"', ["anna"]),
        ('"displayName:aker"', []),
        ('"displayName:ZOE"', ["zoe"]),
        ('"displayName:wójcik"', ["zoe"]),
        ('"displayName:o\'neill"', ["siobhan"]),
        ('"displayName:anna" OR "displayName:cher"', ["anna", "cher"]),
        ('"displayName:anna" AND "mail:baker"', ["anna"]),
        ('"displayName:anna" AND "mail:zoe"', []),
        ('"displayName:anna AND zoe"', []),
        ('"userPrincipalName:meera"', ["meera"]),
        ('"givenName:gareth"', ["gareth"]),
        ('"givenName:cher"', []),
        ('"displayName:\\"anna\\""', ["anna"]),
    ],
)
async def test_a_search_finds_words_by_how_they_begin(graph: Caller, search: str, ids: list[str]) -> None:
    assert (await graph.get("/users", headers=EVENTUAL, search=search)).ids == ids


async def test_a_search_needs_the_header(graph: Caller) -> None:
    for path in ("/users", f"/groups/{HELPDESK}/members"):
        status, code, message = (await graph.get(path, search='"displayName:meera"')).error
        assert (status, code) == (400, "Request_UnsupportedQuery")
        assert message.startswith("Request with $search query parameter only works")
        assert (await graph.get(path, headers=EVENTUAL, search='"displayName:meera"')).ids == ["meera"]


@pytest.mark.parametrize(
    "search",
    ["", "anna", "displayName:anna", '"anna"', '"displayName:"', '"displayName:🙂"', '"shoeSize:9"', '"displayName:a',
     '"displayName:a" "mail:b"', '"displayName:a" AND', '"displayName:a" and "mail:b"'],
)  # fmt: skip
async def test_a_search_that_cannot_be_read_is_refused(graph: Caller, search: str) -> None:
    status, code, message = (await graph.get("/users", headers=EVENTUAL, search=search)).error
    assert (status, code) == (400, "BadRequest")
    assert message.startswith("Syntax error: ")


async def test_a_user_has_graphs_usual_properties_and_no_others(graph: Caller) -> None:
    usual = {"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
             "preferredLanguage", "surname", "userPrincipalName", "id"}  # fmt: skip
    assert set((await graph.get("/users")).json["value"][0]) == usual
    assert set((await graph.get("/users/anna")).json) == usual | {"@odata.context"}


@pytest.mark.parametrize("path", ["/users", f"/groups/{HELPDESK}/members", "/groups", "/directoryRoles"])
async def test_select_shows_what_it_names(graph: Caller, path: str) -> None:
    rows = (await graph.get(path, select=" id, DisplayName")).json["value"]
    assert [set(row) - {"@odata.type"} for row in rows] == [{"id", "displayName"}] * len(rows)
    assert rows


@pytest.mark.parametrize("path", ["/users/anna", f"/groups/{HELPDESK}", "/directoryObjects/anna"])
async def test_select_works_on_one_thing_too(graph: Caller, path: str) -> None:
    assert set((await graph.get(path, select="id")).json) - {"@odata.context", "@odata.type"} == {"id"}


@pytest.mark.parametrize("select", ["id,shoeSize", "shoeSize", ",", "id,"])
@pytest.mark.parametrize(
    "path", ["/users", "/users/anna", "/groups", f"/groups/{HELPDESK}", "/groups/group-long/members", "/directoryRoles"]
)
async def test_select_refuses_what_is_not_there(graph: Caller, path: str, select: str) -> None:
    status, code, message = (await graph.get(path, select=select)).error
    assert (status, code) == (400, "BadRequest")
    assert message.startswith("Parsing OData Select and Expand failed: Could not find a property named ")


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [
        ("displayName", "anna", "zoe"),
        ("displayName asc", "anna", "zoe"),
        (" displayName  desc ", "zoe", "anna"),
        ("userPrincipalName", "anna", "zoe"),
    ],
)
async def test_people_are_put_in_order(graph: Caller, order: str, first: str, last: str) -> None:
    ids = (await graph.get("/users", orderby=order)).ids
    assert (ids[0], ids[-1], len(ids)) == (first, last, 7)


@pytest.mark.parametrize(
    "order", ["", "shoeSize", "displayName up", "displayName,mail", "accountEnabled", "displayName DESC"]
)
async def test_an_order_that_graph_does_not_know_is_refused(graph: Caller, order: str) -> None:
    assert (await graph.get("/users", orderby=order)).error == (
        400,
        "BadRequest",
        f"Unsupported sort property in '{order}'.",
    )


async def test_a_filtered_list_is_put_in_order_only_as_an_advanced_query(graph: Caller) -> None:
    condition = "accountEnabled eq true"
    refused = (400, "Request_UnsupportedQuery", "Sorting not supported for current query.")
    assert (await graph.get("/users", filter=condition, orderby="displayName")).error == refused
    sorted_ids = (
        await graph.get("/users", headers=EVENTUAL, count="true", filter=condition, orderby="displayName desc")
    ).ids
    assert (sorted_ids[0], sorted_ids[-1]) == ("zoe", "anna")
