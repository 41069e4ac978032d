"""PIM for Groups in the pretend tenant: assigned with an end, which comes by its own clock."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import Answer, Caller, running
from tests.sandbox.tenants import HELPDESK, LONG, SHORT, tenant

PIM = "/identityGovernance/privilegedAccess/group"
DAY = {"type": "afterDuration", "duration": "PT24H"}


async def ask(
    graph: Caller, action: str = "adminAssign", user: str = "anna", group: str = SHORT, **more: Any
) -> Answer:
    body = {
        "accessId": "member",
        "principalId": user,
        "groupId": group,
        "action": action,
        "scheduleInfo": {"expiration": DAY},
        "justification": "MFA exception MFA-7K3Q-9XDM",
    }
    return await graph.post(f"{PIM}/assignmentScheduleRequests", body | more)


async def members(graph: Caller, group: str = SHORT) -> list[str]:
    return (await graph.get(f"/groups/{group}/members")).ids


async def schedules(graph: Caller, name: str = "assignmentSchedules", group: str = SHORT, user: str = "anna") -> Any:
    found = await graph.get(f"{PIM}/{name}", filter=f"groupId eq '{group}' and principalId eq '{user}'")
    assert found.status == 200, found.text
    return found.json["value"]


def until(moment: str) -> dict[str, Any]:
    return {"expiration": {"type": "afterDateTime", "endDateTime": moment}}


async def test_an_assignment_makes_a_member_at_once_and_is_answered_as_graph_does(graph: Caller) -> None:
    answer = await ask(graph)
    assert (answer.status, answer.json["status"], answer.json["action"]) == (201, "Provisioned", "adminAssign")
    assert answer.json["targetScheduleId"].startswith(f"{SHORT}_member_")
    assert await members(graph) == ["anna"]
    [schedule] = await schedules(graph)
    assert schedule["id"] == answer.json["targetScheduleId"]
    assert schedule["scheduleInfo"]["expiration"]["type"] == "afterDateTime"
    [instance] = await schedules(graph, "assignmentScheduleInstances")
    assert instance["assignmentScheduleId"] == schedule["id"]
    assert instance["endDateTime"] == schedule["scheduleInfo"]["expiration"]["endDateTime"]
    [request] = await schedules(graph, "assignmentScheduleRequests")
    assert request["justification"] == "MFA exception MFA-7K3Q-9XDM"
    for name, row in (("assignmentSchedules", schedule), ("assignmentScheduleRequests", request)):
        assert (await graph.get(f"{PIM}/{name}/{row['id']}")).json["id"] == row["id"]
        assert (await graph.get(f"{PIM}/{name}/nothing")).error[0] == 404


async def test_it_ends_by_the_tenants_own_clock_and_not_before(graph: Caller) -> None:
    await ask(graph)
    await graph.door("POST", "clock", {"advance": "PT23H59M"})
    assert await members(graph) == ["anna"]
    await graph.door("POST", "clock", {"advance": "PT1M"})
    assert (await graph.door("GET", "members"))["exempt_short"] == []
    assert await schedules(graph) == []
    assert (await ask(graph)).status == 201


async def test_it_ends_although_the_tenant_was_stopped_meanwhile(tmp_path: Path) -> None:
    async with running(tenant(tmp_path), tmp_path / "data") as graph:
        await ask(graph)
    async with running(tenant(tmp_path), tmp_path / "data") as graph:
        assert await members(graph) == ["anna"]
        await graph.door("POST", "clock", {"advance": "P1D"})
        assert await members(graph) == []


async def test_a_start_that_is_to_come_makes_a_member_only_then(graph: Caller) -> None:
    await graph.door("POST", "clock", {"set": "2027-03-01T09:00:00Z"})
    later = {"startDateTime": "2027-03-01T12:00:00Z", "expiration": DAY}
    assert (await ask(graph, scheduleInfo=later)).json["status"] == "Granted"
    assert await members(graph) == []
    assert len(await schedules(graph)) == 1
    assert await schedules(graph, "assignmentScheduleInstances") == []
    await graph.door("POST", "clock", {"set": "2027-03-01T12:00:00Z"})
    assert await members(graph) == ["anna"]
    await graph.door("POST", "clock", {"set": "2027-03-02T12:00:00Z"})
    assert await members(graph) == []


async def test_it_is_extended_and_changed_and_removed(graph: Caller) -> None:
    await graph.door("POST", "clock", {"set": "2027-03-01T09:00:00Z"})
    await ask(graph)
    assert (await ask(graph, "adminExtend", scheduleInfo=until("2027-03-05T09:00:00Z"))).status == 201
    [schedule] = await schedules(graph)
    assert schedule["scheduleInfo"]["expiration"]["endDateTime"] == "2027-03-05T09:00:00Z"
    shorter = until("2027-03-03T09:00:00Z")
    assert (await ask(graph, "adminExtend", scheduleInfo=shorter)).error[:2] == (
        400,
        "RoleAssignmentRequestPolicyValidationFailed",
    )
    assert (await ask(graph, "adminUpdate", scheduleInfo=shorter)).status == 201
    [schedule] = await schedules(graph)
    assert schedule["scheduleInfo"]["expiration"]["endDateTime"] == "2027-03-03T09:00:00Z"
    removed = await ask(graph, "adminRemove", scheduleInfo=None)
    assert (removed.status, removed.json["status"]) == (201, "Revoked")
    assert await members(graph) == []


async def test_what_there_is_already_or_is_not_there_is_400_by_graphs_codes(graph: Caller) -> None:
    for action in ("adminRemove", "adminExtend", "adminUpdate"):
        assert (await ask(graph, action)).error[:2] == (400, "RoleAssignmentDoesNotExist")
    await ask(graph)
    assert (await ask(graph)).error == (400, "RoleAssignmentExists", "The Role assignment already exists.")
    assert await members(graph) == ["anna"]


async def test_of_many_who_assign_the_same_person_at_once_one_succeeds(graph: Caller) -> None:
    answers = await asyncio.gather(*(ask(graph) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 19


async def test_a_member_without_an_end_is_shown_as_one_and_can_be_given_an_end(graph: Caller) -> None:
    [schedule] = await schedules(graph, group=HELPDESK, user="meera")
    assert schedule["scheduleInfo"]["expiration"] == {"type": "noExpiration", "endDateTime": None, "duration": None}
    assert (await ask(graph, user="meera", group=HELPDESK)).error[1] == "RoleAssignmentExists"
    assert (await ask(graph, "adminUpdate", user="meera", group=HELPDESK)).status == 201
    await graph.door("POST", "clock", {"advance": "P1D"})
    assert await members(graph, HELPDESK) == ["gareth"]
    assert (await ask(graph, "adminRemove", user="gareth", group=HELPDESK)).status == 201
    assert await members(graph, HELPDESK) == []


async def test_who_is_removed_from_the_group_by_hand_or_deleted_has_no_assignment_left(graph: Caller) -> None:
    await ask(graph)
    await graph.delete(f"/groups/{SHORT}/members/anna/$ref")
    assert await schedules(graph) == []
    await ask(graph, user="zoe")
    await graph.delete("/users/zoe")
    assert await schedules(graph, user="zoe") == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"principalId": "nobody"}, (404, "SubjectNotFound")),
        ({"groupId": "nothing"}, (404, "ResourceNotFound")),
        ({"accessId": "owner"}, (400, "InvalidAccessId")),
        ({"action": "selfDeactivate"}, (400, "InvalidAction")),
        ({"action": None}, (400, "InvalidAction")),
        ({"scheduleInfo": None}, (400, "InvalidSchedule")),
        ({"scheduleInfo": {"expiration": "tomorrow"}}, (400, "InvalidSchedule")),
        ({"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "a day"}}}, (400, "InvalidSchedule")),
        ({"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": None}}}, (400, "InvalidSchedule")),
        ({"scheduleInfo": until("tomorrow")}, (400, "InvalidSchedule")),
        ({"scheduleInfo": {"startDateTime": 7, "expiration": DAY}}, (400, "InvalidSchedule")),
        ({"scheduleInfo": until("2001-01-01T00:00:00Z")}, (400, "ActiveDurationTooShort")),
        (
            {"scheduleInfo": {"expiration": {"type": "noExpiration"}}},
            (400, "RoleAssignmentRequestPolicyValidationFailed"),
        ),
        (
            {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "P366D"}}},
            (400, "RoleAssignmentRequestPolicyValidationFailed"),
        ),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    graph: Caller, change: dict[str, Any], error: tuple[int, str]
) -> None:
    assert (await ask(graph, **change)).error[:2] == error
    assert await members(graph) == []
    assert await members(graph, LONG) == []


@pytest.mark.parametrize("name", ["assignmentSchedules", "assignmentScheduleInstances", "assignmentScheduleRequests"])
async def test_a_list_has_to_say_whose_it_is(graph: Caller, name: str) -> None:
    await ask(graph)
    await ask(graph, user="zoe")
    assert (await graph.get(f"{PIM}/{name}")).error[:2] == (400, "MissingParameters")
    of_group = await graph.get(f"{PIM}/{name}", filter=f"groupId eq '{SHORT}'", select="principalId")
    assert of_group.json["value"] == [{"principalId": "anna"}, {"principalId": "zoe"}]
    of_zoe = await graph.get(f"{PIM}/{name}", filter="principalId eq 'zoe'", select="groupId")
    assert of_zoe.json["value"] == [{"groupId": SHORT}]
    assert (await graph.get(f"{PIM}/{name}", filter="groupId eq 'x' and colour eq 'red'")).error[0] == 400


async def test_a_reset_forgets_assignments(graph: Caller) -> None:
    await ask(graph)
    await graph.door("POST", "reset")
    assert await members(graph) == []
    assert await schedules(graph) == []


async def test_what_somebody_asks_for_themselves_waits_and_holds_up_all_else_until_it_is_cancelled(
    graph: Caller,
) -> None:
    await ask(graph)
    waiting = await ask(graph, "selfActivate")
    assert (waiting.status, waiting.json["status"]) == (201, "PendingApproval")
    for action in ("adminRemove", "adminExtend"):
        assert (await ask(graph, action)).error[:2] == (400, "PendingRoleAssignmentRequest")
    cancel = f"{PIM}/assignmentScheduleRequests/{waiting.json['id']}/cancel"
    assert (await graph.post(cancel, {})).status == 204
    assert (await graph.post(cancel, {})).error[0] == 400
    assert (await graph.post(f"{PIM}/assignmentScheduleRequests/nothing/cancel", {})).error[0] == 404
    assert (await ask(graph, "adminRemove")).status == 201
