"""Graph's /groups/delta: who is in which group, and then only what has changed since.

https://learn.microsoft.com/graph/api/group-delta
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from aiohttp import web

from sandbox.answers import GraphError, Json
from sandbox.directory import GROUP, Directory
from sandbox.odata import selected

_ID = r"id\s+eq\s+'([^']+)'"
_IDS = re.compile(rf"\s*{_ID}(?:\s+or\s+{_ID})*\s*", re.IGNORECASE)
_MOST_GROUPS = 50
_USUAL = 100


@dataclass(frozen=True, slots=True)
class _Place:
    """What a token holds: where the caller is."""

    groups: list[str] = field(default_factory=list)
    select: str = ""
    since: int | None = None
    """The number of the last change that the caller knows; None: nothing is known yet."""
    until: int = 0
    """The number of the last change when this round began."""
    after: list[str] = field(default_factory=list)
    """Group and user of the last line of the page before; empty before the first page."""


class Delta:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._state = directory.state

    def routes(self) -> list[web.RouteDef]:
        """To be asked before /groups/{group}."""
        return [
            web.get("/v1.0/groups/delta", self._delta),
            web.get("/v1.0/groups/microsoft.graph.delta()", self._delta),
            web.get("/v1.0/groups/delta()", self._delta),
        ]

    async def _delta(self, request: web.Request) -> web.Response:
        place = self._place(request)
        size = _size(request)
        lines = [line for line in self._lines(place) if list(line[:2]) > place.after]
        shown, more = lines[:size], lines[size:]
        body: Json = {"@odata.context": f"{request.url.origin()}/v1.0/$metadata#groups"}
        if more:
            body["@odata.nextLink"] = _link(request, "$skiptoken", replace(place, after=list(shown[-1][:2])))
        else:
            later = replace(place, since=place.until, until=0, after=[])
            body["@odata.deltaLink"] = _link(request, "$deltatoken", later)
        body["value"] = self._rows(place, shown)
        return web.json_response(body)

    def _place(self, request: web.Request) -> _Place:
        query = request.query
        if "$skiptoken" in query:
            return self._read(query["$skiptoken"])
        if "$deltatoken" in query:
            return replace(self._read(query["$deltatoken"]), until=self._state.last_change)
        return _Place(self._named(query.get("$filter", "")), query.get("$select", ""), until=self._state.last_change)

    def _named(self, text: str) -> list[str]:
        known = list(self._directory.tenant.groups.values())
        if not text:
            return sorted(set(known))
        if not _IDS.fullmatch(text):
            raise GraphError(400, "Unsupported filter: only groups by their ids.", code="Request_UnsupportedQuery")
        wanted = {found.lower() for found in re.findall(_ID, text, re.IGNORECASE)}
        if len(wanted) > _MOST_GROUPS:
            raise GraphError(400, "Too many ids in the filter.", code="Request_UnsupportedQuery")
        return sorted(wanted & set(known))

    def _read(self, token: str) -> _Place:
        try:
            place = _Place(**json.loads(base64.urlsafe_b64decode(token.encode())))
        except (ValueError, TypeError):
            raise GraphError(400, "Badly formed token.", code="Request_BadRequest") from None
        known = place.since if place.since is not None else place.until
        if not self._state.first_change <= known <= self._state.last_change:
            raise GraphError(410, "The delta token is too old: start again.", code="syncStateNotFound")
        return place

    def _lines(self, place: _Place) -> list[tuple[str, str, bool]]:
        """Group, user, and whether they are a member, in this order."""
        if place.since is None:
            return [(group, user, True) for group in place.groups for user in self._state.members(group)]
        latest = {
            (change.group, change.user): change.added
            for change in self._state.member_changes(place.since)
            if change.group in place.groups and change.number <= place.until
        }
        return sorted((group, user, added) for (group, user), added in latest.items())

    def _rows(self, place: _Place, shown: list[tuple[str, str, bool]]) -> list[Json]:
        first = place.since is None and not place.after
        groups = place.groups if first else list(dict.fromkeys(group for group, _, _ in shown))
        return [self._row(place, group, shown) for group in groups]

    def _row(self, place: _Place, group: str, shown: list[tuple[str, str, bool]]) -> Json:
        wanted = [name.strip() for name in place.select.split(",") if name.strip()]
        names = [name for name in wanted if name != "members"]
        chosen = GROUP.chosen(",".join(["id", *names]) if wanted else "")
        row = selected(self._directory.group_row(group), chosen)
        members = list(self._members(group, shown)) if not wanted or "members" in wanted else []
        return {**row, **({"members@delta": members} if members else {})}

    def _members(self, group: str, shown: list[tuple[str, str, bool]]) -> Iterator[Json]:
        for one, member, added in shown:
            if one == group:
                row = {"@odata.type": self._directory.kind(member).odata_type, "id": member}
                yield row if added else {**row, "@removed": {"reason": "deleted"}}


def _link(request: web.Request, name: str, place: _Place) -> str:
    token = base64.urlsafe_b64encode(json.dumps(asdict(place)).encode()).decode()
    return str(request.url.with_query({name: token}))


def _size(request: web.Request) -> int:
    found = re.search(r"odata\.maxpagesize=([1-9][0-9]{0,2})\b", request.headers.get("Prefer", ""))
    return int(found[1]) if found else _USUAL
