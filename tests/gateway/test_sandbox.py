"""The sandbox asks for no token and sends none, and never leaves this machine."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.incoming import Incoming
from tests.gateway.running import Bot, running
from tests.microsoft import ANNA, Microsoft
from tests.microsoft.people import TENANT


@pytest.fixture
async def playground() -> AsyncIterator[tuple[str, list[tuple[dict[str, Any], Any]]]]:
    """A connector over plain HTTP, as the Agents Playground has it: its address and what it was sent."""
    got: list[tuple[dict[str, Any], Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((dict(request.headers), await request.json()))
        return web.json_response({"id": "1"})

    app = web.Application()
    app.router.add_post("/_connector/v3/conversations/{id}/activities", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://localhost:{runner.addresses[0][1]}/_connector", got
    await runner.cleanup()


@pytest.fixture
async def sandbox(microsoft: Microsoft) -> AsyncIterator[Bot]:
    async with running(microsoft.settings(open_loopback=True, credentials=None)) as opened:
        yield opened


async def test_a_message_without_a_token_is_answered_without_one(
    microsoft: Microsoft, sandbox: Bot, playground: tuple[str, list[tuple[dict[str, Any], Any]]]
) -> None:
    async def turn(incoming: Incoming) -> None:
        await sandbox.messenger.say(incoming.address, "Hello")

    address, got = playground
    sandbox.turn = turn
    activity = microsoft.teams.message("hi", ANNA) | {"serviceUrl": address}
    assert (await microsoft.teams.post(sandbox.url, activity, token="")).status == 200
    assert (
        await microsoft.teams.post(sandbox.url, activity | {"id": "2", "channelId": "emulator"}, token="")
    ).status == 200
    assert [body["text"] for _, body in got] == ["Hello", "Hello"]
    assert not any("Authorization" in headers for headers, _ in got)
    assert microsoft.login.requests == []
    assert microsoft.signing.fetches == 0


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"serviceUrl": "https://smba.trafficmanager.net/uk/"}, 403),
        ({"serviceUrl": "http://127.0.0.1.evil.example/"}, 403),
        ({"serviceUrl": None}, 400),
        ({"channelId": "webchat"}, 403),
        ({"channelId": None}, 403),
        ({"channelData": {}}, 403),
        ({"channelData": {"tenant": {"id": "another"}}}, 403),
        ({"channelData": "x"}, 400),
    ],
    ids=str,
)
async def test_the_sandbox_is_no_less_strict_about_the_rest(
    microsoft: Microsoft, sandbox: Bot, changes: dict[str, Any], status: int
) -> None:
    activity = microsoft.teams.message("hi") | {"serviceUrl": "http://127.0.0.1:1/"} | changes
    assert (await microsoft.teams.post(sandbox.url, activity, token="")).status == status
    assert sandbox.turns == []


async def test_many_people_at_once_are_all_answered(
    microsoft: Microsoft, sandbox: Bot, playground: tuple[str, list[tuple[dict[str, Any], Any]]]
) -> None:
    async def turn(incoming: Incoming) -> None:
        await sandbox.messenger.say(incoming.address, incoming.text)

    address, got = playground
    sandbox.turn = turn
    activities = [microsoft.teams.message(str(number)) | {"serviceUrl": address} for number in range(100)]
    answers = await asyncio.gather(*(microsoft.teams.post(sandbox.url, activity, token="") for activity in activities))
    assert {answer.status for answer in answers} == {200}
    assert {body["text"] for _, body in got} == {str(number) for number in range(100)}
    assert {incoming.address.tenant_id for incoming in sandbox.turns} == {TENANT}
