"""Tenant files by strangers: what they leave out is filled in, and what they spell their own way is understood."""

from pathlib import Path

import pytest

from sandbox.tenant import DEFAULT_FILE, BadTenantError, Mailbox, Site, read_tenant
from tests.sandbox.running import running
from tests.sandbox.tenants import GROUPS, PEOPLE, content, file, person, tenant, toml

GUID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"


def smallest(folder: Path, **changes: object) -> Path:
    """One person, and nothing that can be left out."""
    parts = {"users": [person("anna", "Anna")], "mailboxes": None, "sites": None, "helpdesk": None}
    return file(folder, **(parts | changes))


def test_the_tenant_that_comes_with_it_can_be_used() -> None:
    own = read_tenant()
    assert own == read_tenant(DEFAULT_FILE)
    assert {name for user in own.users for name in user.groups} >= {"helpdesk", "leads"}
    assert {mailbox.address for mailbox in own.mailboxes} >= {
        own.helpdesk.mailbox,
        *(site.mailbox for site in own.sites),
    }
    addresses = {user.mail for user in own.users}
    assert {owner for site in own.sites for owner in site.owners} <= addresses


def test_what_is_left_out_is_filled_in(tmp_path: Path) -> None:
    small = read_tenant(smallest(tmp_path))
    [anna] = small.users
    assert (anna.mail, anna.enabled, anna.privileged, anna.methods, anna.groups) == (
        "anna@nhs.example", True, False, (), (),
    )  # fmt: skip
    assert (small.helpdesk.team, small.helpdesk.mailbox) == (GROUPS["helpdesk"], "helpdesk@nhs.example")
    assert (small.sites, small.mailboxes) == ((), ())


def test_the_helpdesk_sends_from_the_first_mailbox_that_is_no_sites(tmp_path: Path) -> None:
    mailboxes = [{"address": "One@nhs.example"}, {"address": "two@nhs.example"}, {"address": "three@nhs.example"}]
    sites = [{"ods": "A", "name": "A", "mailbox": "one@nhs.example"}]
    found = read_tenant(smallest(tmp_path, mailboxes=mailboxes, sites=sites))
    assert found.helpdesk.mailbox == "two@nhs.example"
    assert found.mailboxes[0] == Mailbox("One@nhs.example", "shared")
    assert found.sites == (Site("A", "A", "one@nhs.example", ()),)


@pytest.mark.parametrize("id", ["anna", "ANNA", GUID, "7", "a.b_c-d", "a" * 64])
def test_ids_need_not_be_guids_and_are_kept_in_small_letters(tmp_path: Path, id: str) -> None:
    groups = {name: f"{name.upper()}.{number}" for number, name in enumerate(GROUPS)}
    user = person("anna", "Anna", groups=["leads"]) | {"id": id}
    found = read_tenant(smallest(tmp_path, users=[user], groups=groups))
    assert found.users[0].id == id.lower()
    assert found.groups["leads"] == "leads.1"
    assert found.helpdesk.team == "helpdesk.0"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("phone", "phone"),
        ("PHONE", "phone"),
        ("microsoftauthenticator", "microsoftAuthenticator"),
        ("phoneAuthenticationMethod", "phone"),
        ("fido2authenticationmethod", "fido2"),
        ("somethingNew", "somethingNew"),
    ],
)
def test_methods_are_kept_as_graph_spells_them(tmp_path: Path, written: str, kept: str) -> None:
    found = read_tenant(smallest(tmp_path, users=[person("anna", "Anna", methods=[written])]))
    assert found.users[0].methods == (kept,)


