"""A long-term exception when things go wrong: codes, people, mail, crashes, other policies. Over HTTP."""

import asyncio
from pathlib import Path

import pytest

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.effects import WriteToMailbox
from services.deliver import LOOK_EVERY, MOST_TRIES
from tests.builders import ROOT
from tests.journeys import long_term as steps
from tests.journeys.long_term import ANSWERS, MAILBOX
from tests.journeys.test_roles import rows
from tests.journeys.world import World, until


async def test_codes_that_are_wrong_used_or_somebody_elses_open_nothing(world: World) -> None:
    bilal, helen, imran = world.seat("Bilal Hussain"), world.seat("Helen Marsh"), world.seat("Imran Sheikh")
    first = await steps.ask(bilal)
    second = await steps.ask(bilal, whom="zoe.fernandez-wojcik@nhs.example")
    code, others = await steps.code_for(world, first), await steps.code_for(world, second)
    await helen.say(f"evidence {first}")
    assert "4 more times" in await helen.press("Continue", code=others)
    for typed in ("", "12345678", "🙂", "x" * 30_000):
        assert "not the code" in await helen.press("Continue", code=typed)
    assert "typed wrong too often" in await helen.press("Continue", code=code)
    assert "Only the people whom" not in await helen.press("Send a new code")
    newest = await steps.code_for(world, first, number=2)
    assert "0 of 5 answered" in await helen.press("Continue", code=newest)
    await imran.say(f"evidence {first}")
    assert "already used by Helen Marsh" in await imran.press("Continue", code=newest)
    chidi = world.seat("Chidi Okafor")
    await chidi.say(f"evidence {second}")
    zoe = world.seat("Zoë Fernández-Wójcik")
    await zoe.say(f"evidence {second}")
    assert "cannot give the evidence for your own exception" in await zoe.press("Continue", code=others)
    assert await world.members("exempt_long") == set()


async def test_evidence_that_is_too_short_or_far_too_long_is_refused_and_nothing_is_lost(world: World) -> None:
    helen = world.seat("Helen Marsh")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    await helen.press("Answer the next one")
    assert "Say more" in await helen.press("Save", answer="prison")
    assert "39999 characters long" in await helen.press("Save", answer="word " * 8000)
    await helen.press("Save", answer=ANSWERS["place"])
    await helen.press("Back to the list")
    assert "1 of 5 answered" in helen.all_text
    assert ANSWERS["place"][:60] in helen.all_text
    assert "Saved" in await helen.press("Save and close")
    assert "1 of 5 answered" in await helen.press("Go on")
    await helen.press("Answer the next one")
    for answer in (ANSWERS["share"], ANSWERS["risk"], ANSWERS["replacement"]):
        await helen.press("Save", answer=answer)
    assert "Type a date" in await helen.press("Save", answer="next spring")
    assert "still to come" in await helen.press("Save", answer="1 March 2020")
    assert "5 of 5 answered" in await helen.press("Save", answer="1 March 2031")


async def test_half_finished_evidence_is_still_there_after_a_crash(world: World) -> None:
    helen = world.seat("Helen Marsh")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    await helen.press("Answer the next one")
    await helen.press("Save", answer=ANSWERS["place"])
    await world.program.kill()
    await world.program.start()
    assert "1 of 5 answered" in await helen.say(f"evidence {reference}")


async def test_a_mail_that_does_not_go_out_is_tried_again_and_only_the_newest_code_counts(world: World) -> None:
    await world.fault(method="POST", path="*sendMail*", status=503, times=2)
    bilal, helen = world.seat("Bilal Hussain"), world.seat("Helen Marsh")
    reference = await steps.ask(bilal)
    await helen.say(f"evidence {reference}")
    assert helen.shows("has not gone out yet") or helen.shows("Code from the e-mail")
    assert "0 of 5 answered" in await steps.vouch(world, helen, reference)


async def test_whoever_quoted_a_code_keeps_the_evidence_when_the_job_that_sent_it_comes_back(world: World) -> None:
    """As after a kill between Graph's yes and our note of it."""
    helen = world.seat("Helen Marsh")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    await steps.answer_all(helen)
    notice = f"{reference}:mailbox:1"
    await rows(world, "UPDATE notices SET status = 'sending' WHERE key = %s", notice)
    database = make_engine(world.book_url)
    async with PostgresBook(database).page() as page:
        await page.want([WriteToMailbox(reference, "1")])
    await database.dispose()
    again = "SELECT 1 FROM notices WHERE key = %s AND status = 'sent' AND attempts = 1"
    await until(lambda: rows(world, again, notice))
    assert await world.mails_to(MAILBOX, 1)
    assert "Sent to the helpdesk" in await helen.press("Send to the helpdesk", statement="true")


