"""Entra and the book do not agree, lived through over HTTP: found, shown once, settled by somebody or at once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.builders import ROOT
from tests.journeys import long_term as steps
from tests.journeys.test_trouble import asked, granted
from tests.journeys.world import World, buttons_of, until

WITHOUT = "Exempt without a decision"


async def compared(world: World, times: int = 1) -> None:
    """Waits until the program has compared by itself: it does so when it starts, and then at the interval."""
    await until(lambda: world.program.log().count("Entra and the book compared") >= times)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as one:
        await one.helpdesk_channel()
        await compared(one)
        yield one
        print(one.program.log()[-6000:])  # noqa: T201  # pytest shows it where a test fails


async def command(world: World, *arguments: str) -> tuple[int, str]:
    """A command beside the program; its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", *arguments, "--sandbox",
        cwd=ROOT, env=world.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, f"{out.decode()}\n{err.decode()}"


async def press(world: World, who: str, title: str, words: str) -> str:
    seat = world.seat(who, world.channel)
    card_id, card = world.card_in_channel(words)
    return await seat.press(title, card_id=card_id, card=card)


def titles(world: World, words: str) -> list[str]:
    _, card = world.card_in_channel(words)
    return [one["title"] for one in buttons_of(card)]


async def audit(world: World, reference: str) -> list[str]:
    address = (world.folder / "pg").as_posix()
    async with await psycopg.AsyncConnection.connect(
        f"postgresql://postgres@/postgres?host={address}", autocommit=True
    ) as connection:
        found = await connection.execute("SELECT what FROM audit WHERE reference = %s ORDER BY id", (reference,))
        return [row[0] for row in await found.fetchall()]


async def test_a_stranger_is_shown_once_and_only_an_agent_may_remove_them(world: World) -> None:
    bilal = await world.change_members("Bilal Hussain", by="Sam Price")
    status, said = await command(world, "reconcile", "--dry-run")
    assert status == 1
    assert "stranger" in said
    assert "an alarm would be shown" in said
    assert WITHOUT not in world.in_channel()
    for _ in range(2):
        status, said = await command(world, "reconcile")
        assert status == 1, said
    await until(lambda: f"{WITHOUT}: Bilal Hussain" in world.in_channel() and "Sam Price" in world.in_channel())
    assert world.in_channel().count(f"{WITHOUT}: Bilal Hussain") == 1
    assert await world.members() == {bilal}

    assert "Only helpdesk staff" in await press(world, "Anna Baker", "Remove", WITHOUT)
    assert await world.members() == {bilal}
    assert "was removed from the group" in await press(world, world.agent, "Remove", WITHOUT)
    assert await world.members() == set()
    await until(lambda: "was removed from the group" in world.in_channel())
    assert titles(world, WITHOUT) == []
    assert await audit(world, f"account:{bilal}") == ["drift", "removal_asked", "member_removed", "drift_over"]
    status, said = await command(world, "reconcile")
    assert (status, "Entra and the book agree." in said) == (0, True)


async def test_a_stranger_is_found_by_itself_at_the_interval(world: World) -> None:
    await world.change_members("Bilal Hussain")
    await world.advance("PT1H")
    await until(lambda: WITHOUT in world.in_channel())
    await world.change_members("Bilal Hussain", "remove")
    await world.advance("PT1H")
    await until(lambda: "Entra and our records agree again" in world.in_channel())


async def test_whoever_is_adopted_gets_a_request_and_then_nobody_is_a_stranger(world: World) -> None:
    chidi = await world.change_members("Chidi Okafor")
    await command(world, "reconcile")
    await until(lambda: WITHOUT in world.in_channel())
    assert "Only helpdesk staff" in await press(world, "Anna Baker", "Adopt", WITHOUT)
    assert "What is the reason?" in await press(world, world.agent, "Adopt", WITHOUT)
    agent = world.seat(world.agent)
    await agent.say("lost")
    assert "How did you verify the caller?" in agent.text
    await agent.say("called back, ticket INC77")
    assert "Chidi Okafor" in agent.text
    await agent.say("grant")
    await until(lambda: "Exception is on" in agent.all_text)
    assert await world.members() == {chidi}
    status, said = await command(world, "reconcile")
    assert status == 0, said
    await until(lambda: "Entra and our records agree again" in world.in_channel())


