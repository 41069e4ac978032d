"""Tenant files that cannot be used: each fault is a sentence that says where it is and how to mend it."""

from pathlib import Path
from typing import Any

import pytest

from adapters.toml_lines import line_of
from sandbox.tenant import BadTenantError, read_tenant
from tests.sandbox.tenants import GROUPS, content, file, person, toml


def refused(path: Path) -> list[str]:
    """The sentences without the file's name, which begins each."""
    with pytest.raises(BadTenantError) as error:
        read_tenant(path, line_of)
    assert str(error.value) == "\n".join(error.value.sentences)
    assert all(sentence.startswith(f"{path}") and sentence.endswith(".") for sentence in error.value.sentences)
    return [sentence.removeprefix(str(path)).lstrip(":, ") for sentence in error.value.sentences]


BRACKETS = "above each of them, with two brackets on either side."
EMPTY = "this is empty. Write a text in quotation marks."
UNKNOWN = "this key is not known. Write one of these instead, or take it out:"
ADDRESS = "is not an address. Write one as in anna.baker@nhs.example."
ID = "cannot be an id. Write a GUID, or letters, digits, dots, underscores and hyphens."

GROUP = "is not in [groups]. Write one of: helpdesk, leads, exempt_short, exempt_long."


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"tenant_id": None}, ["tenant_id: this is missing. Add it."]),
        ({"tenant_id": ""}, [f"line 1, tenant_id: {EMPTY}"]),
        ({"tenant_id": "  "}, [f"line 1, tenant_id: {EMPTY}"]),
        ({"tenant_id": 5}, ["line 1, tenant_id: write a text in quotation marks."]),
        ({"users": None}, ["users: this is missing. Add it."]),
        ({"users": []}, ["line 2, users: at least one is needed."]),
        ({"users": {"id": "a"}}, [f"line 9, users: write [[users]] {BRACKETS}"]),
        ({"users": "anna"}, [f"line 2, users: write [[users]] {BRACKETS}"]),
        ({"users": ["anna"]}, ["line 2, users, number 1: write a table with keys, as in [[users]]."]),
        ({"sites": {"ods": "A"}}, [f"line 9, sites: write [[sites]] {BRACKETS}"]),
        ({"helpdesk": "mfa"}, ["line 2, helpdesk: write a table with keys, as in [helpdesk]."]),
        ({"groups": None}, ["groups: this is missing. Add it."]),
        ({"groups": "x"}, ['line 2, groups: write a table of names and ids, as in helpdesk = "an id".']),
        ({"groups": GROUPS | {"leads": ""}}, [f"line 5, groups, leads: {EMPTY}"]),
        ({"groups": GROUPS | {"leads": "a b"}}, [f"line 5, groups, leads: 'a b' {ID}"]),
        ({"groups": GROUPS | {"leads": "-a"}}, [f"line 5, groups, leads: '-a' {ID}"]),
        ({"groups": GROUPS | {"leads": "a" * 65}}, [f"line 5, groups, leads: '{'a' * 65}' {ID}"]),
        ({"nested": {"leads": ["night"]}}, [f"line 14, nested, leads: night {GROUP}"]),
        ({"nested": {"night": ["leads"]}}, [f"line 14, nested, night: night {GROUP}"]),
        ({"helpdesk": {"team": "../x"}}, [f"line 10, helpdesk, team: '../x' {ID}"]),
        ({"helpdesk": {"mailbox": "x"}}, [f"line 10, helpdesk, mailbox: 'x' {ADDRESS}"]),
        (
            {"helpdesk": {"teem": "x"}},
            [f"line 10, helpdesk, teem: {UNKNOWN} team, mailbox."],
        ),
        (
            {"user": "x"},
            [
                f"line 2, user: {UNKNOWN} "
                "tenant_id, groups, users, mailboxes, sites, helpdesk, conditional_access, nested."
            ],
        ),
        (
            {"conditional_access": {"policy": "a b"}},
            ["line 14, conditional_access, policy: 'a b' cannot be an id. Write a GUID, or letters, digits, dots, "
             "underscores and hyphens."],
        ),
        ({"conditional_access": {"name": "x"}}, [f"line 14, conditional_access, name: {UNKNOWN} policy."]),
        ({"mailboxes": [{"address": "x"}]}, [f"line 56, mailboxes, number 1, address: 'x' {ADDRESS}"]),
        ({"mailboxes": [{"purpose": "shared"}]}, ["line 55, mailboxes, number 1, address: this is missing. Add it."]),
        ({"users": [{"id": "a", "name": "A"}]}, ["line 13, users, number 1, upn: this is missing. Add it."]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_the_line_and_what_to_write(
    tmp_path: Path, changes: dict[str, Any], sentences: list[str]
) -> None:
    assert refused(file(tmp_path, **changes)) == sentences


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": None}, "line 14, users, number 2, id: this is missing. Add it."),
        ({"name": None}, "line 14, users, number 2, name: this is missing. Add it."),
        ({"upn": None}, "line 14, users, number 2, upn: this is missing. Add it."),
        ({"id": "a/b"}, f"line 15, users, number 2, id: 'a/b' {ID}"),
        ({"id": "Anna"}, "line 15, users, number 2, id: Anna is already user number 1. Give each user an own id."),
        ({"name": "\t"}, f"line 16, users, number 2, name: {EMPTY}"),
        ({"name": "x" * 257}, "line 16, users, number 2, name: string should have at most 256 characters."),
        ({"upn": "zoe"}, f"line 17, users, number 2, upn: 'zoe' {ADDRESS}"),
        ({"upn": "zoe @nhs.example"}, f"line 17, users, number 2, upn: 'zoe @nhs.example' {ADDRESS}"),
        (
            {"upn": "ANNA@nhs.example"},
            "line 17, users, number 2, upn: ANNA@nhs.example is already user number 1. Give each user an own upn.",
        ),
        ({"mail": "a@b@c"}, f"line 18, users, number 2, mail: 'a@b@c' {ADDRESS}"),
        ({"mail": 5}, "line 18, users, number 2, mail: write a text in quotation marks."),
        ({"enabled": "yes"}, "line 18, users, number 2, enabled: write true or false, without quotation marks."),
        ({"privileged": 1}, "line 18, users, number 2, privileged: write true or false, without quotation marks."),
        ({"methods": "phone"}, "line 18, users, number 2, methods: write a list in square brackets."),
        ({"methods": [5]}, "line 18, users, number 2, methods, number 1: write a text in quotation marks."),
        (
            {"methods": ["my phone"]},
            "line 18, users, number 2, methods: 'my phone' is not a method. Write, for example: "
            "microsoftAuthenticator, phone, fido2, password.",
        ),
        (
            {"groups": ["Helpdesk"]},
            "line 18, users, number 2, groups: Helpdesk is not in [groups]. Write one of: "
            "helpdesk, leads, exempt_short, exempt_long.",
        ),
        (
            {"email": "x"},
            f"line 18, users, number 2, email: {UNKNOWN} "
            "id, name, upn, mail, enabled, privileged, guest, methods, groups.",
        ),
    ],
)  # fmt: skip
def test_a_bad_user_is_refused_with_the_line_and_what_to_write(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    zoe = {key: value for key, value in (person("zoe", "Zoë") | changes).items() if value is not None}
    path = file(tmp_path, users=[person("anna", "Anna"), zoe], mailboxes=None, sites=None, helpdesk=None)
    assert refused(path) == [sentence]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ods": None}, "line 11, sites, number 1, ods: this is missing. Add it."),
        ({"ods": ""}, f"line 12, sites, number 1, ods: {EMPTY}"),
        ({"mailbox": "x"}, f"line 14, sites, number 1, mailbox: 'x' {ADDRESS}"),
        ({"owners": "a@b.example"}, "line 15, sites, number 1, owners: write a list in square brackets."),
        ({"owners": ["a@b.example", "Joy"]}, f"line 15, sites, number 1, owners: 'Joy' {ADDRESS}"),
        ({"ods": "zz2"}, "line 18, sites, number 2, ods: ZZ2 is already site number 1. Give each site an own code."),
    ],
)
def test_a_bad_site_is_refused_with_the_line_and_what_to_write(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    first = {"ods": "ZZ1", "name": "One", "mailbox": "one@nhs.example", "owners": ["a@b.example"]} | changes
    first = {key: value for key, value in first.items() if value is not None}
    sites = [first, {"ods": "ZZ2", "name": "Two", "mailbox": "two@nhs.example"}]
    whole = {"tenant_id": "t", "groups": GROUPS, "sites": sites, "users": [person("anna", "Anna")]}
    path = tmp_path / "tenant.toml"
    path.write_text(toml(whole).replace("\n", "\n# a comment\n\n", 1), "utf-8")
    assert refused(path) == [sentence]


def test_a_missing_group_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    groups = {"helpdesks": "a", "leads": "b", "exempt_short": "c"}
    assert refused(file(tmp_path, groups=groups, users=[person("anna", "Anna")])) == [
        "line 3, groups, helpdesk: this group is missing. helpdesks looks like it: rename that.",
        'line 3, groups, exempt_long: this group is missing. Add exempt_long = "the id of the group".',
    ]


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    users = [person("a", "A") | {"id": "a b"}, person("c", "C", mail="x", groups=["y"])]
    assert len(refused(file(tmp_path, users=users, helpdesk={"mailbox": "z"}))) == 4


def test_without_lines_the_place_is_still_told(tmp_path: Path) -> None:
    path = file(tmp_path, tenant_id="")
    with pytest.raises(BadTenantError) as error:
        read_tenant(path)
    assert error.value.sentences == (f"{path}, tenant_id: {EMPTY}",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tenant_id = \n", "Invalid value (at line 1, column 13)"),
        ('tenant_id = "a"\ntenant_id = "b"\n', "Cannot overwrite a value (at line 2, column 16)"),
        ("tenant_id = “a”", "Invalid value (at line 1, column 13)"),
        ("[[users]\nid = 1", "line 1"),
        ('{"tenant_id": "a"}', "Invalid statement (at line 1, column 1)"),
        ("x = " + "[" * 5000, "brackets stand too deep in each other"),
        ("x = " + "9" * 5000, "a number is too long"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "tenant.toml"
    path.write_text(text, encoding="utf-8")
    [sentence] = refused(path)
    assert sentence.startswith("this is not valid TOML: ")
    assert words in sentence


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing.toml") == ["the tenant file cannot be read: No such file or directory."]
    assert refused(tmp_path) == ["the tenant file cannot be read: Is a directory."]
    latin = tmp_path / "latin.toml"
    latin.write_bytes(toml(content()).encode("latin-1"))
    assert refused(latin) == ["the tenant file cannot be read: it is not UTF-8 text."]
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert refused(empty) == [f"{key}: this is missing. Add it." for key in ("tenant_id", "groups", "users")]
