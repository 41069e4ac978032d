"""Figures that come from the tables: how requests and jobs stand."""

from datetime import datetime, timedelta

from sqlalchemy import and_, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone
from adapters.database.tables import MOMENT, requests
from adapters.database.trouble import no_database
from domain.request import State
from services.figures import OVERDUE, UNPROVED, Jobs, Standing

_EXEMPT = requests.c.state.in_([State.ACTIVE.value, State.ENDING.value])
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


class PostgresFigures:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def requests(self, now: datetime) -> tuple[Standing, ...]:
        late = now - OVERDUE
        approved = cast(requests.c.decided["at"].astext, MOMENT)
        unproved = and_(requests.c.state == State.GRANTING.value, approved <= now - UNPROVED)
        query = select(
            requests.c.kind,
            requests.c.state,
            func.count().label("number"),
            func.count().filter(requests.c.next_due <= now).label("due"),
            func.count().filter(requests.c.next_due <= late).label("overdue"),
            func.count().filter(_EXEMPT, requests.c.ends_at <= late).label("ends_overdue"),
            func.count().filter(unproved).label("unproved"),
        ).group_by(requests.c.kind, requests.c.state)
        with no_database():
            async with self._engine.connect() as connection:
                return tuple(Standing(**row) for row in (await connection.execute(query)).mappings())

    async def jobs(self) -> Jobs:
        with no_database():
            async with self._engine.connect() as connection:
                counts = (await connection.execute(_JOBS)).mappings().one()
                oldest = (await connection.execute(_OLDEST)).scalar()
        return Jobs(**counts, oldest=timedelta(seconds=float(oldest or 0)))
