"""Where people and cards are, and what was already heard, in PostgreSQL."""

from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.engine import each_alone, first
from adapters.database.tables import addresses, copies, places, seen
from adapters.database.trouble import no_database
from adapters.database.values import address_of
from services.book import Copy
from services.chat import Address, Begun, Sent

_DECISIONS = "decisions"

# Built once: they run in every turn, and building a statement costs more than sending it.
_NEW = upsert(addresses).values(
    {name: bindparam(name) for name in ("person_id", "address", "teams_id", "updated_at")}
    | {"welcomed": False, "dead": False}
)
_REMEMBER = _NEW.on_conflict_do_update(
    index_elements=[addresses.c.person_id],
    set_={name: _NEW.excluded[name] for name in ("address", "teams_id", "dead", "updated_at")},
).returning(addresses.c.welcomed)
LONGEST_TURN = timedelta(minutes=2)
_NEW_TURN = upsert(seen).values(
    conversation_id=bindparam("conversation_id"),
    activity_id=bindparam("activity_id"),
    runner=func.current_setting("application_name"),
    done=False,
)
_BEGIN = _NEW_TURN.on_conflict_do_update(
    index_elements=[seen.c.conversation_id, seen.c.activity_id],
    set_={"at": func.now(), "runner": _NEW_TURN.excluded.runner},
    where=and_(
        seen.c.done.is_(False),
        or_(
            seen.c.at < func.now() - LONGEST_TURN,
            # A process keeps at least one connection, with its own name: see `engine.py`.
            text("NOT EXISTS (SELECT FROM pg_stat_activity AS one WHERE one.application_name = seen.runner)"),
        ),
    ),
).returning(text("xmax <> 0 AS again"))  # of a row that was there already, xmax is who changed it
_DONE = (
    update(seen)
    .where(seen.c.conversation_id == bindparam("conversation"), seen.c.activity_id == bindparam("activity"))
    .values(done=True)
    .returning(seen.c.at)
)


class PostgresAddresses:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def remember(self, person_id: str, teams_id: str, address: Address, at: datetime) -> bool:
        values = {"person_id": person_id, "address": address, "teams_id": teams_id, "updated_at": at}
        with no_database():
            kept = await first(self._engine, _REMEMBER, values)
        return bool(kept and kept["welcomed"])

    async def welcome(self, person_id: str) -> bool:
        query = (
            update(addresses)
            .where(addresses.c.person_id == person_id, addresses.c.welcomed.is_(False))
            .values(welcomed=True)
        )
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(query)).rowcount == 1

    async def of(self, person_id: str) -> Address | None:
        query = select(addresses.c.address).where(addresses.c.person_id == person_id, addresses.c.dead.is_(False))
        with no_database():
            async with self._engine.connect() as connection:
                value = (await connection.execute(query)).scalar()
        return address_of(value) if value else None

    async def dead(self, person_id: str, tried: Address, at: datetime) -> None:
        same = addresses.c.address["conversation_id"].astext == tried.conversation_id
        query = update(addresses).where(addresses.c.person_id == person_id, same, addresses.c.updated_at <= at)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query.values(dead=True))

    async def is_dead(self, person_id: str) -> bool:
        query = select(addresses.c.dead).where(addresses.c.person_id == person_id)
        with no_database():
            async with self._engine.connect() as connection:
                return bool((await connection.execute(query)).scalar())

    async def place(self) -> Address | None:
        with no_database():
            async with self._engine.connect() as connection:
                value = (await connection.execute(select(places.c.address).where(places.c.name == _DECISIONS))).scalar()
        return address_of(value) if value else None

    async def set_place(self, address: Address, at: datetime, *, only_first: bool) -> bool:
        insert = upsert(places).values(name=_DECISIONS, address=address, updated_at=at)
        fresh = {"address": address, "updated_at": at}
        insert = (
            insert.on_conflict_do_nothing()
            if only_first
            else insert.on_conflict_do_update(index_elements=[places.c.name], set_=fresh)
        )
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(insert.returning(places.c.name))).first() is not None


class PostgresCopies:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def add_copy(self, copy: Copy) -> None:
        values = {
            "reference": copy.reference,
            "conversation_id": copy.sent.address.conversation_id,
            "activity_id": copy.sent.activity_id,
            "view": copy.view,
            "viewer_id": copy.viewer_id,
            "address": copy.sent.address,
        }
        query = upsert(copies).values(values)
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(
                    query.on_conflict_do_update(
                        index_elements=[copies.c.reference, copies.c.conversation_id, copies.c.activity_id],
                        set_={"view": copy.view, "viewer_id": copy.viewer_id},
                    )
                )

    async def copies(self, reference: str) -> tuple[Copy, ...]:
        with no_database():
            async with self._engine.connect() as connection:
                found = await connection.execute(select(copies).where(copies.c.reference == reference))
                return tuple(
                    Copy(row.reference, row.view, row.viewer_id, Sent(address_of(row.address), row.activity_id))
                    for row in found
                )

    async def forget_copy(self, copy: Copy) -> None:
        query = delete(copies).where(
            copies.c.reference == copy.reference,
            copies.c.conversation_id == copy.sent.address.conversation_id,
            copies.c.activity_id == copy.sent.activity_id,
        )
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query)

    async def forget_at(self, sent: Sent) -> None:
        query = delete(copies).where(
            copies.c.conversation_id == sent.address.conversation_id, copies.c.activity_id == sent.activity_id
        )
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(query)


class PostgresSeen:
    """Which activities were heard, and by whom: Teams sends one again when it was not answered in about 15 seconds."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_alone(engine)

    async def begin(self, conversation_id: str, activity_id: str) -> Begun | None:
        values = {"conversation_id": conversation_id, "activity_id": activity_id}
        with no_database():
            begun = await first(self._engine, _BEGIN, values)
        if begun is None:
            return None
        return Begun.AGAIN if begun["again"] else Begun.FIRST

    async def done(self, conversation_id: str, activity_id: str) -> None:
        with no_database():
            await first(self._engine, _DONE, {"conversation": conversation_id, "activity": activity_id})

    async def forget_old(self) -> int:
        """Forgets what was heard more than a day ago, by the database's own clock."""
        query = delete(seen).where(seen.c.at < func.now() - func.make_interval(0, 0, 0, 1))
        with no_database():
            async with self._engine.begin() as connection:
                return (await connection.execute(query)).rowcount
