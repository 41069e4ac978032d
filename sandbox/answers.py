"""The shapes in which Graph answers: errors, pages and single things. It decides nothing."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

Json = dict[str, Any]
REQUEST_ID = web.RequestKey("request-id", str)

_CODES = {
    400: ("Request_BadRequest", "The request is malformed or incorrect."),
    401: ("InvalidAuthenticationToken", "Access token validation failure."),
    403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "The resource does not exist."),
    405: ("Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
    409: ("Request_MultipleObjectsWithSameKeyValue", "Another object with the same value already exists."),
    413: ("RequestEntityTooLarge", "The request is larger than the service takes."),
    412: ("Directory_ConcurrencyViolation", "The version of the object does not match."),
    423: ("accessLocked", "The resource is locked."),
    429: ("TooManyRequests", "Too many requests. Try again later."),
    500: ("InternalServerError", "An internal server error occurred."),
    502: ("BadGateway", "The gateway received an invalid answer."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Try again later."),
    504: ("GatewayTimeout", "The gateway did not receive an answer in time."),
}


class GraphError(Exception):
    """What Graph says no with. `headers` go out with it."""

    def __init__(
        self, status: int, message: str = "", *, code: str = "", headers: dict[str, str] | None = None
    ) -> None:
        usual_code, usual_message = _CODES.get(status, ("UnknownError", "The request was not carried out."))
        super().__init__(message or usual_message)
        self.status = status
        self.code = code or usual_code
        self.message = message or usual_message
        self.headers = headers or {}


def not_found(what: str) -> GraphError:
    """In the words that Graph uses for a directory object."""
    return GraphError(
        404, f"Resource '{what}' does not exist or one of its queried reference-property objects are not present."
    )


def error_answer(error: GraphError, request: web.Request) -> web.Response:
    request_id = request.get(REQUEST_ID) or str(uuid4())
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return web.json_response(body, status=error.status, headers=error.headers)


def thing(request: web.Request, context: str, values: Json) -> web.Response:
    return web.json_response({"@odata.context": f"{_root(request)}/$metadata#{context}", **values})


def eventual(request: web.Request) -> bool:
    """Whether the caller takes answers that may be late, which Graph wants for counting and searching."""
    return request.headers.get("ConsistencyLevel", "").lower() == "eventual"


def page(request: web.Request, context: str, values: Sequence[Json | str], *, usual: int = 100) -> web.Response:
    """One page of `values`, as `$top` and `$skiptoken` ask, with a link to the next.

    Without the header Graph leaves `$count` out and says nothing of it.
    """
    size, start = _size(request, usual), _start(request)
    body: Json = {"@odata.context": f"{_root(request)}/$metadata#{context}"}
    if request.query.get("$count", "").lower() == "true" and eventual(request):
        body["@odata.count"] = len(values)
    if start + size < len(values):
        token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        next_page = request.url.update_query({"$skiptoken": token})
        body["@odata.nextLink"] = str(next_page)
    body["value"] = list(values[start : start + size])
    return web.json_response(body)


def _root(request: web.Request) -> str:
    return f"{request.url.origin()}/v1.0"


def _size(request: web.Request, usual: int) -> int:
    text = request.query.get("$top", str(usual))
    if not re.fullmatch(r"0{0,9}[1-9][0-9]{0,2}", text, re.ASCII):
        raise GraphError(400, f"Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive.")
    return int(text)


def _start(request: web.Request) -> int:
    token = request.query.get("$skiptoken", "")
    try:
        written = base64.b64decode(token, altchars=b"-_", validate=True) if token else b"0"
    except ValueError:
        written = b""
    if not re.fullmatch(rb"[0-9]{1,9}", written):
        raise GraphError(400, "Skip token is null, invalid or has expired.")
    return int(written)


async def json_body(request: web.Request) -> Json:
    """The request's body as a JSON object, or Graph's own complaint."""
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):  # no JSON, an unknown charset, brackets without end
        body = None
    if not isinstance(body, dict):
        raise GraphError(400, "Unable to read JSON request payload. Please ensure Content-Type header is set.")
    return body
