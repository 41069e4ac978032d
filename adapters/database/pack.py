"""What the yearly pack reads from the database: one unchanging view of it, and never all at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow, dict_row
from pydantic import TypeAdapter

from adapters.database.audit import AuditReader, snapshot
from adapters.database.evidence import answers_of
from adapters.database.sealing import MasterKeys
from adapters.database.values import FIELDS, request_of
from domain.drift import Drift, Sort
from domain.errors import Trouble
from domain.pack import NOTED, Noted, Year, belongs
from domain.request import Request, State
from domain.site import Site

AT_ONCE = 500
_SITE = TypeAdapter(Site)
# Wider than the year: `belongs` decides.
_REQUESTS = sql.SQL(
    "SELECT {} FROM requests WHERE state = ANY(%(states)s) AND asked_at < %(end)s "
    "AND (closed_at IS NULL OR closed_at >= %(start)s) ORDER BY coalesce(starts_at, asked_at), reference"
).format(sql.SQL(", ").join(map(sql.Identifier, FIELDS)))
_STATES = [state.value for state in (State.GRANTING, State.ACTIVE, State.ENDING, State.ENDED)]
_NOT_GRANTED = [state.value for state in (State.REJECTED, State.LAPSED, State.WITHDRAWN)]


class PackReader:
    """Made by `reading`. Blocking: use it in a thread."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection
        self.audit = AuditReader(connection)

    def exceptions(self, year: Year) -> Iterator[tuple[Request, ...]]:
        """Those that belong in the year, by their beginning, some at a time."""
        with self._connection.cursor("pack", row_factory=dict_row) as cursor:
            cursor.execute(_REQUESTS, {"states": _STATES, "start": year.start, "end": year.end})
            while rows := cursor.fetchmany(AT_ONCE):
                found = (request_of(row) for row in rows)
                yield tuple(request for request in found if belongs(request, year))

    def noted(self, references: Sequence[str]) -> dict[str, list[Noted]]:
        """What the audit says about each, the oldest first."""
        found: dict[str, list[Noted]] = {reference: [] for reference in references}
        rows = self._connection.execute(
            "SELECT reference, what, at, policy_version, details FROM audit WHERE reference = ANY(%s) "
            "AND what = ANY(%s) ORDER BY id",
            (list(references), [what.value for what in NOTED]),
        )
        for reference, *entry in rows:
            found[reference].append(Noted(*entry))
        return found

    def answers(self, references: Sequence[str], master: MasterKeys) -> dict[str, Mapping[str, str] | None]:
        """Opened. None where no key fits; nothing where there is no evidence any more."""
        rows = self._connection.execute(
            "SELECT reference, data_key, answers FROM evidence WHERE reference = ANY(%s)", (list(references),)
        )
        return {reference: _opened(master, reference, key, sealed) for reference, key, sealed in rows}

    def not_granted(self, year: Year) -> dict[tuple[str, str], int]:
        """How many were closed in the year without an exception, by kind and state."""
        rows = self._connection.execute(
            "SELECT kind, state, count(*) FROM requests WHERE state = ANY(%s) AND closed_at >= %s AND closed_at < %s "
            "GROUP BY kind, state",
            (_NOT_GRANTED, year.start, year.end),
        )
        return {(kind, state): number for kind, state, number in rows}

    def drifts(self) -> list[tuple[Drift, datetime]]:
        """Those that are not over, and when they were first seen."""
        rows = self._connection.execute(
            "SELECT sort, group_id, entra_id, reference, number, first_seen FROM drifts WHERE over_at IS NULL "
            "ORDER BY first_seen, key"
        )
        return [(Drift(Sort(sort), *rest), first_seen) for sort, *rest, first_seen in rows]

    def sites(self) -> Iterator[Site]:
        query = sql.SQL("SELECT {} FROM sites ORDER BY ods").format(
            sql.SQL(", ").join(map(sql.Identifier, Site.__dataclass_fields__))
        )
        with self._connection.cursor("pack_sites", row_factory=dict_row) as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(query)
            for row in cursor:
                yield _SITE.validate_python(row)


def _opened(master: MasterKeys, reference: str, key: bytes, sealed: bytes | None) -> Mapping[str, str] | None:
    try:
        return answers_of(master.sealer(reference, key), sealed)
    except Trouble:
        return None


@contextmanager
def reading(url: str) -> Iterator[PackReader]:
    """`url`: libpq's, as DATABASE_URL. Raises `Trouble` where the database cannot be reached."""
    with snapshot(url) as connection:
        yield PackReader(connection)