async def test_whoever_is_put_back_after_the_end_is_removed_at_once_with_an_alarm(world: World) -> None:
    anna, reference = await granted(world)
    await anna.say(f"end {reference}")
    await until(lambda: "has ended" in anna.all_text)
    await world.change_members("Anna Baker", by="Sam Price")
    status, said = await command(world, "reconcile")
    assert (status, "removed, alarm shown" in said) == (1, True), said
    assert await world.members() == set()
    await until(lambda: f"Exempt past the end: Anna Baker ({reference})" in world.in_channel())
    await until(lambda: "was removed from the group" in world.in_channel() and "Sam Price" in world.in_channel())
    assert (await audit(world, reference))[-3:] == ["drift", "member_removed", "drift_over"]


async def test_what_ends_late_after_an_outage_ends_by_itself_and_is_no_alarm(world: World) -> None:
    anna, _ = await granted(world)
    await world.advance("P2D")
    await until(lambda: "has ended" in anna.all_text)
    await compared(world, 2)
    assert await world.members() == set()
    assert "Exempt past the end" not in world.in_channel()
    assert '"event": "drift"' not in world.program.log()


async def test_whoever_entra_lost_is_put_back_until_the_same_end(world: World) -> None:
    anna, reference = await granted(world)
    until_when = anna.text.split("until ")[1].split("\n")[0]
    await world.change_members("Anna Baker", "remove")
    status, said = await command(world, "reconcile")
    assert (status, "missing" in said) == (1, True), said
    alarm = f"On, but not in the group: Anna Baker ({reference})"
    await until(lambda: alarm in world.in_channel())
    assert await world.members() == set()
    assert "Only helpdesk staff" in await press(world, "Bilal Hussain", "Put back", alarm)
    assert "is being put back" in await press(world, world.agent, "Put back", alarm)
    await until(lambda: world.members_are({anna.person.entra_id}))
    agent = world.seat(world.agent)

    async def on_again() -> bool:
        return "Exception is on" in await agent.say(f"review {reference}")

    await until(on_again)
    assert until_when in agent.text
    await until(lambda: "is on until" in anna.all_text)
    told = [one for one in world.connector.sent if one.method == "POST" and "is on until" in str(one.activity)]
    assert len(told) == 1, "nobody is told twice"
    assert (await command(world, "reconcile"))[0] == 0
    await world.advance("PT24H")
    await until(lambda: "has ended" in anna.all_text)
    assert await world.members() == set()


async def test_an_administrator_who_was_taken_out_on_purpose_is_not_put_back(world: World) -> None:
    anna, reference = await granted(world)
    await world.change_members("Anna Baker", "remove")
    await world.sandbox("POST", "users", {"user": anna.person.entra_id, "privileged": True})
    await command(world, "reconcile")
    alarm = f"On, but not in the group: Anna Baker ({reference})"
    await until(lambda: alarm in world.in_channel())
    assert "has administrator rights" in await press(world, world.agent, "Put back", alarm)
    assert await world.members() == set()
    assert "put_back" not in await audit(world, reference)
    await until(lambda: "tried an exception for an account with administrator rights" in world.in_channel())


async def test_whoever_entra_lost_while_a_renewal_waits_is_put_back_and_renewed(world: World) -> None:
    await world.set_clock("2027-02-02T10:00:00Z")  # 150 days on is a Friday morning
    reference, bilal, helen, agent = await steps.granted(world)
    await world.advance("P150D")
    await until(lambda: "renew it now" in helen.all_text)
    await bilal.say(f"renew {reference}")
    renewal = steps.reference_in(await bilal.press("Send request"))
    chidi = await world.change_members("Chidi Okafor", "remove", group="exempt_long")
    await command(world, "reconcile")
    alarm = f"On, but not in the group: Chidi Okafor ({reference})"
    await until(lambda: alarm in world.in_channel())
    assert "is being put back" in await press(world, world.agent, "Put back", alarm)

    async def back() -> bool:
        return await world.members("exempt_long") == {chidi}

    await until(back)
    await steps.give(world, helen, renewal)
    await steps.approve(agent, renewal)

    async def renewed() -> bool:
        return "has taken its place" in await bilal.say(f"status {reference}")

    await until(renewed)
    assert await world.members("exempt_long") == {chidi}


