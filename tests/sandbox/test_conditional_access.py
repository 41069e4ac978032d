"""Conditional Access in the pretend tenant: its policies, What If, propagation, and signing people out."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.tenant import ConditionalAccess
from tests.sandbox.running import Answer, Caller, running
from tests.sandbox.tenants import LEADS, LONG, SHORT, tenant

ACCESS = "/identity/conditionalAccess"
MFA = ConditionalAccess().policy
BODY = {
    "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": "anna"},
    "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": ["All"]},
    "signInConditions": {"clientAppType": "browser"},
}


async def what_if(graph: Caller, **more: Any) -> Answer:
    return await graph.post(f"{ACCESS}/evaluate", BODY | more)


async def mfa(graph: Caller, **more: Any) -> tuple[bool, str]:
    answer = await what_if(graph, **more)
    assert answer.status == 200, answer.text
    [row] = [row for row in answer.json["value"] if row["id"] == MFA]
    return row["policyApplies"], row["analysisReasons"]


async def join(graph: Caller, group: str = SHORT) -> None:
    body = {"@odata.id": f"{graph.sandbox.graph_url}/directoryObjects/anna"}
    assert (await graph.post(f"/groups/{group}/members/$ref", body)).status == 204


async def test_the_mfa_policy_leaves_the_exemption_groups_out(graph: Caller) -> None:
    ids = (await graph.get(f"{ACCESS}/policies")).ids
    assert ids[0] == MFA
    policy = (await graph.get(f"{ACCESS}/policies/{MFA.upper()}")).json
    assert policy["conditions"]["users"]["excludeGroups"] == [SHORT, LONG]
    assert policy["grantControls"]["builtInControls"] == ["mfa"]
    assert (await graph.get(f"{ACCESS}/policies/nothing")).error[0] == 404


async def test_the_tenant_file_names_the_policy(tmp_path: Path) -> None:
    async with running(tenant(tmp_path, conditional_access={"policy": "The-MFA-policy"}), tmp_path) as graph:
        assert (await graph.get(f"{ACCESS}/policies")).ids[0] == "the-mfa-policy"


@pytest.mark.parametrize("group", [SHORT, LONG])
async def test_what_if_answers_from_the_membership(graph: Caller, group: str) -> None:
    assert await mfa(graph) == (True, "notSet")
    await join(graph, group)
    assert await mfa(graph) == (False, "users")
    await graph.delete(f"/groups/{group}/members/anna/$ref")
    assert await mfa(graph) == (True, "notSet")


async def test_what_if_gives_all_policies_or_those_that_apply(graph: Caller) -> None:
    everything = (await what_if(graph)).json["value"]
    assert [row["policyApplies"] for row in everything] == [True, False]
    assert everything[1]["analysisReasons"] == "clientApps"
    assert [row["id"] for row in (await what_if(graph, appliedPoliciesOnly=True)).json["value"]] == [MFA]
    old = await what_if(graph, signInConditions={"clientAppType": "other"})
    assert [row["policyApplies"] for row in old.json["value"]] == [True, True]


async def test_what_if_needs_to_be_told_enough(graph: Caller) -> None:
    for name in BODY:
        assert (await what_if(graph, **{name: None})).error[0] == 400
    assert (await what_if(graph, signInIdentity={"userId": "nobody"})).error[0] == 404


async def test_propagation_takes_as_long_as_was_said_after_joining(graph: Caller) -> None:
    assert await graph.door("POST", "propagation", {"seconds": 600}) == {"seconds": 600}
    await join(graph)
    assert await mfa(graph) == (True, "notSet")
    await graph.door("POST", "clock", {"advance": "PT9M"})
    assert await mfa(graph) == (True, "notSet")
    await graph.door("POST", "clock", {"advance": "PT1M"})
    assert await mfa(graph) == (False, "users")
    assert await graph.door("GET", "propagation") == {"seconds": 600}
    await graph.door("POST", "reset")
    assert await graph.door("GET", "propagation") == {"seconds": 0}


async def test_what_the_policy_leaves_out_can_be_changed(graph: Caller) -> None:
    await join(graph)
    changed = await graph.door("POST", "conditional-access", {"exclude_groups": ["leads", LONG.upper()]})
    assert changed == {"policy": MFA, "exclude_groups": [LEADS, LONG]}
    assert await mfa(graph) == (True, "notSet")
    await graph.door("POST", "conditional-access", {"exclude_groups": []})
    assert (await graph.door("GET", "conditional-access"))["exclude_groups"] == []
    await graph.door("POST", "conditional-access", {"exclude_groups": [SHORT]})
    assert await mfa(graph) == (False, "users")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"exclude_groups": "x"}, {"exclude_groups": [7]}, {"exclude_groups": ["no"]}]
)
async def test_groups_that_are_none_are_refused(graph: Caller, body: Any) -> None:
    await graph.refusal("conditional-access", body)
    assert (await graph.door("GET", "conditional-access"))["exclude_groups"] == [SHORT, LONG]


@pytest.mark.parametrize(
    "body", [None, {}, {"seconds": -1}, {"seconds": "5"}, {"seconds": True}, {"seconds": 1, "x": 2}]
)
async def test_a_propagation_that_is_none_is_refused(graph: Caller, body: Any) -> None:
    await graph.refusal("propagation", body)


async def test_signing_somebody_out_is_seen_in_the_calls(graph: Caller) -> None:
    answer = await graph.post("/users/anna/revokeSignInSessions", None)
    assert (answer.status, answer.json["value"]) == (200, True)
    [call] = await graph.door("GET", "calls")
    assert (call["method"], call["path"]) == ("POST", "/v1.0/users/anna/revokeSignInSessions")
    assert (await graph.post("/users/nobody/revokeSignInSessions", None)).error[0] == 404
