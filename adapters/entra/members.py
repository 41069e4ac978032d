"""Who is in the exemption groups: read whole, and then by Graph's delta, which tells only what has changed since.

https://learn.microsoft.com/graph/delta-query-groups
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import structlog
from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder

from adapters.entra.client import Graph, GraphThrottled, GraphTrouble
from adapters.entra.exemptions import checked
from domain.errors import NoSuchGroup, Trouble
from services.drifts import Known

log = structlog.get_logger(__name__)
_MOST_PAGES = 2000
_STRANGE = "Graph's answer about the members of a group has another shape than expected"


class EntraMembers:
    """Keeps `services.drifts.Members`. What is in doubt is `Trouble`: half a group would be worse than none."""

    def __init__(self, graph: Graph, base_url: str) -> None:
        self._graph = graph
        self._base_url = base_url.rstrip("/")

    async def read(self, groups: Collection[str], known: Known | None) -> Known:
        wanted = sorted({checked(group) for group in groups})
        if not wanted:
            return Known({})
        if known is not None and known.link and set(known.members) == set(wanted):
            try:
                return await self._changed(wanted, known)
            except GraphThrottled:
                raise
            except GraphTrouble as refused:
                log.info("delta refused, so everybody is read", status=refused.status, code=refused.code)
        try:
            return await self._whole(wanted)
        except GraphThrottled:
            raise
        except GraphTrouble as refused:
            log.info("no delta, so groups are read one by one", status=refused.status, code=refused.code)
        return Known({group: await self._members(group) for group in wanted})

    async def holds(self, group: str, entra_id: str) -> bool:
        """By the list itself: a filter on it is answered from an index, which comes minutes late."""
        wanted = checked(entra_id).lower()
        async for one in self._one_by_one(checked(group)):
            if one == wanted:
                return True
        return False

    async def _whole(self, groups: list[str]) -> Known:
        query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
            select=["id", "members"], filter=" or ".join(f"id eq '{group}'" for group in groups)
        )
        first = await self._graph.call(self._graph.sdk.groups.delta.get, query=query)
        members: dict[str, set[str]] = {group: set() for group in groups}
        link, named = await self._follow(first, members)
        if missing := [group for group in groups if group not in named]:
            # Delta leaves out what it does not know: a group that is not there is trouble, and never an empty one.
            for group in missing:
                members[group] = set(await self._members(group))
        return Known(_frozen(members), link)

    async def _changed(self, groups: list[str], known: Known) -> Known:
        members = {group: set(known.members[group]) for group in groups}
        first = await self._graph.call(self._graph.sdk.groups.delta.with_url(self._own(known.link)).get)
        link, _ = await self._follow(first, members)
        return Known(_frozen(members), link, known.whole_at)

    async def _follow(self, body: dict[str, Any] | None, members: dict[str, set[str]]) -> tuple[str, set[str]]:
        """Applies each page in turn; gives the link for the next time and the groups that were named."""
        named: set[str] = set()
        by_lower = {group.lower(): group for group in members}
        for _ in range(_MOST_PAGES):
            for row in _rows(body):
                group = by_lower.get(_id_of(row))
                if group is None:
                    continue
                if "@removed" in row:
                    raise NoSuchGroup
                named.add(group)
                if (changes := row.get("members@delta")) is not None:
                    _apply(changes, members[group])
            assert body is not None
            if link := body.get("@odata.deltaLink"):
                return str(link), named
            following = self._own(str(body.get("@odata.nextLink") or ""))
            body = await self._graph.call(self._graph.sdk.groups.delta.with_url(following).get)
        raise Trouble("Graph's pages of group members have no end")

    async def _members(self, group: str) -> frozenset[str]:
        return frozenset([entra_id async for entra_id in self._one_by_one(group)])

    async def _one_by_one(self, group: str) -> AsyncIterator[str]:
        query = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(select=["id"], top=999)
        builder = self._graph.sdk.groups.by_group_id(group).members
        body = await self._graph.call(builder.get, query=query, none_for=(404,))
        if body is None:
            raise NoSuchGroup
        for _ in range(_MOST_PAGES):
            for row in _rows(body):
                yield _id_of(row)
            assert body is not None
            if not body.get("@odata.nextLink"):
                return
            body = await self._graph.call(builder.with_url(self._own(str(body["@odata.nextLink"]))).get)
        raise Trouble("Graph's pages of group members have no end")

    def _own(self, link: str) -> str:
        """The same, where it leads to Graph."""
        if not link.startswith(f"{self._base_url}/"):
            raise Trouble("Graph's link to the next page leads elsewhere")
        return link


def _apply(changes: Any, members: set[str]) -> None:
    if not isinstance(changes, list):
        raise Trouble(_STRANGE)
    for change in changes:
        if "@removed" in change:
            members.discard(_id_of(change))
        else:
            members.add(_id_of(change))


def _rows(body: dict[str, Any] | None) -> list[Any]:
    rows = (body or {}).get("value")
    if not isinstance(rows, list):
        raise Trouble(_STRANGE)
    return rows


def _id_of(row: Any) -> str:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
        raise Trouble(_STRANGE)
    return str(row["id"]).lower()


def _frozen(members: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {group: frozenset(ids) for group, ids in members.items()}
