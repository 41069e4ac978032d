"""Whoever would get many messages of one sort gets the first at once, and the others in one."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.journeys import long_term as steps
from tests.journeys.test_trouble import entries
from tests.journeys.world import Seat, World, text_of, until

COLLEAGUES = (
    "chidi.okafor@nhs.example",
    "zoe.fernandez-wojcik@nhs.example",
    "john.smith14@nhs.example",
    "johanna.smithson@nhs.example",
)
LIST = "Evidence is needed for 3 people"
WANTED = "Evidence is needed for"


async def asked_for_four(world: World) -> tuple[Seat, list[str]]:
    """An owner who has spoken to the bot, and the references of four requests that were sent at once."""
    helen = world.seat("Helen Marsh")
    await helen.say("hi")
    references = await steps.ask_for_several(world.seat("Bilal Hussain"), *COLLEAGUES)
    await until(lambda: all_begun(world, references))
    return helen, references


async def all_begun(world: World, references: list[str]) -> bool:
    """Whether the notice to each of the two owners was sent or waits, for each request."""
    begun = [one for one in await notices(world, references) if one["notice"] and one["status"] != "sending"]
    return len(begun) == 2 * len(references)


async def notices(world: World, references: list[str]) -> list[dict[str, Any]]:
    async with await psycopg.AsyncConnection.connect(world.book_url, row_factory=dict_row) as book:
        found = await book.execute("SELECT * FROM notices WHERE reference = ANY(%s) ORDER BY key", (references,))
        return await found.fetchall()


def messages(seat: Seat, words: str) -> list[str]:
    return [text for text in map(text_of, seat.shown.values()) if words in text]


async def test_the_first_is_told_at_once_and_the_others_in_one_message_that_stays_true(world: World) -> None:
    helen, references = await asked_for_four(world)
    (alone,) = messages(helen, WANTED)
    first = steps.reference_in(alone)
    others = sorted(set(references) - {first})
    await world.advance("PT6M")
    await until(lambda: messages(helen, LIST))
    assert len(messages(helen, WANTED)) == 2
    (told,) = messages(helen, LIST)
    assert sorted(steps.references_in(told)) == others
    assert "shared mailbox" in told

    async def hers() -> list[dict[str, Any]]:
        return [one for one in await notices(world, others) if one["person_id"] == helen.person.entra_id]

    async def all_sent() -> bool:
        return {one["status"] for one in await hers()} == {"sent"}

    await until(all_sent)
    assert {(one["way"], one["attempts"]) for one in await hers()} == {("teams", 1)}
    assert len({one["activity_id"] for one in await hers()}) == 1
    for reference in others:
        assert "notice" in await entries(world, reference)

    await helen.press(f"Open {others[0]}")
    assert "Code from the e-mail" in helen.text
    assert messages(helen, LIST), "the list stays"
    await world.seat("Bilal Hussain").say(f"withdraw {others[1]}")
    await until(lambda: "No longer to be done" in messages(helen, LIST)[0])
    assert f"Open {others[1]}" not in messages(helen, LIST)[0]


async def test_whoever_teams_does_not_reach_gets_an_email_for_each_request_in_its_own_conversation(
    world: World,
) -> None:
    _, references = await asked_for_four(world)
    assert await world.mails_to("imran.sheikh@nhs.example", 1)
    await world.advance("PT6M")
    await until(lambda: world.mails_to("imran.sheikh@nhs.example", 4))
    mails = [mail for mail in await world.sandbox("GET", "mail") if mail["to"] == ["imran.sheikh@nhs.example"]]
    assert sorted(steps.reference_in(mail["subject"]) for mail in mails) == sorted(references)


async def test_whoever_teams_does_not_know_at_all_gets_an_email_for_each_request_and_none_waits(world: World) -> None:
    world.connector.fail(400, code="BadArgument", where="/members/", times=1000)
    _, references = await asked_for_four(world)
    await world.advance("PT6M")
    await until(lambda: world.mails_to("imran.sheikh@nhs.example", 4))
    await until(lambda: all_sent_once(world, references))


async def test_a_list_that_teams_never_takes_is_told_one_by_one(world: World) -> None:
    helen, references = await asked_for_four(world)
    world.connector.fail(413, code="MessageSizeTooBig", where=helen.person.chat_id, method="POST")
    await world.advance("PT6M")
    await until(lambda: len(messages(helen, WANTED)) == 4)
    assert not messages(helen, LIST)
    await until(lambda: all_sent_once(world, references))


async def all_sent_once(world: World, references: list[str]) -> bool:
    return {(one["status"], one["attempts"]) for one in await notices(world, references) if one["notice"]} == {
        ("sent", 1)
    }


async def test_while_teams_is_away_the_list_waits_and_comes_once(world: World) -> None:
    helen, references = await asked_for_four(world)
    world.connector.fail(503, where=helen.person.chat_id, method="POST", times=3)
    await world.advance("PT6M")
    await until(lambda: messages(helen, LIST), 60)
    assert len(messages(helen, WANTED)) == 2
    rows = [one for one in await notices(world, references) if one["person_id"] == helen.person.entra_id]
    assert {one["attempts"] for one in rows} == {1}, "Teams said each time that it did not take it"


async def test_a_list_that_teams_takes_without_an_answer_comes_twice_at_most(world: World) -> None:
    helen, references = await asked_for_four(world)
    world.connector.fail(504, taken=True, where=helen.person.chat_id, method="POST", times=5)
    await world.advance("PT6M")
    await until(lambda: world.in_channel().count("May not have arrived") == 3, 90)
    assert len(messages(helen, LIST)) == 2
    rows = [one for one in await notices(world, references) if one["person_id"] == helen.person.entra_id]
    assert sorted((one["status"], one["attempts"]) for one in rows) == [("sent", 1), *[("unknown", 2)] * 3]


async def test_what_was_overtaken_while_it_waited_is_never_told(world: World) -> None:
    helen, references = await asked_for_four(world)
    first = steps.reference_in(messages(helen, WANTED)[0])
    bilal = world.seat("Bilal Hussain")
    *gone, left = sorted(set(references) - {first})
    for reference in gone:
        await bilal.say(f"withdraw {reference}")
    await world.advance("PT6M")
    await until(lambda: len(messages(helen, WANTED)) == 2)
    assert steps.references_in("".join(messages(helen, WANTED))).count(left) == 1
    assert not messages(helen, "people"), "one alone is told as always"
    assert [one for one in await notices(world, gone) if one["person_id"] == helen.person.entra_id] == []


async def test_a_crash_between_the_message_and_its_mark_repeats_it_once_and_counts_it(world: World) -> None:
    helen, references = await asked_for_four(world)
    slow = world.connector.fail(delay=3, where=helen.person.chat_id, method="POST")
    await world.advance("PT6M")
    await until(lambda: slow.met)
    await world.program.kill()
    await world.program.start()
    await until(lambda: len(messages(helen, LIST)) == 2, 90)
    await until(lambda: all_begun(world, references))
    rows = [one for one in await notices(world, references) if one["person_id"] == helen.person.entra_id]
    assert sorted(one["attempts"] for one in rows) == [1, 2, 2, 2]
