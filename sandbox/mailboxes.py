"""Graph's mailboxes: what a mailbox is for, and e-mail accepted from it. Nothing leaves this process."""

from typing import Any

from aiohttp import web

from sandbox.answers import GraphError, json_body, thing
from sandbox.clock import MovableClock, written
from sandbox.directory import Directory
from sandbox.mime import read_mime
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
        if request.content_type == "text/plain":
            mail = self._from_mime(sender, await request.read())
        else:
            mail = self._from_json(sender, await json_body(request))
        self._directory.state.accept(mail)
        return web.Response(status=202)

    def _from_json(self, sender: str, values: dict[str, Any]) -> Mail:
        # Graph takes an action's parameters in either case; its own SDK writes "Message".
        message = {name.lower(): value for name, value in values.items()}.get("message")
        if not isinstance(message, dict):
            raise GraphError(400, "The value of the parameter 'Message' is empty.", code="ErrorInvalidParameter")
        body = message.get("body")
        content = body.get("content") if isinstance(body, dict) else None
        subject = str(message.get("subject") or "")
        return Mail(sender, _addresses(message), subject, str(content or ""), written(self._clock.now()))

    def _from_mime(self, sender: str, content: bytes) -> Mail:
        mime = read_mime(content)
        if not {one.lower() for one in mime.senders} <= self._own(sender):
            raise GraphError(
                403,
                "The user account which was used to submit this request does not have the right to send mail on "
                "behalf of the specified sending account., Cannot submit message.",
                code="ErrorSendAsDenied",
            )
        to = _checked(mime.to)
        return Mail(sender, to, mime.subject, mime.text, written(self._clock.now()), mime.html, mime.headers)

    def _own(self, sender: str) -> set[str]:
        """The addresses that mail from this mailbox may come from."""
        names = [{user.id, user.upn.lower(), user.mail.lower()} for user in self._directory.users()]
        return {sender.lower()}.union(*(one for one in names if sender.lower() in one))


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
    return _checked(addresses)


def _checked(addresses: tuple[Any, ...]) -> tuple[str, ...]:
    if not addresses or not all(isinstance(one, str) and "@" in one.strip("@") for one in addresses):
        raise GraphError(400, "At least one recipient is not valid.", code="ErrorInvalidRecipients")
    return addresses
