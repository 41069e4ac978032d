"""`python app.py evidence rotate-keys`, as whoever looks after the bot types it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from tests.adapters.postgres import postgres
from tests.builders import NOON, ROOT

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as started:
        yield started


def rotate(**environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "app.py", "evidence", "rotate-keys"]
    return subprocess.run(
        command, cwd=ROOT, env=kept | environ, capture_output=True, text=True, check=False, timeout=60
    )


async def kept(url: str, key: str, reference: str) -> dict[str, str]:
    engine = make_engine(url)
    store = PostgresEvidence(engine, [key])
    try:
        if not await store.answers(reference):
            await store.keep_answer(reference, "why", "words", NOON)
        return await store.answers(reference)
    finally:
        await engine.dispose()


async def test_keys_are_changed_from_the_command_line(url: str) -> None:
    await kept(url, OLD, "MFA-2222-2222")
    done = await asyncio.to_thread(rotate, DATABASE_URL=url, EVIDENCE_KEYS=f"{NEW} {OLD}")
    assert (done.returncode, done.stdout) == (0, "Keys wrapped anew: 1.\n"), done.stderr
    assert await kept(url, NEW, "MFA-2222-2222") == {"why": "words"}


async def test_what_cannot_be_opened_is_named_and_the_exit_status_says_so(url: str) -> None:
    await kept(url, Fernet.generate_key().decode(), "MFA-3333-3333")
    done = await asyncio.to_thread(rotate, DATABASE_URL=url, EVIDENCE_KEYS=f"{NEW} {OLD}")
    assert done.returncode == 1
    assert "MFA-3333-3333" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "EVIDENCE_KEYS is missing"),
        ({"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "EVIDENCE_KEYS": "half"}, "key 1"),
    ],
)
def test_without_its_settings_it_says_what_is_missing(environ: dict[str, str], said: str) -> None:
    done = rotate(**environ)
    assert done.returncode == 2
    assert said in done.stderr
    assert "half" not in done.stderr


def test_a_database_that_is_away_is_said() -> None:
    done = rotate(DATABASE_URL="postgresql://x@127.0.0.1:1/x", EVIDENCE_KEYS=NEW)
    assert done.returncode == 1
    assert "the database cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
