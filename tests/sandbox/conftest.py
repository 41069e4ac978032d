"""The small tenant, running for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.running import Caller, running
from tests.sandbox.tenants import tenant


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tenant(tmp_path), tmp_path / "data") as caller:
        yield caller
