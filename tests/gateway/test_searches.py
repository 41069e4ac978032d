"""Searches from beside a message and pasted links, as Teams sends and wants them."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.gateway.inbound import to_incoming
from bot.incoming import Found, Incoming, Kind, Search, Suggestion
from services.chat import Scope
from tests.gateway.running import CARD, Bot, running
from tests.gateway.test_fuzz import JSON
from tests.gateway.test_inbound import TEAMS
from tests.microsoft import ANNA, HELPDESK, Microsoft
from tests.microsoft.people import APP_ID


async def test_what_is_found_is_a_list_of_cards_each_with_a_line_that_only_the_searcher_sees(
    microsoft: Microsoft, bot: Bot
) -> None:
    async def turn(_: Incoming) -> Found:
        return Found((Suggestion("Sam Price", "Waiting", CARD),), "not shown")

    bot.turn = turn
    answer = await microsoft.teams.post(bot.url, microsoft.teams.search("sam", where=HELPDESK))
    assert bot.turns[0].kind is Kind.SEARCH
    assert bot.turns[0].search == Search("findRequest", "sam")
    assert answer.body == {
        "composeExtension": {
            "type": "result",
            "attachmentLayout": "list",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "type": "AdaptiveCard",
                        "version": "1.5",
                        "body": [{"type": "TextBlock", "text": "Hello"}],
                    },
                    "preview": {
                        "contentType": "application/vnd.microsoft.card.thumbnail",
                        "content": {"title": "Sam Price", "text": "Waiting"},
                    },
                }
            ],
        }
    }
    assert microsoft.connector.sent == []


async def test_a_sentence_nothing_and_a_bug_have_their_shapes_too(microsoft: Microsoft, bot: Bot) -> None:
    said: list[Any] = [Found(sentence="Type more."), Found(), None]

    async def turn(_: Incoming) -> Any:
        if not said:
            raise ZeroDivisionError
        return said.pop(0)

    bot.turn = turn
    nothing = {"type": "result", "attachmentLayout": "list", "attachments": []}
    answers = [(await microsoft.teams.post(bot.url, microsoft.teams.search("sam"))) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    extensions = [answer.body["composeExtension"] for answer in answers]
    assert extensions[:3] == [{"type": "message", "text": "Type more."}, nothing, nothing]
    assert extensions[3]["type"] == "message"
    assert "Something went wrong" in extensions[3]["text"]


async def test_a_search_that_comes_twice_is_heard_once(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.search("sam")
    await microsoft.teams.post(bot.url, activity)
    again = await microsoft.teams.post(bot.url, activity)
    assert len(bot.turns) == 1
    assert again.body == {"composeExtension": {"type": "message", "text": "This has been received already."}}


async def test_a_search_needs_a_token_and_an_allowed_tenant_as_everything_does(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.search("sam")
    assert (await microsoft.teams.post(bot.url, activity, token="")).status == 401
    activity["channelData"]["tenant"]["id"] = "another"
    assert (await microsoft.teams.post(bot.url, activity)).status == 403
    assert bot.turns == []


@pytest.mark.parametrize(
    ("value", "search"),
    [
        (None, Search()),
        ("text", Search()),
        ([], Search()),
        ({}, Search()),
        ({"commandId": 5, "parameters": "x"}, Search()),
        ({"commandId": "findRequest", "parameters": [None, "x", {"name": "query"}]}, Search("findRequest")),
        ({"commandId": "findRequest", "parameters": [{"name": "query", "value": {"a": 1}}]}, Search("findRequest")),
        ({"commandId": "findRequest", "parameters": [{"name": "initialRun", "value": True}]}, Search("findRequest")),
        ({"commandId": "x", "parameters": [{"name": "query", "value": " Zoë "}]}, Search("x", "Zoë")),
        ({"parameters": [{"name": "query", "value": "a" * 100_000}]}, Search("", "a" * 200)),
        ({"parameters": [{"name": "no"}] * 10 + [{"name": "query", "value": "late"}]}, Search()),
    ],
)
def test_what_is_missing_or_has_another_shape_was_not_said(value: object, search: Search) -> None:
    activity = TEAMS.search("sam") | {"value": value}
    assert to_incoming(activity, APP_ID).search == search


@pytest.mark.parametrize("url", [None, 5, [], {}])
def test_a_link_that_is_no_text_is_no_link(url: object) -> None:
    activity = TEAMS.pasted("https://bot/r/x") | {"value": {"url": url}}
    assert to_incoming(activity, APP_ID).search == Search(link="")


def test_the_chat_of_two_people_is_not_taken_for_the_bots_own() -> None:
    def scope(conversation_id: str) -> Scope:
        conversation = {"id": conversation_id, "conversationType": "personal"}
        return to_incoming(TEAMS.search("sam") | {"conversation": conversation}, APP_ID).address.scope

    assert scope("19:11111111-aaaa_22222222-bbbb@unq.gbl.spaces") is Scope.GROUP
    assert scope(f"19:11111111-aaaa_{APP_ID}@unq.gbl.spaces") is Scope.PERSONAL
    assert scope(ANNA.chat_id) is Scope.PERSONAL


async def test_anything_in_a_search_is_never_a_server_error(microsoft: Microsoft) -> None:
    loop = asyncio.get_running_loop()
    async with running(microsoft.settings()) as bot:

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(value=JSON, link=st.booleans(), where=st.sampled_from([None, HELPDESK]))
        def fuzz(value: Any, link: bool, where: Any) -> None:
            teams = microsoft.teams
            activity = (teams.pasted("x", where=where) if link else teams.search("x", where=where)) | {"value": value}
            answer = asyncio.run_coroutine_threadsafe(teams.post(bot.url, activity), loop).result(30)
            # A number past all bounds is no JSON.
            assert answer.status == 200 or (answer.status == 400 and "Infinity" in json.dumps(value))
            assert answer.status == 400 or answer.body["composeExtension"]["type"] == "result"

        await asyncio.to_thread(fuzz)
