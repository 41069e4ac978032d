"""The book in PostgreSQL: requests, the audit, and the effects that are wanted, in one transaction."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import and_, case, cast, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database import counts
from adapters.database.audit import write
from adapters.database.due import due
from adapters.database.engine import each_alone
from adapters.database.notices import NOT_OVER
from adapters.database.overdue import GRANTING
from adapters.database.tables import FOUND_BY, MOMENT, audit, drafts, notices, requests
from adapters.database.trouble import no_database
from adapters.database.values import FIELDS, request_of, row_of
from adapters.jobs.orders import QUEUE, TASK, Order, order
from domain.effects import Effect
from domain.events import What
from domain.finding import Wanted
from domain.outcome import Approval, Asked
from domain.request import OPEN, Request, State
from services.book import MOST_TIMES, Draft, Entry

_COLUMNS = [requests.c[name] for name in FIELDS]
_WAITS = text("requests.state = 'awaiting_decision'")
"""In these very words, or a plan that was made for any values does not use the index."""
_WAITS_SINCE = func.coalesce(requests.c.waiting_since, requests.c.asked_at)
_OPEN = requests.c.state.in_([state.value for state in OPEN])
_FITS = text(f"{FOUND_BY.text} @@ CAST(:wanted AS tsquery)")
_MOST_THAT_FIT = 300
"""Of so many the newest are given: whoever looks for a part of a name that thousands have goes on typing."""
_LATELY = 5000
"""Lines of the audit in which what a turn did before its process died is looked for."""
_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, :priority, :lock, :key, CAST(:args AS jsonb), NULL)"
    "::procrastinate_job_to_defer_v1])"
)
_HOLD = text("SELECT id FROM procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo' FOR UPDATE")
_BRING_FORWARD = text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE id = :id AND scheduled_at > now()")


class PostgresPage:
    """One transaction on one connection. Made by `PostgresBook.page`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.recorded: list[Entry] = []
        """For the audit: written when all else is, right before the transaction ends."""

    async def request(self, reference: str) -> Request | None:
        found = await self._connection.execute(
            select(*_COLUMNS).where(requests.c.reference == reference).with_for_update()
        )
        row = found.mappings().first()
        return request_of(row) if row else None

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        return await _open_requests(self._connection, subject_id)

    async def add(self, request: Request) -> bool:
        query = upsert(requests).values(row_of(request)).on_conflict_do_nothing().returning(requests.c.reference)
        return (await self._connection.execute(query)).first() is not None

    async def change(self, request: Request) -> None:
        await self._connection.execute(
            update(requests).where(requests.c.reference == request.reference).values(row_of(request))
        )

    async def record(self, entries: Sequence[Entry]) -> None:
        self.recorded.extend(entries)

    async def is_recorded(self, reference: str, what: What, notice: str, since: datetime) -> bool:
        such = (audit.c.reference == reference, audit.c.what == what.value, audit.c.at >= since)
        about = audit.c.details["notice"].astext == notice
        return (await self._connection.execute(select(audit.c.id).where(*such, about).limit(1))).first() is not None

    async def is_heard(self, reference: str, what: What, activity: str) -> bool:
        such = (audit.c.reference == reference, audit.c.what == what.value, audit.c.activity == activity)
        return (await self._connection.execute(select(audit.c.id).where(*such).limit(1))).first() is not None

    async def release(self, keys: Sequence[str]) -> None:
        waiting = update(notices).where(notices.c.key.in_(keys), notices.c.status == "waiting")
        await self._connection.execute(waiting.values(status="sending"))

    async def end_unanswered(self, keys: Sequence[str]) -> tuple[str, ...]:
        twice = and_(notices.c.key.in_(keys), NOT_OVER, notices.c.attempts >= MOST_TIMES)
        query = update(notices).where(twice).values(status="unknown").returning(notices.c.key)
        return tuple((await self._connection.execute(query)).scalars())

    async def want(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            wanted = order(effect)
            while not (await self._deferred(wanted) or await self._held(wanted)):
                pass  # the one that waited was taken just now, so another one can wait

    async def _deferred(self, wanted: Order) -> bool:
        """False where the same effect waits already: its queueing lock is unique."""
        values = {
            "queue": QUEUE,
            "task": TASK,
            "priority": wanted.priority,
            "lock": wanted.lock,
            "key": wanted.key,
            "args": json.dumps(wanted.args),
        }
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(_DEFER, values)
        except IntegrityError:
            return False
        return True

    async def _held(self, wanted: Order) -> bool:
        """Keeps the effect that waits from being taken before this transaction is committed.

        Taken earlier, it would read the request as it was, and what is decided here would never be carried out. A grant
        or an end that is wanted again is tried at once; what is told or shown keeps its place in line.
        """
        held = (await self._connection.execute(_HOLD, {"key": wanted.key})).scalar()
        if held is not None and wanted.urgent:
            await self._connection.execute(_BRING_FORWARD, {"id": held})
        return held is not None

    async def asked(self, by_id: str, subject_id: str, site: str, since: datetime) -> Asked:
        return await counts.asked(self._connection, by_id, subject_id, site, since)

    async def approvals(self, agent_id: str, since: datetime) -> tuple[Approval, ...]:
        return await counts.approvals(self._connection, agent_id, since)

    async def use_up(self, draft: Draft) -> bool:
        gone = await self._connection.execute(
            delete(drafts).where(
                drafts.c.person_id == draft.person_id,
                drafts.c.topic == draft.topic,
                drafts.c.version == draft.version,
            )
        )
        return gone.rowcount == 1


class PostgresBook:
    def __init__(self, engine: AsyncEngine, tenant_id: str = "") -> None:
        """`tenant_id`: whose chain the audit's entries are put on."""
        self._engine = engine
        self._tenant_id = tenant_id
        self._alone = each_alone(engine)

    @asynccontextmanager
    async def page(self) -> AsyncIterator[PostgresPage]:
        with no_database():
            async with self._engine.begin() as connection:
                page = PostgresPage(connection)
                yield page
                await write(connection, page.recorded, self._tenant_id)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with no_database():
            async with self._alone.connect() as connection:
                yield connection

    async def request(self, reference: str) -> Request | None:
        async with self._reading() as connection:
            found = await connection.execute(select(*_COLUMNS).where(requests.c.reference == reference))
            row = found.mappings().first()
        return request_of(row) if row else None

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        async with self._reading() as connection:
            return await _open_requests(connection, subject_id)

    async def held_by(self, request: Request, now: datetime) -> str:
        wanted = (
            requests.c.group_id == request.group_id,
            requests.c.subject_id == request.subject.id,
            requests.c.reference != request.reference,
            requests.c.state.in_([State.GRANTING.value, State.ACTIVE.value]),
            or_(requests.c.ends_at.is_(None), requests.c.ends_at > now),
        )
        async with self._reading() as connection:
            return (await connection.execute(select(requests.c.reference).where(*wanted).limit(1))).scalar() or ""

    async def to_look_at(self, before: datetime, limit: int) -> tuple[Request, ...]:
        looked_at = requests.c.looked_at
        wanted = and_(requests.c.state == State.ACTIVE.value, or_(looked_at.is_(None), looked_at < before))
        on = await self._requests(select(*_COLUMNS).where(wanted).order_by(looked_at.nulls_first()).limit(limit))
        return (*await self._being_granted(before), *on)[:limit]

    async def _being_granted(self, before: datetime) -> tuple[Request, ...]:
        """The few whose grant has not been confirmed, or not again since it was put back."""
        seen = func.coalesce(requests.c.looked_at, cast(requests.c.decided["at"].astext, MOMENT))
        return await self._requests(select(*_COLUMNS).where(GRANTING, seen < before))

    async def waiting(self, limit: int) -> tuple[Request, ...]:
        return await self._requests(select(*_COLUMNS).where(_WAITS).order_by(_WAITS_SINCE).limit(limit))

    async def newest_waiting(self, limit: int) -> tuple[Request, ...]:
        newest = requests.c.asked_at.desc()
        return await self._requests(select(*_COLUMNS).where(_WAITS).order_by(newest).limit(limit))

    async def find(self, wanted: Wanted, limit: int, *, of: str = "") -> tuple[Request, ...]:
        fits = _FITS.bindparams(wanted=_words(wanted))
        if of:
            # Their own are few, so they are looked through: the index of all words knows thousands that are not theirs.
            own = select(*_COLUMNS).where(requests.c.people.contains([of])).cte().prefix_with("MATERIALIZED")
            return await self._requests(select(own).where(fits).order_by(own.c.asked_at.desc()).limit(limit))
        some = select(*_COLUMNS).where(fits).limit(_MOST_THAT_FIT).subquery()
        return await self._requests(select(some).order_by(some.c.asked_at.desc()).limit(limit))

    async def of_subject(self, subject_id: str, since: datetime) -> tuple[Request, ...]:
        wanted = and_(requests.c.subject_id == subject_id, requests.c.asked_at >= since)
        return await self._requests(select(*_COLUMNS).where(wanted).order_by(requests.c.asked_at.desc()).limit(50))

    async def of_person(self, person_id: str, limit: int) -> tuple[Request, ...]:
        wanted = requests.c.people.contains([person_id])
        order_by = (case((_OPEN, 0), else_=1), requests.c.asked_at.desc())
        return await self._requests(select(*_COLUMNS).where(wanted).order_by(*order_by).limit(limit))

    async def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        async with self._reading() as connection:
            return tuple((await connection.execute(due(now, limit))).scalars())

    async def left_besides(self, kinds: Collection[str], with_evidence: Collection[str]) -> dict[str, int]:
        """How many requests time will still move on are of another kind, or of one that has lost its evidence.

        By kind. Those whose evidence is still to be deleted are among them; only these kinds have a site.
        """
        lost = or_(
            requests.c.kind.not_in(kinds), and_(requests.c.kind.not_in(with_evidence), requests.c.site.is_not(None))
        )
        left = or_(_OPEN, requests.c.next_due.is_not(None))
        query = select(requests.c.kind, func.count()).where(left, lost)
        async with self._reading() as connection:
            found = await connection.execute(query.group_by(requests.c.kind))
            return {kind: number for kind, number in found}  # noqa: C416  # rows, and no pairs, to mypy

    async def reachable(self) -> None:
        """Raises `Trouble` unless the database answers."""
        async with self._reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def entries(self, reference: str) -> tuple[Entry, ...]:
        columns = [audit.c[name] for name in Entry.__slots__]
        async with self._reading() as connection:
            found = await connection.execute(
                select(*columns).where(audit.c.reference == reference).order_by(audit.c.id)
            )
            return tuple(Entry(**row) for row in found.mappings())

    async def done_by(self, activity: str, by_id: str) -> tuple[str, ...]:
        lately = select(audit).order_by(audit.c.id.desc()).limit(_LATELY).subquery()
        query = (
            select(lately.c.reference)
            .where(lately.c.activity == activity, lately.c.by_id == by_id, lately.c.reference.like("MFA-%"))
            .where(lately.c.what != What.READ.value)
            .group_by(lately.c.reference)
            .order_by(func.min(lately.c.id))
        )
        async with self._reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def _requests(self, query: object) -> tuple[Request, ...]:
        async with self._reading() as connection:
            found = await connection.execute(query)  # type: ignore[call-overload]  # any select of _COLUMNS
            return tuple(request_of(row) for row in found.mappings())


def _words(wanted: Wanted) -> str:
    """As PostgreSQL's tsquery. No word holds a quotation mark or a backslash: they stand between words."""
    fit = " & ".join(f"'{word}':*" for word in wanted.words)
    return " | ".join(filter(None, (fit, f"'{wanted.symbols}'" if wanted.symbols else "")))


async def _open_requests(connection: AsyncConnection, subject_id: str) -> tuple[Request, ...]:
    query = select(*_COLUMNS).where(requests.c.subject_id == subject_id, _OPEN).order_by(requests.c.asked_at.desc())
    return tuple(request_of(row) for row in (await connection.execute(query)).mappings())
