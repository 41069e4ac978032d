"""A pretend tenant that runs, and somebody who calls it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.server import Sandbox
from sandbox.tenant import Tenant

EVENTUAL = {"ConsistencyLevel": "eventual"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    json: Any
    """None where the answer is no JSON."""

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message, once the envelope is seen to be Graph's."""
        assert set(self.json) == {"error"}
        error = self.json["error"]
        assert set(error) == {"code", "message", "innerError"}
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
        return self.status, error["code"], error["message"]

    @property
    def ids(self) -> list[str]:
        assert self.status == 200, self.text
        return [row["id"] for row in self.json["value"]]


@dataclass(frozen=True, slots=True)
class Caller:
    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def ask(self, method: str, address: str, **more: Any) -> Answer:
        """`address` is a path, or a whole URL as a nextLink is."""
        url = address if address.startswith("http") else self.sandbox.url + address
        async with self.session.request(method, url, **more) as answer:
            text = await answer.text()
            body = await answer.json() if answer.content_type == "application/json" else None
            return Answer(answer.status, dict(answer.headers), text, body)

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> Answer:
        """From Graph. `query` by OData's names without the `$`."""
        params = {f"${name}": value for name, value in query.items()}
        return await self.ask("GET", f"/v1.0{path}", headers=headers, params=params)

    async def post(self, path: str, body: Any) -> Answer:
        return await self.ask("POST", f"/v1.0{path}", json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", f"/v1.0{path}")

    async def door(self, method: str, name: str, body: Any = None) -> Any:
        """What a door under /sandbox says to a request that it takes."""
        answer = await self.ask(method, f"/sandbox/{name}", json=body)
        assert answer.status in (200, 201, 204), answer.text
        return answer.json

    async def refusal(self, name: str, body: Any) -> str:
        """The sentence of a door that does not take `body`."""
        answer = await self.ask("POST", f"/sandbox/{name}", json=body)
        assert answer.status == 400, answer.text
        sentence = answer.json["error"]
        assert sentence[0].isupper() or sentence[0] in "'" or ":" in sentence
        assert sentence.endswith((".", ".}"))
        return str(sentence)


@asynccontextmanager
async def running(tenant: Tenant, folder: Path) -> AsyncIterator[Caller]:
    sandbox = Sandbox(tenant, folder, port=0)
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer anything"}) as session:
            yield Caller(sandbox, session)
    finally:
        await sandbox.close()
