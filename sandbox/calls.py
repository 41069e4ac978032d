"""What every Graph call goes through: it is noted, may be made to fail, and needs a token. It knows no resource."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web

from sandbox.answers import REQUEST_ID, GraphError, error_answer
from sandbox.clock import MovableClock, written
from sandbox.faults import Fault, Faults
from sandbox.odata import BadQueryError

_MOST_CALLS = 10_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Call:
    """One Graph call. `status` is None until the answer is ready to go out; `at` is by the pretend tenant's clock."""

    method: str
    path: str
    query: str
    status: int | None
    at: str
    client_request_id: str


class Calls:
    """Keeps the newest calls, in the order in which they came in."""

    def __init__(self, clock: MovableClock, faults: Faults) -> None:
        self.seen: deque[Call] = deque(maxlen=_MOST_CALLS)
        self._clock = clock
        self._faults = faults

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/v1.0"):
            return await handler(request)
        request[REQUEST_ID] = str(uuid4())
        client_id = request.headers.get("client-request-id", "")
        at = written(self._clock.now())
        call = Call(request.method, request.path, request.rel_url.query_string, None, at, client_id)
        self.seen.append(call)
        answer = await self._answered(request, handler, self._faults.take(request.method, request.path))
        call.status = answer.status
        answer.headers["request-id"] = request[REQUEST_ID]
        answer.headers["client-request-id"] = client_id or request[REQUEST_ID]
        return answer

    async def _answered(self, request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
        # A late answer is not a late effect: what was asked for is done first, so a caller that gave up finds it done.
        answer = _failed(request, fault) if fault and fault.status is not None else await _done(request, handler)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        return answer


def _failed(request: web.Request, fault: Fault) -> web.Response:
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": _seconds(fault.retry_after)}
    if fault.body is not None:
        return web.Response(status=status, text=fault.body, content_type="text/html", headers=headers)
    if status < 400:
        return web.Response(status=status, headers=headers)
    return error_answer(GraphError(status, headers=headers), request)


def _seconds(retry_after: float | str) -> str:
    """A whole number where it can be: the header has no other."""
    if isinstance(retry_after, str):
        return retry_after
    return str(int(retry_after)) if retry_after.is_integer() else str(retry_after)


async def _done(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        _check_host(request)
        _check_token(request)
        return await handler(request)
    except GraphError as error:
        return error_answer(error, request)
    except BadQueryError as error:
        return error_answer(GraphError(400, str(error), code="BadRequest"), request)
    except web.HTTPNotFound:
        message = f"Resource not found for the segment '{request.path.rpartition('/')[2]}'."
        return error_answer(GraphError(400, message, code="BadRequest"), request)
    except web.HTTPException as error:
        return error_answer(GraphError(error.status), request)


def _check_host(request: web.Request) -> None:
    """Links in answers begin with what the caller called this machine."""
    try:
        request.url.origin()
    except ValueError:
        raise GraphError(400, "Invalid hostname.", code="BadRequest") from None


def _check_token(request: web.Request) -> None:
    """Any token will do: who may do what is not played here."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise GraphError(401, "Access token is empty.", headers={"WWW-Authenticate": 'Bearer realm=""'})
