"""An activity that Teams sends again is a turn only once."""

import asyncio

from bot.incoming import Incoming, InPlace
from domain.errors import Trouble
from tests.gateway.running import Bot, SeenInMemory, running
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


async def test_a_turn_is_marked_as_done_before_it_is_answered_and_only_then(microsoft: Microsoft) -> None:
    seen = SeenInMemory()

    async def turn(_: Incoming) -> None:
        assert not seen.done_turns

    async with running(microsoft.settings(), turn, seen) as bot:
        activity = microsoft.teams.message("hello")
        assert (await microsoft.teams.post(bot.url, activity)).status == 200
    assert seen.done_turns == [(activity["conversation"]["id"], activity["id"])]


async def test_a_turn_whose_end_cannot_be_written_is_answered_all_the_same(microsoft: Microsoft) -> None:
    class EndIsLost(SeenInMemory):
        async def done(self, conversation_id: str, activity_id: str) -> None:
            raise Trouble("the database cannot be reached")

    async def turn(_: Incoming) -> InPlace:
        return InPlace(sentence="Granted.")

    async with running(microsoft.settings(), turn, EndIsLost()) as bot:
        answer = await microsoft.teams.post(bot.url, microsoft.teams.execute("approve"))
    assert answer.body["value"] == "Granted."
