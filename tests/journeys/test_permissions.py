"""Rules about people, lived through over HTTP: who may do nothing, whom nobody exempts, and how often."""

from pathlib import Path

from tests.builders import ROOT
from tests.journeys import long_term as steps
from tests.journeys.world import World, until

TELEPHONE = "0333 200 1133"


def policy_with(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = (ROOT / "policy" / "policy.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def tenant_with(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = (ROOT / "sandbox" / "tenant.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "tenant.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_guest_can_do_nothing_and_cannot_be_exempted(tmp_path: Path) -> None:
    upn = 'upn = "bilal.hussain@nhs.example"\n'
    async with World(tenant_with(tmp_path, (upn, f"{upn}guest = true\n"))) as world:
        guest, anna = world.seat("Bilal Hussain"), world.seat("Anna Baker")
        for typed in ("hello", "I lost my phone", "my requests", "queue", "short"):
            assert "You are a guest" in await guest.say(typed)
            assert TELEPHONE in guest.text
        assert "is a guest here" in await anna.say("bilal.hussain@nhs.example lost his phone")
        assert await world.members() == set()


async def test_trying_for_an_administrator_or_a_break_glass_account_is_an_alarm_once_a_day(tmp_path: Path) -> None:
    policy = policy_with(tmp_path, ('never = ["breakglass*@*"', 'never = ["chidi.okafor@*"'))
    async with World(policy_file=policy) as world:
        await world.helpdesk_channel()
        anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
        assert "always need MFA" in await anna.say("chidi.okafor@nhs.example lost his phone")
        title = "Refused: Anna Baker tried an exception for an account that nobody may exempt"
        await until(lambda: title in world.in_channel())
        await anna.press("Check again")
        await agent.say("caller lost their phone")
        await agent.say("chidi.okafor@nhs.example")
        assert "always need MFA" in agent.text
        await agent.press("Choose somebody else")
        await agent.say("gareth.lloyd@nhs.example")
        await until(lambda: "account with administrator rights" in world.in_channel())
        assert world.in_channel().count("that nobody may exempt") == 1
        await world.advance("P1D")

        async def told_again() -> bool:
            await anna.press("Check again")
            return world.in_channel().count("that nobody may exempt") == 2

        await until(told_again)
        assert await world.members() == set()


async def test_somebody_who_became_an_administrator_meanwhile_is_refused_and_the_channel_hears_of_it(
    world: World,
) -> None:
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    await anna.say("I lost my phone")
    await anna.press("For me")
    reference = steps.reference_in(await anna.press("Send request"))
    await world.sandbox("POST", "users", {"user": "anna.baker1@nhs.example", "privileged": True})
    assert "administrator rights" in await agent.say(f"approve {reference} called back")
    await until(lambda: f"Refused: {world.agent} tried" in world.in_channel())
    assert await world.members() == set()


async def test_an_agent_over_the_limit_is_refused_the_channel_hears_of_it_and_a_colleague_goes_on(
    tmp_path: Path,
) -> None:
    policy = policy_with(tmp_path, ("approvals_per_hour = 60", "approvals_per_hour = 1"))
    async with World(policy_file=policy) as world:
        await world.helpdesk_channel()
        agent, liam = world.seat(world.agent), world.seat("Liam Doherty")
        references = []
        for name in ("Anna Baker", "Bilal Hussain"):
            seat = world.seat(name)
            await seat.say("I lost my phone")
            await seat.press("For me")
            references.append(steps.reference_in(await seat.press("Send request")))
        await agent.say(f"approve {references[0]} called back")
        await until(lambda: world.members_are({world.person("Anna Baker").entra_id}))
        assert "one person may not approve more" in await agent.say(f"approve {references[1]} called back")
        await until(lambda: "tried to approve more than one agent may within an hour" in world.in_channel())
        await agent.say("caller lost their phone")
        await agent.say("chidi.okafor@nhs.example")
        await agent.say("called back")
        assert "one person may not approve more" in await agent.say("grant")
        await liam.say(f"approve {references[1]} called back")
        both = {world.person(name).entra_id for name in ("Anna Baker", "Bilal Hussain")}
        await until(lambda: world.members_are(both))
        await world.advance("PT61M")

        async def granted() -> bool:
            await agent.say("grant")
            return await world.members_are(both | {world.person("Chidi Okafor").entra_id})

        await until(granted)


async def test_an_approval_at_night_for_the_own_team_is_shown_to_the_leads_who_undo_it(world: World) -> None:
    await world.set_clock("2026-12-07T23:30:00Z")
    meera, karen, liam = world.seat("Meera Patel"), world.seat("Karen Whitfield"), world.seat("Liam Doherty")
    await meera.say("hi")
    await karen.say("I lost my phone")
    await karen.press("For me")
    reference = steps.reference_in(await karen.press("Send request"))
    await liam.say(f"approve {reference} called back")
    await until(lambda: meera.shows(f"An unusual approval: Karen Whitfield ({reference})"))
    assert "approved at night. The person works at the helpdesk" in meera.all_text
    await until(lambda: world.members_are({karen.person.entra_id}))
    assert "It was approved at night" in await liam.say(f"review {reference}")
    assert "unusual" not in karen.all_text.lower()
    await meera.press("Revoke")
    assert "Check the words" in await meera.say("Karen did not ask for this")
    await meera.say("yes")
    await until(lambda: world.members_are(set()))
    await until(lambda: karen.shows("Karen did not ask for this"))


async def test_people_who_ask_or_look_up_too_often_are_sent_to_the_telephone_and_lose_nothing(tmp_path: Path) -> None:
    policy = policy_with(
        tmp_path, ("requests_per_day = 30", "requests_per_day = 1"), ("look_ups_per_hour = 60", "look_ups_per_hour = 2")
    )
    async with World(policy_file=policy) as world:
        anna = world.seat("Anna Baker")
        await anna.say("chidi.okafor@nhs.example lost his phone")
        first = steps.reference_in(await anna.press("Send request"))
        await anna.say(f"withdraw {first}")
        await anna.say("bilal.hussain@nhs.example lost his phone")
        assert "as many requests within a day" in await anna.press("Send request")
        assert TELEPHONE in anna.text
        assert "Bilal Hussain" in anna.all_text, "the answers are still there"
        await anna.press("Change")
        await anna.press("Continue", change="subject")
        assert "looked up as many people" in await anna.say("zoe.fernandez-wojcik@nhs.example")
        assert TELEPHONE in anna.text
        await world.advance("P1DT1M")

        async def looked_up() -> bool:
            return "Check, then send" in await anna.say("zoe.fernandez-wojcik@nhs.example")

        await until(looked_up)
        assert steps.reference_in(await anna.press("Send request")) != first


async def test_the_helpdesk_looks_up_callers_as_often_as_it_has_to(tmp_path: Path) -> None:
    policy = policy_with(tmp_path, ("look_ups_per_hour = 60", "look_ups_per_hour = 1"))
    async with World(policy_file=policy) as world:
        agent = world.seat(world.agent)
        await agent.say("caller lost their phone")
        assert "cannot find" in await agent.say("nobody.at.all@nhs.example")
        assert "How did you verify the caller?" in await agent.say("chidi.okafor@nhs.example")


async def test_a_colleague_does_not_learn_of_somebody_elses_request(world: World) -> None:
    chidi, anna = world.seat("Chidi Okafor"), world.seat("Anna Baker")
    await chidi.say("I lost my phone")
    await chidi.press("For me")
    reference = steps.reference_in(await chidi.press("Send request"))
    assert "there may already be one" in await anna.say("chidi.okafor@nhs.example lost his phone")
    assert TELEPHONE in anna.text
    assert reference not in anna.all_text
    await chidi.say("I lost my phone")
    assert reference in await chidi.press("For me")


async def test_no_button_can_be_made_to_show_evidence_in_the_channel(world: World) -> None:
    helen, agent = world.seat("Helen Marsh"), world.seat(world.agent, world.channel)
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.give(world, helen, reference)
    await until(lambda: "Review the evidence" in world.in_channel())
    asked = {"reference": reference, "verb": "review", "below": "yes"}
    for build in (world.teams.execute, world.teams.submit):
        assert (await world.post(build("review", asked, agent.person, world.channel))).status == 200
        assert not [answer for answer in steps.ANSWERS.values() if answer in world.in_channel()]


async def test_an_approval_at_night_by_the_only_lead_is_shown_to_the_helpdesks_channel(world: World) -> None:
    await world.helpdesk_channel()
    await world.set_clock("2026-12-07T23:30:00Z")
    meera, anna = world.seat("Meera Patel"), world.seat("Anna Baker")
    await anna.say("I lost my phone")
    await anna.press("For me")
    reference = steps.reference_in(await anna.press("Send request"))
    await meera.say(f"approve {reference} called back")
    await until(lambda: f"No lead was told about Anna Baker ({reference})" in world.in_channel())
    assert "It was approved at night" in world.in_channel()


async def test_whoever_is_only_a_lead_opens_a_request_by_the_link_of_an_email(tmp_path: Path) -> None:
    upn = 'upn = "bilal.hussain@nhs.example"\n'
    async with World(tenant_with(tmp_path, (upn, f'{upn}groups = ["leads"]\n'))) as world:
        anna, lead, stranger = map(world.seat, ("Anna Baker", "Bilal Hussain", "Joy Adeyemi"))
        await anna.say("chidi.okafor@nhs.example lost his phone")
        reference = steps.reference_in(await anna.press("Send request"))
        assert "Chidi Okafor" in await lead.say(f"status {reference}")
        assert "Chidi Okafor" not in await stranger.say(f"status {reference}")
