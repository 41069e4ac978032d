"""What a mailbox is for, as the real Graph client reads it from the pretend tenant over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.entra.client import Graph
from adapters.entra.mailboxes import EntraMailboxes
from domain.errors import Trouble
from program.pretend import AnyToken
from sandbox.server import Sandbox
from sandbox.tenant import read_tenant

SHARED = "admin.riverside@nhs.example"


@dataclass
class Tenant:
    sandbox: Sandbox
    mailboxes: EntraMailboxes

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.sandbox.url}/sandbox/{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
            return await answer.json()


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    sandbox = Sandbox(read_tenant(), tmp_path, port=0)
    await sandbox.start()

    graph = Graph(sandbox.graph_url, AnyToken())
    yield Tenant(sandbox, EntraMailboxes(graph))
    await graph.close()
    await sandbox.close()


@pytest.mark.parametrize(
    ("address", "purpose"),
    [
        (SHARED, "shared"),
        (SHARED.upper(), "shared"),
        ("anna.baker1@nhs.example", "user"),
        ("siobhan.o'neill@nhs.example", "user"),
        ("nobody@nhs.example", ""),
    ],
)
async def test_a_mailbox_says_what_it_is_for(tenant: Tenant, address: str, purpose: str) -> None:
    assert await tenant.mailboxes.purpose(address) == purpose


@pytest.mark.parametrize(
    "strange", ["", "x", "a/b@nhs.example", "../a@nhs.example", "a?b@nhs.example", "é@nhs.example"]
)
async def test_what_cannot_be_an_address_never_reaches_graph(tenant: Tenant, strange: str) -> None:
    assert await tenant.mailboxes.purpose(strange) == ""
    assert await tenant.ask("GET", "calls") == []


async def test_a_throttled_question_is_trouble_and_says_how_long_to_wait(tenant: Tenant) -> None:
    fault = {"method": "GET", "path": "/v1.0/users/*/mailboxSettings/userPurpose", "status": 429, "retry_after": 7}
    await tenant.ask("POST", "faults", fault | {"times": 1})
    with pytest.raises(Trouble) as raised:
        await tenant.mailboxes.purpose(SHARED)
    assert raised.value.retry_after == timedelta(seconds=7)
    assert await tenant.mailboxes.purpose(SHARED) == "shared"
