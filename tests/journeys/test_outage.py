"""After an outage: overdue ends come first, overtaken reminders are not sent, and everything else catches up."""

import asyncio
import os
import signal

from adapters.database import embedded
from tests.journeys import long_term as steps
from tests.journeys.test_trouble import asked, granted
from tests.journeys.world import World, until


async def stop_database(world: World) -> None:
    """As a power cut would: PostgreSQL's immediate shutdown."""
    postmaster = int((world.folder / "pg" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGQUIT)
    await until(lambda: not (world.folder / "pg" / "postmaster.pid").exists())


async def test_graph_was_away_for_a_day(world: World) -> None:
    anna, _ = await granted(world)
    _, bilal, _, _ = await steps.granted(world)
    asking, reference = await asked(world, "Zoë Fernández-Wójcik")
    await world.fault(method="*", path="/v1.0/*", status=503, times=100_000)
    await world.advance("P1D")
    await until(lambda: "Problem: ending does not work for Anna Baker" in world.in_channel(), 60)
    assert "has ended" not in anna.all_text
    assert "ends in" not in anna.all_text
    assert "cannot reach NHSmail" in await world.seat(world.agent).say(f"approve {reference} called back")
    await world.sandbox("DELETE", "faults")
    await until(lambda: "has ended" in anna.all_text, 60)
    assert await world.members() == set()
    assert await world.members("exempt_long") == {world.person("Chidi Okafor").entra_id}
    await world.seat(world.agent).say(f"approve {reference} called back")
    await until(lambda: asking.shows("is on until"), 30)
    assert "has ended" not in bilal.all_text


async def test_the_database_was_away_for_a_minute_while_an_exception_ended(world: World) -> None:
    anna, _ = await granted(world)
    bilal = world.seat("Bilal Hussain")
    await stop_database(world)
    assert "cannot reach" in await bilal.say("I lost my phone")
    await world.advance("P1D")
    await asyncio.sleep(60)
    assert await world.members() == {anna.person.entra_id}
    await asyncio.to_thread(embedded.start, world.folder / "pg")
    await until(lambda: "has ended" in anna.all_text, 60)
    assert await world.members() == set()
    assert "ends in" not in anna.all_text
    assert "Who is the exception for?" in await bilal.say("I lost my phone")


async def test_the_machine_slept_over_a_weekend(world: World) -> None:
    """Friday evening to Monday morning: what ended is ended first, and what waits for people is told once."""
    await world.set_clock("2026-11-27T16:50:00Z")
    anna, _ = await granted(world)
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.code_for(world, reference)
    await world.program.stop()
    await world.program.start()
    await world.set_clock("2026-12-07T08:30:00Z")
    await until(lambda: "has ended" in anna.all_text, 30)
    assert "ends in" not in anna.all_text
    assert await world.mail_to("helen.marsh@nhs.example") is not None
    sent = [mail for mail in await world.sandbox("GET", "mail") if mail["to"] == ["helen.marsh@nhs.example"]]
    assert not [mail for mail in sent if "still missing" in mail["subject"]]
    await world.set_clock("2026-12-07T09:05:00Z")

    async def reminded() -> bool:
        mails = await world.sandbox("GET", "mail")
        return len([mail for mail in mails if "still missing" in mail["subject"]]) == 1

    await until(reminded)
