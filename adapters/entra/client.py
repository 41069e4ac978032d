"""The one way to Graph: the SDK's request builders and middleware, with answers read by us.

Letting the SDK parse costs 18 ms and 80 MB a user; Kiota's native response handler gives the httpx response instead.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import structlog
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_http.middleware.options import ResponseHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from domain.errors import NoAnswer, NotPermitted, Throttled, Trouble
from services.pace import AUDIT, GRAPH, MAIL, METHODS, POLICIES, TEAMWORK, Ceiling
from services.retry_after import UNSAID, retry_after
from services.unanswered import leaves_open

TIMEOUT = 8.0
"""Seconds for a whole call."""
OBJECT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
"""What can be an object id. Anything else never reaches a URL."""
_PERMISSIONS = "Check that the app has the Graph permissions that docs/running.md lists, with admin consent."

_TO_CONNECT = 5.0
"""Seconds: less than for the whole call, so that it is known where it never began."""
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Token(Protocol):
    """What Graph knows us by."""

    async def value(self) -> str:
        """Raises `Trouble` when none is to be had."""
        ...

    def refused(self, value: str) -> None:
        """Graph did not take this one: another one is wanted, if there is one."""
        ...


class GraphTrouble(Trouble):
    """Graph answered, and not with success. `code` is Graph's own word for why; empty where it said none."""

    def __init__(self, message: str, *, status: int, code: str, retry_after: timedelta | None) -> None:
        super().__init__(message, retry_after=retry_after, unanswered=leaves_open(status))
        self.status = status
        self.code = code


class GraphThrottled(GraphTrouble, Throttled):
    """Graph asks us to wait."""


class GraphAway(GraphTrouble, NoAnswer):
    """Something answered in Graph's place."""


class _Provider(AccessTokenProvider):
    """Gives the token to Graph's own host and to no other."""

    def __init__(self, token: Token, base_url: str) -> None:
        self._token = token
        self._host = urlsplit(base_url).netloc
        self._validator = AllowedHostsValidator([self._host])

    async def get_authorization_token(self, uri: str, additional_authentication_context: Any = None) -> str:  # noqa: ARG002
        return await self._token.value() if urlsplit(uri).netloc == self._host else ""

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return self._validator


class Graph:
    """Built inside the event loop; `close` it. `base_url` ends in /v1.0.

    `throttled` is told of each answer that asks us to wait: which of Graph's services, and for how long.
    """

    def __init__(
        self, base_url: str, token: Token, throttled: Callable[[str, timedelta], None] = lambda *_: None
    ) -> None:
        self._throttled = throttled
        # Nothing is retried in here: who waits (a person, the job engine) knows better, and mail must not be repeated.
        self._transport = httpx.AsyncHTTPTransport()
        self._token = token
        timeout = httpx.Timeout(TIMEOUT, connect=_TO_CONNECT, pool=_TO_CONNECT)
        self._http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(transport=self._transport, timeout=timeout, follow_redirects=False),
            options={RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False)},
        )
        adapter = GraphRequestAdapter(
            BaseBearerTokenAuthenticationProvider(_Provider(token, base_url)), client=self._http
        )
        adapter.base_url = base_url
        self.sdk = GraphServiceClient(request_adapter=adapter)

    async def close(self) -> None:
        await self._http.aclose()
        await self._transport.aclose()  # Kiota's own transport wraps it and does not hand the closing on

    async def call(
        self,
        send: Callable[..., Awaitable[Any]],
        *body: Any,
        query: Any = None,
        headers: dict[str, str] | None = None,
        none_for: tuple[int, ...] = (),
        fine: tuple[int, str] | None = None,
    ) -> dict[str, Any] | None:
        """Sends with one of the SDK's builders and gives the answer's JSON; {} where it is empty.

        None for the statuses in `none_for`, where Graph itself says so and not a page in its place, and for a failure
        with the status and a part of the message of `fine`.
        What Graph refuses for its token (401) is sent once more, where another token is to be had.
        Raises `GraphTrouble` for every other answer, with Graph's code and request id, and `Trouble` for none.
        """
        configuration: RequestConfiguration[Any] = RequestConfiguration(query_parameters=query)
        configuration.options = [ResponseHandlerOption(NativeResponseHandler())]
        # Of a change in Entra, `services.expecting` knows the id: Entra's own logs then show it too.
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id")
        configuration.headers.add("client-request-id", correlation_id or str(uuid.uuid4()))
        for name, value in (headers or {}).items():
            configuration.headers.add(name, value)
        begun = False
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._token.value()  # kept for `send`: a login that is too slow is no request without an answer
                begun = True
                response: httpx.Response = await send(*body, request_configuration=configuration)
                if response.status_code == 401:
                    begun = False  # whatever it was, it was not done
                    if await self._renewed(response):
                        begun = True
                        response = await send(*body, request_configuration=configuration)
        except (TimeoutError, httpx.HTTPError) as error:
            unanswered = begun and not isinstance(error, _NEVER_LEFT)
            said = f"Graph did not answer ({type(error).__name__})"
            raise NoAnswer(said, unanswered=unanswered, silent=True) from error
        if response.status_code in none_for and error_of(response)[0]:
            return None
        if fine and response.status_code == fine[0] and fine[1] in error_of(response)[1]:
            return None
        if not response.is_success:
            failed = trouble(response)
            if isinstance(failed, Throttled):
                self._throttled(failed.service, failed.retry_after or UNSAID)
            raise failed
        return _json(response)

    async def _renewed(self, refusal: httpx.Response) -> bool:
        """Whether there is another token than the one that was refused."""
        refused: str = refusal.request.headers.get("Authorization", "").removeprefix("Bearer ")
        self._token.refused(refused)
        return await self._token.value() != refused


