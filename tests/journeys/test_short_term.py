"""A short-term exception, lived through over HTTP with the whole program: these read as the specification."""

import pytest

from tests.builders import POLICY
from tests.journeys.long_term import reference_in
from tests.journeys.world import World, buttons_of, until

TELEPHONE = POLICY.helpdesk.telephone


async def test_a_lost_phone_from_the_first_word_to_the_end(world: World) -> None:
    anna = world.seat("Anna Baker")
    agent = world.seat(world.agent)
    assert "Who is the exception for?" in await anna.say("I lost my phone")
    assert "Check, then send" in await anna.press("For me")
    receipt = await anna.press("Send request")
    assert TELEPHONE in receipt
    reference = reference_in(receipt)
    assert await world.members() == set()

    await until(lambda: reference in world.in_channel())
    assert "Approve" in world.in_channel()
    assert "Approve" in await agent.say(f"review {reference}")
    assert "How did you verify the caller?" in await agent.press("Approve")
    await agent.press("Approve for 24 hours", verification="call_back", ticket="INC123")
    await until(lambda: "is on until" in anna.all_text)
    assert await world.members() == {anna.person.entra_id}
    assert not [one for one in buttons_of(list(agent.shown.values())) if one["title"] == "Approve"]
    await until(lambda: "Approve\n" not in world.in_channel() and "Exception is on" in world.in_channel())

    await world.advance("PT20H")
    await until(lambda: "ends in 4 hours" in anna.all_text)
    await world.advance("PT3H")
    await until(lambda: "ends in 1 hour" in anna.all_text or "ends in 59 minutes" in anna.all_text)
    await world.advance("PT1H")
    await until(lambda: "has ended" in anna.all_text)
    assert await world.members() == set()
    assert "set up MFA again" in anna.text
    notices = [call for call in world.connector.sent if call.method == "POST" and "ends in" in str(call.activity)]
    assert len(notices) == 2


async def test_typing_alone_is_enough(world: World) -> None:
    bilal, agent = world.seat("Bilal Hussain"), world.seat(world.agent)
    assert "What you can do here" in await bilal.say("tour")
    assert "Step 1" in await agent.say("tour")
    await bilal.say("short")
    await bilal.say("me")
    assert "What is the reason?" in bilal.text
    await bilal.say("something else")
    assert "What stops you" in bilal.text
    await bilal.say("My phone fell into the sea, until tomorrow")
    await bilal.say("send")
    assert TELEPHONE in bilal.text
    reference = reference_in(bilal.text)
    assert reference in await agent.say("queue")
    await agent.say(f"approve {reference} called back ticket INC9")
    await until(lambda: "is on until" in bilal.all_text)
    await bilal.say(f"end {reference}")
    await until(lambda: "has ended" in bilal.all_text)
    assert await world.members() == set()


async def test_an_agent_with_a_caller_grants_in_one_go(world: World) -> None:
    agent = world.seat(world.agent)
    await agent.say("caller lost their phone")
    assert "NHSmail address or name of the caller" in agent.text
    await agent.say("chidi.okafor@nhs.example")
    assert "How did you verify the caller?" in agent.text
    assert await world.members() == set()
    await agent.say("called back, ticket INC77")
    assert "INC77" in agent.text
    await agent.say("grant")
    await until(lambda: "Exception is on" in agent.all_text)
    chidi = world.person("Chidi Okafor")
    assert await world.members() == {chidi.entra_id}
    mail = await until(lambda: world.sandbox("GET", "mail"))
    assert "chidi.okafor@nhs.example" in str(mail)
    assert world.in_channel() == "", "nobody is sent what is decided"


async def test_a_choice_is_offered_when_several_people_match(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("I forgot my phone")
    await anna.press("For a colleague")
    assert "john.smith14" in await anna.press("Continue", person="John Smith")
    smith = world.person("john.smith23")
    assert "Check, then send" in await anna.press("Continue", chosen=smith.entra_id)
    assert "john.smith23" in anna.text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("farah.aziz", "disabled"),
        ("gareth.lloyd", "administrator rights"),
        ("ewan.mctavish", "No MFA method that counts"),
    ],
)
async def test_an_account_that_cannot_have_one_is_told_why_and_what_to_do(
    world: World, name: str, sentence: str
) -> None:
    anna = world.seat("Anna Baker")
    await anna.say(f"{name}@nhs.example lost her phone")
    assert sentence in anna.text
    assert TELEPHONE in anna.text
    assert await world.members() == set()


async def test_a_rejection_says_why(world: World) -> None:
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    await anna.say("I lost my phone")
    await anna.press("For me")
    reference = reference_in(await anna.press("Send request"))
    await agent.say(f"reject {reference} The caller could not be verified")
    await until(lambda: "The caller could not be verified" in anna.all_text)
    assert await world.members() == set()


async def test_only_helpdesk_staff_decide_wherever_they_click(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("I lost my phone")
    await anna.press("For me")
    reference = reference_in(await anna.press("Send request"))
    call = await world.connector.wait_for(lambda one: one.conversation_id.startswith(world.channel.channel_id))
    in_channel = world.seat("Bilal Hussain", world.channel)
    assert "Only helpdesk staff" in await in_channel.press("Approve", card_id=call.activity_id, card=call.card)
    bilal = world.seat("Bilal Hussain")
    assert "Only helpdesk staff" in await bilal.say(f"approve {reference} called back")
    assert "cannot find" in await bilal.say(f"status {reference}")
    assert await world.members() == set()
