"""How often people asked, approved and looked somebody up: counted from what is there, one after another."""

from datetime import datetime

from sqlalchemy import Select, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database.tables import audit, look_ups, requests
from adapters.database.trouble import no_database
from domain.events import What
from domain.outcome import Approval, Asked

APPROVALS = (What.APPROVED.value, What.APPROVED_FIRST.value)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_ODS = requests.c.site["ods"].astext


async def asked(connection: AsyncConnection, by_id: str, subject_id: str, site: str, since: datetime) -> Asked:
    """Whoever asks at the same time, as the same person or for the same site, waits and is then counted."""
    await _alone(connection, f"asks:{by_id}")
    if site:
        await _alone(connection, f"asks for site:{site}")
    recent = select(func.count()).select_from(requests).where(requests.c.asked_at > since)
    return Asked(
        by_person=await _number(connection, recent.where(requests.c.asked_by_id == by_id)),
        for_person=await _number(connection, recent.where(requests.c.subject_id == subject_id)),
        for_site=await _number(connection, recent.where(site == _ODS)) if site else 0,
    )


async def approvals(connection: AsyncConnection, agent_id: str, since: datetime) -> tuple[Approval, ...]:
    await _alone(connection, f"approves:{agent_id}")
    query = (
        select(audit.c.at, _ODS.label("site"))
        .join(requests, requests.c.reference == audit.c.reference)
        .where(audit.c.by_id == agent_id, audit.c.what.in_(APPROVALS), audit.c.at > since)
    )
    return tuple(Approval(row.at, row.site or "") for row in await connection.execute(query))


async def _alone(connection: AsyncConnection, name: str) -> None:
    """Until the transaction ends, nobody else passes here by this name."""
    await connection.execute(_LOCK, {"name": name})


async def _number(connection: AsyncConnection, query: Select[int]) -> int:
    found: int = (await connection.execute(query)).scalar_one()
    return found


class PostgresLookUps:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def one_more(self, person_id: str, at: datetime, *, since: datetime, most: int | None) -> int:
        if most is None:
            return 0
        with no_database():
            async with self._engine.begin() as connection:
                await _alone(connection, f"looks up:{person_id}")
                await connection.execute(delete(look_ups).where(look_ups.c.at <= since))
                own = select(func.count()).select_from(look_ups).where(look_ups.c.person_id == person_id)
                before = await _number(connection, own)
                if before < most:
                    await connection.execute(insert(look_ups).values(person_id=person_id, at=at))
        return before