def _json(response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        value = json.loads(response.content)
    except ValueError as error:
        raise Trouble("Graph's answer is not JSON", unanswered=True) from error
    if not isinstance(value, dict):
        raise Trouble("Graph's answer has another shape than expected", unanswered=True)
    return value


def error_of(response: httpx.Response) -> tuple[str, str, str]:
    """Graph's code, message and request id; empty where the answer has none."""
    try:
        error = json.loads(response.content)["error"]
        inner = error.get("innerError") or {}
        return str(error["code"]), str(error.get("message", "")), str(inner.get("request-id", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "", ""


def trouble(response: httpx.Response) -> GraphTrouble:
    code, _, request_id = error_of(response)
    said = f"Graph answered {response.status_code} {code}".strip() + (f" (request {request_id})" if request_id else "")
    if response.status_code in (401, 403):
        said = f"{said}. {_PERMISSIONS}"
    wait = retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
    if response.status_code == 429:
        wait = wait or UNSAID
    kind = GraphThrottled if wait else GraphAway if response.status_code in (502, 503, 504) else GraphTrouble
    failed = kind(said, status=response.status_code, code=code, retry_after=wait)
    if isinstance(failed, Throttled):
        failed.service = service_of(response.request.url.path).name
    return failed


@contextmanager
def permission(advice: str = "") -> Iterator[None]:
    """Around a call that the app may do without. Raises `NotPermitted` where Graph says that it may not make it."""
    try:
        yield
    except GraphTrouble as refused:
        if refused.status == 403:
            raise NotPermitted(f"{refused.message} {advice}".strip()) from refused
        raise


def service_of(path: str) -> Ceiling:
    """Which of the services behind Graph's address answers here: each has limits of its own."""
    return next((ceiling for part, ceiling in _SERVICES if part.search(path)), GRAPH)


_SERVICES = (
    (re.compile(r"/users/[^/]+/(?:sendMail|mailboxSettings)"), MAIL),
    (re.compile(r"/users/[^/]+/authentication/"), METHODS),
    (re.compile(r"/users/[^/]+/teamwork/"), TEAMWORK),
    (re.compile(r"/auditLogs/"), AUDIT),
    (re.compile(r"/identity/conditionalAccess/"), POLICIES),
)
