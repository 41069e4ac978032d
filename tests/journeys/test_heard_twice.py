"""A process dies in a turn, and Teams sends the same activity again: what was done is shown, and not done once more."""

import asyncio

import psycopg

from tests.journeys import long_term as steps
from tests.journeys.long_term import reference_in
from tests.journeys.test_trouble import asked
from tests.journeys.world import Seat, World, until


async def say_twice(world: World, seat: Seat, text: str) -> str:
    """Types a text; before its answer is out, the program dies and is started again, and Teams sends the text again."""
    activity = world.teams.message(text, seat.person)
    lost = world.connector.fail(drop=True, delay=1, times=9, where=seat.person.chat_id, method="POST")
    sending = asyncio.create_task(world.post(activity))
    await until(lambda: lost.met)
    await world.program.kill()
    await asyncio.gather(sending, return_exceptions=True)
    world.connector.clear_faults()
    await world.program.start()
    assert (await world.post(activity)).status == 200
    return seat.text


async def test_an_answer_is_not_taken_for_the_answer_to_the_next_question(world: World) -> None:
    agent = world.seat(world.agent)
    await agent.say("caller lost their phone")
    assert "How did you verify the caller?" in await say_twice(world, agent, "chidi.okafor@nhs.example")
    assert "did not understand" not in agent.text
    assert "Check, then grant" in await agent.say("called back, ticket INC77")


async def test_evidence_is_not_kept_twice(world: World) -> None:
    helen = world.seat("Helen Marsh")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    await helen.press("Answer the next one")
    await say_twice(world, helen, steps.ANSWERS["place"])
    assert "1 of 5 answered" in await helen.press("Back to the list")


async def test_what_was_sent_is_shown_and_stays_true(world: World) -> None:
    agent = world.seat(world.agent)
    for said in ("caller lost their phone", "chidi.okafor@nhs.example", "called back, ticket INC77"):
        await agent.say(said)
    reference = reference_in(await say_twice(world, agent, "grant"))
    await until(lambda: "Exception is on" in agent.all_text)
    assert agent.all_text.count(reference) >= 1
    assert "Waiting requests" not in agent.all_text


async def test_whoever_decided_is_not_told_that_they_are_too_late(world: World) -> None:
    _, reference = await asked(world)
    agent = world.seat(world.agent)
    await agent.say("queue")
    said = await say_twice(world, agent, f"reject {reference} The caller could not be verified")
    assert "Rejected" in said
    assert "nothing was changed" not in said.lower()


async def test_a_text_of_which_nothing_was_done_is_heard_as_if_for_the_first_time(world: World) -> None:
    anna = world.seat("Anna Baker")
    assert await say_twice(world, anna, "my requests") == await anna.say("my requests")


async def test_a_refused_attempt_is_written_down_once(world: World) -> None:
    anna = world.seat("Anna Baker")
    assert "always need MFA" in await say_twice(world, anna, "gareth.lloyd@nhs.example lost his phone")
    about = f"account:{world.person('Gareth Lloyd').entra_id}"
    query = "SELECT count(*) FROM audit WHERE reference = %s AND what = 'tried'"
    async with await psycopg.AsyncConnection.connect(world.book_url) as connection:
        assert await (await connection.execute(query, (about,))).fetchone() == (1,)
