"""Entra fails, people click at once, processes die: nothing is lost, done twice or said before it is so."""

import asyncio

import psycopg

from tests.journeys.long_term import reference_in
from tests.journeys.world import Seat, World, buttons_of, until


async def asked(world: World, name: str = "Anna Baker") -> tuple[Seat, str]:
    """Somebody has asked, for a lost phone; gives them and the reference."""
    seat = world.seat(name)
    await seat.say("I lost my phone")
    await seat.press("For me")
    receipt = await seat.press("Send request")
    return seat, reference_in(receipt)


async def granted(world: World, name: str = "Anna Baker") -> tuple[Seat, str]:
    seat, reference = await asked(world, name)
    await world.seat(world.agent).say(f"approve {reference} called back")
    await until(lambda: "is on until" in seat.all_text)
    return seat, reference


async def test_a_grant_that_entra_refuses_is_shown_and_tried_again_until_it_works(world: World) -> None:
    anna, reference = await asked(world)
    await until(lambda: reference in world.in_channel())
    await world.fault(method="POST", path="/v1.0/groups/*", status=503, times=2)
    await world.seat(world.agent).say(f"approve {reference} called back")
    await until(lambda: "takes longer than usual" in world.in_channel())
    assert "takes longer than usual" in anna.all_text
    assert "is on until" not in anna.all_text
    await until(lambda: "is on until" in anna.all_text, 30)
    assert await world.members() == {anna.person.entra_id}
    await until(lambda: "takes longer than usual" not in world.in_channel())


async def test_a_removal_that_entra_refuses_raises_an_alarm_and_is_never_given_up(world: World) -> None:
    anna, _ = await granted(world)
    await world.fault(method="DELETE", path="/v1.0/groups/*", status=500, times=3)
    await world.advance("PT24H")
    await until(lambda: "Problem: ending does not work for Anna Baker" in world.in_channel(), 40)
    assert "has ended" not in anna.all_text
    await until(lambda: "has ended" in anna.all_text, 40)
    assert await world.members() == set()


async def test_throttling_is_waited_out(world: World) -> None:
    anna, reference = await asked(world)
    await world.fault(method="POST", path="/v1.0/groups/*", status=429, retry_after=4, times=1)
    await world.seat(world.agent).say(f"approve {reference} called back")
    await until(lambda: "is on until" in anna.all_text, 30)
    calls = [one for one in await world.sandbox("GET", "calls") if one["method"] == "POST" and "$ref" in one["path"]]
    assert [one["status"] for one in calls] == [429, 204]


async def test_two_agents_on_two_processes_click_at_once_and_one_wins(world: World) -> None:
    second = world.another_program()
    await second.start()
    try:
        _, reference = await asked(world)
        agents = [one.name for one in world.tenant.users if "helpdesk" in one.groups][:2]
        one, two = world.seat(agents[0]), world.seat(agents[1], program=second)
        await asyncio.gather(one.say(f"review {reference}"), two.say(f"review {reference}"))
        said = await asyncio.gather(
            one.say(f"approve {reference} called back"), two.say(f"reject {reference} Not today")
        )
        assert sum("nothing was changed" in text for text in said) == 1
        await until(lambda: "Approve\n" not in world.in_channel() and reference in world.in_channel())
        audit = await entries(world, reference)
        assert len([what for what in audit if what in ("approved", "rejected")]) == 1
    finally:
        await second.stop()


