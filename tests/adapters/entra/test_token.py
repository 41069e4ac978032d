"""A token that Graph does not take, by the real Graph client and the bot's own token against a server over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters.entra import client
from adapters.entra.client import Graph
from adapters.mail import GraphMailer
from bot.gateway.login import Issued
from bot.gateway.token import BotToken
from cards.mail_layout import Mail, Paragraph
from domain.errors import NoAnswer, Trouble
from tests.builders import NOON

MAIL = Mail("MFA-7K3Q-9XDM", NOON, "Subject", "Words", (Paragraph("Words"),), "The end.")
DAY = 86_400.0


@dataclass
class Microsoft:
    """Graph, which takes some tokens, and the login, which gives these one after another (`Trouble` is raised)."""

    taken: set[str]
    given: list[str | Trouble]
    calls: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Method, token, client-request-id and body."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long a call with a token takes, and the login for it."""

    def login(self) -> Issued:
        one = self.given.pop(0)
        if isinstance(one, Trouble):
            raise one
        time.sleep(self.seconds.get(f"{one} login", 0.0))
        return Issued(one, DAY)

    async def answer(self, request: web.Request) -> web.Response:
        [authorization] = request.headers.getall("Authorization")
        [call_id] = request.headers.getall("client-request-id")
        token = authorization.removeprefix("Bearer ")
        self.calls.append((request.method, token, call_id, await request.text()))
        await asyncio.sleep(self.seconds.get(token, 0.0))
        if token not in self.taken:
            error = {"error": {"code": "InvalidAuthenticationToken", "message": "The token is expired."}}
            return web.json_response(error, status=401)
        return web.json_response({"value": []}) if request.method == "GET" else web.Response(status=202)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Graph]:
        app = web.Application()
        app.router.add_route("*", "/v1.0/{rest:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        token = BotToken(self.login, now=lambda: 0.0)  # a clock that stood still while the machine slept
        graph = Graph(f"http://127.0.0.1:{runner.addresses[0][1]}/v1.0", token)
        try:
            yield graph
        finally:
            await graph.close()
            await token.close()
            await runner.cleanup()

    @property
    def tokens(self) -> list[str]:
        return [token for _, token, _, _ in self.calls]


async def look(graph: Graph) -> Any:
    return await graph.call(graph.sdk.users.get)


async def send(graph: Graph) -> Any:
    await GraphMailer(graph, "mfa@nhs.example").send(to="anna.baker@nhs.example", mail=MAIL, key="one")


both = pytest.mark.parametrize("ask", [look, send])


@both
async def test_what_was_refused_for_its_token_is_sent_once_more_with_another_one(ask: Any) -> None:
    microsoft = Microsoft({"old"}, ["old", "new"])
    async with microsoft.running() as graph:
        await ask(graph)
        microsoft.taken = {"new"}
        await ask(graph)
        await ask(graph)
    assert microsoft.tokens == ["old", "old", "new", "new"]
    _, refused, again, _ = microsoft.calls
    assert refused == (again[0], "old", *again[2:]), "the same with another token"
    assert len({call_id for _, _, call_id, _ in microsoft.calls}) == 3


@both
async def test_what_is_refused_with_the_other_token_too_is_trouble_and_was_sent_twice(ask: Any) -> None:
    microsoft = Microsoft(set(), ["old", "new"])
    async with microsoft.running() as graph:
        with pytest.raises(Trouble, match="401 InvalidAuthenticationToken") as raised:
            await ask(graph)
    assert microsoft.tokens == ["old", "new"]
    assert not raised.value.unanswered


@both
async def test_where_the_login_gives_the_same_token_nothing_is_sent_again(ask: Any) -> None:
    microsoft = Microsoft(set(), ["old", "old"])
    async with microsoft.running() as graph:
        with pytest.raises(Trouble, match="401"):
            await ask(graph)
    assert microsoft.tokens == ["old"]


@both
async def test_where_the_login_gives_no_other_token_whoever_takes_the_old_one_still_gets_it(ask: Any) -> None:
    microsoft = Microsoft(set(), ["old", Trouble("the secret has expired")])
    async with microsoft.running() as graph:
        with capture_logs() as logs, pytest.raises(Trouble, match="401") as raised:
            await ask(graph)
        microsoft.taken = {"old"}
        await ask(graph)
    assert microsoft.tokens == ["old", "old"]
    assert not raised.value.unanswered
    assert [one["message"] for one in logs if one["log_level"] == "warning"] == ["the secret has expired"]


async def test_one_that_takes_no_token_at_all_does_not_have_a_new_one_fetched_for_each_call() -> None:
    microsoft = Microsoft(set(), ["old", "new"])
    async with microsoft.running() as graph:
        for _ in range(5):
            with pytest.raises(Trouble, match="401"):
                await look(graph)
    assert microsoft.tokens == ["old", *["new"] * 5]


async def test_many_that_are_refused_at_once_ask_for_one_other_token() -> None:
    microsoft = Microsoft({"new"}, ["old", "new"])
    async with microsoft.running() as graph:
        await asyncio.gather(*(look(graph) for _ in range(9)))
    assert microsoft.given == []
    assert microsoft.tokens.count("new") == 9


@pytest.mark.parametrize(
    ("login", "graph", "tokens"), [(0.0, 1.0, ["old", "new"]), (1.0, 0.0, ["old"])], ids=["slow Graph", "slow login"]
)
async def test_the_time_is_for_both_tries_and_only_what_was_sent_may_have_been_taken(
    monkeypatch: pytest.MonkeyPatch, login: float, graph: float, tokens: list[str]
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.5)
    microsoft = Microsoft(set(), ["old", "new"], seconds={"new login": login, "new": graph})
    async with microsoft.running() as one:
        with pytest.raises(NoAnswer) as raised:
            await send(one)
    assert microsoft.tokens == tokens
    assert raised.value.unanswered is (tokens == ["old", "new"])
