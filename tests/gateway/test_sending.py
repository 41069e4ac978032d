"""What is said in Teams, from an address alone."""

from services.chat import Address, Scope, Sent
from tests.gateway.running import CARD, Bot, chat
from tests.microsoft import HELPDESK, Microsoft
from tests.microsoft.people import TENANT


def helpdesk(microsoft: Microsoft) -> Address:
    return Address(
        microsoft.service_url,
        HELPDESK.conversation_id,
        TENANT,
        microsoft.teams.bot_id,
        Scope.CHANNEL,
        HELPDESK.channel_id,
        HELPDESK.group_id,
    )


async def test_a_card_goes_out_alone_with_its_summary(microsoft: Microsoft, bot: Bot) -> None:
    sent = await bot.messenger.send(chat(microsoft), CARD)
    (call,) = microsoft.connector.sent
    assert sent == Sent(chat(microsoft), call.activity_id)
    assert "text" not in call.body
    assert call.body["summary"] == "Hello"
    assert call.body["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert call.card["body"] == [{"type": "TextBlock", "text": "Hello"}]


async def test_a_card_is_replaced_where_it_stands(microsoft: Microsoft, bot: Bot) -> None:
    sent = await bot.messenger.send(chat(microsoft), CARD)
    await bot.messenger.replace(sent, CARD)
    call = microsoft.connector.sent[-1]
    assert (call.method, call.activity_id) == ("PUT", sent.activity_id)
    assert len(microsoft.connector.showing(sent.address.conversation_id)) == 1


async def test_a_post_starts_a_thread_and_says_where_it_is(microsoft: Microsoft, bot: Bot) -> None:
    sent = await bot.messenger.post(helpdesk(microsoft), CARD)
    (call,) = microsoft.connector.sent
    assert call.path.endswith("/v3/conversations")
    assert call.body["isGroup"] is True
    assert call.body["channelData"] == {"channel": {"id": HELPDESK.channel_id}, "tenant": {"id": TENANT}}
    assert call.card["type"] == "AdaptiveCard"
    assert sent.activity_id == call.activity_id
    assert sent.address.conversation_id == f"{HELPDESK.channel_id};messageid={sent.activity_id}"
    await bot.messenger.replace(sent, CARD)
    assert microsoft.connector.sent[-1].conversation_id == sent.address.conversation_id


async def test_one_token_serves_many_sends(microsoft: Microsoft, bot: Bot) -> None:
    for _ in range(5):
        await bot.messenger.say(chat(microsoft), "Hello")
    assert len(microsoft.login.issued) == 1
    assert microsoft.login.requests[0]["grant_type"] == "client_credentials"
    assert microsoft.login.requests[0]["scope"] == "https://api.botframework.com/.default"
