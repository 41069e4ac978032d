"""Members, who added them, and whom the MFA policy leaves out: the real adapters against the pretend tenant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.entra.client import Graph, GraphThrottled, GraphTrouble
from adapters.entra.directory_audit import EntraAudit
from adapters.entra.exemptions import EntraExemptions
from adapters.entra.members import EntraMembers
from adapters.entra.mfa_policy import EntraMfaPolicy
from domain.errors import NoSuchGroup, NotPermitted, Trouble
from program.pretend import AnyToken
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant
from services.drifts import Added, Known

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Tenant:
    sandbox: Sandbox
    graph: Graph
    members: EntraMembers
    audit: EntraAudit

    @property
    def short(self) -> str:
        return self.sandbox.tenant.groups["exempt_short"]

    @property
    def both(self) -> list[str]:
        return [self.short, self.sandbox.tenant.groups["exempt_long"]]

    def user(self, begins: str) -> str:
        return next(user.id for user in self.sandbox.tenant.users if user.upn.startswith(begins))

    async def door(self, method: str, name: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.sandbox.url}/sandbox/{name}", json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    async def put(self, begins: str, action: str = "add", by: str = "Sam Price") -> str:
        user = self.user(begins)
        await self.door("POST", "members", {"group": "exempt_short", "user": user, "action": action, "by": by})
        return user

    async def paths(self) -> list[str]:
        return [call["path"].removeprefix("/v1.0") for call in await self.door("GET", "calls")]


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    sandbox = Sandbox(read_tenant(), tmp_path, port=0)
    await sandbox.start()

    graph = Graph(sandbox.graph_url, AnyToken())
    yield Tenant(sandbox, graph, EntraMembers(graph, sandbox.graph_url), EntraAudit(graph))
    await graph.close()
    await sandbox.close()


async def test_everybody_is_read_first_and_then_what_has_changed(tenant: Tenant) -> None:
    anna = await tenant.put("anna")
    first = await tenant.members.read(tenant.both, None)
    assert first.members == {tenant.short: frozenset({anna}), tenant.both[1]: frozenset()}
    bilal = await tenant.put("bilal")
    await tenant.put("anna", "remove")
    known = replace(first, whole_at=NOON)
    second = await tenant.members.read(tenant.both, known)
    assert second.members[tenant.short] == {bilal}
    assert second.whole_at == NOON
    assert (await tenant.members.read(tenant.both, second)).members == second.members
    assert (await tenant.members.read(tenant.both, known)).members == second.members, "an old link tells the same"
    assert all(path.startswith("/groups/delta") for path in await tenant.paths())


async def test_many_are_read_page_by_page(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.delta._USUAL", 3)
    everybody = {await tenant.put(user.upn) for user in tenant.sandbox.tenant.users}
    assert len(everybody) > 9
    first = await tenant.members.read(tenant.both, None)
    assert first.members[tenant.short] == everybody
    for user in tenant.sandbox.tenant.users[:5]:
        await tenant.put(user.upn, "remove")
    assert len((await tenant.members.read(tenant.both, first)).members[tenant.short]) == len(everybody) - 5


async def test_where_the_token_is_refused_everybody_is_read_again(tenant: Tenant) -> None:
    await tenant.put("bilal")
    known = replace(await tenant.members.read(tenant.both, None), whole_at=NOON)
    await tenant.door("POST", "reset")
    anna = await tenant.put("anna")
    again = await tenant.members.read(tenant.both, known)
    assert again.members[tenant.short] == {anna}
    assert again.whole_at is None


async def test_where_there_is_no_delta_groups_are_read_one_by_one(tenant: Tenant) -> None:
    everybody = {await tenant.put(user.upn) for user in tenant.sandbox.tenant.users}
    await tenant.door("POST", "faults", {"path": "/v1.0/groups/delta*", "status": 403, "times": 9})
    read = await tenant.members.read(tenant.both, None)
    assert read.members == {tenant.short: everybody, tenant.both[1]: frozenset()}
    assert read.link == ""


async def test_other_groups_than_before_are_read_whole(tenant: Tenant) -> None:
    known = await tenant.members.read([tenant.short], None)
    assert set((await tenant.members.read(tenant.both, known)).members) == set(tenant.both)


async def test_no_groups_have_no_members_and_nothing_is_asked(tenant: Tenant) -> None:
    assert await tenant.members.read([], None) == Known({})
    assert await tenant.paths() == []


async def test_a_group_that_is_not_there_is_trouble_and_never_an_empty_one(tenant: Tenant) -> None:
    gone = "4c1d2e7f-0000-4b1c-a2d3-e4f506172800"
    with pytest.raises(NoSuchGroup):
        await tenant.members.read([*tenant.both, gone], None)
    with pytest.raises(NoSuchGroup):
        await tenant.members.holds(gone, tenant.both[0])


async def test_a_page_in_graphs_place_does_not_say_that_a_group_is_gone(tenant: Tenant) -> None:
    page = {"path": "/v1.0/groups/*", "status": 404, "body": "<html>Not found</html>", "times": 9}
    await tenant.door("POST", "faults", page)
    with pytest.raises(GraphTrouble, match="404"):
        await tenant.members.read([tenant.short], None)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_fails_is_trouble_and_nothing_is_believed(tenant: Tenant, status: int) -> None:
    await tenant.put("anna")
    await tenant.door("POST", "faults", {"path": "/v1.0/groups/*", "status": status, "times": 9, "retry_after": 7})
    with pytest.raises(GraphThrottled if status == 429 else Trouble):
        await tenant.members.read(tenant.both, None)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"value": 5}',
        '{"value": [{"id": 5}]}',
        '{"value": []}',
        '{"value": [], "@odata.nextLink": "https://evil.example/v1.0/groups/delta?$skiptoken=x"}',
        '{"value": [{"id": "ID", "members@delta": {}}], "@odata.deltaLink": "x"}',
        '{"value": [{"id": "ID", "members@delta": [{}]}], "@odata.deltaLink": "x"}',
        '{"value": [{"id": "ID", "@removed": {"reason": "changed"}}], "@odata.deltaLink": "x"}',
    ],
)
async def test_a_strange_answer_is_trouble(tenant: Tenant, body: str) -> None:
    body = body.replace("ID", tenant.short)
    await tenant.door("POST", "faults", {"path": "/v1.0/groups/delta*", "status": 200, "body": body, "times": 9})
    with pytest.raises(Trouble):
        await tenant.members.read([tenant.short], None)


async def test_a_kept_link_that_leads_elsewhere_is_not_followed(tenant: Tenant) -> None:
    known = Known({tenant.short: frozenset()}, "https://evil.example/v1.0/groups/delta?$deltatoken=x", NOON)
    with pytest.raises(Trouble, match="elsewhere"):
        await tenant.members.read([tenant.short], known)


async def test_one_alone_is_looked_up_in_the_list_whatever_it_is(tenant: Tenant) -> None:
    everybody = {await tenant.put(user.upn) for user in tenant.sandbox.tenant.users}
    for one in everybody:
        assert await tenant.members.holds(tenant.short, one.upper())
    leads = tenant.sandbox.tenant.groups["leads"]
    for nobody in (leads, "4c1d2e7f-0000-4b1c-a2d3-e4f506172800"):
        assert not await tenant.members.holds(tenant.short, nobody)
    await tenant.door("POST", "members", {"group": "exempt_short", "user": "leads", "action": "add"})
    assert await tenant.members.holds(tenant.short, leads)
    assert leads in (await tenant.members.read(tenant.both, None)).members[tenant.short]
    exemptions = EntraExemptions(tenant.graph, tenant.sandbox.graph_url)
    assert not await exemptions.contains(tenant.short, leads)
    await exemptions.remove(tenant.short, leads)
    assert not await tenant.members.holds(tenant.short, leads)
    with pytest.raises(Trouble):
        await tenant.members.holds(tenant.short, "../users")
    await tenant.door("POST", "faults", {"path": "/v1.0/groups/*", "status": 500})
    with pytest.raises(Trouble):
        await tenant.members.holds(tenant.short, leads)


async def test_the_audit_says_who_added_a_member_to_this_group_last(tenant: Tenant) -> None:
    bilal = await tenant.put("bilal", by="Anna Price")
    await tenant.put("bilal", "remove")
    await tenant.put("bilal", by=tenant.user("meera"))
    added = await tenant.audit.added(tenant.short, bilal, datetime.now(UTC))
    assert added.by == "Meera Patel (meera.patel@nhs.example)"
    assert added.at is not None
    assert added.at.tzinfo is not None
    assert await tenant.audit.added(tenant.both[1], bilal, datetime.now(UTC)) == Added()
    assert await tenant.audit.added(tenant.short, tenant.user("anna"), datetime.now(UTC)) == Added()


async def test_who_was_removed_last_was_added_by_somebody_whom_the_audit_does_not_name_yet(tenant: Tenant) -> None:
    exemptions = EntraExemptions(tenant.graph, tenant.sandbox.graph_url)
    anna = tenant.user("anna")
    await exemptions.add(tenant.short, anna, until=NOON, reference="MFA-7K3Q-9XDM")
    await exemptions.remove(tenant.short, anna)
    removed = datetime.now(UTC)
    seen = removed + timedelta(minutes=10)
    assert await tenant.audit.added(tenant.short, anna, seen) == Added()
    await tenant.door("POST", "clock", {"advance": "PT9M"})
    await tenant.put("anna", by="Sam Price")
    assert (await tenant.audit.added(tenant.short, anna, seen)).by == "Sam Price"
    await tenant.door("POST", "clock", {"advance": "PT1M"})
    await exemptions.remove(tenant.short, anna)
    assert (await tenant.audit.added(tenant.short, anna, seen)).by == "Sam Price", "our removal came of it"
    await tenant.door("POST", "clock", {"advance": "PT10M"})
    await tenant.put("anna", by="Somebody later")
    assert (await tenant.audit.added(tenant.short, anna, seen)).by == "Sam Price"


async def test_what_our_own_app_added_bears_its_name(tenant: Tenant) -> None:
    exemptions = EntraExemptions(tenant.graph, tenant.sandbox.graph_url)
    anna = tenant.user("anna")
    await exemptions.add(tenant.short, anna, until=NOON, reference="MFA-7K3Q-9XDM")
    assert (await tenant.audit.added(tenant.short, anna, datetime.now(UTC))).by == "MFA exceptions"


async def test_an_app_that_may_not_read_the_audit_is_told_apart_from_an_outage(tenant: Tenant) -> None:
    for status, error in ((403, NotPermitted), (503, Trouble)):
        await tenant.door("POST", "faults", {"path": "/v1.0/auditLogs/*", "status": status})
        with pytest.raises(error):
            await tenant.audit.added(tenant.short, "x", NOON)
    await tenant.door("POST", "faults", {"path": "/v1.0/auditLogs/*", "status": 200, "body": '{"value": [{}]}'})
    with pytest.raises(Trouble, match="another shape"):
        await tenant.audit.added(tenant.short, "x", NOON)


async def test_the_mfa_policy_says_whom_it_leaves_out(tenant: Tenant) -> None:
    policy = EntraMfaPolicy(tenant.graph, tenant.sandbox.tenant.conditional_access.policy)
    assert await policy.left_out() == frozenset(tenant.both)
    await tenant.door("POST", "conditional-access", {"exclude_groups": ["leads"]})
    assert await policy.left_out() == frozenset({tenant.sandbox.tenant.groups["leads"]})
    users = '{"excludeGroups": ["A"], "excludeUsers": ["B"], "excludeRoles": ["c"], "excludeGuestsOrExternalUsers": {}}'
    for given, more in ((users, set[str]()), (users.replace("{}", '{"x": 1}'), {"guests"})):
        body = f'{{"conditions": {{"users": {given}}}}}'
        await tenant.door("POST", "faults", {"path": "/v1.0/identity/*", "status": 200, "body": body})
        assert await policy.left_out() == frozenset({"a", "b", "c"} | more)


async def test_where_the_app_may_not_read_the_policy_that_is_known_from_a_failure(tenant: Tenant) -> None:
    policy = EntraMfaPolicy(tenant.graph, tenant.sandbox.tenant.conditional_access.policy)
    for status, permitted in ((403, False), (503, True)):
        await tenant.door("POST", "faults", {"path": "/v1.0/identity/*", "status": status, "times": 1})
        with pytest.raises(Trouble) as trouble:
            await policy.left_out()
        assert isinstance(trouble.value, NotPermitted) is not permitted


async def test_a_policy_that_is_not_there_is_none(tenant: Tenant) -> None:
    assert await EntraMfaPolicy(tenant.graph, "no-such-policy").left_out() is None


async def test_a_policy_that_cannot_be_read_is_trouble_and_never_one_that_leaves_nobody_out(tenant: Tenant) -> None:
    policy = EntraMfaPolicy(tenant.graph, tenant.sandbox.tenant.conditional_access.policy)
    for body in ("{}", '{"conditions": {"users": {}}}', '{"conditions": {"users": {"excludeGroups": 5}}}'):
        await tenant.door("POST", "faults", {"path": "/v1.0/identity/*", "status": 200, "body": body})
        with pytest.raises(Trouble):
            await policy.left_out()
