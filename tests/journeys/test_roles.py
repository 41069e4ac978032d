"""Processes with different parts: some answer Teams, some work; they stop without losing anything."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.builders import POLICY_FILE, ROOT
from tests.journeys import long_term
from tests.journeys.test_trouble import asked, granted
from tests.journeys.world import Program, World, until

WORKER = ("worker",)


@pytest.fixture
async def front() -> AsyncIterator[World]:
    """A world whose process only answers."""
    async with World(command=("serve", "--no-seats", "--no-jobs")) as one:
        await one.helpdesk_channel()
        yield one
        print(one.program.log()[-6000:])  # noqa: T201  # pytest shows it where a test fails


async def rows(world: World, query: str, *values: Any) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(world.book_url, autocommit=True) as connection:
        done = await connection.execute(query.encode(), values)
        return await done.fetchall() if done.description else []


async def get(program: Program, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{program.url}{path}") as answer:
        return answer.status, await answer.text()


async def test_one_process_answers_and_another_works(front: World) -> None:
    anna, reference = await asked(front)
    await front.seat(front.agent).say(f"approve {reference} called back")
    effects = "SELECT args->>'effect' FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'perform'"
    assert ("Grant",) in await rows(front, effects)
    assert await front.members() == set()
    worker = front.another_program(*WORKER)
    await worker.start()
    await until(lambda: "is on until" in anna.all_text)
    assert await front.members() == {anna.person.entra_id}
    assert front.in_channel() == "", "it was decided before it could be shown"
    assert await worker.stop() == 0
    assert "Your requests" in await anna.say("my requests") or reference in anna.all_text


async def test_a_worker_has_no_door_for_teams_but_can_be_looked_at(front: World) -> None:
    worker = front.another_program(*WORKER)
    await worker.start()
    answer = await front.post(front.teams.message("hello", front.person("Anna Baker")), worker)
    assert answer.status == 404
    assert (await get(worker, "/files/x"))[0] == 404
    assert (await get(worker, "/healthz"))[0] == 200
    assert (await get(worker, "/readyz"))[0] == 200
    status, metrics = await get(worker, "/metrics")
    assert status == 200
    assert "mfa_jobs" in metrics
    assert await worker.stop() == 0


async def test_a_worker_that_is_stopped_in_the_middle_hands_its_work_to_the_next(front: World) -> None:
    anna, reference = await asked(front)
    first = front.another_program(*WORKER)
    await first.start()
    await until(lambda: reference in front.in_channel())
    await front.fault(method="POST", path="/v1.0/groups/*", status=503, delay=30, times=1)
    await front.seat(front.agent).say(f"approve {reference} called back")
    doing = "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND args->>'effect' = 'Grant'"
    await until(lambda: rows(front, doing))
    assert await first.stop() == 0
    assert await rows(front, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'") == []
    assert "is on until" not in anna.all_text
    second = front.another_program(*WORKER)
    await second.start()
    await until(lambda: "is on until" in anna.all_text, 30)
    assert await second.stop() == 0


async def test_a_policy_without_a_kind_that_is_open_is_refused(front: World, tmp_path: Path) -> None:
    await long_term.ask(front.seat("Bilal Hussain"))
    policy = POLICY_FILE.read_text()
    before, _, long = policy.partition("[kinds.long]")
    short = tmp_path / "policy.toml"
    short.write_text(before + long[long.index("[[verifications]]") :])
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", "worker", "--sandbox", cwd=ROOT, env=front.environment | {"MFA_POLICY": str(short)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(worker.communicate(), 60)
    assert worker.returncode == 2
    assert said.decode().splitlines()[-1] == (
        "The policy has no [kinds.long], but 1 of that kind is open or has evidence that is still to be deleted."
        " Keep it until then."
    )


async def test_a_turn_that_runs_when_the_process_stops_is_answered(world: World) -> None:
    second = world.another_program()
    await second.start()
    anna = world.seat("Anna Baker", program=second)
    await anna.say("I lost my phone")
    await world.fault(method="GET", path="/v1.0/users/*", status=200, delay=2, times=1)
    before = len(await world.sandbox("GET", "calls"))

    async def asked_graph() -> bool:
        return len(await world.sandbox("GET", "calls")) > before

    async def stop() -> int:
        await until(asked_graph)
        return await second.stop()

    pressed, status = await asyncio.gather(anna.press("For me"), stop())
    assert status == 0
    assert pressed


async def test_a_request_to_wait_is_kept_by_the_other_process_too(front: World) -> None:
    workers = [front.another_program(*WORKER) for _ in range(2)]
    for worker in workers:
        await worker.start()
    anna, first = await asked(front)
    chidi, second = await asked(front, "Zoë Fernández-Wójcik")
    await front.fault(method="POST", path="/v1.0/groups/*", status=429, retry_after=20, times=1)
    await front.seat(front.agent).say(f"approve {first} called back")
    paused = "SELECT name FROM ceilings WHERE paused_until > extract(epoch FROM now())"
    assert await until(lambda: rows(front, paused)) == [("graph",)]
    await front.seat(front.agent).say(f"approve {second} called back")
    put_off = "SELECT id FROM procrastinate_jobs WHERE scheduled_at > now() AND args->>'effect' = 'Grant'"

    async def both() -> bool:
        return len(await rows(front, put_off)) == 2

    await until(both)
    writes = [one for one in await front.sandbox("GET", "calls") if one["method"] == "POST" and "$ref" in one["path"]]
    assert [one["status"] for one in writes] == [429]
    await until(lambda: "is on until" in anna.all_text and "is on until" in chidi.all_text, 60)
    for worker in workers:
        assert await worker.stop() == 0


async def test_a_request_to_wait_that_graph_made_to_a_turn_is_kept_by_the_workers(front: World) -> None:
    await front.fault(method="GET", path="/v1.0/users/*", status=429, retry_after=20, times=1)
    await front.seat("Anna Baker").say("I lost my phone")
    paused = "SELECT name FROM ceilings WHERE paused_until > extract(epoch FROM now()) + 15"
    assert await until(lambda: rows(front, paused)) == [("graph",)]


async def test_what_happened_is_in_the_figures(world: World) -> None:
    await granted(world)
    _, metrics = await get(world.program, "/metrics")
    assert 'mfa_requests{kind="short",state="active"} 1.0' in metrics
    assert 'mfa_ends_overdue{kind="short"} 0.0' in metrics
    assert 'mfa_notices_total{outcome="sent",way="teams"}' in metrics
    await world.advance("PT24H")

    async def counted() -> bool:
        return 'mfa_late_seconds_count{what="end"} 1.0' in (await get(world.program, "/metrics"))[1]

    await until(counted, 30)


async def test_cards_that_cannot_be_drawn_are_given_up_after_a_day_and_the_helpdesk_sees_it_once(world: World) -> None:
    """A mistake of ours: what is kept of a card cannot be read any more."""
    anna, reference = await granted(world)
    await rows(world, "UPDATE copies SET address = '{}' WHERE viewer_id = %s RETURNING 1", anna.person.entra_id)
    await world.seat(world.agent).say(f"revoke {reference} Reported as misuse")
    await until(lambda: "has ended" in anna.all_text, 30)
    await until(lambda: rows(world, "SELECT key FROM undelivered"))
    await world.advance("P2D")
    await until(lambda: "Not delivered: a message about Anna Baker" in world.in_channel(), 60)
    assert await world.members() == set()
    told = "SELECT details->>'why' FROM audit WHERE what = 'not_delivered' AND reference = %s"
    assert await rows(world, told, reference) == [("ValidationError",)]
    assert world.in_channel().count("Not delivered") == 1
