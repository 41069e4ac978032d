"""`python -m bench.chain`: what the audit's chain costs a transaction, beside the same one without it.

See docs/benchmarks.md. The exit status is 1 when the entries of a transaction need more than one statement.
"""

import asyncio
import statistics
import sys
import time
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from domain.effects import Refresh
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON

_EACH, _ROUNDS = 200, 5
_WRITERS = (1, 4, 16)


def main() -> int:
    with postgres() as url:
        figures, statements = asyncio.run(measured(url))
    print(f"\n{'transactions a second':<28}{'chained':>10}{'not':>10}")
    for writers, both in figures.items():
        print(f"{writers:>3} at once{'':<17}{both['ENABLE']:>10.0f}{both['DISABLE']:>10.0f}")
    print(f"\nStatements for the entries of one transaction: {statements}")
    return 0 if statements <= 1 else 1


async def measured(url: str) -> tuple[dict[int, dict[str, float]], int]:
    engine = make_engine(url)
    statements = await _statements(engine)
    found: dict[int, dict[str, float]] = {}
    for writers in _WRITERS:
        rates: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
        for _ in range(_ROUNDS):
            for way, seen in rates.items():
                _set(url, way)
                seen.append(await _rate(engine, writers))
        found[writers] = {way: statistics.median(seen) for way, seen in rates.items()}
    await engine.dispose()
    return found, statements


def _set(url: str, way: str) -> None:
    """Without the chain, a default stands in for what the trigger gives."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SEQUENCE IF NOT EXISTS bench_number START 100000000")
        connection.execute(
            f"ALTER TABLE audit {way} TRIGGER audit_chained, ALTER number SET DEFAULT nextval('bench_number'), "
            "ALTER previous SET DEFAULT repeat('0', 64), ALTER hash SET DEFAULT repeat('0', 64)".encode()
        )


async def _rate(engine: AsyncEngine, writers: int) -> float:
    book = PostgresBook(engine, "bench")

    async def write(writer: int) -> None:
        for number in range(_EACH // writers):
            async with book.page() as page:
                await page.record([_entry(writer, number), _entry(writer, number)])
                await page.want([Refresh(f"MFA-{writer}-{number}")])

    begun = time.perf_counter()
    await asyncio.gather(*[write(writer) for writer in range(writers)])
    return writers * (_EACH // writers) / (time.perf_counter() - begun)


async def _statements(engine: AsyncEngine) -> int:
    seen: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(*told: Any) -> None:
        seen.append(told[2])

    async with PostgresBook(engine, "bench").page() as page:
        await page.record([_entry(0, 0), _entry(0, 1)])
    event.remove(engine.sync_engine, "before_cursor_execute", count)
    return sum("audit" in one for one in seen)


def _entry(writer: int, number: int) -> Entry:
    return Entry(NOON, f"MFA-{writer}", "asked", "somebody", str(number), "1", {"subject": "x" * 36, "reason": "lost"})


if __name__ == "__main__":
    sys.exit(main())
