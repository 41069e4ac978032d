"""The whole program over HTTP with anything in it: no 5xx, no traceback, no hang, and it lives and works afterwards."""

import asyncio
import copy
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files import DOCX, PDF, PNG
from tests.journeys import long_term as steps
from tests.journeys.world import Seat, World, buttons_of
from tests.microsoft import Answer, File

EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ", "100")),
    # The same each time, so that it does not fail by chance; FUZZ=1000 looks for more, elsewhere each time.
    derandomize="FUZZ" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            " ",
            "\0",
            "\ud800",
            "😀" * 500,
            "x" * 20_000,
            "true",
            "null",
            "-1",
            "1e999",
            "9" * 400,
            "${7*7}{{7*7}}",
            "'; DROP TABLE requests; --",
            "<script>alert(1)</script>",
            "../../etc/passwd",
            "%s%n%x",
            "=HYPERLINK(1)",
            "\u202egnp.exe",
            "MFA-0000-0000",
            "١٢٣٤٥٦٧٨",
        ]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
VERBS = [
    "approve", "reject", "send_back", "revoke", "review", "queue", "tour", "withdraw", "end", "renew", "status", "give",
    "save",
    "answer", "send", "cancel", "back", "short", "long", "use_channel", "open_file", "remove_file", "site", "code",
]  # fmt: skip
COMMANDS = [
    "help", "short", "long", "my requests", "status", "withdraw", "end", "renew", "evidence", "cancel", "queue", "tour",
    "review", "approve", "reject", "ask", "revoke", "report", "use this channel", "still needed", "new code", "site",
    "caller lost their phone", "back", "change", "me", "send", "I lost my phone",
]  # fmt: skip


def healthy(answer: Answer, sent: Any) -> None:
    assert answer.status in {200, 400, 401, 403, 413, 429}, (answer.status, sent)
    assert "Traceback" not in answer.text
    if isinstance(answer.body, dict) and "statusCode" in answer.body:
        assert answer.body["statusCode"] < 500, (answer.text, sent)


async def try_out(world: World, made: Callable[[st.DataObject], dict[str, Any]]) -> None:
    """Posts many activities; Hypothesis draws them in a thread, because it blocks."""
    loop = asyncio.get_running_loop()

    @EXAMPLES
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        activity = json.loads(json.dumps(made(data)))
        healthy(asyncio.run_coroutine_threadsafe(world.post(activity), loop).result(60), activity)

    await asyncio.to_thread(one)


@pytest.fixture
async def seats(world: World) -> AsyncIterator[tuple[Seat, Seat, str, str]]:
    """A requester with a short request and a long one, and an agent; and afterwards everything still works."""
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    for words in ("I lost my phone", "me", "send"):
        await anna.say(words)
    short = steps.reference_in(anna.text)
    long = await steps.ask(world.seat("Bilal Hussain"))
    yield anna, agent, short, long
    assert "Traceback" not in world.program.log()
    siobhan = world.seat("Siobhan O'Neill")
    await siobhan.say("cancel")
    assert siobhan.answer is not None
    assert siobhan.answer.status == 200


Seats = tuple[Seat, Seat, str, str]


async def test_values_of_cards_may_be_anything(world: World, seats: Seats) -> None:
    anna, agent, short, long = seats
    helen = world.seat("Helen Marsh")
    await helen.say("hi")
    await steps.vouch(world, helen, long)
    await agent.say(f"review {short}")
    known = [
        (seat, button["data"])
        for seat in (anna, agent, helen)
        for message in seat.shown.values()
        for button in buttons_of(message)
        if isinstance(button.get("data"), dict)
    ]
    assert len(known) > 5
    verbs = sorted({str(data.get("verb")) for _, data in known} | set(VERBS))

    def click(data: st.DataObject) -> dict[str, Any]:
        seat, values = data.draw(st.sampled_from(known))
        values = copy.deepcopy(values) | data.draw(st.dictionaries(st.text(max_size=10), JSON, max_size=3))
        for name in data.draw(st.lists(st.sampled_from(sorted(values)), max_size=3)):
            values[name] = data.draw(JSON)
        verb = data.draw(st.sampled_from([str(values.get("verb")), *verbs]))
        build = data.draw(st.sampled_from([world.teams.execute, world.teams.submit]))
        activity: dict[str, Any] = build(verb, values, seat.person)
        if build is world.teams.execute and data.draw(st.booleans()):
            activity["value"]["action"]["data"] = data.draw(JSON)
        return activity

    await try_out(world, click)
    assert await world.members() == set(), "no one was exempted by nonsense"


