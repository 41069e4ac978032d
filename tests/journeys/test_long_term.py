"""A long-term exception, lived through over HTTP with the whole program: these read as the specification."""

import asyncio
import re
from functools import partial

from tests.builders import RULES
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


async def test_typing_alone_is_enough(world: World) -> None:
    bilal, helen, agent = world.seat("Bilal Hussain"), world.seat("Helen Marsh"), world.seat(world.agent)
    await bilal.say("long term please, we work in a secure location")
    for words in (
        "a colleague", "chidi.okafor@nhs.example", "that is everybody", "riverside", "no phones inside",
        "no phones inside", "there is no telephone on the wing", "not allowed inside", "no readers there",
        "no direct numbers", "March 2026",
    ):  # fmt: skip
        await bilal.say(words)
    assert "Check, then send" in bilal.text
    reference = steps.reference_in(await bilal.say("send"))
    code = await steps.code_for(world, reference)
    assert "the reference" in await helen.say(code)
    await helen.say(f"evidence {reference}")
    assert "0 of 5 answered" in await helen.say(code.replace("-", " "))
    await helen.say("next")
    for answer in ANSWERS.values():
        await helen.say(answer)
    assert "5 of 5 answered" in helen.text
    assert "I confirm" in await helen.say("send")
    assert "Sent to the helpdesk" in await helen.say("I confirm")
    assert "Review the evidence" in await agent.say(f"status {reference}") or "Evidence" in agent.text
    await agent.say(f"ask {reference} Which wing is it?")
    await until(lambda: "Which wing is it?" in helen.all_text)
    await helen.say(f"evidence {reference}")
    assert "Which wing is it?" in helen.text
    await helen.say("change")
    await helen.say("1")
    await helen.say("HMP Northfield, wing C. No mobile phones are allowed beyond the gate.")
    await helen.say("i confirm")
    await until(lambda: "wing C" not in world.in_channel())
    assert "wing C" in await agent.say(f"review {reference}")
    await agent.say(f"approve {reference} 90 days")
    await until(lambda: "is on until" in bilal.all_text)
    assert await world.members("exempt_long") == {world.person("Chidi Okafor").entra_id}
    await helen.say(f"end {reference}")
    await until(lambda: "has ended" in bilal.all_text)
    assert await world.members("exempt_long") == set()


async def test_half_a_year_over_both_changes_of_the_clocks(world: World) -> None:
    """From October, over Christmas and Easter: reminders once each in working hours, the question half way, the end."""
    await world.set_clock("2026-10-01T09:30:00Z")
    reference, bilal, helen, agent = await steps.granted(world)
    await until(lambda: "30 March 2027" in helen.all_text)
    await world.set_clock("2026-12-30T10:00:00Z")
    await until(lambda: "still needed?" in helen.all_text)
    assert "Still needed" in await helen.press("Still needed")
    for day, said in (
        ("2027-02-26T11:00:00Z", "ends in 3"),
        ("2027-03-16T11:00:00Z", "ends in 13 days"),
        ("2027-03-23T11:00:00Z", "ends in 6 days"),
        ("2027-03-25T11:00:00Z", "ends in 4 days"),
    ):
        reminder = f"The MFA exception for Chidi Okafor {said}"
        assert reminder not in helen.all_text
        await world.set_clock(day)
        await until(partial(helen.shows, reminder))
    assert await world.members("exempt_long") == {world.person("Chidi Okafor").entra_id}
    await world.set_clock("2027-03-30T09:35:00Z")
    await until(lambda: "has ended" in bilal.all_text)
    assert await world.members("exempt_long") == set()
    await world.advance("P91D")

    async def purged() -> bool:
        return "Deleted on" in await agent.say(f"review {reference}")

    await until(purged)
    assert ANSWERS["place"] not in await agent.say(f"review {reference}")


async def test_a_renewal_follows_on_without_a_gap(world: World) -> None:
    await world.set_clock("2027-02-02T10:00:00Z")  # 150 days on is a Friday morning
    reference, bilal, helen, agent = await steps.granted(world)
    assert "can be renewed from" in await bilal.say(f"renew {reference}")
    await world.advance("P150D")
    await until(lambda: "renew it now" in helen.all_text)
    assert "Check, then send" in await bilal.say(f"renew {reference}")
    renewal = steps.reference_in(await bilal.press("Send request"))
    assert renewal != reference
    await steps.give(world, helen, renewal)
    await steps.approve(agent, renewal)
    chidi = world.person("Chidi Okafor").entra_id
    await until(lambda: bilal.all_text.count("is on until") == 2)
    assert await world.members("exempt_long") == {chidi}
    assert "has taken its place" in await bilal.say(f"status {reference}")
    await world.advance("P31D")
    await asyncio.sleep(5)
    assert await world.members("exempt_long") == {chidi}
    await world.advance("P150D")
    await until(lambda: "has ended" in bilal.all_text)
    assert await world.members("exempt_long") == set()