async def test_a_missing_one_can_be_ended_instead(world: World) -> None:
    anna, reference = await granted(world)
    await world.change_members("Anna Baker", "remove")
    await command(world, "reconcile")
    alarm = f"On, but not in the group: Anna Baker ({reference})"
    await until(lambda: alarm in world.in_channel())
    assert "Revoke" in await press(world, world.agent, "End it", alarm)
    await world.seat(world.agent).say(f"revoke {reference} Taken out in Entra on purpose")
    await until(lambda: "has ended" in anna.all_text)
    await command(world, "reconcile")
    await until(lambda: "Entra and our records agree again" in world.in_channel())


async def test_what_cannot_be_read_changes_nothing_and_is_said(world: World) -> None:
    anna, _ = await granted(world)
    await world.fault(method="GET", path="/v1.0/groups/*", status=503, times=20)
    status, said = await command(world, "reconcile")
    assert (status, "Nothing was done" in said) == (2, True), said
    await world.sandbox("DELETE", "faults")
    assert await world.members() == {anna.person.entra_id}
    assert (await command(world, "reconcile"))[0] == 0


async def test_an_app_that_may_not_read_the_audit_says_so_on_the_card(world: World) -> None:
    await world.fault(method="GET", path="/v1.0/auditLogs/*", status=403, times=20)
    await world.change_members("Bilal Hussain")
    await command(world, "reconcile")
    await until(lambda: "We may not read this in Entra" in world.in_channel())
    await world.sandbox("DELETE", "faults")
    await command(world, "reconcile")
    await until(lambda: "Somebody in Entra" in world.in_channel())


