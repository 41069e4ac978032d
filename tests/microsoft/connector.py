"""The connector service, through which a bot speaks. It records everything in order and fails on demand."""

import asyncio
import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.microsoft.login import Login
from tests.microsoft.people import Person

NO_OBJECT = "NoObject"
"""The code of a fault whose answer is a list."""
LIMITS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Calls and seconds, per bot and conversation, as Microsoft documents them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot's, as it arrived. `status` is what it was answered with (0: the connection was dropped)."""

    method: str
    path: str
    conversation_id: str
    activity_id: str
    """The id that was given out (POST) or asked for (PUT, DELETE)."""
    body: dict[str, Any]
    authorization: str
    status: int
    at: float
    """Seconds on the monotonic clock."""
    taken: bool = False
    """Whether people see it although the answer says otherwise, or never came."""

    @property
    def activity(self) -> dict[str, Any]:
        """The message: for a new conversation it travels inside."""
        inner: dict[str, Any] = self.body.get("activity", self.body)
        return inner

    @property
    def text(self) -> str:
        return str(self.activity.get("text", ""))

    @property
    def card(self) -> dict[str, Any]:
        """The first card's JSON, empty where there is none."""
        cards = [
            part["content"] for part in self.activity.get("attachments", []) if "card.adaptive" in part["contentType"]
        ]
        return cards[0] if cards else {}


@dataclass(slots=True)
class _Fault:
    status: int
    code: str
    times: int
    retry_after: str | None
    delay: float
    drop: bool
    where: str
    method: str
    taken: bool = False
    met: bool = False
    """Whether a call has come to it."""


class Connector:
    """`sent` holds the calls that had their effect, `calls` all of them. `enforce_limits`: 429 as Teams would."""

    def __init__(self, login: Login) -> None:
        self.calls: list[Call] = []
        self.require_token = True
        self.enforce_limits = False
        self.roster: dict[str, Person] = {}
        """Who is in the team, by Entra id."""
        self.delay = 0.0
        """Seconds that every call takes."""
        self._login = login
        self._faults: list[_Fault] = []
        self._ids = itertools.count(1)
        self._times: dict[str, deque[float]] = defaultdict(deque)
        self._changed = asyncio.Condition()

    @property
    def sent(self) -> list[Call]:
        return [call for call in self.calls if call.taken or 200 <= call.status < 300]

    def fail(
        self,
        status: int = 0,
        *,
        code: str = "",
        times: int = 1,
        retry_after: int | str | None = None,
        delay: float = 0.0,
        drop: bool = False,
        where: str = "",
        method: str = "",
        taken: bool = False,
    ) -> "_Fault":
        """The next `times` calls (to a path that contains `where`, with `method`) fail: `status` with an error `code`,
        a dropped connection (`drop`), or only slowness (`status` 0 with a `delay` in seconds). `taken`: they have their
        effect all the same."""
        wait = None if retry_after is None else str(retry_after)
        fault = _Fault(status, code, times, wait, delay, drop, where, method, taken)
        self._faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        self._faults.clear()

    def showing(self, conversation_id: str) -> dict[str, dict[str, Any]]:
        """What a chat shows now: activity id to message, oldest first, replacements in place, deleted ones gone."""
        shown: dict[str, dict[str, Any]] = {}
        for call in self.sent:
            if call.conversation_id != conversation_id:
                continue
            if call.method == "DELETE":
                shown.pop(call.activity_id, None)
            else:
                shown[call.activity_id] = call.activity
        return shown

    async def wait_for(self, wanted: Callable[[Call], bool], seconds: float = 10) -> Call:
        """The first successful call for which `wanted` is true, already made or to come; TimeoutError without one."""
        async with asyncio.timeout(seconds), self._changed:
            while True:
                found = next((call for call in self.sent if wanted(call)), None)
                if found is not None:
                    return found
                await self._changed.wait()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        one = prefix + "/v3/conversations/{conversation}/activities/{activity}"
        return [
            web.get(prefix + "/v3/conversations/{conversation}/members/{member}", self._member),
            web.post(prefix + "/v3/conversations", self._call),
            web.post(prefix + "/v3/conversations/{conversation}/activities", self._call),
            web.post(one, self._call),
            web.put(one, self._call),
            web.delete(one, self._call),
        ]

    async def _member(self, request: web.Request) -> web.Response:
        """Somebody of the team, by Entra id; a bot may ask so in Teams. It fails where a fault says `/members/`."""
        fault = self._next_fault(request, only="/members/")
        if fault is not None:
            return _error(fault.status, fault.code, fault.retry_after)
        person = self.roster.get(request.match_info["member"])
        if person is None:
            return _error(404, "MemberNotFoundInConversation")
        return web.json_response({"id": person.teams_id, "name": person.name, "aadObjectId": person.entra_id})

    async def _call(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        conversation = request.match_info.get("conversation", "")
        activity = request.match_info.get("activity", "")
        if request.method == "POST":
            activity = f"17{next(self._ids):011d}"
        if not conversation:
            conversation = self._new_conversation(body, activity)
        fault = self._next_fault(request) if self._authorised(request) else None
        answer = await self._answer(request, conversation, activity, fault)
        self.calls.append(
            Call(
                request.method,
                request.path,
                conversation,
                activity,
                body,
                request.headers.get("Authorization", ""),
                answer.status if answer else 0,
                time.monotonic(),
                taken=fault is not None and fault.taken,
            )
        )
        async with self._changed:
            self._changed.notify_all()
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        return answer

    def _authorised(self, request: web.Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return not self.require_token or token in self._login.valid

    async def _answer(
        self, request: web.Request, conversation: str, activity: str, fault: _Fault | None
    ) -> web.Response | None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if not self._authorised(request):
            return _error(401, "Unauthorized")
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.drop:
                return None
            if fault.status:
                return _error(fault.status, fault.code, fault.retry_after)
        if self.enforce_limits and not self._within_limits(conversation):
            return _error(429, "Throttled", "1")
        if request.match_info.get("conversation"):
            return web.json_response({"id": activity}, status=201 if request.method == "POST" else 200)
        return web.json_response({"id": conversation, "activityId": activity}, status=201)

    def _new_conversation(self, body: dict[str, Any], activity: str) -> str:
        people = {person.teams_id: person.chat_id for person in self.roster.values()}
        for member in body.get("members", []):
            if member["id"] in people:
                return people[member["id"]]
        channel = body.get("channelData", {}).get("channel", {}).get("id", "a:new")
        return f"{channel};messageid={activity}"

    def _next_fault(self, request: web.Request, only: str = "") -> _Fault | None:
        """`only`: of the faults whose `where` has this."""
        for fault in self._faults:
            if only in fault.where and fault.where in request.path and fault.method in ("", request.method):
                fault.met = True
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _within_limits(self, conversation: str) -> bool:
        now, times = time.monotonic(), self._times[conversation]
        while times and now - times[0] > LIMITS[-1][1]:
            times.popleft()
        if any(sum(now - moment < seconds for moment in times) >= most for most, seconds in LIMITS):
            return False
        times.append(now)
        return True


def _error(status: int, code: str, retry_after: str | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    if status in {502, 504}:
        return web.Response(status=status, text="<html>Bad gateway</html>", content_type="text/html", headers=headers)
    if code == NO_OBJECT:
        return web.json_response([], status=status)
    if 300 <= status < 400:
        headers["Location"] = "https://elsewhere.invalid/steal"
    return web.json_response({"error": {"code": code or "Error", "message": "No."}}, status=status, headers=headers)
