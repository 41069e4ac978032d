"""Whatever arrives as a body gets the right status, and never a 5xx."""

import gzip
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.gateway.running import Bot
from tests.microsoft import Microsoft

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"hello",
    "half": b'{"type": "message"',
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "not UTF-8": b'{"type": "\xff\xfe"}',
    "no number": b'{"type": "message", "value": NaN}',
    "endless": b'{"type": "message", "value": -Infinity}',
    "a number past all bounds": b'{"type": "message", "value": 1e999}',
    "a number of 5,000 digits": b'{"type": "message", "value": ' + b"9" * 5000 + b"}",
    "nested lists": b"[" * 100_000,
    "nested and closed": b'{"value":' * 500 + b"1" + b"}" * 500,
    "no type": b"{}",
    "a type that is a number": b'{"type": 5}',
}


async def _send(microsoft: Microsoft, bot: Bot, body: Any, **headers: str) -> tuple[int, str]:
    authorization = {"Authorization": f"Bearer {microsoft.teams.token()}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(bot.url, data=body, headers=authorization | headers) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_no_activity_gets_400(microsoft: Microsoft, bot: Bot, body: bytes) -> None:
    status, text = await _send(microsoft, bot, body)
    assert status == 400
    assert "Traceback" not in text


async def test_ten_megabytes_get_413(microsoft: Microsoft, bot: Bot) -> None:
    assert (await _send(microsoft, bot, io.BytesIO(b"x" * 10_000_000)))[0] == 413


async def test_ten_megabytes_without_a_length_get_413(microsoft: Microsoft, bot: Bot) -> None:
    async def pieces() -> Any:
        for _ in range(10):
            yield b" " * 1_000_000

    assert (await _send(microsoft, bot, pieces()))[0] == 413


async def test_a_small_body_that_unpacks_to_ten_megabytes_gets_413(microsoft: Microsoft, bot: Bot) -> None:
    packed = gzip.compress(b" " * 10_000_000)
    assert (await _send(microsoft, bot, packed, **{"Content-Encoding": "gzip"}))[0] == 413


async def test_a_body_that_does_not_unpack_gets_400(microsoft: Microsoft, bot: Bot) -> None:
    assert (await _send(microsoft, bot, b"not gzip", **{"Content-Encoding": "gzip"}))[0] == 400


async def test_a_text_of_100000_characters_is_a_message(microsoft: Microsoft, bot: Bot) -> None:
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("ä" * 100_000))).status == 200
    assert len(bot.turns[0].text) == 100_000


async def test_characters_that_no_database_takes_are_replaced(microsoft: Microsoft, bot: Bot) -> None:
    activity = json.dumps(microsoft.teams.message("a\0b\ud800c 😀")).encode()
    assert (await _send(microsoft, bot, activity))[0] == 200
    assert bot.turns[0].text == "a\ufffdb\ufffdc 😀"


async def test_a_name_of_emoji_is_kept(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("hello")
    activity["from"]["name"] = "🦉🦉"
    assert (await microsoft.teams.post(bot.url, activity)).status == 200
    assert bot.turns[0].sender.name == "🦉🦉"


@pytest.mark.parametrize("given", [None, 5, ["x"], {"id": "x"}, True, ""])
async def test_an_entra_id_that_is_no_text_is_nobody(microsoft: Microsoft, bot: Bot, given: Any) -> None:
    activity = microsoft.teams.message("hello")
    activity["from"]["aadObjectId"] = given
    await microsoft.teams.post(bot.url, activity)
    assert [turn.sender.entra_id for turn in bot.turns] in ([""], [])


@pytest.mark.parametrize("missing", ["from", "recipient", "text", "entities", "timestamp", "locale"])
@pytest.mark.parametrize("how", ["absent", "null"])
async def test_what_is_not_needed_may_be_missing(microsoft: Microsoft, bot: Bot, missing: str, how: str) -> None:
    activity = microsoft.teams.message("hello")
    if how == "absent":
        del activity[missing]
    else:
        activity[missing] = None
    assert (await microsoft.teams.post(bot.url, activity)).status == 200
    assert bot.turns[0].address.bot_id == microsoft.teams.bot_id
    if missing == "from":
        assert bot.turns[0].sender.entra_id == ""


@pytest.mark.parametrize("conversation", [None, {}, {"id": None}, {"id": ""}, {"id": 5}, "a:1", []])
async def test_what_cannot_be_answered_gets_400(microsoft: Microsoft, bot: Bot, conversation: Any) -> None:
    assert (
        await microsoft.teams.post(bot.url, microsoft.teams.message("hello") | {"conversation": conversation})
    ).status == 400


WRONG: list[dict[str, Any]] = [
    {"from": "Anna"},
    {"from": [1]},
    {"recipient": 5},
    {"text": 5},
    {"text": {"a": 1}},
    {"id": 5},
    {"entities": {"a": 1}},
    {"entities": [5]},
    {"entities": 5},
    {"timestamp": "yesterday"},
    {"attachments": "x"},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
async def test_a_wrong_type_gets_400(microsoft: Microsoft, bot: Bot, changes: dict[str, Any]) -> None:
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello") | changes)).status == 400
    assert bot.turns == []


@pytest.mark.parametrize("value", ["x", [1], {"action": "x"}, {"action": {"data": "x"}}, {"action": {"data": [1]}}])
async def test_a_click_of_a_wrong_shape_gets_400(microsoft: Microsoft, bot: Bot, value: Any) -> None:
    assert (await microsoft.teams.post(bot.url, microsoft.teams.execute("x") | {"value": value})).status == 400


@pytest.mark.parametrize("value", [None, {}, {"action": None}, {"action": {"verb": 5}}, {"action": {"verb": None}}])
async def test_a_click_without_a_verb_has_an_empty_one(microsoft: Microsoft, bot: Bot, value: Any) -> None:
    assert (await microsoft.teams.post(bot.url, microsoft.teams.execute("x") | {"value": value})).status == 200
    click = bot.turns[0].click
    assert click is not None
    assert (click.verb, click.in_place) == ("", True)
