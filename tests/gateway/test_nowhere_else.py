"""Whatever an activity holds, what the bot says goes to Teams' own host, below the path that Teams named."""

from typing import Any
from urllib.parse import unquote

import pytest

from bot.incoming import Incoming
from domain.errors import Trouble
from tests.gateway.running import CARD, Bot, running
from tests.microsoft import ANNA, Microsoft

ODD = (
    "../../../oauth2/v2.0/token",
    "a/b/c",
    "a?x=https://evil.example/",
    "a#https://evil.example/",
    "https://evil.example/",
    "//evil.example/",
    "\\\\evil.example\\",
    "@evil.example",
    "{conversationId}{0}{self.__class__}",
    "%2e%2e%2f%2e%2e%2f",
    "a\r\nHost: evil.example",
    "a;messageid=1",
    "x" * 4_000,
)


async def answering(microsoft: Microsoft, changes: dict[str, Any]) -> int:
    """Sends a message with these changes to a bot that says something back and shows a card."""
    async with running(microsoft.settings()) as bot:

        async def turn(incoming: Incoming) -> None:
            try:
                await bot.messenger.say(incoming.address, "hello")
                await bot.messenger.send(incoming.address, CARD)
            except Trouble:
                return

        bot.turn = turn
        activity = microsoft.teams.message("hello") | changes
        return (await microsoft.teams.post(bot.url, activity)).status


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_conversation_id_stays_one_piece_of_the_path(microsoft: Microsoft, odd: str) -> None:
    conversation = {"conversationType": "personal", "tenantId": microsoft.teams.tenant_id, "id": odd}
    assert await answering(microsoft, {"conversation": conversation}) in {200, 400}
    assert len(microsoft.connector.calls) in {0, 2}
    for call in microsoft.connector.calls:
        assert unquote(call.path).startswith("/uk/v3/conversations/")
        assert call.conversation_id == odd
    assert [one["client_secret"] for one in microsoft.login.requests] == [microsoft.login.secret]


@pytest.mark.parametrize("dots", [".", "..", "..."])
async def test_a_conversation_id_of_dots_gets_400_and_no_answer(microsoft: Microsoft, dots: str) -> None:
    conversation = {"conversationType": "personal", "tenantId": microsoft.teams.tenant_id, "id": dots}
    assert await answering(microsoft, {"conversation": conversation}) == 400
    assert microsoft.login.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"relatesTo": {"serviceUrl": "https://evil.example/", "conversation": {"id": "x"}, "bot": {"id": "y"}}},
        {"deliveryMode": "expectReplies"},
        {"deliveryMode": "stream"},
        {"callerId": "urn:botframework:aadappid:evil"},
        {"replyToId": "../../../x"},
        {"recipient": {"id": "28:another-bot", "name": "x"}},
        {"from": {"id": "29:x", "aadObjectId": ANNA.entra_id, "properties": {"serviceUrl": "https://evil.example/"}}},
        {"serviceurl": "https://evil.example/", "ServiceUrl": "https://evil.example/"},
        {"locale": "{0}"},
    ],
)
async def test_no_other_field_moves_where_answers_go(microsoft: Microsoft, changes: dict[str, Any]) -> None:
    assert await answering(microsoft, changes) in {200, 400, 401, 403}
    assert all(call.path.startswith("/uk/v3/conversations/") for call in microsoft.connector.calls)


async def test_a_bot_that_is_not_asked_for_a_token_by_teams_gives_none(microsoft: Microsoft, bot: Bot) -> None:
    """What is turned away causes no call to the login service, and none to the connector."""
    for changes in ({"channelId": "webchat"}, {"serviceUrl": "https://evil.example/"}, {"channelData": None}):
        answer = await microsoft.teams.post(bot.url, microsoft.teams.message("hello") | changes)
        assert answer.status in {401, 403}
    assert microsoft.login.requests == []
    assert microsoft.connector.calls == []
