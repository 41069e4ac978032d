"""The keys with which Teams signs: kept, rolled over, and never a way to keep the bot busy."""

import asyncio
import ssl
import time

import aiohttp
import pytest

from bot.gateway.keys import SigningKeys
from tests.gateway.running import running
from tests.microsoft import Microsoft, Mode
from tests.microsoft.signing import rsa_key


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _keys(microsoft: Microsoft, clock: Clock) -> tuple[SigningKeys, aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=microsoft.ca_file)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
    return SigningKeys(microsoft.settings().metadata_url, lambda: session, clock), session


async def test_keys_are_fetched_once_for_many_turns(microsoft: Microsoft) -> None:
    async with running(microsoft.settings()) as bot:
        for _ in range(5):
            await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))
    assert microsoft.signing.fetches == 1


async def test_a_new_key_is_taken_up_at_once(microsoft: Microsoft) -> None:
    clock = Clock()
    keys, session = await _keys(microsoft, clock)
    async with session:
        assert await keys.find("key-1")
        microsoft.signing.rollover()
        clock.now += 61
        assert await keys.find("key-2")
        assert await keys.find("key-1")
        await keys.close()
    assert microsoft.signing.fetches == 2


async def test_unknown_key_ids_cause_one_fetch_a_minute_however_many_ask(microsoft: Microsoft) -> None:
    clock = Clock()
    keys, session = await _keys(microsoft, clock)
    async with session:
        found = await asyncio.gather(*(keys.find(f"invented-{number}") for number in range(50)))
        assert found == [None] * 50
        await asyncio.gather(*(keys.find(f"invented-{number}") for number in range(50)))
        assert microsoft.signing.fetches == 1
        clock.now += 61
        await asyncio.gather(*(keys.find(f"invented-{number}") for number in range(50)))
        assert microsoft.signing.fetches == 2
        await keys.close()


async def test_old_keys_are_refreshed_behind_the_scenes_and_not_trusted_for_ever(microsoft: Microsoft) -> None:
    clock = Clock()
    keys, session = await _keys(microsoft, clock)
    async with session:
        assert await keys.find("key-1")
        microsoft.signing.rollover(keep_old=False)
        clock.now += 25 * 3600
        assert await keys.find("key-1")
        task = keys.refresh()
        assert task
        await task
        assert await keys.find("key-1") is None
        microsoft.signing.mode = Mode.DOWN
        clock.now += 49 * 3600
        assert await keys.find("key-2") is None
        await keys.close()


@pytest.mark.parametrize("mode", [Mode.DOWN, Mode.LYING, Mode.NONSENSE, Mode.DROPPING])
async def test_without_keys_nobody_gets_in_and_the_next_try_may_succeed(microsoft: Microsoft, mode: Mode) -> None:
    clock = Clock()
    keys, session = await _keys(microsoft, clock)
    async with session:
        microsoft.signing.mode = mode
        assert await keys.find("key-1") is None
        microsoft.signing.mode = Mode.WELL
        clock.now += 6
        assert await keys.find("key-1")
        await keys.close()


@pytest.mark.parametrize("mode", [Mode.DOWN, Mode.LYING])
async def test_a_request_without_keys_is_answered_401(microsoft: Microsoft, mode: Mode) -> None:
    microsoft.signing.mode = mode
    async with running(microsoft.settings()) as bot:
        assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))).status == 401


async def test_a_slow_metadata_service_costs_a_bounded_wait(microsoft: Microsoft) -> None:
    microsoft.signing.delay = 20
    async with running(microsoft.settings()) as bot:
        before = time.monotonic()
        assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))).status == 401
        assert time.monotonic() - before < 7


async def test_metadata_cannot_send_us_to_another_host_for_the_keys(microsoft: Microsoft) -> None:
    for address in ("https://evil.example/keys", f"http://{microsoft.service_host}/v1/.well-known/keys", "x"):
        microsoft.signing.keys_address = address
        clock = Clock()
        keys, session = await _keys(microsoft, clock)
        async with session:
            assert await keys.find("key-1") is None
            await keys.close()
    assert microsoft.signing.fetches == 0


async def test_short_keys_are_not_taken(microsoft: Microsoft) -> None:
    microsoft.signing.published["short"] = rsa_key("short", 1024)
    keys, session = await _keys(microsoft, Clock())
    async with session:
        assert await keys.find("short") is None
        assert await keys.find("key-1")
        await keys.close()