async def test_words_may_be_anything_in_a_chat_and_in_the_channel(world: World, seats: Seats) -> None:
    anna, agent, short, long = seats

    def say(data: st.DataObject) -> dict[str, Any]:
        seat = data.draw(st.sampled_from([anna, agent]))
        where = data.draw(st.sampled_from([None, world.channel]))
        reference = data.draw(st.sampled_from([short, long, "", "MFA-0000-0000"]))
        words = [data.draw(st.sampled_from(["", *COMMANDS])), reference, data.draw(WORDS)]
        # Not a well-formed decision of the agent's: those are allowed to do something.
        return world.teams.message(" ".join(words), seat.person, where)

    await try_out(world, say)


async def test_activities_may_have_anything_anywhere(world: World, seats: Seats) -> None:
    anna, agent, short, _ = seats
    teams = world.teams
    bases = [
        teams.message("hello", anna.person),
        teams.message(f"review {short}", agent.person, world.channel),
        teams.execute("approve", {"reference": short}, anna.person),
        teams.submit("approve", {"reference": short}, anna.person),
        teams.search("anna", agent.person, world.channel),
        teams.pasted(f"{world.program.url}/r/{short}", anna.person),
        teams.execute("show", {"reference": short}, anna.person, world.channel, automatic=True),
        teams.installed(anna.person),
        teams.bot_removed(anna.person),
        teams.member_added(agent.person, anna.person, world.channel),
    ]

    def post(data: st.DataObject) -> dict[str, Any]:
        activity = copy.deepcopy(data.draw(st.sampled_from(bases)))
        activity["id"] = data.draw(st.sampled_from(["", activity["id"], "x" * 5_000]) | st.uuids().map(str))
        for _ in range(data.draw(st.integers(1, 3))):
            path = data.draw(st.sampled_from(paths(activity)))
            put(activity, path, data.draw(JSON))
        return activity

    await try_out(world, post)


async def test_files_may_be_anything(world: World, seats: Seats) -> None:
    *_, long = seats
    helen = world.seat("Helen Marsh")
    await helen.say("hi")
    await steps.vouch(world, helen, long)
    whole = [PDF, PNG, DOCX]

    def send(data: st.DataObject) -> dict[str, Any]:
        content = data.draw(st.sampled_from(whole) | st.binary(max_size=2_000))
        if content in whole and data.draw(st.booleans()):
            cut = data.draw(st.integers(0, len(content)))
            content = content[:cut] + data.draw(st.binary(max_size=50)) + content[cut:]
        name = data.draw(WORDS) + data.draw(st.sampled_from(["", ".pdf", ".png", ".docx", ".exe"]))
        kept = world.files.put("x", content)
        url = data.draw(
            st.sampled_from(
                [kept.url, "", "file:///etc/passwd", "https://evil.example/x", "http://[", kept.url + "\r\nX: y"]
            )
        )
        activity = world.teams.files(File(name, url), sender=helen.person)
        if data.draw(st.booleans()):
            put(
                activity,
                data.draw(st.sampled_from(paths(activity["attachments"], ("attachments",))[1:])),
                data.draw(JSON),
            )
        return activity

    await try_out(world, send)
    assert all(one.get("Host", "").startswith("127.0.0.1") for one in world.files.asked)


async def test_memory_stays_flat_under_a_thousand_bad_bodies_and_large_ones(world: World) -> None:
    process = world.program._process
    assert process is not None
    memory = psutil.Process(process.pid).memory_info

    async def post(body: bytes | io.BytesIO) -> None:
        url = f"{world.program.url}/api/messages"
        async with world._session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status in {400, 413, 429}, answer.status

    deep = b'{"value":' * 5_000 + b"1" + b"}" * 5_000
    lists = b"[" * 100_000
    bodies = [deep, lists, b"x" * 900_000, b'"' + b"\\u0000" * 100_000 + b'"', b"{}", b"\xff\xfe"]
    for body in bodies * 5:
        await post(body)
    before = memory().rss
    for _ in range(25):
        await asyncio.gather(*(post(body) for body in bodies * 5))
    for _ in range(5):
        await post(io.BytesIO(b"y" * 10_000_000))
    grown = memory().rss - before
    assert grown < 30 * 1024 * 1024, f"{grown} bytes more"
    assert (await world.post(world.teams.message("hello", world.person("Anna Baker")))).status == 200


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something is, in a nested value; the first one is the value itself where `path` is given."""
    own = [path] if path else []
    if isinstance(value, dict):
        return own + [deeper for key in value for deeper in paths(value[key], (*path, key))]
    if isinstance(value, list):
        return own + [deeper for index, item in enumerate(value) for deeper in paths(item, (*path, index))]
    return own


def put(activity: Any, path: tuple[Any, ...], value: Any) -> None:
    """Does nothing where an earlier change took the place away."""
    where = activity
    for step in path[:-1]:
        if not isinstance(where, dict | list) or (isinstance(where, list) and step >= len(where)):
            return
        where = where[step] if isinstance(where, list) else where.get(step)
    if isinstance(where, dict) or (isinstance(where, list) and path[-1] < len(where)):
        where[path[-1]] = value
