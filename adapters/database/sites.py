"""The register of sites in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import case, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.audit import write
from adapters.database.engine import each_alone
from adapters.database.tables import sites
from adapters.database.trouble import no_database
from domain.site import Site, SiteStatus, address_of, code_of
from services.book import Entry

_SITE = TypeAdapter(Site)
_FIELDS = tuple(Site.__dataclass_fields__)
_SITES = select(*[sites.c[name] for name in _FIELDS])
_BY_NAME = (func.lower(sites.c.name), sites.c.ods)
_OPEN = sites.c.status == SiteStatus.OPEN.value
_MOST_WORDS = 12


class PostgresSites:
    def __init__(self, engine: AsyncEngine, tenant_id: str = "") -> None:
        """`tenant_id`: whose chain the audit's entries are put on."""
        self._engine = engine
        self._tenant_id = tenant_id
        self._alone = each_alone(engine)

    async def by_code(self, ods: str) -> Site | None:
        code = code_of(ods)
        found = await self._sites(_SITES.where(sites.c.ods == code)) if code else ()
        return found[0] if found else None

    async def find(self, words: str, *, limit: int) -> tuple[Site, ...]:
        exact = await self.by_code(words)
        if exact is not None:
            return (exact,)
        open_first = (case((_OPEN, 0), else_=1), *_BY_NAME)
        address = address_of(words)
        if address:
            query = _SITES.where(func.lower(sites.c.mailbox) == address)
            return await self._sites(query.order_by(*open_first).limit(limit))
        wanted = _words(words)
        if not wanted:
            return ()
        conditions = [sites.c.name.icontains(word, autoescape=True) for word in wanted]
        return await self._sites(_SITES.where(*conditions).order_by(*open_first).limit(limit))

    async def of_owner(self, person_id: str) -> tuple[Site, ...]:
        owned = sites.c.owners.contains([{"id": person_id}])
        return await self._sites(_SITES.where(_OPEN, owned).order_by(*_BY_NAME))

    async def all(self) -> tuple[Site, ...]:
        return await self._sites(_SITES.order_by(sites.c.ods))

    async def save(
        self, changed: Sequence[Site], entries: Sequence[Entry], *, was: Mapping[str, Site] | None = None
    ) -> bool:
        with no_database():
            async with self._engine.begin() as connection:
                # Readers go on; writers come one after the other, also those of sites that are not there yet.
                await connection.execute(text("LOCK TABLE sites IN SHARE ROW EXCLUSIVE MODE"))
                if was is not None:
                    codes = [site.ods for site in changed]
                    found = await connection.execute(_SITES.where(sites.c.ods.in_(codes)))
                    now = {row["ods"]: _site_of(row) for row in found.mappings()}
                    if now != {code: site for code, site in was.items() if code in codes}:
                        return False
                if changed:
                    await connection.execute(_SAVE, [_SITE.dump_python(site) for site in changed])
                await write(connection, entries, self._tenant_id)
        return True

    async def _sites(self, query: Any) -> tuple[Site, ...]:
        with no_database():
            async with self._alone.connect() as connection:
                found = await connection.execute(query)
                return tuple(_site_of(row) for row in found.mappings())


_NEW = upsert(sites)
_SAVE = _NEW.on_conflict_do_update(
    index_elements=[sites.c.ods],
    set_={name: _NEW.excluded[name] for name in _FIELDS if name != "ods"} | {"updated_at": func.now()},
)


def _site_of(row: Any) -> Site:
    return _SITE.validate_python(dict(row))


def _words(text: str) -> list[str]:
    """What PostgreSQL can look for: printable characters only, so no NUL and no half of a character."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text[:400])
    return kept.split()[:_MOST_WORDS]
