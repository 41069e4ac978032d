"""Links to files of the evidence in PostgreSQL: only what a token's hash stands for, never a token."""

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone
from adapters.database.tables import file_links
from adapters.database.trouble import no_database
from services.file_links import Link


class PostgresFileLinks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def keep(self, link: Link) -> None:
        values = {name: getattr(link, name) for name in Link.__slots__}
        with no_database():
            async with self._engine.connect() as connection:
                await connection.execute(insert(file_links).values(values))

    async def link(self, mark: bytes) -> Link | None:
        with no_database():
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(file_links).where(file_links.c.mark == mark))).first()
        return Link(**row._mapping) if row else None

    async def use_up(self, mark: bytes) -> bool:
        with no_database():
            async with self._engine.connect() as connection:
                return (await connection.execute(delete(file_links).where(file_links.c.mark == mark))).rowcount == 1

    async def forget_before(self, moment: datetime) -> int:
        with no_database():
            async with self._engine.connect() as connection:
                gone = await connection.execute(delete(file_links).where(file_links.c.expires_at <= moment))
                return gone.rowcount
