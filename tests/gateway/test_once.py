"""An activity that Teams sends again is a turn only once."""

import asyncio

from bot.incoming import Incoming, InPlace
from tests.gateway.running import Bot
from tests.microsoft import Microsoft


async def test_a_message_that_is_sent_again_is_answered_and_not_handled(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("hello")
    for _ in range(3):
        assert (await microsoft.teams.post(bot.url, activity)).status == 200
    assert len(bot.turns) == 1


async def test_two_copies_at_the_same_time_are_one_turn(microsoft: Microsoft, bot: Bot) -> None:
    async def turn(_: Incoming) -> InPlace:
        await asyncio.sleep(0.1)
        return InPlace(sentence="Granted.")

    bot.turn = turn
    activity = microsoft.teams.execute("approve")
    answers = await asyncio.gather(*(microsoft.teams.post(bot.url, activity) for _ in range(2)))
    assert [answer.status for answer in answers] == [200, 200]
    assert sorted(answer.body["value"] for answer in answers) == ["Granted.", "This has been received already."]
    assert len(bot.turns) == 1


async def test_the_same_id_in_another_conversation_is_another_activity(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("hello")
    await microsoft.teams.post(bot.url, activity)
    await microsoft.teams.post(bot.url, activity | {"conversation": {"id": "a:other"}})
    assert len(bot.turns) == 2


async def test_an_activity_without_id_is_always_new(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("hello") | {"id": None}
    await microsoft.teams.post(bot.url, activity)
    await microsoft.teams.post(bot.url, activity)
    assert len(bot.turns) == 2
