"""Activities with anything anywhere: never a 5xx, never a traceback."""

import asyncio
import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.running import running
from tests.microsoft import BEN, HELPDESK, Microsoft

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KINDS = (
    "message",
    "invoke",
    "conversationUpdate",
    "installationUpdate",
    "messageUpdate",
    "event",
    "endOfConversation",
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(deeper for key in value for deeper in _paths(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(deeper for index, item in enumerate(value) for deeper in _paths(item, (*path, index)))]
    return [path]


def _put(activity: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    where: Any = activity
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value


_MORE = ("value", "membersAdded", "attachments", "relatesTo", "deliveryMode", "expiration", "importance", "replyToId")


async def test_an_activity_with_anything_anywhere_is_never_a_server_error(microsoft: Microsoft) -> None:
    loop = asyncio.get_running_loop()
    async with running(microsoft.settings()) as bot:
        bases = [
            microsoft.teams.message("hello", BEN, HELPDESK),
            microsoft.teams.execute("x", {"a": 1}),
            microsoft.teams.submit("x"),
            microsoft.teams.search("x"),
            microsoft.teams.pasted("https://bot.nhs.example/r/x"),
            microsoft.teams.installed(where=HELPDESK),
            microsoft.teams.bot_added(),
        ]

        @settings(max_examples=250, deadline=None)
        @given(data=st.data())
        def fuzz(data: st.DataObject) -> None:
            activity = copy.deepcopy(data.draw(st.sampled_from(bases)))
            for _ in range(data.draw(st.integers(1, 3))):
                _put(activity, data.draw(st.sampled_from(_paths(activity)[1:])), data.draw(JSON))
            if data.draw(st.booleans()):
                activity[data.draw(st.sampled_from(_MORE))] = data.draw(JSON)
            if data.draw(st.booleans()):
                activity["type"] = data.draw(st.sampled_from(_KINDS))
            body = json.loads(json.dumps(activity))
            answer = asyncio.run_coroutine_threadsafe(microsoft.teams.post(bot.url, body), loop).result(30)
            assert answer.status in {200, 400, 401, 403}, (answer.status, activity)
            assert "Traceback" not in answer.text
            if answer.body and "statusCode" in answer.body:
                assert answer.body["statusCode"] != 500, activity

        await asyncio.to_thread(fuzz)
