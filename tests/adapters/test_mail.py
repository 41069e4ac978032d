"""An e-mail as MIME: read back with the standard library's parser, as a mail client would."""

import base64
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mail import as_mime, thread_index
from cards.mail_layout import Code, Facts, Link, Mail, Paragraph, Steps
from domain.errors import Trouble
from tests.builders import NOON

FROM, TO = "mfa.exceptions@nhs.net", "sam.price@nhs.net"
ONE = Mail(
    "MFA-7K3Q-9XDM",
    NOON,
    "Your MFA exception has ended",
    "MFA prompts are back.",
    (
        Paragraph("Words – & <more>"),
        Steps(("First.", "Second.")),
        Code("1234-5678"),
        Link("Open", "https://teams.microsoft.com/?a=1&b=2"),
        Facts((("Site", ""), ("For", "Zoë"))),
    ),
    "The end.",
)


def read(mail: Mail = ONE, to: str = TO, key: str = "a key") -> EmailMessage:
    return message_from_bytes(as_mime(mail, sender=FROM, to=to, key=key).as_bytes(), policy=default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_the_same_arrives_as_plain_text_and_as_html() -> None:
    message = read()
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body(message, "plain") == ONE.text
    assert body(message, "html") == ONE.html
    assert (message["From"], message["To"]) == (FROM, TO)
    assert message["Subject"] == "Your MFA exception has ended (MFA-7K3Q-9XDM)"


def test_plain_text_is_laid_out_to_be_read() -> None:
    assert ONE.text == (
        "MFA prompts are back.\n\nWords – & <more>\n\n1. First.\n2. Second.\n\nCode: 1234-5678\n\n"
        "Open: https://teams.microsoft.com/?a=1&b=2\n\nFor: Zoë\n\nThe end.\n"
    )


def test_the_mails_of_a_request_are_one_conversation_and_those_of_two_are_not() -> None:
    of_one, other = (
        [read(key="a"), read(key="b", to="alex.reed@nhs.net")],
        read(Mail("MFA-2222-2222", NOON, "", "", (), "")),
    )
    for name in ("References", "In-Reply-To", "Thread-Index", "Thread-Topic"):
        assert len({message[name] for message in of_one}) == 1
        assert other[name] != of_one[0][name]


def test_a_mail_that_is_repeated_is_known_as_the_same_one_and_every_other_is_another() -> None:
    assert read()["Message-ID"] == read()["Message-ID"]
    others = {read(key=key, to=to)["Message-ID"] for key in ("a", "b") for to in (TO, "alex.reed@nhs.net")}
    assert len(others) == 4
    assert all(one.startswith("<mfa-7k3q-9xdm.") and one.endswith("@nhs.net>") for one in others)


def test_no_machine_answers_it() -> None:
    assert read()["Auto-Submitted"] == "auto-generated"
    assert read()["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_outlooks_conversation_begins_when_the_request_did() -> None:
    index = base64.b64decode(thread_index("MFA-7K3Q-9XDM", NOON))
    assert (len(index), index[0]) == (22, 1)
    # The first six bytes are those of Windows' count of 100 ns since 1601, of which the first is 1 until 2057.
    ticks = int.from_bytes(index[:6] + b"\0\0", "big")
    assert abs(datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10) - NOON) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a b@c",
        "a@b, c@d",
        "<a@b>",
        "a@@b",
        "a@b\r\nBcc: x@y.z",
        "a@b\nx",
        "a@b;c@d",
        "Sam <a@b>",
        "zoë@nhs.net",
    ],
)
def test_what_is_no_address_is_trouble_for_good(address: str) -> None:
    with pytest.raises(Trouble) as trouble:
        as_mime(ONE, sender=FROM, to=address, key="")
    assert trouble.value.for_good
    assert address not in trouble.value.message or not address


@given(st.text(max_size=40) | st.emails())
def test_whatever_the_address_is_there_is_one_recipient_or_trouble(address: str) -> None:
    try:
        message = as_mime(ONE, sender=FROM, to=address, key="")
    except Trouble:
        return
    read_back = message_from_bytes(message.as_bytes(), policy=default)
    assert len(read_back["To"].addresses) == 1
    assert read_back["Bcc"] is None
    assert read_back["Subject"] == ONE.subject
