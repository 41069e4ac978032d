"""POST /api/messages: checks what comes in, runs the bot's turn once, answers. It holds no rule of the product."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from aiohttp import web
from botbuilder.core import TurnContext
from botbuilder.schema import Activity
from msrest.exceptions import DeserializationError  # type: ignore[attr-defined]  # azure.core's, handed on

from bot.door import REFUSED
from bot.gateway import answers
from bot.gateway.authentication import Authentication, Claims
from bot.gateway.connection import Connection
from bot.gateway.inbound import INVOKES, text_of, to_incoming
from bot.gateway.keys import SigningKeys
from bot.gateway.messenger import TeamsMessenger
from bot.gateway.not_accepted import NotAccepted
from bot.gateway.sdk import Adapter, CheckedAuthentication
from bot.gateway.seen import Seen
from bot.gateway.settings import GatewaySettings
from bot.gateway.wire import read_json, refuse_by_length
from bot.incoming import Found, Handle, Incoming, InPlace, Kind
from domain.errors import Trouble
from services.chat import Begun

log = structlog.get_logger(__name__)


class Gateway:
    """Start and close it around a started `Connection`, inside the event loop."""

    def __init__(self, settings: GatewaySettings, connection: Connection, handle: Handle, seen: Seen) -> None:
        self._settings = settings
        self._handle = handle
        self._seen = seen
        self._keys = SigningKeys(settings.metadata_url, lambda: connection.session)
        self._authentication = Authentication(settings, self._keys)
        self._checked = CheckedAuthentication(connection)
        self._adapter = Adapter(self._checked)
        self._messenger = TeamsMessenger(connection)

    async def start(self) -> None:
        """Begins to fetch the signing keys. Does not wait: a slow Microsoft must not keep the bot from starting."""
        if not self._settings.open_loopback:
            self._keys.refresh()

    async def close(self) -> None:
        await self._keys.close()

    async def messages(self, request: web.Request) -> web.Response:
        """The aiohttp handler. 200 with a body for an invoke, 200 for the rest, 4xx for what is turned away."""
        try:
            refuse_by_length(request)
            claims = await self._authentication.who_calls(request.headers.get("Authorization", ""))
            raw = await read_json(request)
            incoming = to_incoming(raw, self._settings.app_id)
            self._authentication.admit(claims, raw)
            body = await self._turn(claims, raw, incoming)
        except NotAccepted as refused:
            request[REFUSED] = refused.reason
            headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
            body = {"error": "This request was not accepted."}
            return web.json_response(body, status=refused.status, headers=headers)
        return web.Response() if body is None else web.json_response(body)

    async def _turn(self, claims: Claims, raw: Mapping[str, Any], incoming: Incoming) -> dict[str, Any] | None:
        if text_of(raw, "type") == "invoke" and text_of(raw, "name") not in INVOKES:
            return answers.error(501, "NotSupported", "This bot does not do that.")
        activity = _activity(raw)
        body: dict[str, Any] | None = None

        async def logic(_: TurnContext) -> None:
            nonlocal body
            body = await self._once(incoming)

        try:
            await self._adapter.process_activity(self._checked.result(claims), activity, logic)
        except Exception as error:
            return await self._failed(incoming, error)
        return body

    async def _once(self, incoming: Incoming) -> dict[str, Any] | None:
        conversation_id, activity_id = incoming.address.conversation_id, incoming.activity_id
        begun = await self._seen.begin(conversation_id, activity_id) if activity_id else Begun.FIRST
        if begun is None:
            return _answered(incoming, InPlace(sentence="This has been received already."))
        incoming = replace(incoming, again=begun is Begun.AGAIN)
        answer = await self._handle(incoming)
        if activity_id:
            await self._done(conversation_id, activity_id)
        return _answered(incoming, answer)

    async def _done(self, conversation_id: str, activity_id: str) -> None:
        try:
            await self._seen.done(conversation_id, activity_id)
        except Trouble as trouble:
            log.warning("the end of a turn was not written", message=trouble.message)

    async def _failed(self, incoming: Incoming, error: Exception) -> dict[str, Any] | None:
        reference = secrets.token_hex(4).upper()
        if isinstance(error, Trouble):
            log.warning("turn failed", reference=reference, message=error.message)
            sentence = (
                "We cannot reach our own records just now. Nothing was changed. Try again in a minute, or telephone "
                "the helpdesk."
            )
        else:
            log.error("turn failed", reference=reference, kind=incoming.kind.value, exc_info=error)
            sentence = (
                f"Something went wrong. Try again. If it happens again, tell the helpdesk this reference: {reference}."
            )
        if incoming.search is not None:
            return answers.found(Found(sentence=sentence))
        if incoming.in_place:
            return answers.error(500, "TurnFailed", sentence)
        if incoming.kind in {Kind.MESSAGE, Kind.CLICK}:
            try:
                await self._messenger.say(incoming.address, sentence)
            except Trouble as trouble:
                log.warning("apology not sent", reference=reference, trouble=trouble.message)
        return None


def _answered(incoming: Incoming, answer: InPlace | Found | None) -> dict[str, Any] | None:
    if incoming.search is not None:
        return answers.found(answer if isinstance(answer, Found) else Found(sentence=answer.sentence if answer else ""))
    if not incoming.in_place:
        return None
    return answers.sentence(answer.sentence) if isinstance(answer, Found) else answers.answer(answer)


def _activity(raw: Mapping[str, Any]) -> Activity:
    try:
        activity = Activity().deserialize(raw)
    except (DeserializationError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NotAccepted(400, "not an activity") from error
    if activity.service_url != raw["serviceUrl"]:
        raise NotAccepted(400, "serviceUrl is ambiguous")
    # Our answers never go out by way of the SDK's buffer.
    activity.delivery_mode = None
    return activity
