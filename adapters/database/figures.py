"""Figures that come from the tables: how requests and jobs stand."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import and_, case, cast, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.drifts import MEMBERS
from adapters.database.engine import each_alone
from adapters.database.overdue import begun, over, overdue
from adapters.database.tables import MOMENT, comparisons, drifts, requests
from adapters.database.trouble import no_database
from adapters.jobs.orders import TASK
from domain.policy import Policy
from domain.request import State
from services.figures import OVERDUE, SHOWN, Jobs, Late, Standing

WHOLE_EVERY = 60.0
"""Seconds between two counts of the whole table."""
_WHOLE_WITHIN = text("SET LOCAL statement_timeout = 5000")
"""Milliseconds: whoever looks at the figures gives up after ten seconds, as Prometheus does unless told otherwise."""
_JOBS = text("""
    SELECT
        count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())) AS waiting,
        count(*) FILTER (WHERE status = 'todo' AND scheduled_at > now()) AS later,
        count(*) FILTER (WHERE status = 'doing') AS running,
        count(*) FILTER (WHERE status = 'todo' AND attempts > 0) AS retried,
        count(*) FILTER (WHERE status = 'failed') AS failed
    FROM procrastinate_jobs
""")
_OLDEST = text("""
    SELECT coalesce(extract(epoch FROM now() - min(coalesce(one.scheduled_at, event.at))), 0)
    FROM procrastinate_jobs AS one
    LEFT JOIN LATERAL (
        SELECT min(at) AS at FROM procrastinate_events WHERE job_id = one.id AND type = 'deferred'
    ) AS event ON true
    WHERE one.status = 'todo' AND (one.scheduled_at IS NULL OR one.scheduled_at <= now())
""")

_UNFINISHED = text("""
    WITH first AS (
        SELECT args ->> 'effect' AS effect, min(id) AS id FROM procrastinate_jobs
        WHERE task_name = :task AND status IN ('todo', 'doing') GROUP BY 1
    )
    SELECT first.effect, extract(epoch FROM now() - min(event.at)) AS seconds
    FROM first JOIN procrastinate_events AS event ON event.job_id = first.id AND event.type = 'deferred'
    GROUP BY first.effect
""")
"""Jobs are numbered as they come, so of each effect the events of one job are read."""


class PostgresFigures:
    def __init__(self, engine: AsyncEngine, policy: Policy, seconds: Callable[[], float] = monotonic) -> None:
        self._engine = each_alone(engine)
        self._in_transactions = engine
        self._policy = policy
        self._seconds = seconds
        self._standings: tuple[Standing, ...] = ()
        self._again_at = float("-inf")

    async def requests(self) -> tuple[Standing, ...]:
        """As they were within the last minute: for this the whole table is read.

        Where that takes too long, it is tried again a minute later. Until then they are as they were.
        """
        if self._seconds() >= self._again_at:
            self._again_at = self._seconds() + WHOLE_EVERY
            of_each = requests.c.kind, requests.c.state
            query = select(*of_each, func.count().label("number")).group_by(*of_each)
            with no_database():
                async with self._in_transactions.begin() as connection:
                    await connection.execute(_WHOLE_WITHIN)
                    rows = (await connection.execute(query)).mappings().all()
            self._standings = tuple(Standing(**row) for row in rows)
        return self._standings

    async def late(self, now: datetime) -> tuple[Late, ...]:
        """Whatever is granting or ending is due again within `check_again`, so the index has what is looked at."""
        put_back = requests.c.starts_at.is_not(None)
        granting_since = case((put_back, begun(self._policy)), else_=cast(requests.c.decided["at"].astext, MOMENT))
        unproved = and_(
            requests.c.state == State.GRANTING.value, granting_since <= now - self._policy.limits.prove_within
        )
        query = (
            select(
                requests.c.kind,
                func.count().filter(requests.c.next_due <= now).label("due"),
                func.count().filter(requests.c.next_due <= now - OVERDUE).label("overdue"),
                func.count().filter(overdue(now, OVERDUE, self._policy)).label("ends_overdue"),
                func.count().filter(unproved).label("unproved"),
            )
            .where(or_(requests.c.next_due <= now + self._policy.limits.check_again, over(now)))
            .group_by(requests.c.kind)
        )
        with no_database():
            async with self._engine.connect() as connection:
                return tuple(Late(**row) for row in (await connection.execute(query)).mappings())

    async def drifts(self, now: datetime) -> Mapping[str, int]:
        """By sort: those that are open, and those that were first seen lately, which may have been over at once."""
        wanted = or_(drifts.c.over_at.is_(None), drifts.c.first_seen > now - SHOWN)
        query = select(drifts.c.sort, func.count().label("number")).where(wanted).group_by(drifts.c.sort)
        with no_database():
            async with self._engine.connect() as connection:
                return {row.sort: row.number for row in await connection.execute(query)}

    async def compared_at(self) -> datetime | None:
        """When Entra and the book were last compared, and the MFA policy read: whichever is longer ago. None: never."""
        query = select(comparisons.c.name, comparisons.c.compared_at).where(comparisons.c.compared_at.is_not(None))
        with no_database():
            async with self._engine.connect() as connection:
                at = {row.name: row.compared_at for row in await connection.execute(query)}
        return min(at.values()) if MEMBERS in at else None

    async def jobs(self) -> Jobs:
        with no_database():
            async with self._engine.connect() as connection:
                counts = (await connection.execute(_JOBS)).mappings().one()
                oldest = (await connection.execute(_OLDEST)).scalar()
                ages = (await connection.execute(_UNFINISHED, {"task": TASK})).all()
        unfinished = {row.effect: timedelta(seconds=float(row.seconds)) for row in ages}
        return Jobs(**counts, oldest=timedelta(seconds=float(oldest or 0)), unfinished=unfinished)
