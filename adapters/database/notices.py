"""What was already sent, and what waits to be told together with others, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.audit import write
from adapters.database.engine import each_alone
from adapters.database.tables import notices
from adapters.database.trouble import no_database
from domain.effects import Audience, Notice, Tell, TellTogether
from services.book import Entry, Waiting

# As literals, so that PostgreSQL sees in any plan that the indexes of these rows alone will do.
_WAITING = notices.c.status == literal_column("'waiting'")
_KNOWN = and_(notices.c.notice.in_(list(Notice)), notices.c.audience.in_(list(Audience)))
"""A newer version may have more; what this one does not know waits for it, and holds up nothing."""
_OF_ONE_PERSON = notices.c.person_id != literal_column("''")
NOT_OVER = notices.c.status.in_(("sending", "waiting"))
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:whom, 0))")


class PostgresNotices:
    """`attempts` counts how often a notice may have gone out: more than one means that it may have arrived twice."""

    def __init__(self, engine: AsyncEngine, tenant_id: str = "") -> None:
        """`tenant_id`: whose chain the audit's entries are put on."""
        self._together = engine
        self._tenant_id = tenant_id
        self._engine = each_alone(engine)

    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        insert = upsert(notices).values(
            key=key, reference=reference, status="sending", way="", activity_id="", attempts=0, updated_at=at
        )
        query = insert.on_conflict_do_update(
            index_elements=[notices.c.key],
            set_={"updated_at": at},
            where=notices.c.status == "sending",
        ).returning(notices.c.attempts)
        with no_database():
            async with self._engine.begin() as connection:
                attempts: int | None = (await connection.execute(query)).scalar()
                return attempts

    async def begin_or_wait(self, key: str, tell: Tell, person_id: str, at: datetime, since: datetime) -> int | None:
        of_this_sort = _of_this_sort(person_id, tell.notice)
        waits = (
            select(notices.c.key)
            .where(of_this_sort, notices.c.key != key, or_(_WAITING, notices.c.updated_at > since))
            .limit(1)
        )
        again = (
            update(notices)
            .where(notices.c.key == key, notices.c.status == "sending")
            .values(updated_at=at)
            .returning(notices.c.attempts)
        )
        with no_database():
            async with self._together.begin() as connection:
                await connection.execute(_ONE_AT_A_TIME, {"whom": f"{person_id}:{tell.notice}"})
                attempts: int | None = (await connection.execute(again)).scalar()
                if attempts is not None:
                    return attempts
                others = (await connection.execute(waits)).first() is not None
                insert = upsert(notices).values(
                    key=key,
                    reference=tell.reference,
                    status="waiting" if others else "sending",
                    way="",
                    activity_id="",
                    attempts=0,
                    updated_at=at,
                    person_id=person_id,
                    notice=tell.notice.value,
                    audience=tell.to.value,
                    occasion=tell.occasion,
                )
                new = await connection.execute(insert.on_conflict_do_nothing().returning(notices.c.key))
                return 0 if new.first() is not None and not others else None

    async def to_tell_together(self, before: datetime, limit: int) -> tuple[TellTogether, ...]:
        query = (
            select(notices.c.person_id, notices.c.notice)
            .where(_WAITING, _KNOWN)
            .group_by(notices.c.person_id, notices.c.notice)
            .having(func.min(notices.c.updated_at) <= before)
            .order_by(func.min(notices.c.updated_at))
            .limit(limit)
        )
        with no_database():
            async with self._engine.connect() as connection:
                found = await connection.execute(query)
                return tuple(TellTogether(row.person_id, Notice(row.notice)) for row in found)

    async def take(self, together: TellTogether, limit: int) -> tuple[Waiting, ...]:
        query = (
            select(notices)
            .where(_of_this_sort(together.person, together.notice), _WAITING, _KNOWN)
            .order_by(notices.c.updated_at, notices.c.key)
            .limit(limit)
        )
        with no_database():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(query)).all()
        return tuple(
            Waiting(
                row.key, Tell(row.reference, Notice(row.notice), Audience(row.audience), row.occasion), row.attempts
            )
            for row in rows
        )

    async def going_out(self, keys: Sequence[str]) -> None:
        await self._count(keys, 1)

    async def not_sent(self, keys: Sequence[str]) -> None:
        await self._count(keys, -1)

    async def _count(self, keys: Sequence[str], by: int) -> None:
        counted = {"attempts": func.greatest(notices.c.attempts + by, 0)}
        query = update(notices).where(notices.c.key.in_(keys), NOT_OVER).values(counted)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query)

    async def forget(self, keys: Sequence[str]) -> None:
        query = delete(notices).where(notices.c.key.in_(keys), _WAITING)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query)

    async def finish(
        self, keys: Sequence[str], *, way: str, activity_id: str, at: datetime, entries: Sequence[Entry] = ()
    ) -> None:
        sent = {"status": "sent", "way": way, "activity_id": activity_id, "updated_at": at}
        with no_database():
            async with self._together.begin() as connection:
                await connection.execute(update(notices).where(notices.c.key.in_(keys)).values(sent))
                await write(connection, entries, self._tenant_id)


def _of_this_sort(person_id: str, notice: Notice) -> ColumnElement[bool]:
    return and_(_OF_ONE_PERSON, notices.c.person_id == person_id, notices.c.notice == notice.value)
