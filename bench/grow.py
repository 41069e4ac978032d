"""`make bench-grow`: a tick, a click and a look-up at 1,000, 100,000 and 1,000,000 live exceptions, in one run.

What is there beside them is in `bench/fill.py`, what is measured in `bench/everyday.py`. The exit status is 1 where
something costs more than it should at the largest size, reads a whole table or an empty one.
"""

import argparse
import asyncio
import re
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import make_engine
from bench.everyday import COUNTED, HELD, Everyday
from bench.fill import fill
from bench.turn import say
from domain.errors import Trouble
from tests.adapters.postgres import postgres

SIZES = (1_000, 100_000, 1_000_000)
WARM_UP, ROUNDS = 10, 60
MOST_RATIO = 3.0
"""How much dearer than at the smallest size anything may be: caches are colder and trees a level deeper, no more."""
FEW = 1000
"""Rows of a table that may well be read as a whole: it does not grow."""
WIDE = 300
"""Characters of a plan's line: a parameter may be long."""
NOT_MEASURED = float("nan")
_STATEMENT = re.compile(r"SELECT|INSERT|UPDATE|DELETE|WITH")
_READ = re.compile(r"(?:Seq Scan|Heap Scan|using \w+) on (\w+)")
_SCANNED = re.compile(r"Seq Scan on (\w+)")


@dataclass(frozen=True, slots=True)
class Plan:
    work: str
    statement: str
    lines: str

    def __str__(self) -> str:
        return f"{self.work}: {' '.join(self.statement.split())[:110]}\n{self.lines}"


async def measured(work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds, the median of many."""
    for _ in range(WARM_UP):
        await work()
    return statistics.median([await once(work) for _ in range(ROUNDS)])


async def once(work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds; not a number where the database gave up."""
    begun = time.perf_counter()
    try:
        await work()
    except Trouble as trouble:
        say(f"{getattr(work, '__name__', work)}: {trouble.message}")
        return NOT_MEASURED
    return (time.perf_counter() - begun) * 1000


async def plans(engine: AsyncEngine, works: Everyday) -> list[Plan]:
    """Of every statement, as the program sends it."""
    seen: dict[tuple[str, str], Any] = {}

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if _STATEMENT.match(statement.strip()):
            seen[name, statement] = parameters

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    for name in (*HELD, *COUNTED):
        await getattr(works, name)()
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        found = []
        for (work, statement), parameters in seen.items():
            rows = await (await raw.execute(f"EXPLAIN {statement}", parameters)).fetchall()
            found.append(Plan(work, statement, "\n".join(f"    {row[0][:WIDE]}" for row in rows)))
    return found


async def empty(engine: AsyncEngine, tables: set[str]) -> set[str]:
    async with engine.connect() as connection:
        return {
            table
            for table in tables
            if not (await connection.execute(text(f"SELECT EXISTS (SELECT FROM {table})"))).scalar()
        }


async def large(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        found = await connection.execute(text(f"SELECT relname FROM pg_class WHERE reltuples > {FEW}"))
        return set(found.scalars())


async def main(sizes: tuple[int, ...]) -> int:
    table: dict[int, dict[str, float]] = {}
    with postgres() as url:
        engine = make_engine(url)
        works = Everyday(engine)
        for size in sizes:
            begun = time.monotonic()
            await fill(engine, works.size + 1, size)
            works.size = size
            say(f"{size:,} live exceptions and what belongs to them, in {time.monotonic() - begun:.0f} s")
            table[size] = {name: await measured(getattr(works, name)) for name in HELD}
            table[size] |= {name: await once(getattr(works, name)) for name in COUNTED}
        shown = await plans(engine, works)
        no_rows = await empty(engine, {one for plan in shown for one in _READ.findall(plan.lines)})
        whole = await large(engine)
        await engine.dispose()
    say("\nQuery plans at the largest size:\n\n" + "\n\n".join(map(str, shown)))
    missed = told(table)
    missed += [f"{one} is empty" for one in sorted(no_rows)]
    for plan in shown:
        if plan.work in HELD:
            missed += [f"{plan.work} reads all of {one}" for one in _SCANNED.findall(plan.lines) if one in whole]
    say(f"\nTo reach: at most {MOST_RATIO:g} times the smallest, no scan of a whole table, and no empty one.")
    say("Reached." if not missed else f"Missed: {'; '.join(missed)}.")
    return 1 if missed else 0


def told(table: dict[int, dict[str, float]]) -> list[str]:
    """Says the figures, and gives what is too dear."""
    sizes = list(table)
    missed = []
    say(f"\n{'ms, median':12}" + "".join(f"{size:>14,}" for size in sizes) + "      last to first")
    for name in (*HELD, *COUNTED):
        costs = [table[size].get(name, NOT_MEASURED) for size in sizes]
        ratio = costs[-1] / costs[0]
        say(f"{name:12}" + "".join(f"{cost:14.2f}" for cost in costs) + f"{ratio:16.2f}")
        if name in HELD and not ratio <= MOST_RATIO:
            missed.append(f"{name} costs {ratio:.1f} times as much")
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="live exceptions, rising")
    sys.exit(asyncio.run(main(tuple(parser.parse_args().sizes))))