async def test_a_mail_that_is_refused_for_good_is_given_up_and_the_helpdesk_sees_it(world: World) -> None:
    await world.fault(method="POST", path="*sendMail*", status=404, times=1000)
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await until(lambda: rows(world, "SELECT key FROM undelivered WHERE key = %s", f"{reference}:WriteToMailbox:1"))
    await rows(world, "UPDATE undelivered SET tries = %s", MOST_TRIES - 1)  # the rest of them takes 20 minutes
    await until(lambda: "Not delivered" in world.in_channel())
    told = "SELECT details->>'why' FROM audit WHERE what = 'not_delivered' AND reference = %s"
    assert "Graph answered 404" in str(await rows(world, told, reference))


async def test_a_mail_that_is_late_for_a_day_is_known_to_the_helpdesk_and_still_goes_out(world: World) -> None:
    await world.fault(method="POST", path="*sendMail*", status=503, times=1000)
    reference = await steps.ask(world.seat("Bilal Hussain"))
    job, key = f"{reference}:mailbox:1", f"{reference}:WriteToMailbox:1:still_tried"
    await until(lambda: tried(world, job, LOOK_EVERY))
    await until(lambda: rows(world, "SELECT 1 FROM undelivered WHERE key = %s", key))
    await world.advance("P1DT1H")
    await asyncio.sleep(2)  # every process follows the clock: they look each second
    await until(lambda: tried(world, job, 2 * LOOK_EVERY))
    await until(lambda: "It has been tried for more than a day, and we keep trying" in world.in_channel())
    told = "SELECT details->>'why' FROM audit WHERE what = 'not_delivered_yet' AND reference = %s"
    assert "Graph answered 503" in str(await rows(world, told, reference))
    await world.sandbox("DELETE", "faults")
    await until(lambda: tried(world, job, 2 * LOOK_EVERY + 1))
    await until(lambda: world.mail_to(MAILBOX))


async def tried(world: World, job: str, times: int) -> bool:
    """Lets a job that waits be tried at once, as if for the time after so many tries, which would take hours."""
    wait = "UPDATE procrastinate_jobs SET attempts = %s, scheduled_at = now() WHERE queueing_lock = %s"
    return bool(await rows(world, f"{wait} AND status = 'todo' AND attempts > 0 RETURNING 1", times, job))


async def test_an_owner_who_was_disabled_cannot_go_on_and_another_takes_over(world: World) -> None:
    helen, imran = world.seat("Helen Marsh"), world.seat("Imran Sheikh")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    await steps.answer_all(helen)
    await world.sandbox("POST", "users", {"user": "helen.marsh@nhs.example", "enabled": False})
    assert "not enabled" in await helen.press("Send to the helpdesk", statement="true")
    await imran.say(f"evidence {reference}")
    await imran.press("Send a new code")
    code = await steps.code_for(world, reference, number=2)
    assert "5 of 5 answered" in await imran.press("Continue", code=code)
    assert "Sent to the helpdesk" in await imran.press("Send to the helpdesk", statement="true")


async def test_the_helpdesk_cannot_read_evidence_where_others_see_it_and_strangers_cannot_at_all(world: World) -> None:
    helen, agent = world.seat("Helen Marsh"), world.seat(world.agent)
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.give(world, helen, reference)
    await until(lambda: reference in world.in_channel())
    in_channel = world.seat(world.agent, world.channel)
    await in_channel.say(f"review {reference}")
    assert ANSWERS["place"] not in world.in_channel()
    assert "your own chat" in world.in_channel()
    post = next(
        call for call in world.connector.sent if call.conversation_id.startswith(world.channel.channel_id) and call.card
    )
    review = "Review the evidence"
    assert ANSWERS["place"] in await in_channel.press(review, card_id=post.activity_id, card=post.card)
    stranger = world.seat("Anna Baker", world.channel)
    assert "Only helpdesk staff" in await stranger.press(review, card_id=post.activity_id, card=post.card)
    await in_channel.press(review, submit=True, card_id=post.activity_id, card=post.card)
    assert ANSWERS["place"] not in world.in_channel()
    assert ANSWERS["place"] not in await agent.say("queue")


async def test_whoever_gave_the_evidence_cannot_decide_even_as_helpdesk_staff(world: World) -> None:
    karen, liam = world.seat("Karen Whitfield"), world.seat("Liam Doherty")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.give(world, karen, reference)
    await karen.say(f"approve {reference}")
    assert "You gave the evidence" in await karen.say(f"reject {reference} no") or "gave the evidence" in karen.all_text
    assert await world.members("exempt_long") == set()
    await liam.say(f"approve {reference} 10 days")
    await until(lambda: world.members_are({world.person("Chidi Okafor").entra_id}, "exempt_long"))


