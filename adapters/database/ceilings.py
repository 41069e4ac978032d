"""The ceilings of Teams and Graph in PostgreSQL: a row each, and one statement to ask. By the database's own clock."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone, first
from adapters.database.trouble import no_database
from services.pace import FARTHEST, Ceiling, Turn

_NOW = "coalesce(CAST(:now AS double precision), extract(epoch FROM statement_timestamp())::double precision)"
_LIMITS = "CAST(:every AS double precision[]), CAST(:slack AS double precision[])"
# Two statements in one because a row has to be there before it can be asked. What one statement reads it keeps locked
# until it has written, so that no two callers get the same turn. A newer or older version may know another number of
# limits: what is missing counts as free, and what is too many is dropped. What is `gone` was written before the
# clock was set back: nothing of it counts.
_ASK = text(f"""
    INSERT INTO ceilings AS one (name, free_at, booked, answer)
    SELECT :name, array_agg({_NOW} + every ORDER BY n), true, {_NOW}
    FROM unnest(CAST(:every AS double precision[])) WITH ORDINALITY AS known(every, n)
    ON CONFLICT (name) DO UPDATE SET (free_at, later_at, paused_until, booked, answer, used_at) = (
        SELECT
            CASE WHEN near THEN taken ELSE one.free_at END,
            CASE
                WHEN gone THEN 0
                WHEN near OR NOT :in_line THEN one.later_at
                ELSE greatest(one.later_at, at) + first_every
            END,
            CASE WHEN gone THEN 0 ELSE one.paused_until END,
            near,
            CASE WHEN near OR NOT :in_line THEN at ELSE greatest(one.later_at, at) END,
            now()
        FROM (
            SELECT at, first_every, gone, at <= {_NOW} + :patience AS near,
                (SELECT array_agg(greatest(CASE WHEN NOT gone THEN free END, at) + every ORDER BY n)
                 FROM unnest(one.free_at, {_LIMITS}) WITH ORDINALITY AS l(free, every, slack, n)
                 WHERE every IS NOT NULL) AS taken
            FROM (
                SELECT known_at > {_NOW} + :farthest AS gone, first_every,
                    CASE WHEN known_at > {_NOW} + :farthest THEN {_NOW} ELSE known_at END AS at
                FROM (
                    SELECT greatest(max(free - slack), one.paused_until, {_NOW}) AS known_at,
                        (CAST(:every AS double precision[]))[1] AS first_every
                    FROM unnest(one.free_at, {_LIMITS}) AS l(free, every, slack)
                ) AS known
            ) AS earliest
        ) AS answered
    )
    RETURNING booked, answer - {_NOW} AS wait
""")  # noqa: S608  # only the two constants above are put in
_SPEND = text(f"""
    INSERT INTO ceilings AS one (name, free_at)
    SELECT :name, array_agg({_NOW} + every * :number ORDER BY n)
    FROM unnest(CAST(:every AS double precision[])) WITH ORDINALITY AS known(every, n)
    ON CONFLICT (name) DO UPDATE SET used_at = now(), free_at = (
        SELECT array_agg(greatest(free, {_NOW}) + every * :number ORDER BY n)
        FROM unnest(one.free_at, {_LIMITS}) WITH ORDINALITY AS l(free, every, slack, n)
        WHERE every IS NOT NULL
    )
    RETURNING name
""")  # noqa: S608
_PAUSE = text(f"""
    INSERT INTO ceilings AS one (name, paused_until) VALUES (:name, {_NOW} + :wait)
    ON CONFLICT (name) DO UPDATE SET
        used_at = now(), paused_until = greatest(one.paused_until, excluded.paused_until)
    RETURNING name
""")  # noqa: S608
_FORGET = text("DELETE FROM ceilings WHERE used_at < now() - interval '2 hours'")
"""The longest limit is an hour."""


class PostgresCeilings:
    """`now`, in tests, is the moment to go by, in seconds."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def ask(
        self, ceiling: Ceiling, patience: timedelta, now: float | None = None, *, in_line: bool = True
    ) -> Turn:
        values = _values(ceiling, now) | {
            "patience": patience.total_seconds(),
            "in_line": in_line,
            "farthest": max(FARTHEST, patience).total_seconds(),
        }
        with no_database():
            row = await first(self._engine, _ASK, values)
        assert row is not None
        return Turn(row["booked"], max(0.0, row["wait"]))

    async def spend(self, ceiling: Ceiling, number: int, now: float | None = None) -> None:
        with no_database():
            await first(self._engine, _SPEND, _values(ceiling, now) | {"number": number})

    async def pause(self, ceiling: Ceiling, wait: timedelta, now: float | None = None) -> None:
        values = {"name": ceiling.name, "wait": wait.total_seconds(), "now": now}
        with no_database():
            await first(self._engine, _PAUSE, values)

    async def forget_old(self) -> int:
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(_FORGET)).rowcount


def _values(ceiling: Ceiling, now: float | None) -> dict[str, Any]:
    every, slack = zip(*((limit.every, limit.slack) for limit in ceiling.limits), strict=True)
    return {"name": ceiling.name, "every": list(every), "slack": list(slack), "now": now}
