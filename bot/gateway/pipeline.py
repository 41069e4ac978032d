"""How a request of the SDK's ConnectorClient leaves: our token, our one pool of connections, once.

The stock pipeline opens connections for each turn and blocks the loop. Errors leave here already as our own (`Trouble`
and its kinds), so nothing outside this folder sees one of the SDK's.
"""

from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
from msrest.pipeline import Request, Response
from msrest.pipeline.async_abc import AsyncHTTPPolicy, AsyncHTTPSender
from msrest.universal_http import ClientRequest
from yarl import URL

from bot.gateway import faults
from bot.gateway.token import BotToken
from domain.errors import Trouble
from services.retry_after import retry_after

_MOST_BYTES = 256 * 1024
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, ValueError)
"""There was no connection, or no address to connect to. After anything else, Teams may have taken the message."""


class Answer:
    """What msrest and the generated operations look at in an HTTP answer."""

    def __init__(self, status_code: int, headers: Any, body: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.body = body
        self.reason = ""
        self.context: dict[str, Any] = {}


async def _next(policy: AsyncHTTPPolicy[Any, Any], request: Request[Any], kwargs: dict[str, Any]) -> Response[Any, Any]:
    if policy.next is None:
        raise RuntimeError("a policy outside a pipeline")
    return await policy.next.send(request, **kwargs)


class PooledSender(AsyncHTTPSender[Any, Any]):
    """Sends through one aiohttp session for everything. It follows no redirect, so a token stays with its host."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        """The session is the connection's, which closes it."""

    async def send(self, request: Request[Any], **_: Any) -> Response[Any, Any]:
        sent: ClientRequest = request.http_request
        headers = {name: value for name, value in sent.headers.items() if name.lower() != "content-length"}
        url = URL(sent.url, encoded=True)  # ids arrive quoted: yarl would quote them once more
        try:
            async with self._session.request(
                sent.method, url, data=sent.data, headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(_MOST_BYTES)
                while len(body) < _MOST_BYTES and not answer.content.at_eof():
                    body += await answer.content.read(_MOST_BYTES - len(body))
                # Of what is success the SDK knows three, and breaks at any other after the message is out.
                received = Answer(200 if 200 <= answer.status < 300 else answer.status, answer.headers, body)
        except _NEVER_LEFT as error:
            raise Trouble(f"Teams could not be reached ({type(error).__name__}).", silent=True) from error
        except TimeoutError as error:
            raise Trouble("Teams did not answer in time.", unanswered=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Trouble(f"Teams did not answer ({type(error).__name__}).", unanswered=True) from error
        said = faults.parsed_json(body)
        # Anything but an object breaks the SDK, after the message is out: it would be sent again.
        return Response(request, received, {"deserialized_data": said if isinstance(said, dict) else None})


class Authorised(AsyncHTTPPolicy[Any, Any]):
    """Adds the bot's token, and asks for another one once when Teams refuses it. Without a token (sandbox): nothing."""

    def __init__(self, token: BotToken | None) -> None:
        super().__init__()
        self._token = token

    async def send(self, request: Request[Any], **kwargs: Any) -> Response[Any, Any]:
        if self._token is None:
            return await _next(self, request, kwargs)
        response = await self._send_with(await self._token.value(), request, **kwargs)
        if response.http_response.status_code != 401:
            return response
        return await self._send_with(await self._token.value(), request, **kwargs)

    async def _send_with(self, value: str, request: Request[Any], **kwargs: Any) -> Response[Any, Any]:
        request.http_request.headers["Authorization"] = f"Bearer {value}"
        response = await _next(self, request, kwargs)
        if self._token is not None and response.http_response.status_code == 401:
            self._token.refused(value)
        return response


class OrTrouble(AsyncHTTPPolicy[Any, Any]):
    """Raises what an answer that is no success stands for. Nothing is tried again in here: whoever waits knows better,
    and a job's tries are counted and paced for all processes."""

    async def send(self, request: Request[Any], **kwargs: Any) -> Response[Any, Any]:
        response = await _next(self, request, kwargs)
        answer: Answer = response.http_response
        if answer.status_code < 300:
            return response
        wait = retry_after(answer.headers.get("Retry-After", "").strip(), datetime.now(UTC))
        raise faults.trouble(answer.status_code, answer.body, wait)