async def test_silence_half_way_goes_to_the_helpdesk_and_a_slow_decision_to_the_leads(world: World) -> None:
    await world.set_clock("2026-10-06T09:30:00Z")
    helen, agent, meera = world.seat("Helen Marsh"), world.seat(world.agent), world.seat("Meera Patel")
    await meera.say("hi")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.give(world, helen, reference)
    await world.set_clock("2026-10-08T10:00:00Z")
    await until(lambda: "Not decided yet: Chidi Okafor" in world.in_channel())
    await world.set_clock("2026-10-12T10:00:00Z")
    await until(lambda: meera.shows(f"A decision on {reference} has waited"))
    await steps.approve(agent, reference)
    await until(lambda: world.members_are({world.person("Chidi Okafor").entra_id}, "exempt_long"))
    await world.set_clock("2027-01-11T10:00:00Z")
    await until(lambda: helen.shows("still needed?"))
    await world.set_clock("2027-01-26T10:00:00Z")
    await until(lambda: "No answer: is the exception for Chidi Okafor still needed?" in world.in_channel())
    assert await world.members("exempt_long") == {world.person("Chidi Okafor").entra_id}


@pytest.fixture
def strict_policy(tmp_path: Path) -> Path:
    """Another helpdesk's policy: two people decide, 60 days, two grounds' worth of other words."""
    text = (ROOT / "policy" / "policy.toml").read_text(encoding="utf-8")
    for ours, theirs in (
        ("decided_by_two = false", "decided_by_two = true"),
        ('length = "180 days"', 'length = "60 days"'),
        ('duration = "P180D"', 'duration = "P60D"'),
        ('renewal_opens = "P45D"', 'renewal_opens = "P10D"'),
        (
            'half_way = { after = "P90D", answer_within = "P14D" }',
            'half_way = { after = "P30D", answer_within = "P7D" }',
        ),
        ("subject_may_give = false", "subject_may_give = true"),
        ("code = { tries = 5, most = 5 }", "code = { tries = 1, most = 2 }"),
        ("0333 200 1133", "0300 000 0000"),
    ):
        assert ours in text, ours
        text = text.replace(ours, theirs)
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_another_policy_is_followed_in_all_that_it_says(strict_policy: Path) -> None:
    async with World(policy_file=strict_policy) as world:
        await world.helpdesk_channel()
        helen, karen, liam = world.seat("Helen Marsh"), world.seat("Karen Whitfield"), world.seat("Liam Doherty")
        await helen.say("long")
        assert "60 days" in helen.text
        await helen.press("For me")
        reference = await steps.from_site_on(helen)
        await steps.code_for(world, reference)
        await helen.press("Give evidence")
        assert "Ask for a new code" in await helen.press("Continue", code="0000-0000")
        await helen.press("Send a new code")
        await helen.press("Continue", code=await steps.code_for(world, reference, number=2))
        await steps.answer_all(helen)
        await helen.press("Send to the helpdesk", statement="true")
        await karen.say(f"approve {reference} 50 days")
        assert "A second person has to approve it as well" in karen.text
        assert await world.members("exempt_long") == set()
        assert "You approved this already" in await karen.say(f"approve {reference} 50 days")
        await liam.say(f"approve {reference} 60 days")
        await until(lambda: "is on until" in helen.all_text)
        assert await world.members("exempt_long") == {helen.person.entra_id}
        await world.advance("P50D")
        await until(lambda: "has ended" in helen.all_text)
        assert "0300 000 0000" in helen.text


async def test_both_kinds_in_one_group_do_not_end_each_other(tmp_path: Path) -> None:
    tenant = (ROOT / "sandbox" / "tenant.toml").read_text(encoding="utf-8")
    ids = [line.split('"')[1] for line in tenant.splitlines() if line.startswith("exempt_")]
    path = tmp_path / "tenant.toml"
    path.write_text(tenant.replace(ids[1], ids[0]), encoding="utf-8")
    async with World(path) as world:
        await world.helpdesk_channel()
        agent, chidi = world.seat(world.agent), world.person("Chidi Okafor").entra_id
        await agent.say("caller lost their phone")
        await agent.say("chidi.okafor@nhs.example")
        await agent.say("called back")
        await agent.say("grant")
        await until(lambda: world.members_are({chidi}))
        await steps.granted(world)
        await world.advance("P1DT1M")
        await until(lambda: "Ended" in agent.all_text)
        assert await world.members() == {chidi}


async def test_the_mailbox_hears_nothing_of_the_ground(world: World) -> None:
    await steps.ask(world.seat("Bilal Hussain"))
    mail = await until(lambda: world.mail_to(MAILBOX))
    for word in ("secure", "phones", "hardware"):
        assert word not in mail["body"].lower()
    assert "teams.microsoft.com" in mail["body"]


async def test_a_card_that_became_another_one_is_not_drawn_over(world: World) -> None:
    bilal, agent = world.seat("Bilal Hussain"), world.seat(world.agent)
    reference = await steps.ask(bilal)
    await steps.code_for(world, reference)
    await bilal.press("Give evidence")
    await agent.say(f"review {reference}")
    await agent.press("Send a new code")
    await bilal.press("Continue", code=await steps.code_for(world, reference, number=2))
    assert "Begun by Bilal Hussain" in await agent.say(f"review {reference}")
    await asyncio.sleep(3)  # whatever is drawn anew is drawn by then
    assert "0 of 5 answered" in bilal.text
