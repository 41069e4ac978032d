"""In front of the door: who is refused too often waits, whoever has a good token never does, and the headers."""

import asyncio
import logging
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.buckets import Buckets, address_of
from bot.door import Door
from bot.gateway.connection import Connection
from bot.gateway.gateway import Gateway
from bot.incoming import Incoming
from bot.web import make_app
from domain.errors import Trouble
from tests.gateway.running import SeenInMemory
from tests.microsoft import Microsoft
from tests.microsoft.people import TENANT


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Served:
    """The gateway behind the whole web application."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.turns: list[Incoming] = []
        self.looks = 0
        self.broken = False

    @property
    def messages(self) -> str:
        return f"{self.url}/api/messages"

    async def handle(self, incoming: Incoming) -> None:
        self.turns.append(incoming)

    async def look(self) -> None:
        self.looks += 1
        await asyncio.sleep(0)
        if self.broken:
            raise Trouble("The database is away")


async def no_page(_: web.Request) -> web.Response:
    return web.Response(status=404, text="This link does not work any more.")


async def bug(_: web.Request) -> web.Response:
    raise RuntimeError("hunter2")


@asynccontextmanager
async def serving(microsoft: Microsoft, door: Door | None = None, **changes: Any) -> AsyncIterator[Served]:
    settings = microsoft.settings(**changes)
    async with Connection(settings) as connection:
        served = Served("")
        gateway = Gateway(settings, connection, served.handle, SeenInMemory())
        pages = [web.get("/evidence/{token}", no_page), web.get("/bug", bug)]
        app = make_app(gateway.messages, {"database": served.look}, served.look, pages, door)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield served
        finally:
            await runner.cleanup()
            await gateway.close()


async def many(session: aiohttp.ClientSession, url: str, number: int, **how: Any) -> dict[int, int]:
    """How often each status came, of `number` requests, 50 at a time."""
    statuses: dict[int, int] = {}
    room = asyncio.Semaphore(50)

    async def one() -> None:
        async with room, session.post(url, **how) as answer:
            await answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1

    await asyncio.gather(*(one() for _ in range(number)))
    return statuses


async def test_ten_thousand_requests_of_one_address_are_told_to_wait_and_teams_is_not(microsoft: Microsoft) -> None:
    clock = Clock()
    door = Door(buckets=Buckets(120, 2, clock))
    async with serving(microsoft, door) as served, aiohttp.ClientSession() as session:
        activity = microsoft.teams.message("hello")
        await many(session, served.messages, 300, json=activity)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        statuses = await many(session, served.messages, 10_000, json=activity)
        assert statuses == {429: 10_000}
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "kilobytes"
        assert len(door.buckets) == 1
        assert served.turns == []
        answer = await microsoft.teams.post(served.messages, activity)
        assert answer.status == 200, "the same address, with a good token"
        assert len(served.turns) == 1


async def test_who_is_refused_too_often_is_told_how_long_to_wait_and_then_gets_the_usual_answer(
    microsoft: Microsoft,
) -> None:
    clock = Clock()
    async with serving(microsoft, Door(buckets=Buckets(3, 0.5, clock))) as served, aiohttp.ClientSession() as session:
        assert await many(session, served.messages, 3, json={}) == {401: 3}
        async with session.post(served.messages, json={}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
            assert await answer.json() == {"error": "Too many requests were refused. Wait before you try again."}
        clock.now += 2
        assert await many(session, served.messages, 1, json={}) == {401: 1}


async def test_a_forged_token_buys_no_more_refusals(microsoft: Microsoft) -> None:
    clock = Clock()
    async with serving(microsoft, Door(buckets=Buckets(5, 1, clock))) as served, aiohttp.ClientSession() as session:
        forged = {"Authorization": f"Bearer {microsoft.teams.token(aud='another-bot')}"}
        assert await many(session, served.messages, 20, json={}, headers=forged) == {401: 5, 429: 15}


async def test_what_is_told_to_wait_is_not_logged(microsoft: Microsoft, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with caplog.at_level(logging.WARNING):
        async with (
            serving(microsoft, Door(buckets=Buckets(5, 1, clock))) as served,
            aiohttp.ClientSession() as session,
        ):
            await many(session, served.messages, 500, json={}, headers={"Authorization": "Bearer a.b.c"})
    assert len(caplog.records) < 20


async def test_links_that_are_tried_out_and_pages_that_do_not_exist_count_too(microsoft: Microsoft) -> None:
    clock = Clock()
    async with serving(microsoft, Door(buckets=Buckets(4, 1, clock))) as served, aiohttp.ClientSession() as session:
        statuses = []
        for path in ("/evidence/a", "/evidence/b", "/wp-login.php", "/.env", "/evidence/c", "/admin"):
            async with session.get(served.url + path) as answer:
                statuses.append(answer.status)
        assert statuses == [404, 404, 404, 404, 429, 429]


async def test_probes_are_never_told_to_wait_and_cost_the_database_little(microsoft: Microsoft) -> None:
    clock = Clock()
    async with serving(microsoft, Door(buckets=Buckets(1, 1, clock))) as served, aiohttp.ClientSession() as session:
        await many(session, served.messages, 5, json={})

        async def probe(path: str) -> int:
            async with session.get(served.url + path) as answer:
                return answer.status

        for path in ("/healthz", "/readyz", "/metrics"):
            assert set(await asyncio.gather(*(probe(path) for _ in range(50)))) == {200}
        assert served.looks < 20
        served.broken = True
        await asyncio.sleep(0.3)
        assert await probe("/readyz") == 503


async def test_in_the_sandbox_a_good_message_is_never_told_to_wait(microsoft: Microsoft) -> None:
    clock = Clock()
    door = Door(asks_for_tokens=False, buckets=Buckets(2, 1, clock))
    sandboxed = {"open_loopback": True, "credentials": None, "app_id": "", "service_hosts": frozenset({"x"})}
    async with serving(microsoft, door, **sandboxed) as served, aiohttp.ClientSession() as session:
        assert await many(session, served.messages, 9, json={"type": "message"}) == {400: 2, 429: 7}
        activity = microsoft.teams.message("hello") | {"serviceUrl": "http://127.0.0.1:9/"}
        assert (await microsoft.teams.post(served.messages, activity, token="")).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/evidence/x", "/api/messages", "/nothing"])
async def test_each_answer_has_the_headers_that_keep_browsers_out_and_names_no_server(
    microsoft: Microsoft, path: str
) -> None:
    async with serving(microsoft) as served, aiohttp.ClientSession() as session, session.get(served.url + path) as got:
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Cache-Control"] == "no-store"
        assert got.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in got.headers["Content-Security-Policy"]
        assert "Server" not in got.headers
        assert "Set-Cookie" not in got.headers


async def test_a_bug_in_a_page_shows_nothing_of_itself(microsoft: Microsoft) -> None:
    async with (
        serving(microsoft) as served,
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}/bug") as answer,
    ):
        said = await answer.text()
        assert answer.status == 500
        assert "hunter2" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
async def test_other_methods_get_405(microsoft: Microsoft, method: str) -> None:
    async with (
        serving(microsoft) as served,
        aiohttp.ClientSession() as session,
        session.request(method, served.messages) as answer,
    ):
        assert answer.status == 405


async def test_bytes_that_are_not_http_are_refused_and_do_no_harm(microsoft: Microsoft) -> None:
    async with serving(microsoft) as served:
        port = int(served.url.rpartition(":")[2])
        for nonsense in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"POST /api/messages HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /api/messages HTTP/1.1\r\nHost: a\r\nAuthorization: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            said = await asyncio.wait_for(reader.readline(), 10)
            assert said.split(b" ")[1] in {b"400", b"505"}, said
            writer.close()
        assert (await microsoft.teams.post(served.messages, microsoft.teams.message("hello"))).status == 200


async def test_a_new_key_of_teams_is_taken_up_while_strangers_knock(microsoft: Microsoft) -> None:
    async with serving(microsoft, Door(buckets=Buckets(5, 1, Clock()))) as served, aiohttp.ClientSession() as session:
        await many(session, served.messages, 50, json={}, headers={"Authorization": "Bearer a.b.c"})
        microsoft.signing.rollover(keep_old=False)
        answer = await microsoft.teams.post(served.messages, microsoft.teams.message("hello"))
        assert answer.status == 200
    assert microsoft.signing.fetches == 1


async def test_a_replayed_activity_is_answered_and_changes_nothing(microsoft: Microsoft) -> None:
    async with serving(microsoft) as served:
        activity = microsoft.teams.message("approve MFA-7K3Q-9XDM")
        token = microsoft.teams.token()
        answers = [await microsoft.teams.post(served.messages, activity, token=token) for _ in range(10)]
        assert {answer.status for answer in answers} == {200}
        assert len(served.turns) == 1
        assert {turn.address.tenant_id for turn in served.turns} == {TENANT}


def test_a_bucket_fills_again_and_never_beyond_its_size() -> None:
    clock = Clock()
    buckets = Buckets(2, 0.5, clock)
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    assert buckets.take("b")
    assert buckets.seconds_until_one("a") == 2
    clock.now += 2
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    clock.now += 10_000
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]


def test_addresses_beyond_the_limit_push_out_the_one_that_was_refused_longest_ago() -> None:
    buckets = Buckets(1, 1, Clock(), most=3)
    for address in ("a", "b", "c", "a", "d"):
        buckets.take(address)
    assert len(buckets) == 3
    assert [buckets.is_empty(address) for address in "abcd"] == [True, False, True, True]


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "whose"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", 1, "198.51.100.7"),
        ("192.0.2.1", "203.0.113.9, 198.51.100.7", 1, "198.51.100.7"),
        ("192.0.2.1", "203.0.113.9, 198.51.100.7", 2, "203.0.113.9"),
        ("192.0.2.1", "198.51.100.7", 2, "192.0.2.1"),
        ("192.0.2.1", "'; DROP TABLE", 1, "unknown"),
        ("2001:db8::1", "", 0, "2001:db8::/64"),
        ("2001:db8::2", "", 0, "2001:db8::/64"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("", "", 0, "unknown"),
    ],
)
def test_whose_bucket_it_is_cannot_be_made_up(peer: str, forwarded: str, proxies: int, whose: str) -> None:
    assert address_of(peer, forwarded, proxies) == whose
