"""The register of sites, seen and corrected in chat over HTTP."""

from typing import Any

import pytest

from tests.journeys.world import World, buttons_of


def field(value: object, field_id: str) -> str:
    """What a field of the last card holds."""
    if isinstance(value, dict):
        if value.get("id") == field_id:
            return str(value.get("value", ""))
        return "".join(field(part, field_id) for key, part in value.items() if key != "fallback")
    return "".join(field(part, field_id) for part in value) if isinstance(value, list) else ""


RIVERSIDE: dict[str, Any] = {
    "name": "Riverside Medical Practice",
    "mailbox": "admin.riverside@nhs.example",
    "owners": "helen.marsh@nhs.example\nimran.sheikh@nhs.example",
    "status": "open",
    "succeeded_by": "",
}


async def test_an_agent_sees_a_site_and_corrects_it(world: World) -> None:
    agent = world.seat(world.agent)
    said = await agent.say("site ZZ901")
    for part in ("Riverside Medical Practice", "Z, Z, nine, zero, one", "Helen Marsh (helen.marsh@nhs.example)"):
        assert part in said
    await agent.press("Correct")
    form = list(agent.shown.values())[-1]
    assert field(form, "owners") == RIVERSIDE["owners"]
    changed = RIVERSIDE | {"name": "Riverside Surgery", "owners": "joy.adeyemi@nhs.example"}
    said = await agent.press("Save", **changed)
    assert "Saved." in said
    for part in ("Riverside Surgery", "Joy Adeyemi", "only 1 owner"):
        assert part in said
    assert "Helen Marsh" not in said
    assert "Riverside Surgery" in await agent.say("site admin.riverside@nhs.example")


async def test_a_mistake_shows_the_form_again_with_what_was_typed(world: World) -> None:
    agent = world.seat(world.agent)
    await agent.say("site ZZ901")
    await agent.press("Correct")
    wrong = RIVERSIDE | {
        "mailbox": "anna.baker@nhs.example",
        "owners": "farah.aziz@nhs.example\nnobody@nhs.example",
        "name": "My typing",
    }
    said = await agent.press("Save", **wrong)
    for sentence in ("is not a shared mailbox", "farah.aziz@nhs.example is disabled", "Nobody has the address nobody@"):
        assert sentence in said
    form = list(agent.shown.values())[-1]
    assert {name: field(form, name) for name in ("name", "mailbox", "owners")} == {
        name: wrong[name] for name in ("name", "mailbox", "owners")
    }
    said = await agent.press("Save", **(RIVERSIDE | {"status": "succeeded", "succeeded_by": "ZZ999"}))
    assert "ZZ999 that took over is not known" in said
    assert "Riverside Medical Practice" in await agent.press("Back")
    assert "My typing" not in await agent.say("site ZZ901")


async def test_sites_cannot_take_over_from_each_other_in_a_circle(world: World) -> None:
    agent = world.seat(world.agent)
    await agent.say("site ZZ901")
    await agent.press("Correct")
    said = await agent.press("Save", **(RIVERSIDE | {"status": "succeeded", "succeeded_by": "zzp42"}))
    assert "This site was succeeded by ZZP42" in said
    assert "Hightown Pharmacy" in await agent.press("Open ZZP42")
    await agent.press("Correct")
    other: dict[str, Any] = {
        "name": "Hightown",
        "mailbox": "pharmacy.hightown@nhs.example",
        "owners": "",
        "status": "succeeded",
    }
    assert "in a circle" in await agent.press("Save", **(other | {"succeeded_by": "ZZ901"}))


async def test_two_agents_who_correct_at_once_do_not_undo_each_other_unseen(world: World) -> None:
    first, second = world.seat("Karen Whitfield"), world.seat("Liam Doherty")
    for agent in (first, second):
        await agent.say("site ZZ901")
        await agent.press("Correct")
    assert "Saved." in await first.press("Save", **(RIVERSIDE | {"name": "First"}))
    assert "Somebody else changed this site" in await second.press("Save", **(RIVERSIDE | {"name": "Second"}))
    assert "First" in await first.say("site ZZ901")
    assert "Saved." in await second.press("Save", **(RIVERSIDE | {"name": "Second"}))


async def test_several_sites_that_match_give_a_choice(world: World) -> None:
    agent = world.seat(world.agent)
    await agent.say("site ZZT07")
    await agent.press("Correct")
    northmoor = RIVERSIDE | {"name": "Northmoor Medical Practice", "mailbox": "it.northmoor@nhs.example"}
    await agent.press("Save", **northmoor)
    said = await agent.say("site medical practice")
    assert "Which site do you mean?" in said
    assert said.index("Northmoor") < said.index("Riverside")
    assert "Z, Z, T, zero, seven" in await agent.press("Open ZZT07")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("site ZZ999", "There is no site “ZZ999”"), ("site", "site ZZ901"), ("site r%e", "There is no site “r%e”")],
)
async def test_what_is_not_in_the_register_is_said(world: World, typed: str, sentence: str) -> None:
    assert sentence in await world.seat(world.agent).say(typed)


async def test_whoever_is_not_helpdesk_staff_neither_sees_nor_corrects_a_site(world: World) -> None:
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    assert "Only helpdesk staff" in await anna.say("site ZZ901")
    assert "Riverside" not in anna.all_text
    await agent.say("site ZZ901")
    shown = list(agent.shown.values())[-1]
    assert "Only helpdesk staff" in await anna.press("Correct", card=shown)
    await agent.press("Correct")
    form = list(agent.shown.values())[-1]
    assert [one["title"] for one in buttons_of(form)] == ["Save", "Back"]
    for title in ("Save", "Back"):
        assert "Only helpdesk staff" in await anna.press(title, card=form, **(RIVERSIDE | {"name": "Mine"}))
    assert "Riverside Medical Practice" in await agent.say("site ZZ901")
