"""Everybody concerned is told: in Teams where they spoke or can be found or the app is put, else by e-mail."""

from tests.journeys.long_term import reference_in
from tests.journeys.test_roles import rows
from tests.journeys.world import World, until


async def lost(world: World, name: str = "Anna Baker") -> str:
    """An exception for Chidi, asked for by somebody else; its reference."""
    seat = world.seat(name)
    await seat.say("chidi.okafor@nhs.example lost their phone")
    receipt = await seat.press("Send request")
    reference = reference_in(receipt)
    await until(lambda: reference in world.in_channel())
    return reference


async def test_somebody_of_the_helpdesk_team_who_never_spoke_is_told_in_teams(world: World) -> None:
    chidi = world.seat("Chidi Okafor")
    world.connector.roster = {chidi.person.entra_id: chidi.person}
    await lost(world)
    await until(lambda: "An MFA exception was asked for you" in chidi.all_text)
    assert await world.mail_to("chidi.okafor@nhs.example") is None


async def test_what_teams_takes_without_an_answer_comes_twice_at_most_and_the_helpdesk_is_told(world: World) -> None:
    chidi = world.seat("Chidi Okafor")
    await chidi.say("hi")
    lost_answers = world.connector.fail(504, taken=True, times=5, where=chidi.person.chat_id, method="POST")
    reference = await lost(world)
    await until(lambda: "May not have arrived: a message about Chidi Okafor" in world.in_channel(), 90)
    assert chidi.all_text.count("An MFA exception was asked for you") == 2
    assert lost_answers.times == 3
    told = "SELECT status, attempts FROM notices WHERE key = %s"
    assert await rows(world, told, f"{reference}:asked_for_you:subject") == [("unknown", 2)]
    assert world.in_channel().count("May not have arrived") == 1
    assert await world.mail_to("chidi.okafor@nhs.example") is None


async def test_the_one_repeat_waits_until_teams_answers_somebody_again(world: World) -> None:
    chidi = world.seat("Chidi Okafor")
    await chidi.say("hi")
    world.connector.fail(504, where=chidi.person.chat_id, method="POST")
    away = world.connector.fail(504, where=f"{chidi.person.chat_id}/members/", times=2)
    reference = await lost(world)
    await until(lambda: "An MFA exception was asked for you" in chidi.all_text, 90)
    assert away.times == 0
    assert chidi.all_text.count("An MFA exception was asked for you") == 1
    # It is seen in Teams a moment before that is written down.
    told = "SELECT status, attempts FROM notices WHERE key = %s AND status <> 'sending'"
    assert await until(lambda: rows(world, told, f"{reference}:asked_for_you:subject")) == [("sent", 2)]
    assert "May not have arrived" not in world.in_channel()


async def test_whoever_took_the_bot_away_is_told_by_mail_until_they_speak_again(
    world: World,
) -> None:
    chidi, agent = world.seat("Chidi Okafor"), world.seat(world.agent)
    await chidi.say("hi")
    world.connector.fail(403, code="MessageWritesBlocked", where=chidi.person.chat_id.removeprefix("a:"), times=1)
    reference = await lost(world)
    mail = await until(lambda: world.mail_to("chidi.okafor@nhs.example"))
    assert "An MFA exception was asked for you" in mail["subject"]
    assert reference in mail["body"]
    assert "https://teams.microsoft.com/l/chat/" in mail["body"]
    assert "asked for you" not in chidi.all_text
    await agent.say(f"approve {reference} called back")
    await until(lambda: world.mails_to("chidi.okafor@nhs.example", 2))
    asked, granted = [mail for mail in await world.sandbox("GET", "mail") if mail["to"] == ["chidi.okafor@nhs.example"]]
    assert "is on until" in granted["subject"]
    assert "is on until" in granted["html"]
    assert asked["headers"]["references"] == granted["headers"]["references"]
    assert asked["headers"]["thread-index"] == granted["headers"]["thread-index"]
    assert asked["headers"]["message-id"] != granted["headers"]["message-id"]
    assert "called back" not in str(granted)
    await chidi.say("my requests")
    await world.advance("PT20H")
    await until(lambda: "ends in 4 hours" in chidi.all_text)


async def test_somebody_whom_teams_does_not_know_at_all_gets_an_email(world: World) -> None:
    world.connector.fail(400, code="BadArgument", where="/members/", times=1000)
    await lost(world)
    mail = await until(lambda: world.mail_to("chidi.okafor@nhs.example"))
    assert "An MFA exception was asked for you" in mail["subject"]


async def test_the_app_is_installed_for_somebody_where_the_settings_allow_it() -> None:
    async with World(more={"TEAMS_APP_ID": "mfa-exceptions"}) as world:
        await world.helpdesk_channel()
        chidi = world.person("Chidi Okafor")
        await lost(world)
        chat = f"19:{chidi.entra_id}_mfa-exceptions@unq.gbl.spaces"
        call = await world.connector.wait_for(lambda one: one.conversation_id == chat)
        assert "asked for you" in str(call.card)
        assert await world.mail_to("chidi.okafor@nhs.example") is None


async def test_without_the_permission_to_install_an_e_mail_goes_out() -> None:
    async with World(more={"TEAMS_APP_ID": "mfa-exceptions"}) as world:
        await world.helpdesk_channel()
        await world.fault(method="POST", path="/v1.0/users/*/teamwork/*", status=403, times=50)
        await lost(world)
        mail = await until(lambda: world.mail_to("chidi.okafor@nhs.example"))
        assert "asked for you" in mail["subject"]
