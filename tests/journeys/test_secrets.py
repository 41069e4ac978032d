"""No secret, token, code or key gets out: not into logs, errors, the audit or cards; and a secret is changed alive."""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.files import PDF
from tests.journeys import long_term as steps
from tests.journeys.real_world import RealWorld
from tests.journeys.world import buttons_of, until
from tests.microsoft import Mode


@pytest.fixture
async def world() -> AsyncIterator[RealWorld]:
    async with RealWorld() as one:
        yield one
        print(one.program.log()[-6000:])  # noqa: T201  # pytest shows it where a test fails


MEANT = {
    ("cards", "evidence"),  # whoever gives it reads it on their own card
    ("the agent's own cards", "evidence"),
    ("the agent's own cards", "the link's token"),  # it works once and for 5 minutes: docs/security.md
}


def link_in(message: Any) -> str:
    return next(str(one["url"]) for one in buttons_of(message) if "/evidence/" in str(one.get("url", "")))


def choices_of(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = list(value.get("choices", []))
        return own + [one for part in value.values() for one in choices_of(part)]
    return [one for part in value for one in choices_of(part)] if isinstance(value, list) else []


async def a_short_one(world: RealWorld, name: str) -> str:
    """Asked for and granted; gives the reference."""
    anna, agent = world.seat(name), world.seat(world.agent)
    for words in ("I lost my phone", "me", "send"):
        await anna.say(words)
    reference = steps.reference_in(anna.text)
    await agent.say(f"approve {reference} called back")
    await until(lambda: anna.shows("is on until"), 30)
    return reference


async def a_long_one(world: RealWorld) -> tuple[str, str]:
    """Asked for, vouched for, given evidence with a file, read; gives the one-time code and the link's token."""
    helen, agent = world.seat("Helen Marsh"), world.seat(world.agent)
    await helen.say("hi")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    code = await steps.code_for(world, reference)
    await steps.vouch(world, helen, reference)
    await helen.send_files(world.files.put("letter.pdf", PDF))
    await helen.press("Back to the list")
    await steps.answer_all(helen)
    await helen.press("Send to the helpdesk", statement="true")
    await until(lambda: "1 file" in world.in_channel(), 30)
    await agent.say(f"review {reference}")
    file = next(
        choice["value"]
        for message in agent.shown.values()
        for choice in choices_of(message)
        if choice["title"] == "letter.pdf"
    )
    await agent.press("Open the file", file=file)
    assert agent.answer is not None
    token = link_in(agent.answer.body).rpartition("/")[2]
    async with aiohttp.ClientSession() as session, session.post(f"{world.program.url}/evidence/{token}") as given:
        assert given.status == 200
    return code, token


async def test_nothing_secret_of_a_whole_journey_is_in_logs_audit_cards_or_the_database(world: RealWorld) -> None:
    await a_short_one(world, "Anna Baker")
    code, token = await a_long_one(world)
    # And what goes wrong: forged tokens, another audience, a login service that is down, a bug in what is sent.
    forged = world.teams.token(aud="another bot")
    await world.teams.post(f"{world.program.url}/api/messages", world.teams.message("hello"), token=forged)
    world.microsoft.login.revoke_all()
    world.microsoft.login.mode = Mode.DOWN
    await world.seat("Helen Marsh").say("hello")
    world.microsoft.login.mode = Mode.WELL
    downloads = [
        one["content"]["downloadUrl"] for one in world.teams.files(world.files.put("x", PDF))["attachments"][:1]
    ]
    mark = downloads[0].partition("tempauth=")[2]
    never = {
        "the bot's secret": [world.microsoft.login.secret],
        "the key of the evidence": [world.key],
        "tokens of the bot": world.microsoft.login.issued,
        "tokens of Teams": [*world.given_in, forged],
        "the one-time code": [code, code.replace("-", "")],
        "the link's token": [token],
        "the address of a file": [mark],
        "evidence": list(steps.ANSWERS.values()),
    }
    assert all(value for values in never.values() for value in values)
    assert world.microsoft.login.issued
    own = world.person(world.agent).chat_id
    cards = {
        "cards": json.dumps([call.body for call in world.connector.calls if call.conversation_id != own]),
        "the agent's own cards": json.dumps(
            [call.body for call in world.connector.calls if call.conversation_id == own]
        ),
    }
    places = {"log": world.program.log(), **cards, **await world.database()}
    assert places["audit"]
    for where, said in places.items():
        for what, values in never.items():
            if (where, what) in MEANT:
                continue
            assert not [value for value in values if value in said], f"{what} in {where}"
    assert "Traceback" not in world.program.log()


async def test_the_bots_secret_is_changed_without_a_restart_and_nobody_notices(world: RealWorld) -> None:
    """The new one is in the file; then the login service refuses the old one, and Teams the token that it bought."""
    await a_short_one(world, "Anna Baker")
    world.secret_file.write_text(new := secrets.token_urlsafe(24))
    world.microsoft.login.secret = new
    world.microsoft.login.revoke_all()
    known = len(world.microsoft.login.requests)
    await a_short_one(world, "Siobhan O'Neill")
    assert {form["client_secret"] for form in world.microsoft.login.requests[known:]} == {new}
