"""A long-term exception, lived through over HTTP with the whole program: these read as the specification."""

from tests.journeys import long_term as steps
from tests.journeys.long_term import ANSWERS, MAILBOX
from tests.journeys.world import World, until


async def test_from_the_question_to_the_grant(world: World) -> None:
    bilal, helen, agent = world.seat("Bilal Hussain"), world.seat("Helen Marsh"), world.seat(world.agent)
    await helen.say("hi")
    reference = await steps.ask(bilal)
    assert MAILBOX in bilal.all_text
    await until(lambda: "Evidence is needed for Chidi Okafor" in helen.all_text)
    imran = await until(lambda: world.mail_to("imran.sheikh@nhs.example"))
    assert reference in imran["body"]
    asked = await until(lambda: world.mail_to(MAILBOX))
    assert "secure" not in asked["body"].lower()

    assert "0 of 5 answered" in await steps.vouch(world, helen, reference)
    assert await world.members("exempt_long") == set()
    await steps.answer_all(helen)
    assert "5 of 5 answered" in helen.all_text
    assert "Confirm this first" in await helen.press("Send to the helpdesk", statement="false")
    assert "Sent to the helpdesk" in await helen.press("Send to the helpdesk", statement="true")

    await until(lambda: reference in world.in_channel())
    assert "Persistent work in a secure location" in world.in_channel()
    assert "5 of 5 answers" in world.in_channel()
    for answer in ANSWERS.values():
        assert answer not in world.in_channel()
    evidence = await agent.say(f"review {reference}")
    for answer in ANSWERS.values():
        assert answer in evidence
    await agent.press("Approve")
    await agent.press("Approve", days="180")
    await until(lambda: "is on until" in bilal.all_text)
    assert await world.members("exempt_long") == {world.person("Chidi Okafor").entra_id}
    assert await world.members("exempt_short") == set()
    await until(lambda: "is on until" in helen.all_text)
