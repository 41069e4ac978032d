"""E-mails from the helpdesk's mailbox, handed to Graph. Never repeated in here: sendMail has no idempotency key.

They go as MIME, because Graph's JSON takes one body only and no header that makes e-mails a conversation.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from adapters.entra.client import Graph, GraphTrouble
from cards.mail_layout import Mail
from domain.errors import Trouble
from services.unanswered import may_be_out
from texts import say


class GraphMailer:
    def __init__(self, graph: Graph, mailbox: str) -> None:
        self._graph = graph
        self._mailbox = mailbox

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        content = base64.b64encode(as_mime(mail, sender=self._mailbox, to=to, key=key).as_bytes())
        try:
            with may_be_out("sending the e-mail"):
                await self._graph.call(self._post, content)
        except GraphTrouble as trouble:
            trouble.for_good = 400 <= trouble.status < 500 and trouble.status not in _MAY_PASS
            raise

    async def answers(self) -> None:
        await self._graph.call(self._graph.sdk.users.by_user_id(self._mailbox).get, none_for=(403, 404))

    async def _post(self, content: bytes, request_configuration: Any) -> Any:
        """As the SDK's own `send_mail.post`, which takes JSON only."""
        builder = self._graph.sdk.users.by_user_id(self._mailbox).send_mail
        request = RequestInformation(Method.POST, builder.url_template, builder.path_parameters)
        request.configure(request_configuration)
        request.set_stream_content(content, "text/plain")
        return await builder.request_adapter.send_no_response_content_async(request, {})


def as_mime(mail: Mail, *, sender: str, to: str, key: str) -> EmailMessage:
    """One conversation for each request: by References, and for Outlook by Thread-Index and Thread-Topic.

    Exchange adds the date. Raises `Trouble` where `to` is no address.
    """
    message = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    try:
        message["From"] = Address(addr_spec=sender)
        message["To"] = Address(addr_spec=to)
    except (MessageError, ValueError, IndexError) as error:
        raise Trouble("the e-mail's sender or recipient is no e-mail address", for_good=True) from error
    # The library would decode what looks like an encoded word, with the line breaks in it, and so would a client.
    message["Subject"] = mail.subject.replace("=?", "= ?")
    message["Message-ID"] = f"<{mail.reference}.{_short(f'{key} {to}')}@{domain}>".lower()
    first = f"<{mail.reference}@{domain}>".lower()
    message["In-Reply-To"] = message["References"] = first
    message["Thread-Topic"] = f"MFA exception {mail.reference}"
    message["Thread-Index"] = thread_index(mail.reference, mail.begun)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message["Content-Language"] = say("everyone.language")
    return message


def thread_index(reference: str, begun: datetime) -> str:
    """The header of 22 bytes that a conversation in Outlook begins with: when it began, and its id.

    https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxomsg/9e994fbb-b839-495f-84e3-2c8c02c7dd9b
    """
    ticks = (begun - _FILETIME_BEGINS) // timedelta(microseconds=1) * 10
    moment = ticks.to_bytes(8, "big")[1:6]
    return base64.b64encode(b"\x01" + moment + hashlib.sha256(reference.encode()).digest()[:16]).decode()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_MAY_PASS = frozenset({401, 408, 409, 429})
"""Of the answers that blame the request. After any other, the same e-mail is never taken."""
_FILETIME_BEGINS = datetime(1601, 1, 1, tzinfo=UTC)
