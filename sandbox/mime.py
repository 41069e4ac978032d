"""Reads an e-mail that Graph takes as MIME in base64: https://learn.microsoft.com/graph/outlook-send-mime-message."""

import base64
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default

from sandbox.answers import GraphError


@dataclass(frozen=True, slots=True)
class Mime:
    senders: tuple[str, ...]
    """Whom it says that it is from; may be empty."""
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    """By their names in lower case; the last one of a name that stands there more than once."""


def read_mime(content: bytes) -> Mime:
    """Raises `GraphError` 400."""
    try:
        mime = base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError:
        mime = b""
    if not mime:
        raise GraphError(400, "Invalid base64 string for MIME content.", code="ErrorMimeContentInvalidBase64String")
    message = message_from_bytes(mime, policy=default)
    try:
        return _read(message)
    # The standard library's parser of headers trips over some that are broken.
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError, MessageError) as error:
        raise GraphError(400, "The MIME content is invalid.", code="ErrorMimeContentInvalid") from error


def _read(message: EmailMessage) -> Mime:
    if not message.keys() or any(part.defects for part in message.walk()):
        raise ValueError("no headers, or broken parts")
    return Mime(
        _addresses(message, "from"),
        _addresses(message, "to", "cc", "bcc"),
        str(message.get("subject", "")),
        _body(message, "plain"),
        _body(message, "html"),
        {name.lower(): _whole(str(value)) for name, value in message.items()},
    )


def _addresses(message: EmailMessage, *names: str) -> tuple[str, ...]:
    headers = [header for name in names for header in message.get_all(name, [])]
    return tuple(one.addr_spec for header in headers for one in header.addresses)


def _body(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return _whole(body.get_content().replace("\r\n", "\n")) if isinstance(body, EmailMessage) else ""


def _whole(text: str) -> str:
    """Bytes that are no text are kept by the parser as halves of characters, which no JSON holds."""
    return text.encode("utf-8", "replace").decode()