async def test_a_half_finished_conversation_survives_a_kill_and_a_day(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("I lost my phone")
    await world.program.kill()
    await world.program.start()
    await world.advance("P1D")
    assert "Check, then send" in await anna.press("For me")
    assert "Telephone the helpdesk" in await anna.press("Send request")


async def test_after_a_kill_what_was_decided_is_done(world: World) -> None:
    anna, reference = await asked(world)
    await world.fault(method="POST", path="/v1.0/groups/*", status=503, times=1)
    await world.seat(world.agent).say(f"approve {reference} called back")
    await world.program.kill()
    await world.program.start()
    await until(lambda: "is on until" in anna.all_text, 60)
    assert await world.members() == {anna.person.entra_id}


async def test_an_outage_over_the_end_ends_it_at_once_and_sends_no_overtaken_reminder(world: World) -> None:
    anna, _ = await granted(world)
    await world.program.stop()
    await world.program.start()
    await world.advance("P2D")
    await until(lambda: "has ended" in anna.all_text, 30)
    assert "ends in" not in anna.all_text
    assert await world.members() == set()


async def test_a_double_click_sends_one_request(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("I lost my phone")
    await anna.press("For me")
    await asyncio.gather(anna.press("Send request"), anna.press("Send request"))
    await anna.say("my requests")
    assert len([b for b in buttons_of(list(anna.shown.values())[-1]) if b["title"].startswith("Open ")]) == 1


async def test_a_decision_whose_card_cannot_be_sent_is_kept_and_never_called_undone(world: World) -> None:
    anna, reference = await asked(world)
    agent = world.seat(world.agent)
    await agent.say("hi")
    world.connector.fail(500, method="POST", where=agent.person.chat_id.removeprefix("a:"))
    said = await agent.say(f"approve {reference} called back")
    assert "Check in a minute whether this was done" in said
    assert "Nothing was changed" not in said
    await until(lambda: "is on until" in anna.all_text)
    assert f"{agent.person.name} approved it" in await agent.say(f"approve {reference} called back")


async def test_an_old_cards_button_answers_with_the_present_state(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("I lost my phone")
    card_id, old = list(anna.shown.items())[-1]
    await anna.press("For me")
    assert "Check, then send" in await anna.press("For a colleague", card_id=card_id, card=old)
    last = buttons_of(list(anna.shown.values())[-1])[0]
    check = last | {"title": "Check again", "data": last["data"] | {"verb": "ask.again"}}  # as it was drawn once
    assert "Check, then send" in await anna.press("Check again", card_id=card_id, card=check)
    await anna.press("Send request")
    assert "Telephone the helpdesk" in await anna.press("For me", card_id=card_id, card=old)


async def test_every_click_works_as_submit_too(world: World) -> None:
    bilal = world.seat("Bilal Hussain")
    await bilal.say("short")
    await bilal.press("For me", submit=True)
    await bilal.press("Continue", submit=True, reason="no_signal")
    assert "Telephone the helpdesk" in await bilal.press("Send request", submit=True)
    reference = reference_in(bilal.text)
    agent = world.seat(world.agent)
    await agent.say(f"review {reference}")
    await agent.press("Approve", submit=True)
    await agent.press("Approve for 24 hours", submit=True, verification="manager", ticket="")
    await until(lambda: "is on until" in bilal.all_text)
    await bilal.press("I no longer need it", submit=True)
    await until(lambda: "has ended" in bilal.all_text)
    assert await world.members() == set()


async def test_an_agent_revokes_with_a_reason(world: World) -> None:
    anna, reference = await granted(world)
    await world.seat(world.agent).say(f"revoke {reference} Reported as misuse")
    await until(lambda: "has ended" in anna.all_text)
    assert "Reported as misuse" in anna.all_text
    assert await world.members() == set()


async def test_an_agent_cannot_decide_for_themselves(world: World) -> None:
    agents = [one.name for one in world.tenant.users if "helpdesk" in one.groups]
    _, reference = await asked(world, agents[0])
    said = await world.seat(agents[0]).say(f"approve {reference} called back")
    assert "You cannot decide on your own request" in said
    assert await world.members() == set()


async def test_a_decision_without_verification_asks_for_it(world: World) -> None:
    _, reference = await asked(world)
    agent = world.seat(world.agent)
    await agent.say(f"approve {reference}")
    assert "Say how you verified the person who gets the exception" in await agent.press("Approve for 24 hours")
    assert await world.members() == set()


async def test_bad_input_gets_a_sentence_and_loses_nothing(world: World) -> None:
    anna = world.seat("Anna Baker")
    await anna.say("short")
    for text in ("", "🙂", "x" * 20_000, "<at>bot</at>", "'; drop table requests; --"):
        await anna.say(text)
        assert anna.answer is not None
        assert anna.answer.status == 200
        assert "Something went wrong" not in anna.text
    assert "What is the reason?" in await anna.say("me")
    assert "Choose one of these reasons" in await anna.press("Continue", reason="no such reason")
    assert "cannot find a request" in await anna.say("status MFA-2222-2222")
    teams, person = world.teams, anna.person
    for verb in ("nonsense", "", "approve.yes", "ask.send", "withdraw"):
        answer = await world.post(teams.execute(verb, {"reference": ["a"], "card": {}}, person))
        assert answer.status == 200
        assert answer.body["statusCode"] == 200, answer.text
    await anna.say("something else")
    assert "Use 1000" in await anna.say("y" * 1500)


async def test_an_activity_that_says_nothing_of_tenant_or_sender_is_turned_away(world: World) -> None:
    good = world.teams.message("hello", world.person("Anna Baker"))
    for missing, statuses in (("conversation", {400}), ("channelData", {400, 403}), ("serviceUrl", {400, 401, 403})):
        answer = await world.post({key: value for key, value in good.items() if key != missing})
        assert answer.status in statuses, missing
    no_sender = await world.post(good | {"id": "other", "from": {"id": "29:x", "name": "Nobody"}})
    assert no_sender.status in (200, 400)
    foreign = await world.post(good | {"id": "third", "channelData": {"tenant": {"id": "another"}}})
    assert foreign.status == 403


async def entries(world: World, reference: str) -> list[str]:
    """What the audit says of a request, in order."""
    async with await psycopg.AsyncConnection.connect(world.book_url) as connection:
        found = await connection.execute("SELECT what FROM audit WHERE reference = %s ORDER BY id", (reference,))
        return [row[0] for row in await found.fetchall()]
