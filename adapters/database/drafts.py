"""Half-finished conversations in PostgreSQL."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone
from adapters.database.tables import drafts
from adapters.database.trouble import no_database
from adapters.database.values import sent_of
from services.book import Draft
from services.chat import Sent


class PostgresDrafts:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def draft(self, person_id: str, topic: str) -> Draft | None:
        return await self._first(select(drafts).where(drafts.c.person_id == person_id, drafts.c.topic == topic))

    async def latest(self, person_id: str) -> Draft | None:
        return await self._first(
            select(drafts).where(drafts.c.person_id == person_id).order_by(drafts.c.updated_at.desc()).limit(1)
        )

    async def _first(self, query: Any) -> Draft | None:
        with no_database():
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        return Draft(**{**row, "card": sent_of(row["card"]) if row["card"] else None})

    async def keep(self, draft: Draft) -> Draft | None:
        kept = replace(draft, version=draft.version + 1)
        values = {name: getattr(kept, name) for name in Draft.__slots__}
        changed = {name: values[name] for name in ("answers", "version", "card", "updated_at")}
        same = (
            drafts.c.person_id == draft.person_id,
            drafts.c.topic == draft.topic,
            drafts.c.version == draft.version,
        )
        query = (
            update(drafts).where(*same).values(changed).returning(drafts.c.version)
            if draft.version
            else upsert(drafts).values(values).on_conflict_do_nothing().returning(drafts.c.version)
        )
        with no_database():
            async with self._engine.begin() as connection:
                kept_one = (await connection.execute(query)).first() is not None
        return kept if kept_one else None

    async def shown(self, draft: Draft, card: Sent) -> None:
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(
                    update(drafts)
                    .where(
                        drafts.c.person_id == draft.person_id,
                        drafts.c.topic == draft.topic,
                        drafts.c.version == draft.version,
                    )
                    .values(card=card)
                )

    async def drop(self, person_id: str, topic: str) -> None:
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(delete(drafts).where(drafts.c.person_id == person_id, drafts.c.topic == topic))

    async def forget_before(self, moment: datetime) -> int:
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(delete(drafts).where(drafts.c.updated_at < moment))).rowcount
