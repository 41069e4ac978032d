"""Graph's PIM for Groups: members assigned with an end, which comes by this tenant's own clock, whoever is alive.

https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import isodate
from aiohttp import web

from sandbox.answers import GraphError, Json, json_body, not_found, thing
from sandbox.clock import MovableClock, written
from sandbox.directory import Directory
from sandbox.lists import listed
from sandbox.odata import Kind
from sandbox.state import Assignment

_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(days=365)
"""As the group's PIM settings have it: Microsoft's own longest is 180 days, and docs/running.md asks for 365."""
_MOST_REQUESTS = 10_000
_WAITING = "PendingApproval"
_COMMON = dict.fromkeys(("id", "accessId", "principalId", "groupId"), str)
_LASTING = _COMMON | {"memberType": str, "assignmentType": str}
SCHEDULE = Kind(
    "privilegedAccessGroupAssignmentSchedule",
    _LASTING | {"status": str, "createdDateTime": str, "scheduleInfo": dict},
)
INSTANCE = Kind(
    "privilegedAccessGroupAssignmentScheduleInstance",
    _LASTING | {"assignmentScheduleId": str, "startDateTime": str, "endDateTime": str},
)
REQUEST = Kind(
    "privilegedAccessGroupAssignmentScheduleRequest",
    _COMMON
    | dict.fromkeys(("action", "status", "justification", "createdDateTime", "completedDateTime"), str)
    | {"targetScheduleId": str, "isValidationOnly": bool, "scheduleInfo": dict},
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pim:
    def __init__(self, directory: Directory, clock: MovableClock) -> None:
        self._directory = directory
        self._state = directory.state
        self._clock = clock
        self._asked: deque[Json] = deque(maxlen=_MOST_REQUESTS)
        """What was asked for. Forgotten when the process ends; what came of it is kept."""

    def routes(self) -> list[web.RouteDef]:
        group = "/v1.0/identityGovernance/privilegedAccess/group"
        return [
            web.post(f"{group}/assignmentScheduleRequests", self._ask),
            web.get(f"{group}/assignmentScheduleRequests", self._requests),
            web.get(f"{group}/assignmentScheduleRequests/{{id}}", self._request),
            web.post(f"{group}/assignmentScheduleRequests/{{id}}/cancel", self._cancel),
            web.get(f"{group}/assignmentSchedules", self._schedules),
            web.get(f"{group}/assignmentSchedules/{{id}}", self._schedule),
            web.get(f"{group}/assignmentScheduleInstances", self._instances),
        ]

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nobody can tell that an end is only noticed when somebody looks."""
        self._settle()
        return await handler(request)

    def _settle(self) -> None:
        now = self._clock.now()
        for one in self._state.assignments():
            if one.ends <= now:
                self._state.unassign(one.group, one.user)
                self._state.remove(one.group, one.user)
            elif not one.begun and one.starts <= now:
                self._state.add(one.group, [one.user])
                self._state.assign(replace(one, begun=True))
            elif one.begun and one.user not in self._state.members(one.group):
                self._state.unassign(one.group, one.user)  # removed by other ways than PIM

    async def _ask(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        if body.get("accessId") != "member":
            raise GraphError(400, "The AccessId is invalid: only member is played here.", code="InvalidAccessId")
        group, user = self._named(body)
        actions = {
            "adminAssign": self._assign,
            "adminExtend": self._extend,
            "adminUpdate": self._update,
            "adminRemove": self._remove,
            "selfActivate": self._wait,
        }
        action = actions.get(str(body.get("action")))
        if action is None:
            raise GraphError(400, "The action is invalid or is not played here.", code="InvalidAction")
        if any((row["groupId"], row["principalId"], row["status"]) == (group, user, _WAITING) for row in self._asked):
            message = "There is already an existing pending Role assignment request."
            raise GraphError(400, message, code="PendingRoleAssignmentRequest")
        schedule_id, status = action(group, user, body)
        now = written(self._clock.now())
        row = {
            "id": str(uuid4()),
            "status": status,
            "createdDateTime": now,
            "completedDateTime": now,
            "action": body["action"],
            "isValidationOnly": False,
            "justification": body.get("justification"),
            "scheduleInfo": body.get("scheduleInfo"),
            "accessId": "member",
            "principalId": user,
            "groupId": group,
            "targetScheduleId": schedule_id,
        }
        self._asked.append(row)
        answer = thing(request, "identityGovernance/privilegedAccess/group/assignmentScheduleRequests/$entity", row)
        answer.set_status(201)
        return answer

    def _named(self, body: Json) -> tuple[str, str]:
        try:
            group = self._directory.group(str(body.get("groupId", "")))
        except GraphError:
            raise GraphError(404, "The resource is not found.", code="ResourceNotFound") from None
        try:
            return group, self._directory.user(str(body.get("principalId", ""))).id
        except GraphError:
            raise GraphError(404, "The subject is not found.", code="SubjectNotFound") from None

    def _assign(self, group: str, user: str, body: Json) -> tuple[str, str]:
        now = self._clock.now()
        if self._known(group, user) or user in self._state.members(group):
            raise GraphError(400, "The Role assignment already exists.", code="RoleAssignmentExists")
        starts, ends = _period(body, now)
        begun = starts <= now
        one = Assignment(group, user, f"{group}_member_{uuid4()}", now, starts, ends, begun)
        self._state.assign(one)
        if begun:
            self._state.add(group, [user])
        return one.id, "Provisioned" if begun else "Granted"

    def _extend(self, group: str, user: str, body: Json) -> tuple[str, str]:
        one = self._known(group, user)
        if one is None:
            raise _no_assignment()
        _, ends = _period(body, self._clock.now())
        if ends <= one.ends:
            raise _rule()
        self._state.assign(replace(one, ends=ends))
        return one.id, "Provisioned"

    def _update(self, group: str, user: str, body: Json) -> tuple[str, str]:
        """Also gives an end to somebody who is a member without one."""
        now = self._clock.now()
        one = self._known(group, user)
        if one is None and user not in self._state.members(group):
            raise _no_assignment()
        _, ends = _period(body, now)
        one = one or Assignment(group, user, _permanent_id(group, user), now, now, ends, begun=True)
        self._state.assign(replace(one, ends=ends))
        return one.id, "Provisioned"

    def _remove(self, group: str, user: str, _: Json) -> tuple[str, str]:
        one = self._known(group, user)
        removed = self._state.remove(group, user)
        if one is None and not removed:
            raise _no_assignment()
        self._state.unassign(group, user)
        return one.id if one else _permanent_id(group, user), "Revoked"

    def _wait(self, group: str, user: str, _: Json) -> tuple[str, str]:
        """What somebody asks for themselves waits for an approver, who never comes."""
        return _permanent_id(group, user), _WAITING

    def _known(self, group: str, user: str) -> Assignment | None:
        return next((one for one in self._state.assignments() if (one.group, one.user) == (group, user)), None)

    def _rows(self) -> list[Json]:
        """Those with an end, and who is a member without one."""
        known = self._state.assignments()
        pairs = {(one.group, one.user) for one in known}
        permanent = [
            _schedule_row(_permanent_id(group, user), group, user, None)
            for group in sorted(set(self._directory.tenant.groups.values()))
            for user in self._state.members(group)
            if (group, user) not in pairs
        ]
        return [_schedule_row(one.id, one.group, one.user, one) for one in known] + permanent

    async def _schedules(self, request: web.Request) -> web.Response:
        return _scoped(request, "assignmentSchedules", self._rows(), SCHEDULE)

    async def _schedule(self, request: web.Request) -> web.Response:
        return _one(request, "assignmentSchedules", self._rows())

    async def _instances(self, request: web.Request) -> web.Response:
        waiting = {one.id for one in self._state.assignments() if not one.begun}
        rows = [_instance_row(row) for row in self._rows() if row["id"] not in waiting]
        return _scoped(request, "assignmentScheduleInstances", rows, INSTANCE)

    async def _requests(self, request: web.Request) -> web.Response:
        return _scoped(request, "assignmentScheduleRequests", list(self._asked), REQUEST)

    async def _request(self, request: web.Request) -> web.Response:
        return _one(request, "assignmentScheduleRequests", list(self._asked))

    async def _cancel(self, request: web.Request) -> web.Response:
        key = request.match_info["id"]
        row = next((row for row in self._asked if row["id"] == key), None)
        if row is None:
            raise not_found(key)
        if row["status"] != _WAITING:
            raise GraphError(400, "The request cannot be cancelled in its status.", code="InvalidRequestStatus")
        row["status"] = "Canceled"
        return web.Response(status=204)


def _scoped(request: web.Request, name: str, rows: list[Json], kind: Kind) -> web.Response:
    """PIM lists only what belongs to one group or one principal."""
    wanted = request.query.get("$filter", "")
    if "groupId eq " not in wanted and "principalId eq " not in wanted:
        message = "The required parameters GroupId or PrincipalId is missing."
        raise GraphError(400, message, code="MissingParameters")
    return listed(request, f"identityGovernance/privilegedAccess/group/{name}", rows, kind)


def _one(request: web.Request, name: str, rows: list[Json]) -> web.Response:
    key = request.match_info["id"]
    row = next((row for row in rows if row["id"] == key), None)
    if row is None:
        raise not_found(key)
    return thing(request, f"identityGovernance/privilegedAccess/group/{name}/$entity", row)


def _period(body: Json, now: datetime) -> tuple[datetime, datetime]:
    """When it starts and ends. A start that is past is now."""
    schedule = body.get("scheduleInfo")
    expiration = schedule.get("expiration") if isinstance(schedule, dict) else None
    if not isinstance(schedule, dict) or not isinstance(expiration, dict):
        raise GraphError(400, "The schedule is invalid.", code="InvalidSchedule")
    try:
        starts = max(now, _moment(schedule["startDateTime"])) if schedule.get("startDateTime") else now
        if expiration.get("type") == "afterDuration":
            ends = starts + isodate.parse_duration(expiration["duration"])
        elif expiration.get("type") == "afterDateTime":
            ends = _moment(expiration["endDateTime"])
        else:
            raise _rule()
        length = ends - starts
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        raise GraphError(400, "The schedule is invalid.", code="InvalidSchedule") from None
    if length < _SHORTEST:
        message = "The Active duration is too short. Miniumum Required is 5 minutes."  # as Microsoft spells it
        raise GraphError(400, message, code="ActiveDurationTooShort")
    if length > _LONGEST:
        raise _rule()
    return starts, ends


def _moment(text: Any) -> datetime:
    found: datetime = isodate.parse_datetime(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _schedule_row(schedule_id: str, group: str, user: str, one: Assignment | None) -> Json:
    """`one` is None for a member without an end."""
    expiration = {
        "type": "afterDateTime" if one else "noExpiration",
        "endDateTime": written(one.ends) if one else None,
        "duration": None,
    }
    return {
        "id": schedule_id,
        "accessId": "member",
        "principalId": user,
        "groupId": group,
        "memberType": "direct",
        "assignmentType": "assigned",
        "status": "Provisioned",
        "createdDateTime": written(one.created) if one else None,
        "scheduleInfo": {
            "startDateTime": written(one.starts) if one else None,
            "recurrence": None,
            "expiration": expiration,
        },
    }


def _instance_row(row: Json) -> Json:
    schedule = row["scheduleInfo"]
    kept = {name: row[name] for name in ("accessId", "principalId", "groupId", "memberType", "assignmentType")}
    return kept | {
        "id": f"{row['id']}_instance",
        "assignmentScheduleId": row["id"],
        "startDateTime": schedule["startDateTime"],
        "endDateTime": schedule["expiration"]["endDateTime"],
    }


def _permanent_id(group: str, user: str) -> str:
    return f"{group}_member_{uuid5(NAMESPACE_URL, f'{group}/{user}')}"


def _no_assignment() -> GraphError:
    return GraphError(400, "The Role assignment does not exist.", code="RoleAssignmentDoesNotExist")


def _rule() -> GraphError:
    message = 'The following policy rules failed: ["ExpirationRule"]'
    return GraphError(400, message, code="RoleAssignmentRequestPolicyValidationFailed")
