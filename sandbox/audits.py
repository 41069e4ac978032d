"""Graph's directory audit, as far as it is about members of groups; and the door through which people change them."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from sandbox.answers import GraphError, Json, page
from sandbox.clock import MovableClock, written
from sandbox.directory import USER, Directory
from sandbox.doors import body_of, refused
from sandbox.odata import BadQueryError
from sandbox.state import MemberChange

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Test = Callable[[Json], bool]
_BY = web.RequestKey("by", str)
_APP = {
    "appId": "5c1f6a60-77a1-4f1c-8f0e-0d3d9b6f6a11",
    "displayName": "MFA exceptions",
    "servicePrincipalId": "9d0c8d1e-14b4-4f9e-9d57-6c3a4f1f2b22",
    "servicePrincipalName": None,
}
_TEXT = re.compile(r"(activityDisplayName|category|id)\s+eq\s+'((?:[^']|'')*)'")
_MOMENT = re.compile(r"activityDateTime\s+(ge|gt|le|lt)\s+(\S+)")
_TARGET = re.compile(r"targetResources/any\(\s*(\w+)\s*:\s*\1/id\s+eq\s+'([^']*)'\s*\)")
_DOOR = '{"group": "exempt_short", "user": "anna.baker1@nhs.example", "action": "add", "by": "Sam Price"}'


class Audits:
    def __init__(self, directory: Directory, clock: MovableClock) -> None:
        self._directory = directory
        self._state = directory.state
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1.0/auditLogs/directoryAudits", self._audits),
            web.post("/sandbox/members", self._change),
        ]

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever changed members in this request is written down with its moment and who did it."""
        try:
            return await handler(request)
        finally:
            self._state.note_changes(written(self._clock.now()), request.get(_BY, ""))

    async def _audits(self, request: web.Request) -> web.Response:
        tests = _read(request.query.get("$filter", ""))
        rows = [self._row(change) for change in self._state.member_changes()]
        order = request.query.get("$orderby", "activityDateTime desc").split()
        if order[:1] != ["activityDateTime"] or order[1:] not in ([], ["asc"], ["desc"]):
            raise GraphError(400, "Sorting not supported for current query.", code="BadRequest")
        found = [row for row in rows if all(test(row) for test in tests)]
        return page(request, "auditLogs/directoryAudits", found[::-1] if order[1:] == ["desc"] else found)

    def _row(self, change: MemberChange) -> Json:
        known = next((user for user in self._directory.tenant.users if user.id == change.user), None)
        value = "newValue" if change.added else "oldValue"
        modified = {"displayName": "Group.ObjectID", "oldValue": None, "newValue": None, value: f'"{change.group}"'}
        member: Json = {
            "id": change.user,
            "displayName": None,
            "type": "User" if self._directory.kind(change.user) is USER else "Group",
            "userPrincipalName": known.upn if known else None,
            "groupType": None,
            "modifiedProperties": [modified],
        }
        group: Json = {
            "id": change.group,
            "displayName": None,
            "type": "Group",
            "userPrincipalName": None,
            "groupType": "azureAD",
            "modifiedProperties": [],
        }
        return {
            "id": f"Directory_{change.number}",
            "category": "GroupManagement",
            "correlationId": str(uuid5(NAMESPACE_URL, f"change/{change.number}")),
            "result": "success",
            "resultReason": "",
            "activityDisplayName": "Add member to group" if change.added else "Remove member from group",
            "activityDateTime": change.at,
            "loggedByService": "Core Directory",
            "operationType": "Assign" if change.added else "Unassign",
            "initiatedBy": self._initiated_by(change.by),
            "targetResources": [member, group],
            "additionalDetails": [],
        }

    def _initiated_by(self, by: str) -> Json:
        if not by:
            return {"user": None, "app": _APP}
        known = next((one for one in self._directory.tenant.users if by.lower() in (one.id, one.upn.lower())), None)
        user = {
            "id": known.id if known else str(uuid5(NAMESPACE_URL, by)),
            "displayName": known.name if known else by,
            "userPrincipalName": known.upn if known else None,
            "ipAddress": None,
        }
        return {"user": user, "app": None}

    async def _change(self, request: web.Request) -> web.Response:
        """As somebody does it in Entra's own portal. It answers with who is in the group then."""
        match await body_of(request):
            case {"group": str(group), "user": str(user), "action": "add" | "remove" as action, **rest} if set(
                rest
            ) <= {"by"} and isinstance(rest.get("by", ""), str):
                return self._changed(request, group, user, str(action), rest.get("by") or "Somebody in Entra")
        return refused(f"Send {_DOOR}. action is add or remove; by is a name, and may be left out.")

    def _changed(self, request: web.Request, group: str, user: str, action: str, by: Any) -> web.Response:
        groups = self._directory.tenant.groups
        wanted = groups.get(group, group.lower())
        if wanted not in groups.values():
            return refused(f"{group} is not in [groups]. Write one of: {', '.join(groups)}.")
        try:
            found = str(self._directory.object_row(groups.get(user, user))["id"])
        except GraphError as error:
            return refused(error.message)
        request[_BY] = str(by)
        if action == "add":
            self._state.add(wanted, [found])
        else:
            self._state.remove(wanted, found)
        return web.json_response({"group": wanted, "members": list(self._state.members(wanted))})


def _read(text: str) -> list[Test]:
    """Comparisons with `and` between them. Raises `BadQueryError`."""
    return [_one(part.strip()) for part in re.split(r"\s+and\s+", text)] if text.strip() else []


def _one(part: str) -> Test:
    if found := _TEXT.fullmatch(part):
        key, wanted = found[1], found[2].replace("''", "'")
        return lambda row: row[key] == wanted
    if found := _TARGET.fullmatch(part):
        target = found[2].lower()
        return lambda row: target in [one["id"] for one in row["targetResources"]]
    if found := _MOMENT.fullmatch(part):
        operator, moment = found[1], _moment(found[2])
        return lambda row: _compares(operator, _moment(row["activityDateTime"]), moment)
    raise BadQueryError(f"Invalid filter clause: '{part}' is not supported.")


def _compares(operator: str, one: datetime, other: datetime) -> bool:
    return {"ge": one >= other, "gt": one > other, "le": one <= other, "lt": one < other}[operator]


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadQueryError(f"Invalid filter clause: '{text}' is not a moment.")
    return found