async def test_many_at_once_are_one_alarm_and_nothing_is_done(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    text = (ROOT / "policy" / "policy.toml").read_text(encoding="utf-8")
    policy.write_text(text.replace("most_removals = 20", "most_removals = 2"), encoding="utf-8")
    async with World(policy_file=policy) as world:
        await world.helpdesk_channel()
        await compared(world)
        names = ("Anna Baker", "Bilal Hussain", "Chidi Okafor")
        for name in names:
            seat, reference = await granted(world, name)
            await seat.say(f"end {reference}")
            await until(lambda seat=seat: "has ended" in seat.all_text)  # type: ignore[misc]
        everybody = {await world.change_members(name) for name in names}
        status, said = await command(world, "reconcile")
        assert status == 1, said
        await until(lambda: "Too many at once: 3 accounts are exempt past the end" in world.in_channel())
        assert await world.members() == everybody
        assert "Exempt past the end" not in world.in_channel()
        status, _ = await command(world, "reconcile", "--most-removals", "3")
        assert status == 1
        assert await world.members() == set()
        await until(lambda: "Entra and our records agree again" in world.in_channel())


async def test_what_the_mfa_policy_leaves_out_is_watched() -> None:
    from sandbox.tenant import read_tenant

    async with World(more={"MFA_POLICY_ID": read_tenant().conditional_access.policy}) as world:
        await world.helpdesk_channel()
        await compared(world)
        assert (await command(world, "reconcile"))[0] == 0
        await world.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_long", "leads"]})
        status, said = await command(world, "reconcile")
        assert (status, "exclusion gone" in said, "exclusion more" in said) == (1, True, True), said
        await until(lambda: "no longer leaves our exemption group out" in world.in_channel())
        await until(lambda: "leaves out more than our exemption groups" in world.in_channel())
        await world.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_short", "exempt_long"]})
        assert (await command(world, "reconcile"))[0] == 0
        await until(lambda: world.in_channel().count("Entra and our records agree again") == 2)
        await world.fault(method="GET", path="/v1.0/identity/conditionalAccess/policies/*", status=404)
        status, said = await command(world, "reconcile")
        assert (status, said.count("exclusion gone"), "exclusion more" in said) == (1, 2, False), said


async def test_a_group_within_the_group_is_shown_and_removed(world: World) -> None:
    await world.sandbox("POST", "members", {"group": "exempt_short", "user": "leads", "action": "add"})
    assert (await command(world, "reconcile"))[0] == 1
    await until(lambda: WITHOUT in world.in_channel())
    assert "not a person" in await press(world, world.agent, "Adopt", WITHOUT)
    assert "was removed from the group" in await press(world, world.agent, "Remove", WITHOUT)
    assert (await command(world, "reconcile"))[0] == 0


class Alone:
    """The pretend tenant as a process of its own, so that it lives while the program is dead."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Alone":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox",
            cwd=ROOT, env=self._world.environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert b"The pretend tenant is at" in await asyncio.wait_for(self._process.stdout.readline(), 30)
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()


async def test_the_watchdog_ends_what_is_overdue_while_the_program_is_dead() -> None:
    world = World()
    async with Alone(world), world:
        await world.helpdesk_channel()
        await compared(world)
        anna, reference = await granted(world)
        assert (await command(world, "watchdog", "--once"))[0] == 0
        assert await world.members() == {anna.person.entra_id}
        await world.program.kill()
        await world.advance("PT24H")
        status, said = await command(world, "watchdog", "--once")
        assert await world.members() == {anna.person.entra_id}, "the workers have two minutes"
        await world.advance("PT3M")
        status, said = await command(world, "watchdog", "--once")
        assert status == 0, said
        assert "the watchdog ended it" in said
        assert await world.members() == set()
        assert "end_confirmed" in await audit(world, reference)
        await world.program.start()
        await until(lambda: "has ended" in anna.all_text, 60)
        assert (await audit(world, reference)).count("end_confirmed") == 1


async def test_the_watchdog_ends_what_was_revoked_while_no_worker_lives() -> None:
    async with World(command=("serve", "--no-seats", "--no-jobs")) as world:
        await world.helpdesk_channel()
        worker = world.another_program("worker")
        await worker.start()
        anna, reference = await granted(world)
        await worker.kill()
        await world.seat(world.agent).say(f"revoke {reference} The account was stolen")
        assert (await command(world, "watchdog", "--once"))[0] == 0
        assert await world.members() == {anna.person.entra_id}, "the workers have two minutes"
        await world.advance("PT3M")
        status, said = await command(world, "watchdog", "--once")
        assert status == 0, said
        assert "the watchdog ended it" in said
        assert await world.members() == set()
        assert "end_confirmed" in await audit(world, reference)


async def test_beside_living_workers_the_watchdog_does_no_harm(world: World) -> None:
    anna, reference = await granted(world)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", "watchdog", "--sandbox", cwd=ROOT, env=world.environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    while b"Watching" not in (line := await asyncio.wait_for(process.stdout.readline(), 60)):
        assert line
    await world.advance("PT25H")
    await until(lambda: "has ended" in anna.all_text)
    assert (await audit(world, reference)).count("end_confirmed") == 1
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0
    second, _ = await asked(world, "Bilal Hussain")
    assert "Telephone the helpdesk" in second.text


@pytest.mark.parametrize("data", [{}, {"drift": 5}, {"drift": "stranger:no:such"}, {"drift": "x" * 5000}])
async def test_a_forged_click_changes_nothing(world: World, data: dict[str, Any]) -> None:
    agent = world.person(world.agent)
    for verb in ("drift.remove", "drift.adopt", "drift.put_back", "drift.nonsense"):
        answer = await world.post(world.teams.execute(verb, data, agent))
        assert answer.status == 200
        assert answer.body["statusCode"] == 200, answer.text
        assert "Something went wrong" not in answer.text
