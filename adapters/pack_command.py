"""`python app.py pack`: the yearly pack, from the database that DATABASE_URL names."""

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from adapters.audit_command import make_folder, program
from adapters.database import migrate
from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.pack import reading
from adapters.database.sealing import MasterKeys
from adapters.pack_files import Pack, write
from adapters.policy_file import BadFileError
from domain.errors import Refusal
from domain.events import What
from domain.pack import Year, year_of
from domain.policy import Policy
from services.book import Entry

_AT_ONCE = 500


async def run(options: argparse.Namespace, url: str, policy: Policy, keys: Sequence[str], now: datetime) -> int:
    """The exit status: 0; 1 where the audit is not whole. `keys`: those of the evidence, needed for `--answers` only.

    Raises as `app.main` expects.
    """
    try:
        year = year_of(_day(options.first), _day(options.last))
    except Refusal as refusal:
        raise BadFileError((refusal.sentence,)) from None
    make_folder(options.out)
    if options.answers:
        await _record_openings(url, year, policy, await asyncio.to_thread(_kept, url, year), now)
    made = await asyncio.to_thread(_write, options, url, year, policy, keys, now)
    _say(f"{made.exceptions} exceptions and {made.actions} open actions are in {options.out}.")
    _say(f"The manifest's SHA-256 is {made.manifest}.")
    if not made.is_whole:
        _say("The audit is not whole: the pack says what is wrong. Run “python app.py audit verify”.")
    return 0 if made.is_whole else 1


def _kept(url: str, year: Year) -> dict[str, list[str]]:
    """By tenant, the references of those exceptions whose evidence is kept."""
    found: dict[str, list[str]] = {}
    with reading(url) as reader:
        for some in reader.exceptions(year):
            for request in some:
                if request.given and request.purged_at is None:
                    found.setdefault(request.tenant_id, []).append(request.reference)
    return found


async def _record_openings(
    url: str, year: Year, policy: Policy, references: Mapping[str, Sequence[str]], now: datetime
) -> None:
    """Writes into the audit whose answers are about to be opened. `references`: by tenant."""
    database = make_engine(url)
    details = {
        "account": os.environ.get("USER") or os.environ.get("USERNAME") or "",
        "pack": f"{year.first} to {year.last}",
    }
    try:
        for tenant_id, theirs in references.items():
            entries = [Entry(now, one, What.READ.value, "", "", policy.version, details) for one in theirs]
            for start in range(0, len(entries), _AT_ONCE):
                async with PostgresBook(database, tenant_id).page() as page:
                    await page.record(entries[start : start + _AT_ONCE])
    finally:
        await database.dispose()


def _write(
    options: argparse.Namespace, url: str, year: Year, policy: Policy, keys: Sequence[str], now: datetime
) -> Pack:
    about = {
        "about": {"from": str(year.first), "to": str(year.last)},
        "program": program(),
        "tables": migrate.head(),
        "policy": policy.version,
    }
    master = MasterKeys(keys) if options.answers else None
    with reading(url) as reader:
        return write(reader, year, policy, out=options.out, at=now, about=about, master=master)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadFileError((f"“{text}” is not a date. Write it as 2026-04-01.",)) from None


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  # the command line speaks here
