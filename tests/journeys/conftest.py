"""A world for each journey."""

from collections.abc import AsyncIterator

import pytest

from tests.journeys.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as one:
        await one.helpdesk_channel()
        yield one
        print(one.program.log()[-6000:])  # noqa: T201  # pytest shows it where a test fails
