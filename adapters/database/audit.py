"""The audit in PostgreSQL: the one way in, and what checks and exports read."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.database.trouble import no_database
from domain.chain import Head, Known, Link, moment
from services.book import Entry

# One statement for all entries of a transaction. A trigger gives each its number and its hashes.
_WRITE = text(
    "INSERT INTO audit (tenant_id, at, reference, what, by_id, activity, policy_version, details) "
    "SELECT :tenant_id, at, reference, what, by_id, activity, policy_version, details "
    "FROM ROWS FROM (jsonb_to_recordset(CAST(:entries AS jsonb)) AS (at timestamptz, reference text, what text, "
    "by_id text, activity text, policy_version text, details jsonb)) WITH ORDINALITY ORDER BY ordinality"
)


async def write(connection: AsyncConnection, entries: Sequence[Entry], tenant_id: str) -> None:
    """Call it last in a transaction: from here to the commit, all other writers of this tenant's audit wait."""
    if not entries:
        return
    rows = [{name: getattr(one, name) for name in Entry.__slots__} | {"at": one.at.isoformat()} for one in entries]
    await connection.execute(_WRITE, {"tenant_id": tenant_id, "entries": json.dumps(rows)})


_CONTENT = ("activity", "at", "by_id", "details", "id", "policy_version", "reference", "tenant_id", "what")
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, (*_CONTENT, "number", "previous", "hash")))
_AT_ONCE = 1000
_PERSON = """(
    by_id = ANY(%(people)s)
    OR reference IN (SELECT reference FROM requests WHERE people && %(people)s)
    OR EXISTS (SELECT FROM jsonb_each_text(details) WHERE value = ANY(%(people)s))
)"""
_SITE = """(
    reference = 'site:' || %(site)s
    OR reference IN (SELECT reference FROM requests WHERE site ->> 'ods' = %(site)s)
)"""
_WITH_ADDRESS = """
SELECT DISTINCT one ->> 'id' FROM (
    SELECT subject AS one FROM requests UNION ALL SELECT asked_by FROM requests UNION ALL SELECT taken_by FROM requests
    UNION ALL SELECT given -> 'by' FROM requests UNION ALL SELECT decided -> 'by' FROM requests
    UNION ALL SELECT jsonb_array_elements(owners) FROM sites
) AS people WHERE lower(one ->> 'address') = lower(%s)
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: all that is given has to be so."""

    reference: str = ""
    people: tuple[str, ...] = ()
    """Entra ids of one person: what they did, and what was done about them."""
    site: str = ""
    """The ODS code."""
    since: datetime | None = None
    before: datetime | None = None
    """Not included."""


class AuditReader:
    """One unchanging view of the audit. Made by `reading`. Blocking: use it in a thread."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection
        self._cursors = 0

    def heads(self) -> dict[str, Head | None]:
        """The end of each tenant's chain, as the database keeps it; None where there are only entries."""
        found: dict[str, Head | None] = {
            tenant_id: Head(number, hash)
            for tenant_id, number, hash in self._connection.execute("SELECT tenant_id, number, hash FROM audit_heads")
        }
        for (tenant_id,) in self._connection.execute("SELECT DISTINCT tenant_id FROM audit"):
            found.setdefault(tenant_id, None)
        return dict(sorted(found.items()))

    def links(self, tenant_id: str, *, after: int = 0) -> Iterator[Link]:
        """By number, a thousand at a time."""
        query = sql.SQL(
            "SELECT {} FROM audit WHERE tenant_id = %(tenant_id)s AND number > %(after)s ORDER BY number, id"
        ).format(_COLUMNS)
        for row in self._rows(query, {"tenant_id": tenant_id, "after": after}):
            content = dict(zip(_CONTENT, row[: len(_CONTENT)], strict=True))
            content["at"] = moment(content["at"])
            yield Link(row[-3], content, row[-2], row[-1])

    def wanted(self, tenant_id: str, wanted: Wanted) -> Iterator[int]:
        """The numbers of these entries, in order."""
        query = sql.SQL("SELECT number FROM audit WHERE tenant_id = %(tenant_id)s AND {} ORDER BY number").format(
            sql.SQL(" AND ").join(_conditions(wanted))
        )
        values: dict[str, Any] = {"reference": wanted.reference, "people": list(wanted.people), "site": wanted.site}
        times = {"since": wanted.since, "before": wanted.before}
        for (number,) in self._rows(query, {"tenant_id": tenant_id, **values, **times}):
            yield number

    def people(self, address: str) -> tuple[str, ...]:
        """The Entra ids of those who had this address in a request or in the register of sites."""
        return tuple(row[0] for row in self._connection.execute(_WITH_ADDRESS, (address,)))

    def known(self, tenant_id: str, hashes: Collection[str]) -> Known:
        query = (
            "SELECT number, previous, hash FROM audit WHERE tenant_id = %s AND (hash = ANY(%s) OR previous = ANY(%s))"
        )
        found = self._connection.execute(query, (tenant_id, list(hashes), list(hashes))).fetchall()
        named: dict[str, int] = {}
        for _, previous, _ in found:
            named[previous] = named.get(previous, 0) + 1
        return Known(frozenset(row[2] for row in found), named)

    def _rows(self, query: sql.Composed, values: Mapping[str, Any]) -> Iterator[TupleRow]:
        self._cursors += 1
        with self._connection.cursor(f"audit_{self._cursors}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(query, values)
            yield from cursor


@contextmanager
def reading(url: str) -> Iterator[AuditReader]:
    """`url`: libpq's, as DATABASE_URL. Raises `Trouble` where the database cannot be reached."""
    with snapshot(url) as connection:
        yield AuditReader(connection)


@contextmanager
def snapshot(url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection that only reads, and sees nothing of what happens meanwhile."""
    with no_database(), psycopg.connect(url, options="-c timezone=UTC") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def _conditions(wanted: Wanted) -> list[sql.SQL]:
    found = [sql.SQL("true")]
    if wanted.reference:
        found.append(sql.SQL("reference = %(reference)s"))
    if wanted.people:
        found.append(sql.SQL(_PERSON))
    if wanted.site:
        found.append(sql.SQL(_SITE))
    if wanted.since:
        found.append(sql.SQL("at >= %(since)s"))
    if wanted.before:
        found.append(sql.SQL("at < %(before)s"))
    return found
