"""Exempting by PIM for Groups, shown by the real Graph client against the pretend tenant over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.entra.client import Graph
from adapters.entra.exemptions import EntraExemptions
from adapters.entra.pim import DirectAfterPim, EntraPim
from domain.errors import Trouble, Unproved
from program.pretend import AnyToken
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant

REQUESTS = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
REFERENCE = "MFA-7K3Q-9XDM"


@dataclass
class Tenant:
    sandbox: Sandbox
    graph: Graph
    direct: EntraExemptions
    pim: EntraPim
    turns: list[None]
    """One for each write of a call but the first."""

    @property
    def group(self) -> str:
        return self.sandbox.tenant.groups["exempt_short"]

    @property
    def anna(self) -> str:
        return next(user.id for user in self.sandbox.tenant.users if user.upn.startswith("anna"))

    def now(self) -> datetime:
        return self.sandbox.clock.now()

    async def assign(self, until: datetime) -> None:
        await self.pim.add(self.group, self.anna, until=until, reference=REFERENCE)

    async def member(self) -> bool:
        return await self.pim.contains(self.group, self.anna)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession(headers={"Authorization": "Bearer x"}) as session,
            session.request(method, f"{self.sandbox.url}{path}", json=body) as answer,
        ):
            return await answer.json() if answer.content_type == "application/json" else None

    async def asked(self) -> list[str]:
        """The actions that PIM was asked for, in order."""
        rows = await self.ask("GET", f"{REQUESTS}?$filter=principalId eq '{self.anna}'")
        return [row["action"] for row in rows["value"]]

    async def ends(self) -> datetime:
        path = REQUESTS.replace("Requests", "s")
        [row] = (await self.ask("GET", f"{path}?$filter=principalId eq '{self.anna}'"))["value"]
        return datetime.fromisoformat(row["scheduleInfo"]["expiration"]["endDateTime"])

    def row(self, ends: datetime, kind: str) -> dict[str, Any]:
        """An assignment as PIM lists it."""
        expiration = {"type": "afterDateTime", "endDateTime": ends.isoformat()}
        schedule = {"startDateTime": self.now().isoformat(), "expiration": expiration}
        ids = {"groupId": self.group, "principalId": self.anna, "accessId": "member"}
        return ids | {"assignmentType": kind, "scheduleInfo": schedule}

    async def answer(self, rows: list[dict[str, Any]], times: int = 1) -> None:
        """What PIM lists, so often."""
        fault = {"method": "GET", "path": REQUESTS.replace("Requests", "s"), "status": 200, "times": times}
        await self.ask("POST", "/sandbox/faults", fault | {"body": json.dumps({"value": rows})})

    async def refuse(self, code: str, status: int = 400) -> None:
        """The next request of PIM fails as Graph fails."""
        body = json.dumps({"error": {"code": code, "message": "No.", "innerError": {"request-id": "r"}}})
        await self.ask("POST", "/sandbox/faults", {"method": "POST", "path": REQUESTS, "status": status, "body": body})

    async def take(self, status: str) -> None:
        """The next request is taken by PIM with this status, and nothing comes of it."""
        fault = {"method": "POST", "path": REQUESTS, "status": 201, "body": json.dumps({"status": status})}
        await self.ask("POST", "/sandbox/faults", fault)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Tenant]:
    sandbox = Sandbox(read_tenant(), folder, port=0)
    await sandbox.start()

    graph = Graph(sandbox.graph_url, AnyToken())
    direct = EntraExemptions(graph, sandbox.graph_url)
    turns: list[None] = []

    async def turn() -> None:
        turns.append(None)

    yield Tenant(sandbox, graph, direct, EntraPim(graph, direct, sandbox.clock, turn), turns)
    await graph.close()
    await sandbox.close()


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    async with running(tmp_path) as one:
        yield one


async def test_assigning_and_removing_may_be_repeated(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(hours=24)
    for _ in range(2):
        await tenant.assign(until)
        assert await tenant.member()
    for _ in range(2):
        await tenant.pim.remove(tenant.group, tenant.anna)
        assert not await tenant.member()
    assert await tenant.asked() == ["adminAssign", "adminRemove"]


@pytest.mark.parametrize("length", [timedelta(hours=24), timedelta(days=1), timedelta(days=180)])
async def test_entras_end_is_later_than_ours_and_by_ten_minutes_at_most(tenant: Tenant, length: timedelta) -> None:
    until = tenant.now() + length
    await tenant.assign(until)
    assert timedelta(minutes=2) <= await tenant.ends() - until <= timedelta(minutes=10)
    tenant.sandbox.clock.offset += length
    assert await tenant.member()
    tenant.sandbox.clock.offset += timedelta(minutes=10)
    assert not await tenant.member()


async def test_entra_writes_down_the_reference(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(hours=24))
    [row] = (await tenant.ask("GET", f"{REQUESTS}?$filter=principalId eq '{tenant.anna}'"))["value"]
    assert REFERENCE in row["justification"]


async def test_a_grant_that_took_long_moves_the_end_and_one_that_did_not_leaves_it(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(hours=24)
    await tenant.assign(until)
    await tenant.assign(until + timedelta(minutes=2))
    assert await tenant.asked() == ["adminAssign"]
    later = until + timedelta(minutes=20)
    await tenant.assign(later)
    assert await tenant.asked() == ["adminAssign", "adminExtend"]
    assert timedelta(minutes=2) <= await tenant.ends() - later <= timedelta(minutes=10)


async def test_a_renewal_extends_and_a_shorter_one_shortens(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(days=30))
    longer, shorter = tenant.now() + timedelta(days=180), tenant.now() + timedelta(days=7)
    for until in (longer, shorter):
        await tenant.assign(until)
        assert timedelta(minutes=2) <= await tenant.ends() - until <= timedelta(minutes=10)
    assert await tenant.asked() == ["adminAssign", "adminExtend", "adminUpdate"]
    assert await tenant.member()


async def test_what_pim_does_not_take_for_an_extension_is_changed(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(days=30))
    await tenant.refuse("ExtensionNotAllowed")
    until = tenant.now() + timedelta(days=180)
    await tenant.assign(until)
    assert await tenant.asked() == ["adminAssign", "adminUpdate"]
    assert await tenant.ends() > until


@pytest.mark.parametrize("code", ["PendingRoleAssignmentRequest", "RoleAssignmentDoesNotExist"])
async def test_a_renewal_whose_end_pim_has_not_moved_is_not_proved(tenant: Tenant, code: str) -> None:
    await tenant.assign(tenant.now() + timedelta(days=30))
    until = tenant.now() + timedelta(days=180)
    await tenant.refuse(code)
    with pytest.raises(Unproved, match="not moved the assignment's end"):
        await tenant.assign(until)
    await tenant.assign(until)
    assert await tenant.ends() > until


async def test_an_end_in_entra_that_is_still_too_late_is_no_trouble(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(days=30)
    await tenant.assign(until + timedelta(days=1))
    await tenant.refuse("PendingRoleAssignmentRequest")
    await tenant.assign(until)
    assert await tenant.member()


async def test_what_somebody_activated_for_some_hours_is_no_assignment_and_proves_none(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(hours=24)
    activated = tenant.row(tenant.now() + timedelta(hours=8), "activated")
    await tenant.answer([activated])
    await tenant.assign(until)
    assert await tenant.asked() == ["adminAssign"]
    await tenant.answer([activated], times=2)
    await tenant.refuse("RoleAssignmentExists")
    with pytest.raises(Unproved):
        await tenant.assign(until)


async def test_a_member_from_before_gets_an_end_and_is_removed_at_it(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(hours=24)
    await tenant.direct.add(tenant.group, tenant.anna, until=until, reference=REFERENCE)
    await tenant.assign(until)
    assert await tenant.asked() == ["adminUpdate"]
    tenant.sandbox.clock.offset += timedelta(hours=25)
    assert not await tenant.member()


async def test_by_group_a_renewal_of_what_pim_assigned_moves_its_end(tenant: Tenant) -> None:
    by_group = DirectAfterPim(tenant.direct, tenant.pim)
    await tenant.assign(tenant.now() + timedelta(days=30))
    until = tenant.now() + timedelta(days=180)
    for _ in range(2):
        await by_group.add(tenant.group, tenant.anna, until=until, reference=REFERENCE)
    assert await tenant.asked() == ["adminAssign", "adminExtend"]
    assert len(tenant.turns) == 1
    assert await tenant.ends() > until
    await by_group.remove(tenant.group, tenant.anna)
    assert not await by_group.contains(tenant.group, tenant.anna)


async def test_by_group_whoever_pim_did_not_assign_is_left_to_be_removed_by_the_bot(tenant: Tenant) -> None:
    by_group = DirectAfterPim(tenant.direct, tenant.pim)
    until = tenant.now() + timedelta(days=180)
    for _ in range(2):
        await by_group.add(tenant.group, tenant.anna, until=until, reference=REFERENCE)
    assert await tenant.asked() == []
    tenant.sandbox.clock.offset += timedelta(days=365)
    assert await by_group.contains(tenant.group, tenant.anna)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_by_group_a_tenant_without_pim_is_no_trouble(tenant: Tenant, status: int) -> None:
    by_group = DirectAfterPim(tenant.direct, tenant.pim)
    fault = {"method": "GET", "path": REQUESTS.replace("Requests", "s"), "status": status}
    await tenant.ask("POST", "/sandbox/faults", fault)
    for _ in range(2):
        await by_group.add(tenant.group, tenant.anna, until=tenant.now(), reference=REFERENCE)
    assert await by_group.contains(tenant.group, tenant.anna)


async def test_a_member_whom_pim_does_not_know_is_removed_from_the_group(tenant: Tenant) -> None:
    await tenant.direct.add(tenant.group, tenant.anna, until=tenant.now(), reference=REFERENCE)
    await tenant.refuse("RoleAssignmentDoesNotExist")
    path = REQUESTS.replace("Requests", "s")
    nothing = {"method": "GET", "path": path, "status": 200, "body": '{"value": []}'}
    await tenant.ask("POST", "/sandbox/faults", nothing)
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert not await tenant.member()


@pytest.mark.parametrize("status", [400, 404])
async def test_a_member_that_is_no_user_is_removed_from_the_group(tenant: Tenant, status: int) -> None:
    await tenant.refuse("RoleAssignmentDoesNotExist" if status == 400 else "SubjectNotFound", status)
    await tenant.pim.remove(tenant.group, "a-group")
    calls = [(call["method"], call["path"]) for call in await tenant.ask("GET", "/sandbox/calls")]
    assert calls[-1] == ("DELETE", f"/v1.0/groups/{tenant.group}/members/a-group/$ref")


async def test_a_call_that_takes_two_writes_asks_for_two_turns(tenant: Tenant) -> None:
    await tenant.direct.add(tenant.group, tenant.anna, until=tenant.now(), reference=REFERENCE)
    await tenant.refuse("SubjectNotFound", 404)
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert not await tenant.member()
    assert len(tenant.turns) == 1
    await tenant.assign(tenant.now() + timedelta(days=30))
    await tenant.refuse("ExtensionNotAllowed")
    await tenant.assign(tenant.now() + timedelta(days=180))
    assert len(tenant.turns) == 2
    await tenant.assign(tenant.now() + timedelta(days=360))
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert len(tenant.turns) == 2, "one write, one turn: the one that whoever called has booked"


async def test_entra_that_has_ended_it_already_is_no_trouble(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(hours=1))
    tenant.sandbox.clock.offset += timedelta(hours=2)
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert not await tenant.member()


async def test_somebody_who_left_entra_is_no_trouble_to_remove(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(hours=1))
    await tenant.ask("DELETE", f"/v1.0/users/{tenant.anna}")
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert not await tenant.member()
    with pytest.raises(Trouble, match="SubjectNotFound"):
        await tenant.assign(tenant.now() + timedelta(hours=1))


@pytest.mark.parametrize("code", ["RoleAssignmentExists", "PendingRoleAssignmentRequest", "RoleAssignmentDoesNotExist"])
async def test_what_is_so_already_or_becoming_so_is_left_to_the_reading(tenant: Tenant, code: str) -> None:
    await tenant.refuse(code)
    await tenant.assign(tenant.now() + timedelta(hours=1))
    assert not await tenant.member()
    await tenant.assign(tenant.now() + timedelta(hours=1))
    if code != "PendingRoleAssignmentRequest":
        await tenant.refuse(code)
        await tenant.pim.remove(tenant.group, tenant.anna)
        assert await tenant.member()


async def test_a_removal_that_a_pending_request_holds_up_says_where_to_cancel_it(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(hours=1))
    await tenant.refuse("PendingRoleAssignmentRequest")
    with pytest.raises(Unproved, match=r"pending request.*cancel the request in Entra under .*Pending requests"):
        await tenant.pim.remove(tenant.group, tenant.anna)


async def test_a_request_that_waits_for_an_approver_is_cancelled_for_a_removal(tenant: Tenant) -> None:
    until = tenant.now() + timedelta(hours=1)
    await tenant.assign(until)
    wish = {"accessId": "member", "action": "selfActivate", "groupId": tenant.group, "principalId": tenant.anna}
    assert (await tenant.ask("POST", REQUESTS, wish))["status"] == "PendingApproval"
    with pytest.raises(Unproved, match="PendingRoleAssignmentRequest"):
        await tenant.assign(until + timedelta(days=1))
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert not await tenant.member()
    assert await tenant.asked() == ["adminAssign", "selfActivate", "adminRemove"]
    assert len(tenant.turns) == 2, "the cancellation, and the removal asked again"


@pytest.mark.parametrize("status", ["PendingApproval", "PendingAdminDecision", "Denied", "Failed", "Canceled", "x", ""])
async def test_a_request_that_pim_took_and_did_not_carry_out_proves_nothing(tenant: Tenant, status: str) -> None:
    await tenant.assign(tenant.now() + timedelta(days=30))
    for change in (
        tenant.assign(tenant.now() + timedelta(days=180)),
        tenant.assign(tenant.now() + timedelta(days=7)),
        tenant.pim.remove(tenant.group, tenant.anna),
    ):
        await tenant.take(status)
        with pytest.raises(Trouble, match=f"not carr(y|ied) it out.*{status}"):
            await change
    assert await tenant.asked() == ["adminAssign"]


@pytest.mark.parametrize("status", ["PendingProvisioning", "PendingScheduleCreation"])
async def test_what_pim_is_doing_is_read_again(tenant: Tenant, status: str) -> None:
    await tenant.assign(tenant.now() + timedelta(days=30))
    await tenant.take(status)
    with pytest.raises(Unproved, match=status):
        await tenant.assign(tenant.now() + timedelta(days=180))
    await tenant.take(status)
    await tenant.pim.remove(tenant.group, tenant.anna)
    assert await tenant.member()


@pytest.mark.parametrize(
    ("code", "hint", "wait"),
    [
        ("ActiveDurationTooShort", "five minutes", timedelta(seconds=155)),
        ("RoleAssignmentRequestPolicyValidationFailed", "365 days", None),
    ],
)
async def test_a_refusal_that_is_known_says_what_to_do(
    tenant: Tenant, code: str, hint: str, wait: timedelta | None
) -> None:
    await tenant.refuse(code)
    with pytest.raises(Trouble, match=hint) as trouble:
        await tenant.pim.remove(tenant.group, tenant.anna)
    assert code in trouble.value.message
    assert trouble.value.retry_after == wait


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_each_other_refusal_is_trouble(tenant: Tenant, status: int) -> None:
    for path in (REQUESTS, REQUESTS.replace("Requests", "s")):
        await tenant.ask("POST", "/sandbox/faults", {"path": path, "status": status, "retry_after": 7})
        with pytest.raises(Trouble, match=str(status)) as trouble:
            await tenant.assign(tenant.now() + timedelta(hours=1))
        assert trouble.value.retry_after == timedelta(seconds=7)
    assert not await tenant.member()


@pytest.mark.parametrize(
    ("expiration", "moves"),
    [
        ({"type": "afterDuration", "duration": "PT24H5M"}, False),
        ({"type": "afterDateTime", "endDateTime": "2027-03-02T09:05:00.1234567Z"}, False),
        ({"type": "afterDuration", "duration": "PT1H"}, True),
        ({"type": "noExpiration", "endDateTime": None, "duration": None}, True),
    ],
)
async def test_an_end_is_read_as_graph_may_write_it(tenant: Tenant, expiration: dict[str, Any], moves: bool) -> None:
    until = datetime(2027, 3, 2, 9, 0, tzinfo=UTC)
    await tenant.ask("POST", "/sandbox/clock", {"set": "2027-03-01T09:00:00Z"})
    await tenant.assign(until)
    schedule = {"startDateTime": "2027-03-01T09:00:00Z", "expiration": expiration}
    row = {"groupId": tenant.group.upper(), "principalId": tenant.anna, "accessId": "member", "scheduleInfo": schedule}
    other = row | {"groupId": "another", "scheduleInfo": None}
    body = json.dumps({"value": [other, row]})
    path = REQUESTS.replace("Requests", "s")
    await tenant.ask("POST", "/sandbox/faults", {"method": "GET", "path": path, "status": 200, "body": body})
    before = await tenant.asked()
    await tenant.ask("POST", "/sandbox/faults", {"method": "POST", "path": REQUESTS, "status": 503, "times": 1})
    try:
        await tenant.assign(until)
    except Trouble:
        assert moves
    else:
        assert not moves
    assert await tenant.asked() == before


_BAD_END = '{"groupId": "GROUP", "principalId": "ANNA", "scheduleInfo": {"expiration": {"endDateTime": "tomorrow"}}}'


@pytest.mark.parametrize("body", ["{}", '{"value": [7]}', '{"value": [{}]}', f'{{"value": [{_BAD_END}]}}'])
async def test_an_answer_of_another_shape_is_trouble(tenant: Tenant, body: str) -> None:
    body = body.replace("GROUP", tenant.group).replace("ANNA", tenant.anna)
    path = REQUESTS.replace("Requests", "s")
    await tenant.ask("POST", "/sandbox/faults", {"method": "GET", "path": path, "status": 200, "body": body})
    with pytest.raises(Trouble):
        await tenant.assign(tenant.now() + timedelta(hours=1))
    assert await tenant.asked() == []


@pytest.mark.parametrize("strange", ["", "../users", "a' or groupId eq 'b", "a/b", "x" * 100])
async def test_what_cannot_be_an_id_never_reaches_graph(tenant: Tenant, strange: str) -> None:
    with pytest.raises(Trouble):
        await tenant.pim.add(tenant.group, strange, until=tenant.now(), reference=REFERENCE)
    with pytest.raises(Trouble):
        await tenant.pim.remove(strange, tenant.anna)
    assert await tenant.ask("GET", "/sandbox/calls") == []


async def test_each_call_carries_an_id_of_its_own(tenant: Tenant) -> None:
    await tenant.assign(tenant.now() + timedelta(hours=1))
    await tenant.pim.remove(tenant.group, tenant.anna)
    ids = [call["client-request-id"] for call in await tenant.ask("GET", "/sandbox/calls")]
    assert len(set(ids)) == len(ids) == 3
    assert all(ids)
