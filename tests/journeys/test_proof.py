"""Nobody is called exempt before it has its effect, and nobody stays exempt because the bot is dead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from sandbox.server import Sandbox
from sandbox.tenant import ConditionalAccess
from tests.journeys import long_term as steps
from tests.journeys.long_term import reference_in
from tests.journeys.test_trouble import asked, entries, granted
from tests.journeys.world import World, until

PIM = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
BY_PIM = {"EXEMPTION_WAY": "pim"}
PROVED = {"MFA_POLICY_ID": ConditionalAccess().policy}
SIGNING_OUT = {"REVOKE_SESSIONS": "yes"}


@asynccontextmanager
async def a_world(more: dict[str, str]) -> AsyncIterator[World]:
    """The pretend tenant runs in the test here, so it outlives the bot."""
    world = World(more=more)
    tenant = Sandbox(world.tenant, world.folder, port=int(world.environment["SANDBOX_PORT"]))
    await tenant.start()
    try:
        async with world:
            await world.helpdesk_channel()
            yield world
            print(world.program.log()[-6000:])  # noqa: T201  # pytest shows it where a test fails
    finally:
        await tenant.close()


async def calls(world: World, ending: str) -> list[Any]:
    return [one for one in await world.sandbox("GET", "calls") if one["path"].endswith(ending)]


async def signed_out(world: World, times: int) -> bool:
    return len(await calls(world, "/revokeSignInSessions")) == times


async def ends_at(world: World, reference: str) -> datetime:
    async with await psycopg.AsyncConnection.connect(world.book_url) as connection:
        found = await connection.execute("SELECT ends_at FROM requests WHERE reference = %s", (reference,))
        row = await found.fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment


async def approve(world: World, reference: str) -> None:
    await world.seat(world.agent).say(f"approve {reference} called back")


async def test_pim_grants_with_an_end_in_entra_and_the_bot_ends_it_on_time() -> None:
    async with a_world(BY_PIM | PROVED) as world:
        anna, reference = await granted(world)
        assert await world.members() == {anna.person.entra_id}
        assert [call["status"] for call in await calls(world, PIM)] == [201]
        await world.advance("PT24H")
        await until(lambda: "has ended" in anna.all_text, 30)
        assert await world.members() == set()
        assert not [one for one in await world.sandbox("GET", "calls") if one["path"].endswith("$ref")]
        assert (await entries(world, reference)).count("end_confirmed") == 1


async def test_entra_ends_it_while_the_bot_is_dead_and_never_before_its_time() -> None:
    async with a_world(BY_PIM) as world:
        anna, reference = await granted(world)
        await world.program.kill()
        ends = await ends_at(world, reference)  # the database is a process of its own
        await world.sandbox("POST", "clock", {"set": (ends - timedelta(minutes=1)).isoformat()})
        assert await world.members() == {anna.person.entra_id}
        await world.sandbox("POST", "clock", {"set": (ends + timedelta(minutes=10)).isoformat()})
        assert await world.members() == set()
        await world.program.start()
        await until(lambda: "has ended" in anna.all_text, 60)
        assert await world.members() == set()


async def test_a_grant_that_has_no_effect_yet_is_not_called_granted() -> None:
    async with a_world(PROVED) as world:
        await world.sandbox("POST", "propagation", {"seconds": 600})
        anna, reference = await asked(world)
        await until(lambda: reference in world.in_channel())
        await approve(world, reference)
        await until(lambda: "takes longer than usual" in world.in_channel())
        assert await world.members() == {anna.person.entra_id}
        assert "What If still applies the MFA policy" in world.in_channel()
        assert "is on until" not in anna.all_text
        await world.advance("PT10M")
        await until(lambda: "is on until" in anna.all_text, 60)
        assert "Problem: granting" not in world.in_channel()
        now = datetime.fromisoformat((await world.sandbox("GET", "clock"))["now"])
        assert timedelta(hours=23) < await ends_at(world, reference) - now <= timedelta(hours=24)


async def test_a_grant_that_is_never_proved_raises_an_alarm_and_is_tried_until_it_is() -> None:
    async with a_world(PROVED) as world:
        await world.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_long"]})
        anna, reference = await asked(world)
        await until(lambda: reference in world.in_channel())
        await approve(world, reference)
        await until(lambda: "takes longer than usual" in world.in_channel())
        assert "Problem: granting" not in world.in_channel()
        await world.advance("PT16M")
        await until(lambda: "Problem: granting does not work for Anna Baker" in world.in_channel(), 60)
        assert "check in Entra that the policy leaves the exemption group out" in world.in_channel()
        assert "What If still applies" in await world.seat(world.agent).say(f"review {reference}")
        assert "is on until" not in anna.all_text
        assert "grant_confirmed" not in await entries(world, reference)
        await world.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_short", "exempt_long"]})
        await until(lambda: "is on until" in anna.all_text, 90)


async def test_a_grant_that_can_never_be_proved_keeps_nobody_exempt_for_longer_than_was_approved() -> None:
    async with a_world(PROVED) as world:
        await world.fault(method="POST", path="/v1.0/identity/conditionalAccess/evaluate", status=403, times=10_000)
        anna, reference = await asked(world)
        await until(lambda: reference in world.in_channel())
        await approve(world, reference)
        await until(lambda: "takes longer than usual" in world.in_channel())
        assert await world.members() == {anna.person.entra_id}
        await world.advance("P2D")
        await until(lambda: "could not be started" in anna.all_text, 60)
        assert await world.members() == set()
        assert "has ended" not in anna.all_text
        audit = await entries(world, reference)
        assert "end_confirmed" in audit
        assert "grant_confirmed" not in audit


async def test_by_pim_a_grant_that_is_proved_late_still_lasts_its_whole_length_in_entra() -> None:
    async with a_world(BY_PIM | PROVED) as world:
        await world.sandbox("POST", "propagation", {"seconds": 1200})
        anna, reference = await asked(world)
        await until(lambda: reference in world.in_channel())
        await approve(world, reference)
        await until(lambda: "takes longer than usual" in world.in_channel())
        await world.advance("PT20M")
        await until(lambda: "is on until" in anna.all_text, 60)
        ends = await ends_at(world, reference)
        await world.program.kill()
        await world.sandbox("POST", "clock", {"set": (ends - timedelta(minutes=1)).isoformat()})
        assert await world.members() == {anna.person.entra_id}
        await world.sandbox("POST", "clock", {"set": (ends + timedelta(minutes=10)).isoformat()})
        assert await world.members() == set()
        await world.program.start()


async def test_a_grant_that_is_not_proved_can_be_revoked() -> None:
    async with a_world(BY_PIM | PROVED) as world:
        await world.sandbox("POST", "conditional-access", {"exclude_groups": []})
        anna, reference = await asked(world)
        await approve(world, reference)
        await until(lambda: "takes longer than usual" in anna.all_text)
        await world.seat(world.agent).say(f"revoke {reference} The phone was found")
        await until(lambda: "has ended" in anna.all_text, 30)
        assert await world.members() == set()
        assert "is on until" not in anna.all_text


async def test_after_a_lost_phone_everybody_who_is_signed_in_is_signed_out_at_the_start_and_at_the_end() -> None:
    async with a_world(SIGNING_OUT) as world:
        anna, reference = await granted(world)
        await until(lambda: signed_out(world, 1))
        await world.advance("PT24H")
        await until(lambda: "has ended" in anna.all_text, 30)
        await until(lambda: signed_out(world, 2))
        assert all(anna.person.entra_id in call["path"] for call in await calls(world, "/revokeSignInSessions"))
        audit = await until(lambda: twice_in_the_audit(world, reference, "sessions_revoked"))
        assert audit.index("grant_confirmed") < audit.index("sessions_revoked") < audit.index("end_confirmed")


async def twice_in_the_audit(world: World, reference: str, what: str) -> list[str]:
    """The audit, once `what` is in it twice; empty before."""
    audit = await entries(world, reference)
    return audit if audit.count(what) == 2 else []


async def test_for_another_reason_people_are_signed_out_at_the_end_only() -> None:
    async with a_world(SIGNING_OUT) as world:
        bilal = world.seat("Bilal Hussain")
        await bilal.say("no signal")
        await bilal.press("For me")
        reference = reference_in(await bilal.press("Send request"))
        await approve(world, reference)
        await until(lambda: "is on until" in bilal.all_text)
        await bilal.say(f"end {reference}")
        await until(lambda: "has ended" in bilal.all_text)
        await until(lambda: signed_out(world, 1))
        audit = await until(lambda: signed_out_in_the_audit(world, reference))
        assert audit.index("end_confirmed") < audit.index("sessions_revoked")


async def signed_out_in_the_audit(world: World, reference: str) -> list[str]:
    audit = await entries(world, reference)
    return audit if "sessions_revoked" in audit else []


async def test_an_app_that_may_not_sign_people_out_ends_all_the_same_and_says_so_once() -> None:
    async with a_world(SIGNING_OUT) as world:
        await world.fault(method="POST", path="/v1.0/users/*/revokeSignInSessions", status=403, times=100)
        anna, reference = await granted(world)
        await world.advance("PT24H")
        await until(lambda: "has ended" in anna.all_text, 30)
        assert await world.members() == set()
        await until(lambda: twice_in_the_audit(world, reference, "sessions_not_revoked"))
        assert await signed_out(world, 2)
        assert world.program.log().count('"event": "sessions not revoked"') == 2


async def test_without_the_setting_nobody_is_signed_out_and_what_if_is_not_asked(world: World) -> None:
    anna, reference = await granted(world)
    await anna.say(f"end {reference}")
    await until(lambda: "has ended" in anna.all_text)
    assert await signed_out(world, 0)
    assert await calls(world, "/evaluate") == []


async def test_by_pim_a_renewal_moves_the_end_in_entra_without_a_gap() -> None:
    async with a_world(BY_PIM | PROVED) as world:
        await world.set_clock("2027-02-02T10:00:00Z")  # 150 days on is a Friday morning
        reference, bilal, helen, agent = await steps.granted(world)
        await world.advance("P150D")
        await until(lambda: "renew it now" in helen.all_text)
        await bilal.say(f"renew {reference}")
        renewal = steps.reference_in(await bilal.press("Send request"))
        await steps.give(world, helen, renewal)
        await steps.approve(agent, renewal)
        await until(lambda: bilal.all_text.count("is on until") == 2)
        assert [call["status"] for call in await calls(world, PIM)] == [201, 201]
        ends, chidi = await ends_at(world, renewal), world.person("Chidi Okafor").entra_id
        await world.program.kill()
        await world.sandbox("POST", "clock", {"set": (ends - timedelta(minutes=1)).isoformat()})
        assert await world.members("exempt_long") == {chidi}
        await world.sandbox("POST", "clock", {"set": (ends + timedelta(minutes=10)).isoformat()})
        assert await world.members("exempt_long") == set()
        await world.program.start()
        await until(lambda: "has ended" in bilal.all_text, 60)
