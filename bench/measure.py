"""What is measured: turns, stalls, memory and the start. It draws no conclusions."""

import asyncio
import gc
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.bots import Bot, Bots
from tests.builders import ROOT

_SLOW_LOGIN = 4.0
"""Seconds."""


@dataclass(slots=True)
class Spent:
    """What a number of turns cost."""

    rounds: list[float] = field(default_factory=list)
    """Milliseconds of CPU of the bot's process a turn, in each round."""
    seconds: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    """The same of PostgreSQL's processes."""
    sent: int = 0
    """Messages sent and changed through the connector."""

    @property
    def turns(self) -> int:
        return len(self.seconds)

    @property
    def cpu_ms(self) -> float:
        """Of the middle round: what else the machine does spoils some rounds, and not always for both bots."""
        return statistics.median(self.rounds)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98] * 1000


class Typist:
    """One person who types the same few texts over and over, each time after the answer has come."""

    def __init__(self, bots: Bots, bot: Bot, texts: Iterable[str], shows: str) -> None:
        """`shows`: `card` or `text`, what each turn must send."""
        self._bots = bots
        self._bot = bot
        self._texts: Iterator[str] = itertools.cycle(texts)
        self._shows = shows

    async def type(self, turns: int, spent: Spent | None = None) -> Spent:
        """Adds a round to `spent`. Each turn must answer and send: a cheap failure would count as a fast turn."""
        spent = spent or Spent()
        prepared = [self.prepared() for _ in range(turns)]
        before, database = self._bot.cpu, self._bots.database_cpu
        for activity, token in prepared:
            spent.seconds.append(await self._turn(activity, token, spent))
        spent.rounds.append((self._bot.cpu - before) * 1000 / turns)
        spent.database.append((self._bots.database_cpu - database) * 1000 / turns)
        return spent

    def prepared(self) -> tuple[dict[str, Any], str]:
        """A message and its token. Signing takes a millisecond that is no bot's, so it is done before."""
        teams = self._bots.microsoft.teams
        return teams.message(next(self._texts), self._bots.person), teams.token()

    async def _turn(self, activity: dict[str, Any], token: str, spent: Spent) -> float:
        calls = self._bots.microsoft.connector.calls
        calls.clear()
        began = time.perf_counter()
        answer = await self._bots.microsoft.teams.post(self._bot.url, activity, token=token)
        seconds = time.perf_counter() - began
        shown = [
            call for call in calls if call.method == "POST" and (call.card if self._shows == "card" else call.text)
        ]
        if answer.status not in (200, 201) or len(shown) != 1 or any(call.status >= 300 for call in calls):
            self._bot.check_alive()
            sent = [(call.method, call.status) for call in calls]
            raise RuntimeError(f"“{activity['text']}” was answered {answer.status} and sent {sent}")
        spent.sent += len(calls)
        return seconds


async def started(bots: Bots, bot: Bot, shows: str) -> float:
    """Starts the bot; seconds until its first answer arrives at the connector. It is typed to as soon as it listens."""
    connector = bots.microsoft.connector
    connector.calls.clear()
    activity, token = Typist(bots, bot, ["help"], shows).prepared()
    began = time.monotonic()
    await bot.start()
    async with asyncio.timeout(30):
        while True:
            try:
                await bots.microsoft.teams.post(bot.url, activity, token=token)
                break
            except aiohttp.ClientConnectionError:
                bot.check_alive()
                await asyncio.sleep(0.01)
    call = await connector.wait_for(lambda call: bool(call.card if shows == "card" else call.text))
    return call.at - began


async def take_new_token(bots: Bots, bot: Bot) -> None:
    """A turn that counts for nothing, after which the bot holds a token that the connector takes."""
    activity = bots.microsoft.teams.message("help", bots.person)
    await bots.microsoft.teams.post(bot.url, activity)


@dataclass(frozen=True, slots=True)
class Stall:
    """In milliseconds."""

    slowest: float
    answers: int
    overrun: float
    """By how much a sleep of the probe's own was overrun at worst: what the machine alone does."""
    turn: float
    """How long the person waited who typed meanwhile."""


async def stall(bots: Bots, bot: Bot, typist: Typist) -> Stall:
    """The slowest answer of /healthz while a turn waits for a token from a slow login service."""
    login = bots.microsoft.login
    activity, token = typist.prepared()
    gc.collect()
    async with _probe(bot) as found:
        await asyncio.sleep(0.3)
        asked = len(login.requests)
        login.delay = _SLOW_LOGIN
        # The connector takes none of the old tokens, so that the next turn needs a new one.
        login.revoke_all()
        began = time.perf_counter()
        try:
            answer = await bots.microsoft.teams.post(bot.url, activity, token=token)
        finally:
            login.delay = 0.0
        turn = time.perf_counter() - began
        if answer.status not in (200, 201) or turn < _SLOW_LOGIN or len(login.requests) == asked:
            raise RuntimeError(f"The login service was not slow: {answer.status} after {turn:.1f} s")
        await asyncio.sleep(0.3)
    return Stall(found["slowest"], int(found["answers"]), found["overrun"], turn * 1000)


@asynccontextmanager
async def _probe(bot: Bot) -> AsyncIterator[dict[str, float]]:
    found: dict[str, float] = {}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.probe", str(bot.port), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield found
        process.stdin.close()
        found |= json.loads(await asyncio.wait_for(process.stdout.read(), 40))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
