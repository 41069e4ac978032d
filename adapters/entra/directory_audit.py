"""Who changed the members of a group, read from Entra's audit. Needs AuditLog.Read.All.

https://learn.microsoft.com/graph/api/directoryaudit-list
"""

from datetime import datetime, timedelta
from typing import Any

import isodate
from msgraph.generated.audit_logs.directory_audits.directory_audits_request_builder import (
    DirectoryAuditsRequestBuilder,
)

from adapters.entra.client import Graph, permission
from adapters.entra.exemptions import checked
from domain.errors import Trouble
from services.drifts import Added

_ADDED, _REMOVED = "Add member to group", "Remove member from group"
_MOST = 50
_ASKEW = timedelta(minutes=1)
"""By so much Entra's clock and ours may differ."""


class EntraAudit:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def added(self, group: str, entra_id: str, seen: datetime) -> Added:
        """What comes minutes late is not there yet where the newest line is of an earlier removal."""
        try:
            # In two calls: Graph says of `eq` that it may be asked for, and does not say it of `or`.
            removed = [one for one in await self._changes(_REMOVED, group, entra_id) if _at(one) < seen - _ASKEW]
            added = [one for one in await self._changes(_ADDED, group, entra_id) if _at(one) <= seen + _ASKEW]
            newest = max(added, key=_at, default=None)
            if newest is None or any(_at(one) >= _at(newest) for one in removed):
                return Added()
            return _added(newest)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Trouble("Graph's answer about the directory audit has another shape than expected") from error

    async def _changes(self, activity: str, group: str, entra_id: str) -> list[Any]:
        condition = f"activityDisplayName eq '{activity}' and targetResources/any(t:t/id eq '{checked(entra_id)}')"
        query = DirectoryAuditsRequestBuilder.DirectoryAuditsRequestBuilderGetQueryParameters(
            filter=condition, orderby=["activityDateTime desc"], top=_MOST
        )
        with permission():
            answer = await self._graph.call(self._graph.sdk.audit_logs.directory_audits.get, query=query)
        return [row for row in (answer or {})["value"] if _is_about(row, group)]


def _is_about(row: Any, group: str) -> bool:
    """The group is a target of its own, or is named in what was modified about the member."""
    for target in row["targetResources"]:
        modified = target.get("modifiedProperties") or []
        named = [one.get(which) for one in modified for which in ("newValue", "oldValue")]
        values = [str(one or "").strip('"').lower() for one in named]
        if group.lower() in (str(target.get("id") or "").lower(), *values):
            return bool(row.get("result", "success") == "success")
    return False


def _added(row: Any) -> Added:
    initiated = row.get("initiatedBy") or {}
    user, app = initiated.get("user") or {}, initiated.get("app") or {}
    name = user.get("displayName") or app.get("displayName") or app.get("servicePrincipalName") or user.get("id") or ""
    address = user.get("userPrincipalName") or ""
    by = f"{name} ({address})" if name and address else name or address
    return Added(str(by)[:200], _at(row))


def _at(row: Any) -> datetime:
    found: datetime = isodate.parse_datetime(row["activityDateTime"])
    return found
