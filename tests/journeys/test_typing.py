"""Typing alone, in a hurry and misspelt: a request from the first sentence to the end, and the agent's side of it."""

from tests.builders import POLICY
from tests.journeys.long_term import reference_in
from tests.journeys.world import World, until

TELEPHONE = POLICY.helpdesk.telephone


async def test_a_hurried_sentence_asks_for_a_colleague_and_wrong_guesses_are_taken_back(world: World) -> None:
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    assert "ask.start" not in await anna.say("forgoten my pasword")
    assert TELEPHONE in anna.text
    assert "Press a button, or type the word" in await anna.say("zgubiłem telefon")
    assert "short" in anna.text

    understood = await anna.say("hi, lsot phone, for chidi.okafor@nhs.example, shes on nights")
    assert "You said: Mobile phone lost or stolen, for chidi.okafor@nhs.example" in understood
    assert "Check, then send" in understood
    assert "What is the reason?" in await anna.say("no")
    assert "how long" not in await anna.say("banana")
    assert "We did not understand “banana”" in anna.text
    assert "To stop, type “cancel”" in anna.text
    assert f"Telephone the {POLICY.helpdesk.name} on {TELEPHONE}" in await anna.say("who do i ring")
    assert "What is the reason?" in anna.text
    assert "Check, then send" in await anna.say("shes misplased it")
    assert "Mobile phone misplaced" in anna.text
    assert "Who is the exception for?" not in await anna.say("no sorry, her phone was stolen")
    assert "Mobile phone lost or stolen" in anna.text
    assert "Chidi Okafor" in anna.text
    reference = reference_in(await anna.say("yep"))
    assert await anna.say("ok thanks") == "You are welcome."

    assert "Nothing was changed yet" in await anna.say("found it, withdraw my request")
    assert "Nothing was changed" in await anna.say("nope")
    assert "to telephone the helpdesk" in anna.text
    assert "Nothing was changed yet" in await anna.say(f"withdrawl {reference}")

    assert reference in await agent.say("whats in the queu")
    assert "Approve" in await agent.say(f"can you open {reference} please")
    assert "How did you verify Chidi Okafor?" in await agent.say(f"aprove {reference} called back")
    assert await world.members() == set()
    assert "How did you verify Chidi Okafor?" in await agent.say("can you send me the number of my manager")
    assert await world.members() == set()
    assert "Check the words, then type" in await agent.say(f"rejcet {reference} not verified")
    assert "Nothing was changed" in await agent.say("back")
    assert "How did you verify Chidi Okafor?" in await agent.say(f"approve {reference}")
    await agent.say("called back, ticket INC9")
    await until(lambda: "is on until" in anna.all_text)
    assert await world.members() == {world.person("Chidi Okafor").entra_id}
    assert "Nothing was changed yet" in await anna.say(f"please can we end {reference} she found it")
    await anna.say("yes")
    await until(lambda: "has ended" in anna.all_text)
    assert await world.members() == set()
