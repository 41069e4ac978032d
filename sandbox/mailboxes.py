"""Graph's mailboxes: what a mailbox is for, and e-mail accepted from it. Nothing leaves this process."""

from typing import Any

from aiohttp import web

from sandbox.answers import GraphError, json_body, thing
from sandbox.clock import MovableClock, written
from sandbox.directory import Directory
from sandbox.state import Mail


class Mailboxes:
    def __init__(self, directory: Directory, clock: MovableClock) -> None:
        self._directory = directory
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        user = "/v1.0/users/{user}"
        return [
            web.post(f"{user}/sendMail", self._send),
            web.post(f"{user}/microsoft.graph.sendMail", self._send),
            web.get(f"{user}/mailboxSettings", self._settings),
            web.get(f"{user}/mailboxSettings/userPurpose", self._purpose),
        ]

    async def _settings(self, request: web.Request) -> web.Response:
        purpose = self._directory.purpose(request.match_info["user"])
        values = {"timeZone": "GMT Standard Time", "language": {"locale": "en-GB"}, "userPurpose": purpose}
        return thing(request, f"users('{request.match_info['user']}')/mailboxSettings", values)

    async def _purpose(self, request: web.Request) -> web.Response:
        mailbox = request.match_info["user"]
        context = f"users('{mailbox}')/mailboxSettings/userPurpose"
        return thing(request, context, {"value": self._directory.purpose(mailbox)})

    async def _send(self, request: web.Request) -> web.Response:
        sender = request.match_info["user"]
        self._directory.purpose(sender)
        # Graph takes an action's parameters in either case; its own SDK writes "Message".
        message = {name.lower(): value for name, value in (await json_body(request)).items()}.get("message")
        if not isinstance(message, dict):
            raise GraphError(400, "The value of the parameter 'Message' is empty.", code="ErrorInvalidParameter")
        body = message.get("body")
        content = body.get("content") if isinstance(body, dict) else None
        to = _addresses(message)
        at = written(self._clock.now())
        self._directory.state.accept(Mail(sender, to, str(message.get("subject") or ""), str(content or ""), at))
        return web.Response(status=202)


def _addresses(message: dict[str, Any]) -> tuple[str, ...]:
    recipients = [
        recipient
        for key in ("toRecipients", "ccRecipients", "bccRecipients")
        if isinstance(listed := message.get(key, []), list)
        for recipient in listed
    ]
    try:
        addresses = tuple(recipient["emailAddress"]["address"] for recipient in recipients)
    except (TypeError, KeyError):
        addresses = ()
    if not addresses or not all(isinstance(one, str) and "@" in one.strip("@") for one in addresses):
        raise GraphError(400, "At least one recipient is not valid.", code="ErrorInvalidRecipients")
    return addresses
