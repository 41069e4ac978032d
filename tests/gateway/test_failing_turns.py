"""A turn that fails is answered with a reference, and shows nothing else."""

import re

from bot.incoming import Incoming, InPlace
from cards.card import Card
from tests.gateway.running import Bot, running
from tests.microsoft import Microsoft


async def _broken(_: Incoming) -> InPlace | None:
    raise RuntimeError("the password is swordfish")


class SeenIsDown:
    async def begin(self, conversation_id: str, activity_id: str) -> None:
        raise ConnectionError("no database")


async def test_a_failing_click_is_answered_in_place_with_a_reference(microsoft: Microsoft, bot: Bot) -> None:
    bot.turn = _broken
    answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("approve"))
    assert answer.status == 200
    assert (answer.body["statusCode"], answer.body["type"]) == (500, "application/vnd.microsoft.error")
    assert re.search(r"Try again.*reference: [0-9A-F]{8}", answer.body["value"]["message"])
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_failing_message_is_answered_with_a_sentence(microsoft: Microsoft, bot: Bot) -> None:
    bot.turn = _broken
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))).status == 200
    (sent,) = microsoft.connector.sent
    assert re.search(r"reference: [0-9A-F]{8}", sent.text)
    assert "swordfish" not in sent.text


async def test_a_failing_message_in_a_dead_chat_is_still_200(microsoft: Microsoft, bot: Bot) -> None:
    bot.turn = _broken
    microsoft.connector.fail(403, code="MessageWritesBlocked")
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))).status == 200


async def test_nobody_is_told_when_an_installation_fails(microsoft: Microsoft, bot: Bot) -> None:
    bot.turn = _broken
    assert (await microsoft.teams.post(bot.url, microsoft.teams.installed())).status == 200
    assert microsoft.connector.calls == []


async def test_a_card_that_is_no_json_is_a_failed_turn(microsoft: Microsoft, bot: Bot) -> None:
    async def turn(_: Incoming) -> InPlace:
        return InPlace(card=Card({"body": [object]}, "x"))

    bot.turn = turn
    answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("x"))
    assert (answer.status, answer.body["statusCode"]) == (200, 500)


async def test_a_database_that_is_down_is_a_failed_turn(microsoft: Microsoft) -> None:
    async with running(microsoft.settings(), seen=SeenIsDown()) as bot:
        answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("x"))
        assert (answer.status, answer.body["statusCode"]) == (200, 500)
        assert bot.turns == []


async def test_a_click_that_was_not_answered_still_gets_an_answer(microsoft: Microsoft, bot: Bot) -> None:
    answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("x"))
    assert answer.body == {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Done."}


async def test_any_other_invoke_is_answered_without_a_turn(microsoft: Microsoft, bot: Bot) -> None:
    extension = ("anonymousQueryLink", "selectItem", "submitAction", "fetchTask", "setting")
    others = [f"composeExtension/{name}" for name in extension]
    for name in ("task/fetch", *others, "signin/verifyState", "", None):
        answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("x") | {"name": name})
        assert (answer.status, answer.body["statusCode"]) == (200, 501)
    assert bot.turns == []
