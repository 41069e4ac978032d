"""`make bench-grow`: a tick, a click and a look-up at 1,000, 100,000 and 1,000,000 live exceptions, in one run.

Every size also has two closed requests and ten lines of audit for each live one: years of them. The statements are
the program's own. The exit status is 1 where something costs more than it should at the largest size.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.chat import PostgresCopies
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.figures import PostgresFigures
from adapters.database.notices import PostgresNotices
from bench.turn import say
from domain.effects import Refresh
from domain.finding import wanted
from services.book import Entry
from tests.adapters.postgres import postgres

SIZES = (1_000, 100_000, 1_000_000)
CLOSED, LINES = 2, 10
ROUNDS = 60
MOST_RATIO = 3.0
"""How much dearer than at the smallest size anything may be: caches are colder and trees a level deeper, no more."""
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

NAMES = ("tick", "click", "look_up", "find", "queue", "accounts", "watch", "history")
CHECK_AGAIN = timedelta(minutes=10)

LIVE = """
INSERT INTO requests (reference, tenant_id, kind, group_id, state, subject, asked_by, reason, details, methods,
    policy_version, asked_at, verified, decided, starts_at, ends_at, next_due, version, people, site, given)
SELECT
    'MFA-' || lpad(to_hex(n), 8, '0'), 'tenant', 'long', 'group-long', 'active',
    jsonb_build_object('id', 'person-' || n, 'name', 'Person ' || n, 'address', 'person' || n || '@nhs.example'),
    jsonb_build_object('id', 'person-' || (n / 3), 'name', 'Asker', 'address', 'asker@nhs.example'),
    'secure_location', '', '["password", "phone"]', '1', now, NULL,
    jsonb_build_object('by', jsonb_build_object('id', 'agent', 'name', 'Agent', 'address', 'agent@nhs.example'),
        'at', now, 'approved', true, 'words', ''),
    now, now + interval '180 days', now + interval '90 days', 1,
    ARRAY['person-' || n, 'person-' || (n / 3), 'owner-' || (n / 50)],
    jsonb_build_object('ods', 'S' || (n / 50), 'name', 'Site', 'mailbox', 'site@nhs.example', 'status', 'open',
        'succeeded_by', '', 'owners', jsonb_build_array(
            jsonb_build_object('id', 'owner-' || (n / 50), 'name', 'Owner', 'address', 'owner@nhs.example'))),
    jsonb_build_object('by', jsonb_build_object('id', 'owner-' || (n / 50), 'name', 'Owner', 'address', 'o@nhs'),
        'mailbox', 'site@nhs.example', 'at', now, 'answered', 5, 'asked', 5, 'files', 0, 'digest', 'd')
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
    LATERAL (SELECT CAST(:now AS timestamptz) - (n % 80) * interval '1 day' AS now) AS moment
"""
OLD = """
INSERT INTO requests (reference, tenant_id, kind, group_id, state, subject, asked_by, reason, details, methods,
    policy_version, asked_at, closed_at, purged_at, version, people)
SELECT
    'OLD-' || n || '-' || k, 'tenant', 'short', 'group-short', 'withdrawn',
    jsonb_build_object('id', 'person-' || n, 'name', 'Person', 'address', 'person@nhs.example'),
    jsonb_build_object('id', 'person-' || n, 'name', 'Person', 'address', 'person@nhs.example'),
    'lost_or_stolen', '', '[]', '1', moment, moment, moment, 1, ARRAY['person-' || n]
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n, generate_series(1, :closed) AS k,
    LATERAL (SELECT CAST(:now AS timestamptz) - (k * 200 + n % 150) * interval '1 day' AS moment) AS one
"""
AUDIT = """
INSERT INTO audit (at, reference, what, by_id, activity, policy_version, details)
SELECT CAST(:now AS timestamptz) - k * interval '1 day', 'MFA-' || lpad(to_hex(n), 8, '0'),
    'read', 'agent', '', '1', '{}'
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n, generate_series(1, :lines) AS k
"""

_WORDS = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'requests'::regclass AND pg_get_indexdef(indexrelid) LIKE '%USING gin%'
"""
"""Built anew when all rows are there: filled row by row, they take most of the time."""


async def load(engine: AsyncEngine, first: int, last: int) -> None:
    values = {"first": first, "last": last, "now": NOW}
    async with engine.connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        words = (await connection.execute(text(_WORDS))).all()
        for name, _ in words:
            await connection.execute(text(f"DROP INDEX {name}"))
        await connection.execute(text(LIVE), values)
        await connection.execute(text(OLD), values | {"closed": CLOSED})
        await connection.execute(text(AUDIT), values | {"lines": LINES})
        for _, made in words:
            await connection.exec_driver_sql(made.replace("%", "%%"))
        await connection.commit()
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE requests, audit"))


def reference(n: int) -> str:
    return f"MFA-{n:08x}"


