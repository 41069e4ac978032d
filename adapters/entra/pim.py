"""Members of the exemption groups by PIM for Groups: each assignment has its end in Entra, so it ends without us.

https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import isodate
from msgraph.generated.identity_governance.privileged_access.group.assignment_schedule_requests.assignment_schedule_requests_request_builder import (  # noqa: E501
    AssignmentScheduleRequestsRequestBuilder,
)
from msgraph.generated.identity_governance.privileged_access.group.assignment_schedules.assignment_schedules_request_builder import (  # noqa: E501
    AssignmentSchedulesRequestBuilder,
)
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.privileged_access_group_assignment_schedule_request import (
    PrivilegedAccessGroupAssignmentScheduleRequest,
)
from msgraph.generated.models.privileged_access_group_relationships import PrivilegedAccessGroupRelationships
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.schedule_request_actions import ScheduleRequestActions

from adapters.entra.client import Graph, GraphTrouble
from adapters.entra.exemptions import EntraExemptions, checked
from domain.errors import Trouble, Unproved
from services.ports import Clock

LATER = timedelta(minutes=5)
"""Entra's end comes so much after ours: ours is exact and tells people, Entra's is there if we are not."""
_EARLIEST, _LATEST = timedelta(minutes=2), timedelta(minutes=10)
"""How much after ours an end that Entra has already may be."""
_PENDING = "PendingRoleAssignmentRequest"
_SO_ALREADY = frozenset({"RoleAssignmentExists", "RoleAssignmentDoesNotExist", _PENDING})
"""It is as we want it, or is becoming so: reading the membership and its end again tells."""
_DONE = frozenset({"Granted", "Provisioned", "Revoked", "ScheduleCreated"})
_BEING_DONE = frozenset({"PendingProvisioning", "PendingScheduleCreation"})
_REFUSED = frozenset({"Canceled", "Denied", "Failed"})
_WAITS = frozenset({"PendingAdminDecision", "PendingApproval"})
"""What the status of a request may be:
https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupassignmentschedulerequest"""
_NO_PIM = frozenset({400, 403, 404})
"""No licence, no permission or no such group: Graph's answers to whoever does not use PIM."""
_PENDING_REQUESTS = "Identity Governance, Privileged Identity Management, Groups, this group, Pending requests"
_HINTS: dict[str, tuple[str, timedelta | None]] = {
    # The third attempt then comes late enough, and before any alarm.
    "ActiveDurationTooShort": ("PIM keeps an assignment for five minutes; it is removed then", timedelta(seconds=155)),
    "RoleAssignmentRequestPolicyValidationFailed": (
        "Let the group's PIM settings allow active assignments of 365 days, without MFA and approval",
        None,
    ),
}
"""What to do, and how long to wait, by Graph's code."""


@dataclass(frozen=True, slots=True)
class _Assignment:
    ends: datetime | None
    """None: it never ends by itself."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked of PIM, but for the action."""

    group: str
    entra_id: str
    ends: datetime | None = None
    reference: str = ""


