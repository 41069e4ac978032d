"""What the services count on, shown by the real Graph client against the pretend tenant over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.entra import client
from adapters.entra.client import Graph
from adapters.entra.directory import EntraDirectory
from adapters.entra.directory_audit import EntraAudit
from adapters.entra.exemptions import EntraExemptions
from adapters.entra.mfa_policy import EntraMfaPolicy
from adapters.entra.teams_app import GraphTeamsApp
from adapters.mail import GraphMailer
from adapters.sandbox_clock import SandboxClock
from cards.mail_layout import Mail, Paragraph
from domain.errors import NoAnswer, Throttled, Trouble
from program.pretend import AnyToken
from sandbox.server import Sandbox
from sandbox.tenant import Tenant as PretendTenant
from sandbox.tenant import User, read_tenant
from tests.builders import NOON
from tests.journeys.world import until

HOW: Any = {"until": datetime(2027, 1, 1, tzinfo=UTC), "reference": "MFA-7K3Q-9XDM"}


@dataclass
class Tenant:
    sandbox: Sandbox
    directory: EntraDirectory
    exemptions: EntraExemptions
    mail: GraphMailer
    graph: Graph
    waits: list[tuple[str, timedelta]]

    @property
    def group(self) -> str:
        return self.sandbox.tenant.groups["exempt_short"]

    def user(self, begins: str) -> User:
        return next(user for user in self.sandbox.tenant.users if user.upn.startswith(begins))

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.sandbox.url}/sandbox/{path}", json=body) as answer,
        ):
            return await answer.json()

    async def fault(self, **fault: Any) -> None:
        await self.ask("POST", "faults", fault)

    async def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.ask("GET", "calls")
        return found


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    async with tenant_of(read_tenant(), tmp_path) as one:
        yield one


@asynccontextmanager
async def tenant_of(pretend: PretendTenant, folder: Path) -> AsyncIterator[Tenant]:
    sandbox = Sandbox(pretend, folder, port=0)
    await sandbox.start()

    waits: list[tuple[str, timedelta]] = []
    graph = Graph(sandbox.graph_url, AnyToken(), lambda *asked: waits.append(asked))
    try:
        yield Tenant(
            sandbox,
            EntraDirectory(graph),
            EntraExemptions(graph, sandbox.graph_url),
            GraphMailer(graph, sandbox.tenant.helpdesk.mailbox),
            graph,
            waits,
        )
    finally:
        await graph.close()
        await sandbox.close()


async def test_adding_and_removing_may_be_repeated(tenant: Tenant) -> None:
    anna = tenant.user("anna").id
    for _ in range(2):
        await tenant.exemptions.add(tenant.group, anna, **HOW)
        assert await tenant.exemptions.contains(tenant.group, anna)
    for _ in range(2):
        await tenant.exemptions.remove(tenant.group, anna)
        assert not await tenant.exemptions.contains(tenant.group, anna)


async def test_removal_never_deletes_a_user(tenant: Tenant) -> None:
    anna = tenant.user("anna").id
    await tenant.exemptions.add(tenant.group, anna, **HOW)
    await tenant.exemptions.remove(tenant.group, anna)
    deletes = [call["path"] for call in await tenant.calls() if call["method"] == "DELETE"]
    assert deletes
    assert all(path.endswith("/$ref") for path in deletes)
    assert await tenant.directory.person(anna) is not None
    assert not [call for call in await tenant.calls() if call["method"] in ("PATCH", "PUT")]


@pytest.mark.parametrize("strange", ["", "../users", "a/b", "a?b=c", "a#b", "..", "x" * 100, "a b", "é", "%2e%2e"])
async def test_what_cannot_be_an_id_never_reaches_graph(tenant: Tenant, strange: str) -> None:
    assert await tenant.directory.person(strange) is None
    assert await tenant.directory.account(strange) is None
    assert await tenant.directory.groups_of(strange, [tenant.group]) == frozenset()
    acts: Any = (partial(tenant.exemptions.add, **HOW), tenant.exemptions.remove, tenant.exemptions.contains)
    for act in acts:
        with pytest.raises(Trouble):
            await act(tenant.group, strange)
    assert await tenant.calls() == []


@pytest.mark.parametrize(
    ("begins", "enabled", "privileged", "methods"),
    [
        ("anna", True, False, {"password", "microsoftAuthenticator"}),
        ("farah", False, False, {"password", "phone"}),
        ("gareth", True, True, {"password", "microsoftAuthenticator"}),
        ("ewan", True, False, {"password", "fido2"}),
    ],
)
async def test_an_account_is_read_whole(
    tenant: Tenant, begins: str, enabled: bool, privileged: bool, methods: set[str]
) -> None:
    account = await tenant.directory.account(tenant.user(begins).id)
    assert account is not None
    assert (account.enabled, account.privileged, set(account.methods)) == (enabled, privileged, methods)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("anna.baker1@nhs.example", {"Anna Baker"}),
        ("ANNA.BAKER@NHS.EXAMPLE", {"Anna Baker"}),
        ("siobhan.o'neill@nhs.example", {"Siobhan O'Neill"}),
        ("o'neill", {"Siobhan O'Neill"}),
        ("zoë", {"Zoë Fernández-Wójcik"}),
        ("john smith", {"John Smith"}),
        ("nobody at all", set()),
        ("nobody@nhs.example", set()),
        ("🙂", set()),
        ("' or 1 eq 1 or '", set()),
        ("' or true or '@nhs.example", set()),
        ('"', set()),
        ("x" * 10_000, set()),
        ("", set()),
    ],
)
async def test_people_are_found_by_address_or_name_and_nothing_typed_breaks_it(
    tenant: Tenant, typed: str, names: set[str]
) -> None:
    assert {person.name for person in await tenant.directory.find(typed, limit=5)} == names


async def test_group_membership_is_asked_for_the_groups_that_matter(tenant: Tenant) -> None:
    groups = tenant.sandbox.tenant.groups
    meera = tenant.user("meera").id
    assert await tenant.directory.groups_of(meera, groups.values()) == {groups["helpdesk"], groups["leads"]}
    assert await tenant.directory.groups_of(tenant.user("anna").id, groups.values()) == frozenset()
    many = [f"group-{n}" for n in range(45)]
    assert await tenant.directory.groups_of(meera, [*many, groups["helpdesk"]]) == {groups["helpdesk"]}


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503])
async def test_each_refusal_is_trouble_and_nothing_is_believed(tenant: Tenant, status: int) -> None:
    anna = tenant.user("anna").id
    calls = (
        lambda: tenant.directory.account(anna),
        lambda: tenant.directory.groups_of(anna, [tenant.group]),
        lambda: tenant.exemptions.add(tenant.group, anna, **HOW),
        lambda: tenant.exemptions.contains(tenant.group, anna),
        lambda: tenant.directory.reachable(),
    )
    for call in calls:
        await tenant.fault(method="*", path="/v1.0/*", status=status, times=1, retry_after=7)
        with pytest.raises(Trouble) as trouble:
            await call()
        assert str(status) in trouble.value.message
        assert trouble.value.retry_after == timedelta(seconds=7)
        assert "anna" not in trouble.value.message.lower()


async def test_each_answer_that_asks_to_wait_is_counted_once_whoever_asked_and_no_other(tenant: Tenant) -> None:
    anna = tenant.user("anna").id
    calls: Any = (
        lambda: tenant.directory.caller(anna),
        lambda: tenant.directory.members(tenant.group, limit=5),
        lambda: tenant.directory.groups_of(anna, [tenant.group]),
        lambda: tenant.exemptions.remove(tenant.group, anna),
    )
    for number, call in enumerate(calls, start=1):
        for fault in ({"status": 429}, {"status": 500}):
            await tenant.fault(method="*", path="/v1.0/*", times=1, **fault)
            with pytest.raises(Trouble):
                await call()
        await call()
        assert len(tenant.waits) == number


async def test_of_an_answer_that_asks_to_wait_it_is_known_which_service_of_graph_it_is(tenant: Tenant) -> None:
    anna = tenant.user("anna").id
    calls: dict[str, Any] = {
        "graph": lambda: tenant.exemptions.remove(tenant.group, anna),
        "graph:mail": lambda: tenant.mail.send(to="anna.baker1@nhs.net", mail=MAIL, key="1"),
        "graph:methods": lambda: tenant.directory.account(anna),
        "graph:audit": lambda: EntraAudit(tenant.graph).added(tenant.group, anna, NOON),
        "graph:policies": lambda: EntraMfaPolicy(tenant.graph, "policy").left_out(),
        "graph:teamwork": lambda: GraphTeamsApp(tenant.graph, tenant.sandbox.graph_url, "app").chat_of(anna),
    }
    paths = {"graph:methods": "/v1.0/users/*/authentication/*"}
    for service, call in calls.items():
        await tenant.fault(method="*", path=paths.get(service, "/v1.0/*"), times=1, status=429)
        with pytest.raises(Throttled) as throttled:
            await call()
        assert throttled.value.service == service
        assert tenant.waits[-1][0] == service


MAIL = Mail("MFA-7K3Q-9XDM", NOON, "", "", (), "")


@pytest.mark.parametrize(
    ("status", "unanswered"),
    [(400, False), (404, False), (429, False), (503, False), (408, True), (500, True), (502, True), (504, True)],
)
async def test_whether_graph_may_have_taken_an_e_mail_is_known(
    tenant: Tenant, status: int, *, unanswered: bool
) -> None:
    await tenant.fault(method="POST", path="*/sendMail", status=status)
    with pytest.raises(Trouble) as raised:
        await tenant.mail.send(to="anna.baker@nhs.example", mail=MAIL, key="one")
    assert raised.value.unanswered is unanswered


async def test_graph_that_is_too_slow_may_have_taken_an_e_mail_and_without_a_connection_or_a_login_it_has_not(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.3)
    await tenant.fault(method="POST", path="*/sendMail", status=202, delay=1)

    class Slow(AnyToken):
        async def value(self) -> str:
            await asyncio.sleep(1)
            return "a token"

    url = tenant.sandbox.graph_url
    nobody = "http://127.0.0.1:1/v1.0"
    for graph_url, login, unanswered in ((url, AnyToken(), True), (nobody, AnyToken(), False), (url, Slow(), False)):
        graph = Graph(graph_url, login)
        with pytest.raises(Trouble, match="did not answer") as raised:
            await GraphMailer(graph, "mfa@nhs.example").send(to="anna.baker@nhs.example", mail=MAIL, key="one")
        assert raised.value.unanswered is unanswered
        await graph.close()


@pytest.mark.parametrize(("status", "away"), [(500, False), (404, False), (502, True), (503, True), (504, True)])
async def test_what_answers_in_graphs_place_is_told_from_graph_itself(tenant: Tenant, status: int, away: bool) -> None:
    await tenant.fault(method="POST", path="/v1.0/*", status=status)
    with pytest.raises(Trouble) as trouble:
        await tenant.exemptions.add(tenant.group, tenant.user("anna").id, **HOW)
    assert isinstance(trouble.value, NoAnswer) is away


async def test_a_page_in_graphs_place_does_not_say_that_somebody_is_gone(tenant: Tenant) -> None:
    anna = tenant.user("anna").id
    await tenant.exemptions.add(tenant.group, anna, **HOW)
    calls: Any = (
        lambda: tenant.exemptions.remove(tenant.group, anna),
        lambda: tenant.exemptions.contains(tenant.group, anna),
        lambda: tenant.directory.account(anna),
    )
    for call in calls:
        await tenant.fault(method="*", path="/v1.0/*", status=404, body="<html>Not found</html>", times=1)
        with pytest.raises(Trouble, match="404"):
            await call()
    assert await tenant.exemptions.contains(tenant.group, anna)


async def test_a_mail_is_handed_over_once_and_a_refused_one_is_not_repeated(tenant: Tenant) -> None:
    mail = Mail("MFA-7K3Q-9XDM", NOON, "About Zoë", "Words", (Paragraph("Ja – 🙂 & <so>"),), "The end.")
    await tenant.mail.send(to="anna.baker@nhs.example", mail=mail, key="one")
    [accepted] = await tenant.ask("GET", "mail")
    assert accepted["from"] == tenant.sandbox.tenant.helpdesk.mailbox
    assert accepted["to"] == ["anna.baker@nhs.example"]
    assert accepted["subject"] == "About Zoë (MFA-7K3Q-9XDM)"
    assert accepted["body"] == mail.text
    assert accepted["html"] == mail.html
    assert accepted["headers"]["references"] == "<mfa-7k3q-9xdm@nhs.example>"
    await tenant.fault(method="POST", path="*/sendMail", status=503)
    with pytest.raises(Trouble):
        await tenant.mail.send(to="anna.baker@nhs.example", mail=mail, key="one")
    assert len(await tenant.ask("GET", "mail")) == 1


async def test_a_client_that_breaks_after_a_mail_is_out_does_not_look_as_if_nothing_was_sent(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = tenant.mail._graph.call

    async def breaks(*parts: Any) -> None:
        await call(*parts)
        raise TypeError("a mistake in the SDK")

    monkeypatch.setattr(tenant.mail._graph, "call", breaks)
    with pytest.raises(Trouble, match="TypeError") as trouble:
        await tenant.mail.send(to="anna.baker@nhs.example", mail=Mail("MFA-7K3Q-9XDM", NOON, "", "", (), ""), key="one")
    assert trouble.value.unanswered
    assert len(await tenant.ask("GET", "mail")) == 1


@pytest.mark.parametrize(
    ("status", "never"),
    [
        *((status, True) for status in (400, 403, 404, 413)),
        *((status, False) for status in (401, 408, 409, 429, 500, 503, 504)),
    ],
)
async def test_graph_says_of_an_e_mail_whether_it_will_ever_take_it(tenant: Tenant, status: int, never: bool) -> None:
    await tenant.fault(method="POST", path="*/sendMail", status=status)
    with pytest.raises(Trouble) as trouble:
        await tenant.mail.send(to="anna.baker@nhs.example", mail=Mail("MFA-7K3Q-9XDM", NOON, "", "", (), ""), key="one")
    assert trouble.value.for_good is never


@pytest.mark.parametrize("status", [400, 403, 404, 413])
async def test_a_grant_is_never_refused_for_good(tenant: Tenant, status: int) -> None:
    await tenant.fault(method="POST", path="/v1.0/groups/*", status=status)
    with pytest.raises(Trouble) as trouble:
        await tenant.exemptions.add(tenant.group, tenant.user("anna").id, **HOW)
    assert not trouble.value.for_good


async def test_a_token_goes_to_graphs_own_host_only() -> None:
    from adapters.entra.client import _Provider

    provider = _Provider(AnyToken(), "https://graph.microsoft.com/v1.0")
    assert await provider.get_authorization_token("https://graph.microsoft.com/v1.0/users") == "sandbox"
    for elsewhere in ("https://evil.example/v1.0", "https://graph.microsoft.com.evil.example/", "http://localhost/"):
        assert await provider.get_authorization_token(elsewhere) == ""


async def test_the_sandboxes_clock_is_followed_within_two_seconds(tenant: Tenant) -> None:
    clock = SandboxClock(tenant.sandbox.url)
    await clock.start()
    before = clock.now()
    await tenant.ask("POST", "clock", {"advance": "P150D"})
    await until(lambda: clock.now() - before > timedelta(days=149), 2.5)
    await clock.close()


async def test_the_tenant_remembers_after_it_was_stopped(tenant: Tenant, tmp_path: Path) -> None:
    anna = tenant.user("anna").id
    await tenant.exemptions.add(tenant.group, anna, **HOW)
    await tenant.ask("POST", "clock", {"advance": "PT5H"})
    again = Sandbox(read_tenant(), tmp_path, port=0)
    await again.start()
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer x"}) as session,
        session.get(f"{again.graph_url}/groups/{tenant.group}/members") as answer,
    ):
        assert anna in await answer.text()
    assert again.clock.offset > timedelta(hours=4)
    await again.close()
    await asyncio.sleep(0)


async def test_the_members_of_a_group_are_people_by_name_and_no_more_than_asked_for(tenant: Tenant) -> None:
    leads = await tenant.directory.members(tenant.sandbox.tenant.groups["leads"], limit=5)
    assert [one.name for one in leads] == ["Meera Patel"]
    assert leads[0].address == "meera.patel@nhs.example"
    helpdesk = tenant.sandbox.tenant.groups["helpdesk"]
    assert len(await tenant.directory.members(helpdesk, limit=2)) == 2
    for unknown in ("no-such-group", "../users", ""):
        assert await tenant.directory.members(unknown, limit=5) == ()


async def test_whoever_may_decide_through_a_group_within_the_group_is_one_of_its_members(tmp_path: Path) -> None:
    pretend = replace(read_tenant(), nested={"leads": ("helpdesk",)})
    async with tenant_of(pretend, tmp_path) as tenant:
        leads, agent = pretend.groups["leads"], next(user.id for user in pretend.users if user.groups == ("helpdesk",))
        assert await tenant.directory.groups_of(agent, [leads]) == {leads}
        assert agent in [one.id for one in await tenant.directory.members(leads, limit=5)]
        [call] = [call for call in await tenant.calls() if "transitiveMembers" in call["path"]]
        assert call["path"].endswith("/graph.user")


async def test_an_account_tells_each_of_its_methods_apart(tenant: Tenant) -> None:
    account = await tenant.directory.account(tenant.user("chidi").id)
    assert account is not None
    assert [one.partition(":")[0] for one in account.method_ids] == ["microsoftAuthenticator", "password", "phone"]
    assert len(set(account.method_ids)) == 3