class Works:
    """What the program does most often, on a person in the middle of the book."""

    def __init__(self, engine: AsyncEngine, size: int) -> None:
        self.book = PostgresBook(engine)
        self.copies = PostgresCopies(engine)
        self.notices = PostgresNotices(engine)
        self.drifts = PostgresDrifts(engine)
        self.figures = PostgresFigures(engine, CHECK_AGAIN)
        self.size = size
        self.turn = 0

    @property
    def n(self) -> int:
        """Somebody else each time, spread over the whole book."""
        self.turn += 1
        return 1 + (self.turn * 7919) % self.size

    async def tick(self) -> None:
        """What is due, found; and one request moved on, with its audit and an effect."""
        await self.book.due(NOW, 500)
        await self._change(self.n)

    async def click(self) -> None:
        """A card's button: the request, its history and its copies; then the decision is kept."""
        n = self.n
        request = await self.book.request(reference(n))
        assert request is not None
        await self.book.of_subject(request.subject.id, NOW - timedelta(days=90))
        await self.copies.copies(request.reference)
        await self._change(n)

    async def look_up(self) -> None:
        """My requests, as the subject and as the owner of a site; what is open; who else holds the membership."""
        n = self.n
        await self.book.of_person(f"person-{n}", 6)
        await self.book.of_person(f"owner-{n // 50}", 6)
        open_ones = await self.book.open_requests(f"person-{n}")
        await self.book.held_by(open_ones[0])

    async def find(self) -> None:
        """What an agent finds by a name, and the owner of a site by its code."""
        n = self.n
        for typed, of in ((f"person {n}", ""), (f"S{n // 50}", f"owner-{n // 50}")):
            looked_for = wanted(f"{typed} person")
            assert looked_for is not None
            assert await self.book.find(looked_for, 10, of=of)

    async def queue(self) -> None:
        await self.book.waiting(7)

    async def accounts(self) -> None:
        """Whose account has to be looked at."""
        await self.book.to_look_at(NOW - timedelta(minutes=15), 20)

    async def watch(self) -> None:
        """What the watchdog looks for, and what a scrape of the figures asks about requests that time moves on."""
        await self.drifts.overdue(NOW, timedelta(minutes=2), CHECK_AGAIN, 200)
        await self.figures.late(NOW)

    async def history(self) -> None:
        await self.book.entries(reference(self.n))

    async def _change(self, n: int) -> None:
        async with self.book.page() as page:
            request = await page.request(reference(n))
            assert request is not None
            await page.change(replace(request, version=request.version + 1))
            await page.record([Entry(NOW, request.reference, "read", "agent", "", "1", {})])
            await page.want([Refresh(request.reference)])


async def measured(work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds, the median of many."""
    for _ in range(10):
        await work()
    spent = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent)


async def plans(engine: AsyncEngine, works: Works) -> list[str]:
    """The query plans of the look-ups, with every statement as the program sends it."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT") and "procrastinate" not in statement:
            seen.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    for work in (
        works.look_up,
        works.find,
        works.queue,
        works.accounts,
        works.watch,
        works.history,
        works.click,
        works.tick,
    ):
        await work()
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    found = []
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        for statement, parameters in {one[0]: one for one in seen}.values():
            rows = await (await raw.execute(f"EXPLAIN {statement}", parameters)).fetchall()
            found.append(statement.split("FROM")[-1].strip()[:110] + "\n" + "\n".join(f"    {row[0]}" for row in rows))
    return found


async def main(sizes: tuple[int, ...]) -> int:
    table: dict[int, dict[str, float]] = {}
    with postgres() as url:
        engine = make_engine(url)
        loaded = 0
        for size in sizes:
            say(f"Loading {size:,} live exceptions, {size * CLOSED:,} closed ones, {size * LINES:,} lines of audit ...")
            await load(engine, loaded + 1, size)
            loaded = size
            works = Works(engine, size)
            table[size] = {name: await measured(getattr(works, name)) for name in NAMES}
        shown = await plans(engine, works)
        await engine.dispose()
    smallest, largest = table[sizes[0]], table[sizes[-1]]
    say(f"{'ms, median':12}" + "".join(f"{size:>14,}" for size in sizes) + "      last to first")
    missed = []
    for name in NAMES:
        ratio = largest[name] / smallest[name]
        say(f"{name:12}" + "".join(f"{table[size][name]:14.2f}" for size in sizes) + f"{ratio:16.2f}")
        if ratio > MOST_RATIO:
            missed.append(name)
    say("\nQuery plans at the largest size:\n\n" + "\n\n".join(shown))
    scans = [plan for plan in shown if "Seq Scan on requests" in plan or "Seq Scan on audit" in plan]
    say(f"\nTo reach: at most {MOST_RATIO:g} times the smallest, and no scan of a whole table.")
    say("Reached." if not missed and not scans else f"Missed: {', '.join(missed)} {len(scans)} scans of a whole table")
    return 1 if missed or scans else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="live exceptions, rising")
    sys.exit(asyncio.run(main(tuple(parser.parse_args().sizes))))
