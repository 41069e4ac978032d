"""Where Entra and the book do not agree, and who was in the groups when they were last read, in PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, and_, any_, case, cast, delete, not_, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database.audit import write
from adapters.database.book import PostgresPage
from adapters.database.overdue import REFUSED_SINCE, overdue, overdue_since
from adapters.database.tables import comparisons, drifts, group_members, requests
from adapters.database.trouble import no_database
from adapters.database.values import FIELDS, request_of, sent_of
from domain.drift import Drift, Entitlement, Sort
from domain.effects import ShowDrift
from domain.policy import Policy
from domain.request import Request, State
from services.book import Entry
from services.chat import Sent
from services.drifts import Added, Known, Seen

_COLUMNS = [requests.c[name] for name in FIELDS]
_ENTITLEMENT = (
    requests.c.reference,
    requests.c.group_id,
    requests.c.subject_id,
    requests.c.state,
    requests.c.ends_at,
    requests.c.closed_at,
    REFUSED_SINCE,
    requests.c.next_due,
)
_BOUND = requests.c.state.in_([State.GRANTING.value, State.ACTIVE.value, State.ENDING.value])
MEMBERS, MFA_POLICY = "exemption groups", "mfa policy"
"""What is compared, each with its own moment."""
_AT_ONCE = 5000
"""Rows of one statement: PostgreSQL takes 65,535 values."""
_BETWEEN = 1000
"""Entitlements that are read between two looks at what else there is to do: people wait for their answers meanwhile."""
_ASKEW = timedelta(minutes=1)
"""By so much another process's clock may be ahead. What is later than that is from before the clock was set back."""


