"""What goes wrong when sending: each fault is one of our errors, and none holds a token or a name."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest
from botframework.connector.aio.operations_async import ConversationsOperations

from domain.errors import Throttled, TooLarge, Trouble, Unreachable
from services.chat import Sent
from services.paced import PacedMessenger
from services.uncounted import NotedMessenger, Uncounted
from tests.gateway.running import CARD, Bot, chat, running
from tests.microsoft import ANNA, Microsoft, Mode
from tests.microsoft.connector import NO_OBJECT
from tests.services.test_paced import Noted, Room, below


async def _trouble(microsoft: Microsoft, bot: Bot) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await bot.messenger.say(chat(microsoft), "Hello Anna")
    message = caught.value.message
    assert not any(token in message for token in microsoft.login.issued)
    assert "Anna" not in message
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"), [(403, "MessageWritesBlocked"), (404, "ConversationNotFound"), (404, "Other"), (403, "")]
)
async def test_403_and_404_mean_that_nobody_is_reached(microsoft: Microsoft, bot: Bot, status: int, code: str) -> None:
    microsoft.connector.fail(status, code=code)
    trouble = await _trouble(microsoft, bot)
    assert isinstance(trouble, Unreachable)
    assert code in trouble.message
    assert len(microsoft.connector.calls) == 1


async def test_replacing_in_a_dead_chat_says_so_too(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(404, method="PUT")
    with pytest.raises(Unreachable):
        await bot.messenger.replace(Sent(chat(microsoft), "1"), CARD)


async def test_413_means_too_large(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(413, code="MessageSizeTooBig")
    assert isinstance(await _trouble(microsoft, bot), TooLarge)


@pytest.mark.parametrize("status", [408, 412, 429, 500, 502, 503, 504])
async def test_what_a_job_sends_goes_out_once_for_each_try_that_is_counted(
    microsoft: Microsoft, bot: Bot, status: int
) -> None:
    microsoft.connector.fail(status, times=5)
    assert not (await _trouble(microsoft, bot)).for_good
    assert [call.status for call in microsoft.connector.calls] == [status]


@pytest.mark.parametrize(("status", "wait"), [(429, 1), (429, None), (429, 30), (503, 1)])
async def test_a_job_that_teams_slows_down_pauses_all_processes(
    microsoft: Microsoft, bot: Bot, status: int, wait: int | None
) -> None:
    room = Room()
    microsoft.connector.fail(status, retry_after=wait)
    with pytest.raises(Throttled) as throttled:
        await PacedMessenger(bot.messenger, below(room, Noted())).say(chat(microsoft), "Hello")
    assert throttled.value.retry_after == timedelta(seconds=wait or 1)
    assert room.pauses == [("teams", timedelta(seconds=wait or 1))]
    assert len(microsoft.connector.calls) == 1


@pytest.mark.parametrize("said", ["-1", "nan", "Thu, 06 Aug 2026 12:00:00 +99999999999999"])
async def test_a_retry_after_that_means_nothing_is_as_good_as_none(microsoft: Microsoft, bot: Bot, said: str) -> None:
    microsoft.connector.fail(502, retry_after=said)
    assert (await _trouble(microsoft, bot)).retry_after is None


def in_a_turn(bot: Bot) -> NotedMessenger:
    """What a turn answers through."""
    return NotedMessenger(bot.messenger, Uncounted(), Noted())


@pytest.mark.parametrize("status", [412, 429, 502, 503])
async def test_in_a_turn_a_passing_fault_is_tried_once_more(microsoft: Microsoft, bot: Bot, status: int) -> None:
    microsoft.connector.fail(status)
    await in_a_turn(bot).say(chat(microsoft), "Hello")
    microsoft.connector.fail(status, times=5)
    with pytest.raises(Trouble):
        await in_a_turn(bot).say(chat(microsoft), "Hello")
    assert [call.status for call in microsoft.connector.calls] == [status, 201, status, status]


@pytest.mark.parametrize("fault", [{"status": 504}, {"status": 500}, {"drop": True}])
async def test_in_a_turn_what_teams_may_have_taken_is_not_sent_again(
    microsoft: Microsoft, bot: Bot, fault: dict[str, Any]
) -> None:
    microsoft.connector.fail(**fault)
    with pytest.raises(Trouble):
        await in_a_turn(bot).say(chat(microsoft), "Hello")
    assert len(microsoft.connector.calls) == 1


async def test_in_a_turn_retry_after_is_waited_for_when_it_is_short(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(429, retry_after=1)
    await in_a_turn(bot).say(chat(microsoft), "Hello")
    first, second = microsoft.connector.calls
    assert 1.0 <= second.at - first.at < 1.6


async def test_in_a_turn_a_long_retry_after_is_handed_on_at_once(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(429, retry_after=30)
    with pytest.raises(Throttled) as throttled:
        await in_a_turn(bot).say(chat(microsoft), "Hello")
    assert (throttled.value.retry_after, throttled.value.for_good) == (timedelta(seconds=30), False)
    assert len(microsoft.connector.calls) == 1


async def test_a_refused_token_is_renewed_once(microsoft: Microsoft, bot: Bot) -> None:
    await bot.messenger.say(chat(microsoft), "one")
    microsoft.login.revoke_all()
    await bot.messenger.say(chat(microsoft), "two")
    assert [call.status for call in microsoft.connector.calls] == [201, 401, 201]
    assert len(microsoft.login.issued) == 2


async def test_a_token_that_is_refused_twice_is_trouble(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(401, times=10)
    trouble = await _trouble(microsoft, bot)
    assert not isinstance(trouble, Unreachable)
    assert len(microsoft.connector.calls) == 2


async def test_a_dropped_connection_is_trouble(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(drop=True)
    assert not (await _trouble(microsoft, bot)).for_good


@pytest.mark.parametrize(
    ("fault", "unanswered"),
    [
        *(({"status": status}, False) for status in (307, 400, 401, 403, 404, 412, 413, 429, 503)),
        *(({"status": status}, True) for status in (408, 500, 502, 504)),
        ({"drop": True}, True),
    ],
)
async def test_whether_teams_may_have_taken_the_message_is_known(
    microsoft: Microsoft, bot: Bot, fault: dict[str, Any], *, unanswered: bool
) -> None:
    microsoft.connector.fail(**fault, times=2)
    assert (await _trouble(microsoft, bot)).unanswered is unanswered


async def test_without_a_connection_or_a_token_nothing_was_sent(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.login.mode = Mode.DOWN
    assert not (await _trouble(microsoft, bot)).unanswered
    nobody = replace(chat(microsoft), service_url="https://127.0.0.1:1/")
    settings = microsoft.settings(open_loopback=True, credentials=None)
    async with running(settings) as elsewhere:
        with pytest.raises(Trouble, match="could not be reached") as caught:
            await elsewhere.messenger.say(nobody, "Hello")
    assert (caught.value.unanswered, caught.value.silent) == (False, True)


async def test_a_post_that_teams_took_without_saying_where_it_is_may_be_there(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(200, code="no id")
    with pytest.raises(Trouble) as caught:
        await bot.messenger.post(replace(chat(microsoft), channel_id="19:c"), CARD)
    assert caught.value.unanswered


async def test_an_answer_that_is_no_object_does_not_make_a_message_that_is_out_a_failure(
    microsoft: Microsoft, bot: Bot
) -> None:
    microsoft.connector.fail(201, code=NO_OBJECT)
    await bot.messenger.say(chat(microsoft), "Hello")


@pytest.mark.parametrize("status", [200, 202, 203, 204])
async def test_whatever_success_teams_answers_with_the_message_is_out(
    microsoft: Microsoft, bot: Bot, status: int
) -> None:
    microsoft.connector.fail(status, times=3)
    await bot.messenger.send(chat(microsoft), CARD)
    await bot.messenger.say(chat(microsoft), "Hello")
    await bot.messenger.replace(Sent(chat(microsoft), "1"), CARD)
    assert len(microsoft.connector.sent) == 3


@pytest.mark.parametrize("call", ["send_to_conversation", "create_conversation"])
async def test_an_sdk_that_breaks_after_the_message_is_out_does_not_look_as_if_nothing_was_sent(
    microsoft: Microsoft, bot: Bot, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    sends = getattr(ConversationsOperations, call)

    @wraps(sends)
    async def breaks(*parts: Any) -> None:
        await sends(*parts)
        raise TypeError("a mistake in the SDK")

    monkeypatch.setattr(ConversationsOperations, call, breaks)
    where = replace(chat(microsoft), channel_id="19:c")
    with pytest.raises(Trouble, match="TypeError") as caught:
        await (bot.messenger.send if call.startswith("send") else bot.messenger.post)(where, CARD)
    assert caught.value.unanswered
    assert len(microsoft.connector.calls) == 1


async def test_whoever_is_only_looked_for_was_sent_nothing(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.roster = {ANNA.entra_id: ANNA}
    microsoft.connector.fail(504)
    with pytest.raises(Trouble) as caught:
        await bot.messenger.find(replace(chat(microsoft), channel_id="19:c"), ANNA.entra_id)
    assert not caught.value.unanswered


async def test_a_redirect_is_not_followed(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(307)
    await _trouble(microsoft, bot)
    assert len(microsoft.connector.calls) == 1


async def test_a_bad_request_will_never_succeed(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.fail(400, code="BadSyntax")
    trouble = await _trouble(microsoft, bot)
    assert trouble.for_good
    assert "BadSyntax" in trouble.message


async def test_no_token_ever_goes_to_a_foreign_host(microsoft: Microsoft, bot: Bot) -> None:
    async with Microsoft() as elsewhere:
        elsewhere.connector.require_token = False
        with pytest.raises(Trouble) as caught:
            await bot.messenger.say(chat(elsewhere), "Hello")
        assert caught.value.for_good
        assert elsewhere.connector.calls == []
    assert microsoft.login.requests == []


async def test_in_a_turn_limits_of_teams_are_ridden_out(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.connector.enforce_limits = True
    for number in range(8):
        await in_a_turn(bot).say(chat(microsoft), f"message {number}")
    assert len(microsoft.connector.sent) == 8


async def test_a_slow_login_stalls_nobody_else(microsoft: Microsoft, bot: Bot) -> None:
    microsoft.login.delay = 2
    longest, ticking = 0.0, True

    async def tick() -> None:
        nonlocal longest
        while ticking:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)

    ticker = asyncio.create_task(tick())
    sends = [asyncio.create_task(bot.messenger.say(chat(microsoft), f"{number}")) for number in range(5)]
    await asyncio.sleep(0.1)
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"))).status == 200
    assert not any(send.done() for send in sends)
    await asyncio.gather(*sends)
    ticking = False
    await ticker
    assert longest < 0.5
    assert len(microsoft.login.requests) == 1


@pytest.mark.parametrize("mode", [Mode.DOWN, Mode.LYING, Mode.NONSENSE, Mode.DROPPING])
async def test_a_login_service_that_misbehaves_is_trouble(microsoft: Microsoft, bot: Bot, mode: Mode) -> None:
    microsoft.login.mode = mode
    assert not (await _trouble(microsoft, bot)).for_good
    microsoft.login.mode = Mode.WELL
    await asyncio.sleep(1.1)
    await bot.messenger.say(chat(microsoft), "Hello")


async def test_a_wrong_secret_is_trouble_that_names_the_kind_and_not_the_secret(microsoft: Microsoft) -> None:
    from bot.gateway.settings import ClientSecret

    async with running(microsoft.settings(credentials=ClientSecret("wrong secret"))) as bot:
        trouble = await _trouble(microsoft, bot)
    assert "invalid_client" in trouble.message
    assert "wrong secret" not in trouble.message


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    before = time.monotonic()
    yield
    assert time.monotonic() - before < 15
