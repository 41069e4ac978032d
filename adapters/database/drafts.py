"""Half-finished conversations in PostgreSQL."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone, first
from adapters.database.tables import drafts
from adapters.database.trouble import no_database
from adapters.database.values import sent_of
from services.book import Draft
from services.chat import Sent

# Built once: each of these runs in almost every turn, and building a statement costs more than sending it.
_IS = (drafts.c.person_id == bindparam("whose"), drafts.c.topic == bindparam("about"))
_SAME = (*_IS, drafts.c.version == bindparam("known"))
_ONE = select(drafts).where(*_IS)
_LATEST = select(drafts).where(_IS[0]).order_by(drafts.c.updated_at.desc()).limit(1)
_CHANGED = ("answers", "version", "card", "updated_at", "activity")
_CHANGE = update(drafts).where(*_SAME).values({name: bindparam(name) for name in _CHANGED}).returning(drafts.c.version)
_ADD = (
    upsert(drafts)
    .values({name: bindparam(name) for name in Draft.__slots__})
    .on_conflict_do_nothing()
    .returning(drafts.c.version)
)
_SHOWN = update(drafts).where(*_SAME).values(card=bindparam("card")).returning(drafts.c.version)


class PostgresDrafts:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def draft(self, person_id: str, topic: str) -> Draft | None:
        return await self._first(_ONE, {"whose": person_id, "about": topic})

    async def latest(self, person_id: str) -> Draft | None:
        return await self._first(_LATEST, {"whose": person_id})

    async def _first(self, query: Select[Any], values: dict[str, Any]) -> Draft | None:
        with no_database():
            row = await first(self._engine, query, values)
        if row is None:
            return None
        return Draft(**{**row, "card": sent_of(row["card"]) if row["card"] else None})

    async def keep(self, draft: Draft) -> Draft | None:
        kept = replace(draft, version=draft.version + 1)
        changed = {name: getattr(kept, name) for name in _CHANGED}
        where = _which(draft) if draft.version else {"person_id": draft.person_id, "topic": draft.topic}
        query = _CHANGE if draft.version else _ADD
        with no_database():
            kept_one = await first(self._engine, query, changed | where)
        return kept if kept_one else None

    async def shown(self, draft: Draft, card: Sent) -> None:
        with no_database():
            await first(self._engine, _SHOWN, _which(draft) | {"card": card})

    async def drop(self, person_id: str, topic: str) -> None:
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(delete(drafts).where(drafts.c.person_id == person_id, drafts.c.topic == topic))

    async def forget_before(self, moment: datetime) -> int:
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(delete(drafts).where(drafts.c.updated_at < moment))).rowcount


def _which(draft: Draft) -> dict[str, Any]:
    return {"whose": draft.person_id, "about": draft.topic, "known": draft.version}
