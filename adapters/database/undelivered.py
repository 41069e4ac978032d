"""How often a notice failed for a reason that will not pass, in PostgreSQL."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone
from adapters.database.tables import undelivered
from adapters.database.trouble import no_database
from services.deliver import Failures


class PostgresUndelivered:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def failed(self, key: str, at: datetime, *, anew: bool = False) -> Failures:
        first = {"tries": 1, "since": at}
        again = first if anew else {"tries": undelivered.c.tries + 1}
        query = (
            upsert(undelivered)
            .values(key=key, **first)
            .on_conflict_do_update(index_elements=[undelivered.c.key], set_=again)
            .returning(undelivered.c.tries, undelivered.c.since)
        )
        with no_database():
            async with self._engine.begin() as connection:
                row = (await connection.execute(query)).one()
        return Failures(row.tries, row.since)

    async def forget(self, *keys: str) -> None:
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(delete(undelivered).where(undelivered.c.key.in_(keys)))
