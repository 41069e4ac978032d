"""Evidence in PostgreSQL: everything that people wrote or sent is encrypted before it gets there."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.database.audit import write
from adapters.database.sealing import MasterKeys, Sealer
from adapters.database.tables import evidence, evidence_files, file_links
from adapters.database.trouble import no_database
from domain.errors import Trouble
from domain.evidence import EvidenceFile, digest_of
from services.book import Entry

log = structlog.get_logger(__name__)
_FILE = TypeAdapter(EvidenceFile)
_ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class _Folder:
    """One request's evidence, locked, within a transaction."""

    connection: AsyncConnection
    sealer: Sealer
    answers: dict[str, str]

    async def files(self) -> tuple[EvidenceFile, ...]:
        found = await self.connection.execute(
            select(evidence_files.c.id, evidence_files.c.about)
            .where(evidence_files.c.reference == self.sealer.reference)
            .order_by(evidence_files.c.number)
        )
        return tuple(_FILE.validate_json(self.sealer.open(_about(row.id), row.about)) for row in found)


class PostgresEvidence:
    """`keys` are Fernet keys: the first one encrypts. Without a usable one each call that needs it is `Trouble`."""

    def __init__(self, engine: AsyncEngine, keys: Sequence[str], tenant_id: str = "") -> None:
        """`tenant_id`: whose chain the audit's entries are put on."""
        self._engine = engine
        self._tenant_id = tenant_id
        self._master = MasterKeys(keys)

    async def answers(self, reference: str) -> dict[str, str]:
        async with self._reading(reference) as folder:
            return folder.answers if folder else {}

    async def keep_answer(self, reference: str, item: str, text: str, at: datetime) -> None:
        async with self._writing(reference, at) as folder:
            answers = folder.answers | {item: text}
            if not text:
                del answers[item]
            sealed = folder.sealer.seal(_ANSWERS, json.dumps(answers).encode())
            await folder.connection.execute(
                update(evidence).where(evidence.c.reference == reference).values(answers=sealed, updated_at=at)
            )

    async def files(self, reference: str) -> tuple[EvidenceFile, ...]:
        async with self._reading(reference) as folder:
            return await folder.files() if folder else ()

    async def add_file(self, reference: str, file: EvidenceFile, content: bytes, entry: Entry | None = None) -> bool:
        async with self._writing(reference, file.added_at) as folder:
            if any(one.sha256 == file.sha256 for one in await folder.files()):
                return False
            sealed = await asyncio.to_thread(folder.sealer.seal, _content(file.id), content)
            values = {
                "reference": reference,
                "id": file.id,
                "about": folder.sealer.seal(_about(file.id), _FILE.dump_json(file)),
                "content": sealed,
            }
            await folder.connection.execute(insert(evidence_files).values(values))
            await folder.connection.execute(
                update(evidence).where(evidence.c.reference == reference).values(updated_at=file.added_at)
            )
            await write(folder.connection, [entry] if entry else [], self._tenant_id)
            return True

    async def remove_file(self, reference: str, file_id: str, entry: Entry | None = None) -> bool:
        with no_database():
            async with self._engine.begin() as connection:
                # The same lock as for adding: a digest is never of a half-done change.
                await connection.execute(
                    select(evidence.c.reference).where(evidence.c.reference == reference).with_for_update()
                )
                gone = await connection.execute(
                    delete(evidence_files).where(
                        evidence_files.c.reference == reference, evidence_files.c.id == file_id
                    )
                )
                is_gone = gone.rowcount == 1
                await write(connection, [entry] if entry and is_gone else [], self._tenant_id)
                return is_gone

    async def content(self, reference: str, file_id: str) -> bytes | None:
        async with self._reading(reference) as folder:
            if folder is None:
                return None
            query = select(evidence_files.c.content).where(
                evidence_files.c.reference == reference, evidence_files.c.id == file_id
            )
            sealed = (await folder.connection.execute(query)).scalar()
            sealer = folder.sealer
        return None if sealed is None else await asyncio.to_thread(sealer.open, _content(file_id), sealed)

    async def digest(self, reference: str) -> str:
        async with self._reading(reference) as folder:
            return digest_of(folder.answers, await folder.files()) if folder else digest_of({}, ())

    async def purge(self, reference: str) -> bool:
        """Needs no key: what can no longer be read can still be removed."""
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(delete(file_links).where(file_links.c.reference == reference))
                gone = await connection.execute(delete(evidence).where(evidence.c.reference == reference))
                return gone.rowcount == 1

    async def rotate(self) -> int:
        """One request at a time, so that it may be stopped and started again; raises `Trouble` at the end where some
        could not be opened."""
        with no_database():
            async with self._engine.connect() as connection:
                references = (await connection.execute(select(evidence.c.reference))).scalars().all()
        wrapped, left = 0, []
        for reference in references:
            try:
                wrapped += await self._wrap_anew(reference)
            except Trouble as trouble:
                if not trouble.for_good:
                    raise
                log.error("key not wrapped anew", reference=reference, message=trouble.message)  # noqa: TRY400
                left.append(reference)
        if left:
            raise Trouble(
                f"{wrapped} keys were wrapped anew, {len(left)} could not be opened: {', '.join(left[:20])}",
                for_good=True,
            )
        return wrapped

    async def _wrap_anew(self, reference: str) -> int:
        with no_database():
            async with self._engine.begin() as connection:
                same = evidence.c.reference == reference
                query = select(evidence.c.data_key).where(same).with_for_update()
                data_key = (await connection.execute(query)).scalar()
                if data_key is None:
                    return 0
                anew = self._master.wrapped_anew(reference, data_key)
                await connection.execute(update(evidence).where(same).values(data_key=anew))
                return 1

    @asynccontextmanager
    async def _reading(self, reference: str) -> AsyncIterator[_Folder | None]:
        """None where nothing was kept yet. Nobody changes it meanwhile."""
        with no_database():
            async with self._engine.begin() as connection:
                yield await self._folder(connection, reference, for_reading=True)

    @asynccontextmanager
    async def _writing(self, reference: str, at: datetime) -> AsyncIterator[_Folder]:
        """Makes the request's key where there is none. Others wait."""
        new = {"reference": reference, "data_key": self._master.fresh(reference), "updated_at": at}
        with no_database():
            async with self._engine.begin() as connection:
                await connection.execute(upsert(evidence).values(new).on_conflict_do_nothing())
                folder = await self._folder(connection, reference, for_reading=False)
                if folder is None:
                    raise Trouble("the evidence was removed just now")
                yield folder

    async def _folder(self, connection: AsyncConnection, reference: str, *, for_reading: bool) -> _Folder | None:
        query = select(evidence.c.data_key, evidence.c.answers).where(evidence.c.reference == reference)
        row = (await connection.execute(query.with_for_update(read=for_reading))).first()
        if row is None:
            return None
        sealer = self._master.sealer(reference, row.data_key)
        return _Folder(connection, sealer, answers_of(sealer, row.answers))


def answers_of(sealer: Sealer, sealed: bytes | None) -> dict[str, str]:
    """The answers so far, by the policy's items."""
    opened: dict[str, str] = json.loads(sealer.open(_ANSWERS, sealed)) if sealed is not None else {}
    return opened


def _about(file_id: str) -> str:
    return f"about {file_id}"


def _content(file_id: str) -> str:
    return f"content {file_id}"
