"""Who is a guest is read from Entra, by the real Graph client against the pretend tenant over HTTP."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.entra.client import Graph
from adapters.entra.directory import EntraDirectory, is_guest
from program.pretend import AnyToken
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant


async def test_a_guest_is_told_from_a_member(tmp_path: Path) -> None:
    tenant = read_tenant()
    anna, bilal = tenant.users[0], tenant.users[1]
    sandbox = Sandbox(replace(tenant, users=(anna, replace(bilal, guest=True), *tenant.users[2:])), tmp_path, port=0)
    await sandbox.start()

    graph = Graph(sandbox.graph_url, AnyToken())
    directory = EntraDirectory(graph)
    for user, guest in ((anna, False), (bilal, True)):
        caller, account = await directory.caller(user.id), await directory.account(user.id)
        assert caller is not None
        assert account is not None
        assert caller.guest is account.guest is guest
        assert account.upn == user.upn
        assert await directory.person(user.id) == caller.person
    assert await directory.caller("nobody") is None
    await graph.close()
    await sandbox.close()


@pytest.mark.parametrize(
    ("user", "guest"),
    [
        ({"userType": "Guest"}, True),
        ({"userType": "guest"}, True),
        ({"userType": "Member", "userPrincipalName": "x_other.org#EXT#@nhs.example"}, False),
        ({"userType": None, "userPrincipalName": "x_other.org#EXT#@nhs.example"}, True),
        ({"userPrincipalName": "x@nhs.example"}, False),
        ({}, False),
    ],
)
def test_accounts_without_a_user_type_are_told_by_their_name(user: dict[str, Any], guest: bool) -> None:
    assert is_guest(user) is guest
