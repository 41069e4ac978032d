"""What was tried before is sent only where somebody answers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import PutOff, Throttled, Trouble, Unreachable
from services.asking_first import mailer_asking_first, messenger_asking_first
from tests.services.test_paced import CARD, CHANNEL, CHAT, MAIL, Outside


class Silent(Outside):
    """Does what it is asked for, but may not answer a question."""

    def __init__(self, question: Trouble | None = None) -> None:
        super().__init__()
        self.question = question

    async def answers(self, at: Any = None) -> None:
        self.done.append("answers")
        if self.question:
            raise self.question


SENDING: dict[str, Callable[[Outside], Any]] = {
    "send": lambda outside: messenger_asking_first(outside).send(CHAT, CARD),
    "say": lambda outside: messenger_asking_first(outside).say(CHAT, "words"),
    "post": lambda outside: messenger_asking_first(outside).post(CHANNEL, CARD),
    "mail": lambda outside: mailer_asking_first(outside).send(to="a@nhs.example", mail=MAIL, key="key"),
}


@pytest.mark.parametrize("sending", SENDING.values(), ids=SENDING.keys())
@pytest.mark.parametrize("answer", [None, Unreachable("404"), Trouble("400", for_good=True)], ids=str)
async def test_it_is_sent_where_there_is_any_answer(answer: Trouble | None, sending: Callable[[Outside], Any]) -> None:
    outside = Silent(answer)
    await sending(outside)
    assert outside.done[0] == "answers"
    assert len(outside.done) == 2


@pytest.mark.parametrize("sending", SENDING.values(), ids=SENDING.keys())
@pytest.mark.parametrize(
    "silence",
    [
        Trouble("504", unanswered=True),
        Throttled("429", retry_after=timedelta(seconds=1)),
        PutOff("teams", retry_after=timedelta(seconds=1)),
    ],
    ids=str,
)
async def test_where_there_is_none_nothing_is_sent_and_nothing_can_have_been_taken(
    silence: Trouble, sending: Callable[[Outside], Any]
) -> None:
    outside = Silent(silence)
    with pytest.raises(type(silence)) as raised:
        await sending(outside)
    assert outside.done == ["answers"]
    assert not raised.value.unanswered
