"""One pretend Microsoft and one gateway for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.running import Bot, running
from tests.microsoft import Microsoft


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    async with Microsoft() as opened:
        yield opened


@pytest.fixture
async def bot(microsoft: Microsoft) -> AsyncIterator[Bot]:
    async with running(microsoft.settings()) as opened:
        yield opened