class EntraPim:
    """Keeps `services.ports.Exemptions` by assignments with an end.

    `before_another` is called before each write of one call but the first, for which whoever called has booked a turn.
    """

    def __init__(
        self, graph: Graph, direct: EntraExemptions, clock: Clock, before_another: Callable[[], Awaitable[None]]
    ) -> None:
        self._graph = graph
        self._direct = direct
        self._clock = clock
        self._before_another = before_another
        self._builders = graph.sdk.identity_governance.privileged_access.group

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        """Assigns, or moves the end of what is assigned already, so that it lies 2 to 10 minutes after `until`."""
        found = _last(filter(_is_assigned, await self._rows(checked(group), checked(entra_id))))
        wish = _Wish(group, entra_id, until + LATER, reference)
        if found is None:
            word = await self._ask(ScheduleRequestActions.AdminAssign, wish)
        elif found.ends is None or found.ends > until + _LATEST:
            word = await self._ask(ScheduleRequestActions.AdminUpdate, wish)
        elif found.ends < until + _EARLIEST:
            word = await self._extend(wish)
        else:
            return
        lasts = _last(await self._rows(group, entra_id)) if word else None
        if lasts and lasts.ends and lasts.ends < until + _EARLIEST:
            raise Unproved(
                f"PIM has not moved the assignment's end yet ({word}). If this goes on, look in Entra under "
                f"{_PENDING_REQUESTS}"
            )

    async def keep(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        """Moves the end of what is assigned, if it would come too early. Where PIM cannot be read there is none."""
        try:
            found = _last(filter(_is_assigned, await self._rows(checked(group), checked(entra_id))))
        except GraphTrouble as refused:
            if refused.status not in _NO_PIM:
                raise
            return
        if found and found.ends and found.ends < until + _EARLIEST:
            await self._before_another()
            await self.add(group, entra_id, until=until, reference=reference)

    async def remove(self, group: str, entra_id: str) -> None:
        """Also what was not assigned by PIM: from before the setting was `pim`, or no user at all."""
        wish = _Wish(checked(group), checked(entra_id))
        try:
            word = await self._ask(ScheduleRequestActions.AdminRemove, wish)
        except GraphTrouble as refused:
            if refused.status != 404:  # PIM knows no such user
                raise
        else:
            if not word:
                return
            if any(map(_is_assigned, await self._rows(group, entra_id))):
                if word == _PENDING:
                    await self._make_way(wish)
                return
        await self._before_another()
        await self._direct.remove(group, entra_id)

    async def _make_way(self, wish: _Wish) -> None:
        """A request that waits for an approver keeps PIM from removing: it is cancelled, and the removal asked again.

        https://learn.microsoft.com/graph/api/privilegedaccessgroupassignmentschedulerequest-cancel
        """
        waiting = await self._waiting(wish)
        if not waiting:
            raise Unproved(
                "PIM has a pending request for this account, and has not removed it. If this goes on, cancel the "
                f"request in Entra under {_PENDING_REQUESTS}"
            )
        for key in waiting:
            requests = self._builders.assignment_schedule_requests
            request = requests.by_privileged_access_group_assignment_schedule_request_id(checked(key))
            await self._before_another()
            await self._graph.call(request.cancel.post)
        await self._before_another()
        await self._ask(ScheduleRequestActions.AdminRemove, wish)

    async def _waiting(self, wish: _Wish) -> list[str]:
        """The ids of this account's requests that wait for an approver."""
        query = AssignmentScheduleRequestsRequestBuilder.AssignmentScheduleRequestsRequestBuilderGetQueryParameters(
            filter=f"groupId eq '{wish.group}' and principalId eq '{wish.entra_id}'"
        )
        answer = await self._graph.call(self._builders.assignment_schedule_requests.get, query=query)
        rows = (answer or {}).get("value")
        if not isinstance(rows, list):
            raise Trouble("Graph does not tell which requests of the account are pending in PIM")
        theirs = [row for row in rows if _is_of(row, wish.group, wish.entra_id)]
        return [str(row.get("id")) for row in theirs if row.get("status") in _WAITS]

    async def contains(self, group: str, entra_id: str) -> bool:
        return await self._direct.contains(group, entra_id)

    async def _rows(self, group: str, entra_id: str) -> list[Mapping[str, Any]]:
        """What PIM has for this member now."""
        query = AssignmentSchedulesRequestBuilder.AssignmentSchedulesRequestBuilderGetQueryParameters(
            filter=f"groupId eq '{group}' and principalId eq '{entra_id}'"
        )
        answer = await self._graph.call(self._builders.assignment_schedules.get, query=query)
        rows = (answer or {}).get("value")
        if not isinstance(rows, list):
            raise Trouble("Graph does not tell which assignments the account has in the exemption group")
        return [row for row in rows if _is_of(row, group, entra_id)]

    async def _extend(self, wish: _Wish) -> str:
        """PIM extends what ends soon. What it does not take for that can still be changed."""
        try:
            return await self._ask(ScheduleRequestActions.AdminExtend, wish)
        except GraphTrouble as refused:
            if refused.status != 400:
                raise
            await self._before_another()
            return await self._ask(ScheduleRequestActions.AdminUpdate, wish)

    async def _ask(self, action: ScheduleRequestActions, wish: _Wish) -> str:
        """Empty where it is done; PIM's word for why where it was so already, or is on its way."""
        try:
            answer = await self._graph.call(self._builders.assignment_schedule_requests.post, self._body(action, wish))
        except GraphTrouble as refused:
            if refused.code in _SO_ALREADY:
                return refused.code
            raise _explained(refused) from refused
        status = str((answer or {}).get("status", ""))
        if status in _DONE:
            return ""
        if status in _BEING_DONE:
            return status
        if status in _REFUSED:
            raise Trouble(f"PIM took the request and did not carry it out ({status})")
        raise Unproved(
            f"PIM took the request and has not carried it out ({status or 'no status'}). Let the group's PIM settings "
            f"ask for no approval; what waits is in Entra under {_PENDING_REQUESTS}"
        )

    def _body(self, action: ScheduleRequestActions, wish: _Wish) -> PrivilegedAccessGroupAssignmentScheduleRequest:
        """A new one for each call: the SDK sends of a used one only what has changed."""
        expiration = ExpirationPattern(type=ExpirationPatternType.AfterDateTime, end_date_time=wish.ends)
        schedule = RequestSchedule(start_date_time=self._clock.now(), expiration=expiration)
        return PrivilegedAccessGroupAssignmentScheduleRequest(
            access_id=PrivilegedAccessGroupRelationships.Member,
            action=action,
            group_id=wish.group,
            principal_id=wish.entra_id,
            justification=f"MFA exception {wish.reference}".strip(),
            schedule_info=schedule if wish.ends else None,
        )


class DirectAfterPim:
    """Keeps `services.ports.Exemptions` by direct membership, where the setting may have been `pim` before.

    Whoever PIM has assigned is a member already, and Entra would end that at the end that PIM was given.
    """

    def __init__(self, direct: EntraExemptions, pim: EntraPim) -> None:
        self._direct = direct
        self._pim = pim

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        if not await self._direct.join(group, entra_id):
            await self._pim.keep(group, entra_id, until=until, reference=reference)

    async def remove(self, group: str, entra_id: str) -> None:
        await self._direct.remove(group, entra_id)

    async def contains(self, group: str, entra_id: str) -> bool:
        return await self._direct.contains(group, entra_id)


def _explained(refused: GraphTrouble) -> GraphTrouble:
    """With what to do about it, where that is known."""
    hint, wait = _HINTS.get(refused.code, ("", None))
    if not hint:
        return refused
    message = f"{refused.message}. {hint}"
    return GraphTrouble(message, status=refused.status, code=refused.code, retry_after=refused.retry_after or wait)


def _is_of(row: Any, group: str, entra_id: str) -> bool:
    try:
        same = (str(row["groupId"]).lower(), str(row["principalId"]).lower()) == (group.lower(), entra_id.lower())
        return same and row.get("accessId", "member") == "member"
    except (TypeError, KeyError, AttributeError) as error:
        raise Trouble("Graph's answer about an assignment has another shape than expected") from error


def _is_assigned(row: Mapping[str, Any]) -> bool:
    """Not one that the member has activated for some hours themselves."""
    return bool(row.get("assignmentType", "assigned") == "assigned")


def _last(rows: Iterable[Mapping[str, Any]]) -> _Assignment | None:
    """The one that ends last."""
    ends = [_end_of(row) for row in rows]
    known = [end for end in ends if end is not None]
    if not ends:
        return None
    return _Assignment(max(known) if len(known) == len(ends) else None)


def _end_of(row: Mapping[str, Any]) -> datetime | None:
    """An assignment's end: a moment, or a duration from its start."""
    schedule = row.get("scheduleInfo") or {}
    expiration = schedule.get("expiration") or {}
    try:
        if expiration.get("endDateTime"):
            return _moment(expiration["endDateTime"])
        if expiration.get("duration"):
            end: datetime = _moment(schedule["startDateTime"]) + isodate.parse_duration(expiration["duration"])
            return end
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Trouble("Graph's answer about an assignment's end has another shape than expected") from error
    return None


def _moment(text: str) -> datetime:
    """Graph writes up to seven digits of a second."""
    found: datetime = isodate.parse_datetime(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
