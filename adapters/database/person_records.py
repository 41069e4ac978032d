"""What the database keeps about one person, in whichever table, and the removal of what need not stay.

It looks through whole tables, so it is for the command line and not for a turn.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, cast, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.tables import addresses, copies, drafts, evidence, evidence_files, file_links, metadata, requests
from adapters.database.trouble import no_database
from domain.effects import Purge
from domain.request import OPEN
from services.book import Entry
from services.person_records import Erasable

_SEALED = frozenset({evidence.name, evidence_files.name, file_links.name})
_OPEN_STATES = [state.value for state in OPEN]
_OTHERS = frozenset({"details", "tried", "remedies", "since", "questions", "methods", "method_ids", "code", "people"})
"""What a request says about its subject, in somebody's words or as Entra has it."""
_NOT_THE_ASKERS = frozenset({"methods", "method_ids", "code"})


class PostgresPersonRecords:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ids_of(self, given: str) -> tuple[str, ...]:
        if "@" not in given:
            async with self._reading() as connection:
                found = [await self._rows(connection, table, [given]) for table in _readable()]
            return (given,) if any(found) else ()
        async with self._reading() as connection:
            rows = [row for table in _readable() for row in await self._rows(connection, table, [given])]
        people = (one for row in rows for one in _people_in(row))
        return tuple(sorted({str(one["id"]) for one in people if str(one.get("address", "")).lower() == given}))

    async def everything(self, ids: Sequence[str]) -> Mapping[str, Any]:
        async with self._reading() as connection:
            mine = await self._rows(connection, requests, ids)
            references = [row["reference"] for row in mine if _is_about(row, ids)]
            found: dict[str, Any] = {"requests": [_reduced(row, ids) for row in mine]}
            for table in _readable():
                if table is not requests:
                    found[table.name] = await self._rows(connection, table, [*ids, *references])
            found["evidence"] = await self._evidence(connection, references)
        return found

    async def erasable(self, ids: Sequence[str]) -> Erasable:
        async with self._reading() as connection:
            return await self._erasable(connection, ids)

    async def erase(self, ids: Sequence[str], now: datetime, details: Mapping[str, str]) -> Erasable:
        async with PostgresBook(self._engine).page() as page:
            connection = page._connection  # the audit's own transaction
            found = await self._erasable(connection, ids)
            await connection.execute(delete(drafts).where(drafts.c.person_id.in_(ids)))
            if not found.open_requests:
                await connection.execute(delete(addresses).where(addresses.c.person_id.in_(ids)))
            await connection.execute(delete(copies).where(*_cards_of(ids)))
            await connection.execute(delete(file_links).where(file_links.c.reference.in_(found.evidence)))
            await connection.execute(delete(evidence).where(evidence.c.reference.in_(found.evidence)))
            counted = {
                "drafts": str(found.drafts),
                "addresses": str(found.addresses),
                "cards": str(found.cards),
                "evidence": ", ".join(found.evidence),
            }
            await page.record([_entry(now, one, dict(details) | counted) for one in ids])
            # The content is gone; the bot writes it on the request and takes out what else goes with it.
            await page.want([Purge(reference) for reference in found.evidence])
        return found

    async def _erasable(self, connection: AsyncConnection, ids: Sequence[str]) -> Erasable:
        async def number(table: Table, *where: ColumnElement[bool]) -> int:
            return (await connection.execute(select(func.count()).select_from(table).where(*where))).scalar_one()

        about = requests.c.subject_id.in_(ids)
        still_open = await connection.execute(
            select(requests.c.reference).where(
                or_(about, requests.c.asked_by_id.in_(ids)), requests.c.state.in_(_OPEN_STATES)
            )
        )
        closed = await connection.execute(
            select(evidence.c.reference)
            .join(requests, requests.c.reference == evidence.c.reference)
            .where(about, requests.c.state.not_in(_OPEN_STATES))
            .order_by(evidence.c.reference)
        )
        open_requests = tuple(still_open.scalars())
        return Erasable(
            drafts=await number(drafts, drafts.c.person_id.in_(ids)),
            addresses=0 if open_requests else await number(addresses, addresses.c.person_id.in_(ids)),
            cards=await number(copies, *_cards_of(ids)),
            evidence=tuple(closed.scalars()),
            open_requests=open_requests,
        )

    async def _evidence(self, connection: AsyncConnection, references: Sequence[str]) -> list[dict[str, Any]]:
        query = (
            select(evidence.c.reference, evidence.c.updated_at, func.count(evidence_files.c.id).label("files"))
            .outerjoin(evidence_files, evidence_files.c.reference == evidence.c.reference)
            .where(evidence.c.reference.in_(references))
            .group_by(evidence.c.reference)
        )
        return [
            {"reference": row.reference, "updated_at": row.updated_at.isoformat(), "files": row.files}
            for row in await connection.execute(query)
        ]

    async def _rows(self, connection: AsyncConnection, table: Table, words: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of a table in which one of these words stands anywhere, in lower case or not."""
        row = func.to_jsonb(table.table_valued())
        text = func.lower(cast(row, Text))
        found = await connection.execute(
            select(row).where(or_(*(func.strpos(text, word.lower()) > 0 for word in words)))
        )
        return list(found.scalars())

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with no_database():
            async with self._engine.connect() as connection:
                yield connection


def _entry(now: datetime, person_id: str, details: Mapping[str, str]) -> Entry:
    return Entry(
        at=now,
        reference=f"person:{person_id}",
        what="erased",
        by_id="",
        activity="",
        policy_version="",
        details=details,
    )


def _readable() -> list[Table]:
    return [table for table in metadata.sorted_tables if table.name not in _SEALED]


def _cards_of(ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Cards in somebody's own chat that show what is closed: nothing will change them any more."""
    closed = select(requests.c.reference).where(requests.c.state.not_in(_OPEN_STATES))
    return (copies.c.viewer_id.in_(ids), copies.c.reference.in_(closed))


def _people_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Each person that stands anywhere in a row."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str) and "address" in value:
            yield value
        for part in value.values():
            yield from _people_in(part)
    if isinstance(value, list):
        for part in value:
            yield from _people_in(part)


def _is_about(row: Mapping[str, Any], ids: Sequence[str]) -> bool:
    return row["subject_id"] in ids or row["asked_by_id"] in ids


def _reduced(row: dict[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """The request without what is about somebody else: the export of a person is not one of their colleague."""
    if row["subject_id"] in ids:
        return {name: value for name, value in row.items() if name != "code"}
    left_out = _NOT_THE_ASKERS if row["asked_by_id"] in ids else _OTHERS
    kept = {name: value for name, value in row.items() if name not in left_out}
    return kept if row["asked_by_id"] in ids else {name: _without_others(value, ids) for name, value in kept.items()}


def _without_others(value: Any, ids: Sequence[str]) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("id"), str) and "address" in value and value["id"] not in ids:
            return "another person"
        return {name: _without_others(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_others(part, ids) for part in value]
    return value