@pytest.mark.parametrize(
    "name", ["Zoë", "李小龙", "محمد", "Ада Лавлейс", 'O\'Neill-"Jones"', "🙂", "Wójcik, Z.", "<b>A</b>"]
)
async def test_names_of_all_kinds_are_served(tmp_path: Path, name: str) -> None:
    found = read_tenant(smallest(tmp_path, users=[person("anna", name, groups=["helpdesk"])]))
    async with running(found, tmp_path / "data") as graph:
        assert (await graph.get("/users/anna")).json["displayName"] == name
        assert (await graph.get("/users", filter=f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'")).ids == [
            "anna"
        ]
        assert "<b>A" not in (await graph.ask("GET", "/sandbox")).text


async def test_capital_letters_in_ids_work_over_http(tmp_path: Path) -> None:
    groups = GROUPS | {"exempt_short": GUID}
    user = person("anna", "Anna", groups=["exempt_short"]) | {"id": GUID, "upn": "Anna@NHS.Example"}
    async with running(read_tenant(smallest(tmp_path, users=[user], groups=groups)), tmp_path / "data") as graph:
        for group in (GUID, GUID.lower()):
            assert (await graph.get(f"/groups/{group}/members")).ids == [GUID.lower()]
        assert (await graph.get("/users/anna@nhs.example")).json["userPrincipalName"] == "Anna@NHS.Example"
        checked = await graph.post(f"/users/{GUID}/checkMemberGroups", {"groupIds": [GUID]})
        assert checked.json["value"] == [GUID.lower()]


async def test_one_group_may_have_two_names_and_further_groups_may_be_added(tmp_path: Path) -> None:
    groups = GROUPS | {"leads": GROUPS["helpdesk"].upper(), "ward7": "group-ward7"}
    users = [person("anna", "Anna", groups=["helpdesk", "leads", "leads", "ward7"])]
    async with running(read_tenant(smallest(tmp_path, users=users, groups=groups)), tmp_path / "data") as graph:
        assert (await graph.get("/groups")).ids == ["group-helpdesk", "group-short", "group-long", "group-ward7"]
        assert (await graph.get("/users/anna/memberOf")).ids == ["group-helpdesk", "group-ward7"]
        assert (await graph.get("/groups/group-helpdesk/members")).ids == ["anna"]


async def test_a_mailbox_of_an_unheard_of_purpose_is_shared_and_one_of_a_user_is_as_listed(tmp_path: Path) -> None:
    mailboxes = [
        {"address": "x@nhs.example", "purpose": "Gemeinsam"},
        {"address": "anna@nhs.example", "purpose": "Room"},
    ]
    async with running(read_tenant(smallest(tmp_path, mailboxes=mailboxes)), tmp_path / "data") as graph:
        assert (await graph.get("/users/x@nhs.example/mailboxSettings")).json["userPurpose"] == "shared"
        assert (await graph.get("/users/anna/mailboxSettings")).json["userPurpose"] == "room"


def test_other_ways_to_write_toml_are_read(tmp_path: Path) -> None:
    path = tmp_path / "tenant.toml"
    groups = ", ".join(f'{name} = "{id}"' for name, id in GROUPS.items())
    text = f"tenant_id = 'a-tenant'\r\ngroups = {{ {groups} }}\r\nusers = [\r\n"
    for number in range(3):
        text += f'  {{ id = "u{number}", name = "U {number}", upn = "u{number}@nhs.example" }}, # one\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + (text + "]\r\n").encode())
    assert [user.id for user in read_tenant(path).users] == ["u0", "u1", "u2"]


def test_a_file_may_have_thousands_of_people(tmp_path: Path) -> None:
    users = [person(f"u{number}", f"Person {number}") for number in range(5000)]
    assert len(read_tenant(smallest(tmp_path, users=users)).users) == 5000


def test_the_builders_of_these_tests_write_what_they_are_given(tmp_path: Path) -> None:
    whole = tenant(tmp_path)
    assert [user.name for user in whole.users] == [one["name"] for one in PEOPLE]
    path = tmp_path / "shorter.toml"
    path.write_text(toml(content(users=None)), "utf-8")
    with pytest.raises(BadTenantError, match="users: this is missing"):
        read_tenant(path)
