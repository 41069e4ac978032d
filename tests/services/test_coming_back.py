"""A job of many calls comes to its end below a ceiling: what was done is not done again."""

from datetime import timedelta

import pytest

from domain.errors import PutOff
from services.pace import LONGEST_STAY, coming_back


async def test_a_call_that_is_put_off_is_made_when_there_is_room() -> None:
    slept, left = [], 3

    async def call() -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise PutOff("conversation", retry_after=timedelta(seconds=0.5))
        return "drawn"

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert await coming_back(call, 30.0, sleep, lambda: 0.0) == "drawn"
    assert slept == [0.5, 0.5, 0.5]


async def test_who_is_put_off_for_long_holds_no_workers_place() -> None:
    async def call() -> None:
        raise PutOff("teams", retry_after=timedelta(minutes=1))

    async def sleep(seconds: float) -> None:
        raise AssertionError("it waited")

    with pytest.raises(PutOff):
        await coming_back(call, 30.0, sleep, lambda: 0.0)


async def test_where_others_take_the_room_each_time_it_gives_its_place_back_after_half_a_minute() -> None:
    now = 0.0

    async def call() -> None:
        raise PutOff("conversation", retry_after=timedelta(seconds=1))

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        assert now <= LONGEST_STAY

    for _ in range(3):
        with pytest.raises(PutOff):
            await coming_back(call, LONGEST_STAY, sleep, lambda: now)
        assert now == LONGEST_STAY, "together, however many calls it are"
