"""Proof by What If, and signing people out, shown by the real Graph client against the pretend tenant over HTTP."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.entra.proof import WhatIf
from adapters.entra.sessions import EntraSessions
from domain.errors import NotPermitted, Trouble, Unproved
from tests.adapters.entra.test_pim import REFERENCE, Tenant, running

EVALUATE = "/v1.0/identity/conditionalAccess/evaluate"


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    async with running(tmp_path) as one:
        yield one


def proof(tenant: Tenant, policy: str = "") -> WhatIf:
    return WhatIf(tenant.graph, policy or tenant.sandbox.tenant.conditional_access.policy)


async def join(tenant: Tenant) -> None:
    await tenant.direct.add(tenant.group, tenant.anna, until=tenant.now(), reference=REFERENCE)


async def answered(tenant: Tenant, body: Any) -> None:
    """The next What If answers this."""
    fault = {"path": EVALUATE, "status": 200, "body": json.dumps(body)}
    await tenant.ask("POST", "/sandbox/faults", fault)


async def test_a_member_is_not_asked_and_somebody_else_is(tenant: Tenant) -> None:
    with pytest.raises(Unproved, match="still applies the MFA policy"):
        await proof(tenant).not_asked(tenant.anna)
    await join(tenant)
    await proof(tenant).not_asked(tenant.anna)
    await proof(tenant, tenant.sandbox.tenant.conditional_access.policy.upper()).not_asked(tenant.anna)


async def test_membership_is_no_proof_while_it_has_not_spread(tenant: Tenant) -> None:
    await tenant.ask("POST", "/sandbox/propagation", {"seconds": 600})
    await join(tenant)
    assert await tenant.member()
    with pytest.raises(Unproved):
        await proof(tenant).not_asked(tenant.anna)
    await tenant.ask("POST", "/sandbox/clock", {"advance": "PT10M"})
    await proof(tenant).not_asked(tenant.anna)


async def test_membership_is_no_proof_where_the_policy_does_not_leave_the_group_out(tenant: Tenant) -> None:
    await tenant.ask("POST", "/sandbox/conditional-access", {"exclude_groups": ["exempt_long"]})
    await join(tenant)
    with pytest.raises(Unproved, match="leaves the exemption group out"):
        await proof(tenant).not_asked(tenant.anna)


@pytest.mark.parametrize("reasons", ["policyNotEnabled", "notEnoughInformation", "application", "", ["location"]])
async def test_a_policy_that_does_not_apply_for_another_reason_proves_nothing(tenant: Tenant, reasons: Any) -> None:
    policy = tenant.sandbox.tenant.conditional_access.policy
    await answered(tenant, {"value": [{"id": policy, "policyApplies": False, "analysisReasons": reasons}]})
    with pytest.raises(Unproved, match="not because of the account"):
        await proof(tenant).not_asked(tenant.anna)


@pytest.mark.parametrize("reasons", ["users", "location, users", ["users"]])
async def test_the_reason_is_read_as_graph_may_write_it(tenant: Tenant, reasons: Any) -> None:
    policy = tenant.sandbox.tenant.conditional_access.policy
    await answered(tenant, {"value": [{"id": policy, "policyApplies": False, "analysisReasons": reasons}]})
    await proof(tenant).not_asked(tenant.anna)


async def test_a_policy_that_does_not_exist_is_trouble_that_names_the_setting(tenant: Tenant) -> None:
    await join(tenant)
    with pytest.raises(Trouble, match="MFA_POLICY_ID"):
        await proof(tenant, "another").not_asked(tenant.anna)


@pytest.mark.parametrize(
    "body", [{}, {"value": 7}, {"value": [7]}, {"value": [{"id": "ID"}]}, {"value": [{"id": "ID", "policyApplies": 0}]}]
)
async def test_an_answer_of_another_shape_proves_nothing(tenant: Tenant, body: Any) -> None:
    policy = tenant.sandbox.tenant.conditional_access.policy
    await answered(tenant, json.loads(json.dumps(body).replace("ID", policy)))
    with pytest.raises(Trouble):
        await proof(tenant).not_asked(tenant.anna)


@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
async def test_a_refusal_proves_nothing(tenant: Tenant, status: int) -> None:
    await join(tenant)
    await tenant.ask("POST", "/sandbox/faults", {"path": EVALUATE, "status": status})
    with pytest.raises(Trouble, match=str(status)):
        await proof(tenant).not_asked(tenant.anna)


async def test_somebody_is_signed_out_and_who_left_has_no_sessions(tenant: Tenant) -> None:
    sessions = EntraSessions(tenant.graph)
    await sessions.revoke(tenant.anna)
    await sessions.revoke("nobody")
    calls = await tenant.ask("GET", "/sandbox/calls")
    assert [(call["path"].rpartition("/")[2], call["status"]) for call in calls] == [
        ("revokeSignInSessions", 200),
        ("revokeSignInSessions", 404),
    ]


async def test_an_app_that_may_not_sign_people_out_is_told_which_permission_it_lacks(tenant: Tenant) -> None:
    sessions = EntraSessions(tenant.graph)
    fault = {"path": "/v1.0/users/*/revokeSignInSessions", "status": 403}
    await tenant.ask("POST", "/sandbox/faults", fault)
    with pytest.raises(NotPermitted, match=r"User\.RevokeSessions\.All"):
        await sessions.revoke(tenant.anna)
    await tenant.ask("POST", "/sandbox/faults", fault | {"status": 503})
    with pytest.raises(Trouble, match="503") as trouble:
        await sessions.revoke(tenant.anna)
    assert not isinstance(trouble.value, NotPermitted)


@pytest.mark.parametrize("strange", ["", "../users", "a/b", "x" * 100])
async def test_what_cannot_be_an_id_never_reaches_graph(tenant: Tenant, strange: str) -> None:
    for act in (proof(tenant).not_asked, EntraSessions(tenant.graph).revoke):
        with pytest.raises(Trouble):
            await act(strange)
    assert await tenant.ask("GET", "/sandbox/calls") == []