async def test_no_evidence_in_time_lapses_and_everybody_is_told(world: World) -> None:
    """At night: they are told when the quiet hours end."""
    await world.set_clock("2026-12-07T22:00:00Z")
    bilal, helen = world.seat("Bilal Hussain"), world.seat("Helen Marsh")
    await helen.say("hi")
    reference = await steps.ask(bilal)
    await until(lambda: "Evidence is needed" in helen.all_text)
    await world.advance("P28DT1M")

    async def lapsed() -> bool:
        return "cannot be given" in await helen.say(f"evidence {reference}")

    await until(lapsed)
    assert "has lapsed" not in bilal.all_text + helen.all_text
    await world.advance("PT9H")
    await until(lambda: "has lapsed" in bilal.all_text and "has lapsed" in helen.all_text)
    chidi = await until(lambda: world.mail_to("chidi.okafor@nhs.example"))
    assert "did not come in time" in chidi["body"]
    assert "cannot be given" in await helen.say(f"evidence {reference}")
    assert "Check, then send" in await bilal.press("Ask again")


async def test_a_rejection_opens_a_new_request_that_is_filled_in(world: World) -> None:
    bilal, helen, agent = world.seat("Bilal Hussain"), world.seat("Helen Marsh"), world.seat(world.agent)
    reference = await steps.ask(bilal)
    await steps.give(world, helen, reference)
    await agent.say(f"reject {reference} Say which wing it is")
    await until(lambda: "Say which wing it is" in bilal.all_text)
    again = await bilal.press("Ask again")
    assert "Check, then send" in again
    assert "Riverside Medical Practice" in again
    assert reference not in await bilal.press("Send request")


async def test_several_colleagues_with_one_ground_are_asked_for_at_once(world: World) -> None:
    bilal = world.seat("Bilal Hussain")
    await bilal.say("long")
    await bilal.press("For a colleague")
    await bilal.press("Continue", person="chidi.okafor@nhs.example")
    await bilal.press("Add another colleague")
    await bilal.press("Continue", person="zoe.fernandez-wojcik@nhs.example")
    await bilal.press("That is everybody")
    await bilal.press("Continue", site="riverside")
    await bilal.press("Continue", reason="clinical_risk")
    await bilal.press("Continue", tried_app="gloves", tried_text="gloves", tried_call="gloves")
    for _ in RULES.remedies:
        await bilal.press("It does not help", words="sterile field")
    await bilal.press("Continue", since="2025")
    sent = await bilal.press("Send request")
    references = re.findall(r"MFA-\w{4}-\w{4}", sent)
    assert "2 requests were sent" in sent
    codes = {await steps.code_for(world, one) for one in references}
    assert len(codes) == 2


async def test_somebody_who_leaves_or_becomes_an_administrator_is_no_longer_exempt(world: World) -> None:
    _, bilal, _, _ = await steps.granted(world)
    await world.sandbox("POST", "users", {"user": "chidi.okafor@nhs.example", "enabled": False})
    await world.advance("PT16M")
    await until(lambda: "has ended" in bilal.all_text)
    assert "disabled" in bilal.all_text
    assert await world.members("exempt_long") == set()


async def test_a_new_method_is_asked_about_and_ends_nothing_by_itself(world: World) -> None:
    await steps.granted(world, whom="john.smith14@nhs.example")
    john = world.seat("john.smith14")
    await john.say("hi")
    methods = ["password", "phone", "microsoftAuthenticator"]
    await world.sandbox("POST", "users", {"user": "john.smith14@nhs.example", "methods": methods})
    await world.advance("PT16M")
    await until(lambda: "registered a new MFA method" in john.all_text)
    assert await world.members("exempt_long") == {john.person.entra_id}
    await john.press("End the exception")
    await until(lambda: "has ended" in john.all_text)
    assert await world.members("exempt_long") == set()


async def test_the_third_short_exception_needs_a_lead(world: World) -> None:
    agent, lead = world.seat(world.agent), world.seat("Meera Patel")
    for _ in range(2):
        await agent.say("caller lost their phone")
        await agent.say("chidi.okafor@nhs.example")
        await agent.say("called back, ticket INC77")
        await agent.say("grant")
        reference = steps.reference_in(agent.text)
        await until(lambda: "Exception is on" in agent.text)
        await agent.say(f"end {reference}")
        await agent.say(f"revoke {reference} phone found")
        await until(lambda: world.members_are(set()))
    await agent.say("caller lost their phone")
    assert "lead" in await agent.say("chidi.okafor@nhs.example")
    reference = steps.reference_in(await agent.say("send"))
    assert "a lead has to approve it" in await agent.say(f"approve {reference} called back")
    assert await world.members() == set()
    await lead.say(f"approve {reference} called back")
    await until(lambda: world.members_are({world.person("Chidi Okafor").entra_id}))
