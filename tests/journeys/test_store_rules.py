"""What the Teams store asks of a bot, over HTTP: docs/store-checklist.md."""

import json

from manifest.package import FOLDER
from tests.journeys.world import Seat, World, buttons_of

LISTS = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["bots"][0]["commandLists"]


async def answered(seat: Seat, text: str) -> str:
    """What one message is answered with: exactly one message, with a way on."""
    before = len(seat.shown)
    said = await seat.say(text)
    assert seat.answer is not None
    assert seat.answer.status == 200, text
    assert len(seat.shown) == before + 1, text
    assert buttons_of(list(seat.shown.values())[-1]) or "Telephone" in said or "type “" in said.lower(), (text, said)
    return said


async def test_each_command_of_the_app_gets_one_answer_that_leads_on(world: World) -> None:
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent, world.channel)
    welcome = world.teams.bot_added(anna.person)
    for activity in (welcome, world.teams.bot_added(anna.person), world.teams.installed(anna.person)):
        assert (await world.post(activity)).status == 200
    assert anna.all_text.count("Tell us what happened") == len(anna.shown) == 1

    for hello in ("Hi", "Hello", "Help"):
        assert "What you can do here" in await answered(anna, hello)
    personal, team = ([one["title"] for one in every["commands"]] for every in LISTS)
    for command in personal:
        assert "We did not understand" not in await answered(anna, command), command
        await anna.say("cancel")
    assert "We did not understand" in await answered(anna, "the weather in Leeds")
    for command in team:
        assert "We did not understand" not in await answered(agent, command), command
