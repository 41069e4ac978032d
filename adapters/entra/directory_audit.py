"""Who changed the members of a group, read from Entra's audit. Needs AuditLog.Read.All.

https://learn.microsoft.com/graph/api/directoryaudit-list
"""

from typing import Any

import isodate
from msgraph.generated.audit_logs.directory_audits.directory_audits_request_builder import (
    DirectoryAuditsRequestBuilder,
)

from adapters.entra.client import Graph, GraphTrouble
from adapters.entra.exemptions import checked
from domain.errors import NotPermitted, Trouble
from services.drifts import Added

_MOST = 50


class EntraAudit:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def added(self, group: str, entra_id: str) -> Added:
        condition = (
            f"activityDisplayName eq 'Add member to group' and targetResources/any(t:t/id eq '{checked(entra_id)}')"
        )
        query = DirectoryAuditsRequestBuilder.DirectoryAuditsRequestBuilderGetQueryParameters(
            filter=condition, orderby=["activityDateTime desc"], top=_MOST
        )
        try:
            answer = await self._graph.call(self._graph.sdk.audit_logs.directory_audits.get, query=query)
        except GraphTrouble as refused:
            if refused.status == 403:
                raise NotPermitted(refused.message) from refused
            raise
        try:
            return next((_added(row) for row in (answer or {})["value"] if _is_about(row, group)), Added())
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Trouble("Graph's answer about the directory audit has another shape than expected") from error


def _is_about(row: Any, group: str) -> bool:
    """The group is a target of its own, or is named in what was modified about the member."""
    for target in row["targetResources"]:
        modified = target.get("modifiedProperties") or []
        values = [str(one.get("newValue") or "").strip('"').lower() for one in modified]
        if group.lower() in (str(target.get("id") or "").lower(), *values):
            return bool(row.get("result", "success") == "success")
    return False


def _added(row: Any) -> Added:
    initiated = row.get("initiatedBy") or {}
    user, app = initiated.get("user") or {}, initiated.get("app") or {}
    name = user.get("displayName") or app.get("displayName") or app.get("servicePrincipalName") or user.get("id") or ""
    address = user.get("userPrincipalName") or ""
    by = f"{name} ({address})" if name and address else name or address
    return Added(str(by)[:200], isodate.parse_datetime(row["activityDateTime"]))
