"""The sandbox's own doors under /sandbox: the clock, faults, what was mailed and called, and back to the start."""

from dataclasses import asdict, dataclass
from html import escape
from typing import Annotated, Any, ClassVar

from aiohttp import web
from pydantic import Field, StrictBool, TypeAdapter, ValidationError

from sandbox.answers import GraphError
from sandbox.calls import Calls
from sandbox.clock import BadTimeError, MovableClock, written
from sandbox.directory import Directory
from sandbox.doors import body_of as _body
from sandbox.doors import refused as _refused
from sandbox.faults import BadFaultError, Faults, read_fault

_USER_DOOR = (
    '{"user": "anna.baker@nhs.example", "enabled": false, "privileged": false, "methods": ["password", "phone"]}; all '
    "but user may be left out"
)
DOORS = (
    ("GET /sandbox/clock", "the pretend tenant's clock"),
    ("POST /sandbox/clock", 'move it: {"advance": "P150D"} or {"set": "2027-03-28T00:30:00Z"}'),
    ("GET /sandbox/faults", "faults that are still to happen"),
    (
        "POST /sandbox/faults",
        'make calls fail: {"method": "POST", "path": "/v1.0/groups/*", "status": 429, "retry_after": 5, "times": 2, '
        '"delay": 0.5}. Optional: method, status (without it only the delay happens), retry_after, times (1), '
        "delay (seconds), body (sent instead of Graph's error)",
    ),
    ("DELETE /sandbox/faults", "forget them"),
    ("GET /sandbox/mail", "e-mails accepted, newest last"),
    ("GET /sandbox/calls", "Graph calls in order"),
    ("GET /sandbox/members", "who is in which group"),
    (
        "POST /sandbox/members",
        'change a group as somebody does it in Entra itself: {"group": "exempt_short", '
        '"user": "anna.baker1@nhs.example", "action": "add", "by": "Sam Price"}; by may be left out',
    ),
    ("POST /sandbox/users", f"change somebody: {_USER_DOOR}"),
    ("GET, POST /sandbox/conditional-access", 'whom the MFA policy leaves out: {"exclude_groups": ["exempt_short"]}'),
    (
        "GET, POST /sandbox/propagation",
        'how long What If still applies the MFA policy to somebody who has joined a group: {"seconds": 60}',
    ),
    ("GET /sandbox/identity", "tells one sandbox from another"),
    ("POST /sandbox/reset", "back to what the tenant file says, with the clock at real time"),
)


@dataclass(frozen=True, slots=True)
class UserChange:
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    user: str
    """Object id or UPN."""
    enabled: StrictBool | None = None
    privileged: StrictBool | None = None
    methods: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,60}$")], ...] | None = None


class Control:
    def __init__(self, directory: Directory, clock: MovableClock, faults: Faults, calls: Calls, identity: str) -> None:
        self._directory = directory
        self._state = directory.state
        self._clock = clock
        self._faults = faults
        self._calls = calls
        self._identity = identity

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._page),
            web.get("/sandbox", self._page),
            web.get("/sandbox/", self._page),
            web.get("/sandbox/clock", self._read_clock),
            web.post("/sandbox/clock", self._move_clock),
            web.get("/sandbox/faults", self._list_faults),
            web.post("/sandbox/faults", self._add_fault),
            web.delete("/sandbox/faults", self._clear_faults),
            web.get("/sandbox/mail", self._mail),
            web.get("/sandbox/calls", self._list_calls),
            web.get("/sandbox/members", self._members),
            web.post("/sandbox/users", self._change_user),
            web.get("/sandbox/identity", self._who),
            web.post("/sandbox/reset", self._reset),
            web.route("*", "/sandbox/{rest:.*}", self._no_door),
        ]

    async def _read_clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": written(self._clock.now())})

    async def _move_clock(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            match body:
                case {"advance": str(duration), **rest} if not rest:
                    self._clock.advance(duration)
                case {"set": str(moment), **rest} if not rest:
                    self._clock.set(moment)
                case _:
                    return _refused('Send {"advance": "P150D"} or {"set": "2027-03-28T00:30:00Z"}.')
        except BadTimeError as error:
            return _refused(str(error))
        self._state.offset = self._clock.offset
        return await self._read_clock(request)

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(fault) for fault in self._faults.waiting])

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            faults = [read_fault(one) for one in (body if isinstance(body, list) and body else [body])]
        except BadFaultError as error:
            return _refused(str(error))
        self._faults.waiting += faults
        return web.json_response([asdict(fault) for fault in faults], status=201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._faults.waiting.clear()
        return web.Response(status=204)

    async def _mail(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {"from" if name == "sender" else name: value for name, value in asdict(mail).items()}
                for mail in self._state.mails()
            ]
        )

    async def _list_calls(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {key.replace("client_request_id", "client-request-id"): value for key, value in asdict(call).items()}
                for call in self._calls.seen
            ]
        )

    async def _members(self, _: web.Request) -> web.Response:
        return web.json_response(self._by_group())

    def _by_group(self) -> dict[str, list[dict[str, str]]]:
        return {
            name: [{"id": user.id, "name": user.name, "upn": user.upn} for user in self._directory.members(group)]
            for name, group in self._directory.tenant.groups.items()
        }

    async def _change_user(self, request: web.Request) -> web.Response:
        try:
            change = TypeAdapter(UserChange).validate_python(await _body(request))
            user = self._directory.user(change.user)
        except ValidationError as error:
            return _refused(f"{error.errors()[0]['msg']}. Send {_USER_DOOR}.")
        except GraphError as error:
            return _refused(error.message)
        values = {name: value for name, value in asdict(change).items() if name != "user" and value is not None}
        self._state.change(user.id, values)
        changed = self._directory.user(user.id)
        shown = {"enabled": changed.enabled, "privileged": changed.privileged, "methods": changed.methods}
        return web.json_response({"id": changed.id, **shown})

    async def _who(self, _: web.Request) -> web.Response:
        return web.json_response({"sandbox": self._identity, "tenant_id": self._directory.tenant.tenant_id})

    async def _reset(self, _: web.Request) -> web.Response:
        self._state.reset()
        self._clock.reset()
        self._faults.waiting.clear()
        self._calls.seen.clear()
        return web.Response(status=204)

    async def _no_door(self, request: web.Request) -> web.Response:
        sentence = f"There is no {request.method} {request.path}. GET /sandbox lists what there is."
        return web.json_response({"error": sentence}, status=404)

    async def _page(self, _: web.Request) -> web.Response:
        people = "".join(
            f"<tr><th scope=row>{escape(name)}<td>{escape(', '.join(one['name'] for one in members) or 'nobody')}"
            for name, members in self._by_group().items()
        )
        doors = "".join(f"<tr><td><code>{escape(door)}</code><td>{escape(what)}" for door, what in DOORS)
        text = (
            "<!doctype html><html lang=en-GB><meta charset=utf-8><title>The pretend tenant</title>"
            "<style>body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
            "th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0}</style>"
            f"<h1>The pretend tenant</h1><p>Its clock says {written(self._clock.now())}. "
            f"It has {len(self._directory.users())} users, accepted {len(self._state.mails())} e-mails and "
            f"answered {len(self._calls.seen)} Graph calls under /v1.0/. "
            f"{len(self._faults.waiting)} faults are still to happen.</p>"
            f"<h2>Groups</h2><table>{people}</table><h2>What it offers</h2><table>{doors}</table></html>"
        )
        return web.Response(text=text, content_type="text/html")
