"""What Teams sends becomes our `Incoming`, and what the turn answers becomes what Teams expects."""

from bot.incoming import Incoming, InPlace, Kind
from services.chat import Scope
from tests.gateway.running import CARD, Bot
from tests.microsoft import ANNA, BEN, HELPDESK, Microsoft


async def test_a_personal_message_reaches_the_turn_and_is_answered_in_the_chat(microsoft: Microsoft, bot: Bot) -> None:
    async def turn(incoming: Incoming) -> None:
        await bot.messenger.say(incoming.address, "Which reason?")

    bot.turn = turn
    answer = await microsoft.teams.post(bot.url, microsoft.teams.message("  I lost my phone ", ANNA))
    assert (answer.status, answer.text) == (200, "")
    (incoming,) = bot.turns
    assert (incoming.kind, incoming.text, incoming.click) == (Kind.MESSAGE, "I lost my phone", None)
    assert incoming.sender.entra_id == ANNA.entra_id
    assert incoming.address.scope is Scope.PERSONAL
    assert incoming.address.tenant_id == microsoft.teams.tenant_id
    (sent,) = microsoft.connector.sent
    assert (sent.text, sent.conversation_id) == ("Which reason?", ANNA.chat_id)


async def test_a_channel_message_loses_only_the_mention_of_the_bot(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("what does MFA exceptions do? &nbsp;", BEN, HELPDESK)
    await microsoft.teams.post(bot.url, activity)
    (incoming,) = bot.turns
    assert incoming.text == "what does MFA exceptions do?"
    address = incoming.address
    assert (address.scope, address.channel_id, address.team_id) == (
        Scope.CHANNEL,
        HELPDESK.channel_id,
        HELPDESK.group_id,
    )


async def test_an_execute_is_answered_in_place_with_a_card(microsoft: Microsoft, bot: Bot) -> None:
    async def turn(_: Incoming) -> InPlace:
        return InPlace(card=CARD)

    bot.turn = turn
    answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("choose_reason", {"reason": "lost"}))
    assert answer.status == 200
    assert answer.body == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.card.adaptive",
        "value": {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Hello"}]},
    }
    click = bot.turns[0].click
    assert click is not None
    assert (click.verb, click.in_place, click.automatic) == ("choose_reason", True, False)
    assert click.data == {"verb": "choose_reason", "reason": "lost"}
    assert click.card_activity_id == "1700000000000"


async def test_an_execute_is_answered_in_place_with_a_sentence(microsoft: Microsoft, bot: Bot) -> None:
    async def turn(_: Incoming) -> InPlace:
        return InPlace(sentence="Only the helpdesk can do that.")

    bot.turn = turn
    answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("approve"))
    assert answer.body == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.activity.message",
        "value": "Only the helpdesk can do that.",
    }


async def test_a_card_that_refreshes_itself_is_marked_as_automatic(microsoft: Microsoft, bot: Bot) -> None:
    await microsoft.teams.post(bot.url, microsoft.teams.execute("refresh", automatic=True))
    click = bot.turns[0].click
    assert click is not None
    assert click.automatic


async def test_a_submit_is_the_same_click_but_not_in_place(microsoft: Microsoft, bot: Bot) -> None:
    answer = await microsoft.teams.post(bot.url, microsoft.teams.submit("choose_reason", {"reason": "lost"}))
    assert (answer.status, answer.text) == (200, "")
    click = bot.turns[0].click
    assert bot.turns[0].kind is Kind.CLICK
    assert click is not None
    assert (click.verb, click.in_place, click.data["reason"]) == ("choose_reason", False, "lost")