class PostgresDrifts:
    def __init__(self, engine: AsyncEngine, tenant_id: str = "") -> None:
        """`tenant_id`: whose chain the audit's entries are put on."""
        self._engine = engine
        self._tenant_id = tenant_id

    async def entitlements(
        self, groups: Collection[str], members: Collection[str], *, of: str = ""
    ) -> tuple[Entitlement, ...]:
        ended = and_(requests.c.state == State.ENDED.value, requests.c.subject_id == _any(members))
        theirs = [requests.c.subject_id == of] if of else []
        query = select(*_ENTITLEMENT).where(requests.c.group_id.in_(list(groups)), or_(_BOUND, ended), *theirs)
        with no_database():
            async with self._engine.connect() as connection:
                found: list[Entitlement] = []
                rows = await connection.stream(query)
                async for some in rows.partitions(_BETWEEN):
                    found += map(_entitlement, some)
                return tuple(found)

    async def groups_in_use(self) -> frozenset[str]:
        query = select(requests.c.group_id).where(_BOUND).distinct()
        with no_database():
            async with self._engine.connect() as connection:
                return frozenset((await connection.execute(query)).scalars())

    async def overdue(self, now: datetime, by: timedelta, policy: Policy, limit: int) -> tuple[Request, ...]:
        wanted, since = overdue(now, by, policy), overdue_since(policy)
        query = select(*_COLUMNS).where(wanted).order_by(since).limit(limit)
        with no_database():
            async with self._engine.connect() as connection:
                return tuple(request_of(row) for row in (await connection.execute(query)).mappings())

    async def known(self) -> Known | None:
        with no_database():
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(comparisons).where(comparisons.c.name == MEMBERS))).first()
                if row is None or row.whole_at is None:
                    return None
                found: dict[str, set[str]] = {group: set() for group in row.groups}
                for one in await connection.execute(select(group_members)):
                    found.setdefault(one.group_id, set()).add(one.entra_id)
        return Known({group: frozenset(ids) for group, ids in found.items()}, row.link, row.whole_at)

    async def keep(self, known: Known) -> None:
        """Members and the link go together, or the changes that the link leads to would be applied to others."""
        values = {"groups": sorted(known.members), "link": known.link, "whole_at": known.whole_at}
        wanted = {(group, entra_id) for group, ids in known.members.items() for entra_id in ids}
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(
                    upsert(comparisons)
                    .values(name=MEMBERS, **values)
                    .on_conflict_do_update(index_elements=[comparisons.c.name], set_=values)
                )
                rows = await connection.execute(select(group_members.c.group_id, group_members.c.entra_id))
                kept = {(row.group_id, row.entra_id) for row in rows}
                for some in _in_parts(kept - wanted):
                    pair = tuple_(group_members.c.group_id, group_members.c.entra_id)
                    await connection.execute(delete(group_members).where(pair.in_(some)))
                for some in _in_parts(wanted - kept):
                    new = [{"group_id": group, "entra_id": entra_id} for group, entra_id in some]
                    await connection.execute(upsert(group_members).values(new).on_conflict_do_nothing())

    async def compared_at(self) -> datetime | None:
        query = select(comparisons.c.compared_at).where(comparisons.c.name == MEMBERS)
        with no_database():
            async with self._engine.connect() as connection:
                found: datetime | None = (await connection.execute(query)).scalar()
        return found

    async def compared(self, at: datetime) -> None:
        await self._at(MEMBERS, at)

    async def policy_compared(self, at: datetime) -> None:
        await self._at(MFA_POLICY, at)

    async def _at(self, name: str, at: datetime) -> None:
        query = upsert(comparisons).values(name=name, compared_at=at)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(
                    query.on_conflict_do_update(index_elements=[comparisons.c.name], set_={"compared_at": at})
                )

    async def open(self) -> tuple[Seen, ...]:
        """But for sorts that only a newer version knows."""
        is_open = and_(drifts.c.over_at.is_(None), drifts.c.sort.in_(list(Sort)))
        query = select(drifts).where(is_open).order_by(drifts.c.first_seen, drifts.c.key)
        with no_database():
            async with self._engine.connect() as connection:
                return tuple(_seen(row) for row in await connection.execute(query))

    async def removed_since(self, since: datetime) -> tuple[Seen, ...]:
        wanted = and_(
            drifts.c.sort == Sort.OVERSTAYED.value,
            drifts.c.outcome == "removed",
            drifts.c.over_at >= since,
            drifts.c.added_at.is_(None),
        )
        with no_database():
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(drifts).where(wanted).order_by(drifts.c.key))
                return tuple(_seen(row) for row in rows)

    async def one(self, key: str) -> Seen | None:
        with no_database():
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(drifts).where(drifts.c.key == key))).first()
        return _seen(row) if row else None

    async def see(self, drift: Drift, at: datetime, entry: Entry, began: datetime | None = None) -> Seen | None:
        over = drifts.c.over_at.is_not(None)
        meanwhile = and_(drifts.c.over_at > (began or at), drifts.c.over_at <= at + _ASKEW)
        fresh = {"added_by": "", "added_at": None, "outcome": "", "by_id": "", "card": None, "first_seen": at}
        query = (
            upsert(drifts)
            .values(key=drift.key, **_columns(drift), occasion=1, first_seen=at, last_seen=at)
            .on_conflict_do_update(
                index_elements=[drifts.c.key],
                set_={name: case((over, value), else_=drifts.c[name]) for name, value in fresh.items()}
                | {"occasion": case((over, drifts.c.occasion + 1), else_=drifts.c.occasion)}
                | {"number": drift.number, "last_seen": at, "over_at": None},
                where=or_(drifts.c.over_at.is_(None), not_(meanwhile)),
            )
            .returning(*drifts.c)
        )
        with no_database():
            async with self._engine.begin() as connection:
                # One after the other, so that of two comparisons at once only one begins it.
                known = select(drifts.c.number).where(drifts.c.key == drift.key, drifts.c.over_at.is_(None))
                before = (await connection.execute(known.with_for_update())).first()
                row = (await connection.execute(query)).first()
                if row is None:
                    return None
                seen = _seen(row)
                if before is None and seen.first_seen == at:
                    await self._show(connection, seen, [entry])
                elif before is not None and before.number != drift.number:
                    await self._show(connection, seen, [])
        return seen

    async def know(self, key: str, added: Added) -> None:
        query = update(drifts).where(drifts.c.key == key).values(added_by=added.by, added_at=added.at)
        with no_database():
            async with self._engine.begin() as connection:
                row = (await connection.execute(query.returning(*drifts.c))).first()
                if row is not None:
                    await self._show(connection, _seen(row), [])

    async def ask(self, key: str, by_id: str, entry: Entry) -> bool:
        is_open = and_(drifts.c.key == key, drifts.c.over_at.is_(None))
        with no_database():
            async with self._engine.begin() as connection:
                before = (await connection.execute(select(drifts.c.by_id).where(is_open).with_for_update())).first()
                if before is None:
                    return False
                if before.by_id != by_id:
                    await connection.execute(update(drifts).where(is_open).values(by_id=by_id))
                    await write(connection, [entry], self._tenant_id)
        return True

    async def settle(self, key: str, *, outcome: str, by_id: str, at: datetime, entries: Sequence[Entry]) -> bool:
        query = (
            update(drifts)
            .where(drifts.c.key == key, drifts.c.over_at.is_(None))
            .values(over_at=at, outcome=outcome, by_id=by_id)
            .returning(*drifts.c)
        )
        with no_database():
            async with self._engine.begin() as connection:
                row = (await connection.execute(query)).first()
                if row is None:
                    return False
                await self._show(connection, _seen(row), entries)
        return True

    async def shown(self, key: str, occasion: int, card: Sent) -> None:
        query = update(drifts).where(drifts.c.key == key, drifts.c.occasion == occasion).values(card=card)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query)

    async def _show(self, connection: AsyncConnection, seen: Seen, entries: Sequence[Entry]) -> None:
        await PostgresPage(connection).want((ShowDrift(seen.drift.key, seen.drift.reference),))
        await write(connection, entries, self._tenant_id)


def _any(values: Collection[str]) -> Any:
    """One parameter, however many there are."""
    return any_(cast(list(values), ARRAY(Text)))


def _in_parts(pairs: set[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    rows = sorted(pairs)
    return [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]


def _columns(drift: Drift) -> dict[str, Any]:
    values = asdict(drift)
    group = values.pop("group")
    return values | {"sort": drift.sort.value, "group_id": group}


def _entitlement(row: Sequence[Any]) -> Entitlement:
    reference, group_id, subject_id, state, *moments = row
    return Entitlement(reference, group_id, subject_id, State(state), *moments)


def _seen(row: Any) -> Seen:
    return Seen(
        drift=Drift(Sort(row.sort), row.group_id, row.entra_id, row.reference, row.number),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        occasion=row.occasion,
        added=Added(row.added_by, row.added_at),
        over_at=row.over_at,
        outcome=row.outcome,
        by_id=row.by_id,
        card=sent_of(row.card) if row.card else None,
    )
