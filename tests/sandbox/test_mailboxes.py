"""Mailboxes: what they are for, and e-mail that is accepted and can be read at /sandbox/mail."""

import base64
import json
from dataclasses import asdict
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.answers import GraphError
from sandbox.mime import read_mime
from tests.sandbox.running import Answer, Caller

MFA = "/users/mfa@nhs.example"


def mail(subject: str, *to: Any, **more: Any) -> dict[str, Any]:
    recipients = [{"emailAddress": {"address": address}} for address in to]
    return {"subject": subject, "body": {"contentType": "Text", "content": "Words"}, "toRecipients": recipients, **more}


@pytest.mark.parametrize(
    ("mailbox", "purpose"),
    [
        ("mfa@nhs.example", "shared"),
        ("Riverside@NHS.example", "shared"),
        ("room7@nhs.example", "room"),
        ("anna", "user"),
        ("anna@nhs.example", "user"),
        ("anna.baker@nhs.example", "user"),
        ("zoe@nhs.example", "user"),
    ],
)
async def test_a_mailbox_says_what_it_is_for(graph: Caller, mailbox: str, purpose: str) -> None:
    answer = await graph.get(f"/users/{mailbox}/mailboxSettings/userPurpose")
    context = f"{graph.sandbox.graph_url}/$metadata#users('{mailbox}')/mailboxSettings/userPurpose"
    assert answer.json == {"@odata.context": context, "value": purpose}
    settings = (await graph.get(f"/users/{mailbox}/mailboxSettings")).json
    assert (settings["userPurpose"], settings["timeZone"]) == (purpose, "GMT Standard Time")


@pytest.mark.parametrize("path", ["mailboxSettings", "mailboxSettings/userPurpose"])
async def test_an_unknown_mailbox_is_404(graph: Caller, path: str) -> None:
    said = (404, "ErrorInvalidUser", "The requested user 'nobody@nhs.example' is invalid.")
    assert (await graph.get(f"/users/nobody@nhs.example/{path}")).error == said


async def test_the_mailbox_of_somebody_deleted_is_gone(graph: Caller) -> None:
    assert (await graph.delete("/users/anna")).status == 204
    for key in ("anna", "anna@nhs.example", "anna.baker@nhs.example"):
        assert (await graph.get(f"/users/{key}/mailboxSettings/userPurpose")).error[0] == 404
        assert (await graph.post(f"/users/{key}/sendMail", {"message": mail("s", "a@b.example")})).error[0] == 404


@pytest.mark.parametrize("key", ["message", "Message", "MESSAGE"])
@pytest.mark.parametrize("action", ["sendMail", "microsoft.graph.sendMail"])
async def test_a_mail_is_accepted_in_either_spelling(graph: Caller, key: str, action: str) -> None:
    sent = await graph.post(f"{MFA}/{action}", {key: mail("Hello", "anna@nhs.example"), "saveToSentItems": True})
    assert (sent.status, sent.text) == (202, "")
    [accepted] = await graph.door("GET", "mail")
    assert accepted.pop("at").endswith("Z")
    said = {"from": "mfa@nhs.example", "to": ["anna@nhs.example"], "subject": "Hello", "body": "Words"}
    assert accepted == said | {"html": "", "headers": {}}


async def test_mails_are_listed_newest_last_by_the_tenants_clock(graph: Caller) -> None:
    await graph.post(f"{MFA}/sendMail", {"message": mail("One", "a@b.example", "c@d.example")})
    await graph.door("POST", "clock", {"set": "2031-01-01T00:00:00Z"})
    await graph.post("/users/anna/sendMail", {"message": mail("Zwei – 🙂", "ö@b.example")})
    await graph.door("POST", "clock", {"set": "2001-01-01T00:00:00Z"})
    await graph.post(f"{MFA}/sendMail", {"message": mail("Three", "a@b.example")})
    mails = await graph.door("GET", "mail")
    assert [one["subject"] for one in mails] == ["One", "Zwei – 🙂", "Three"]
    assert [one["to"] for one in mails] == [["a@b.example", "c@d.example"], ["ö@b.example"], ["a@b.example"]]
    assert [one["at"][:4] for one in mails[1:]] == ["2031", "2001"]
    assert mails[1]["from"] == "anna"


async def test_copies_count_as_recipients(graph: Caller) -> None:
    copies = {key: [{"emailAddress": {"address": f"{key}@b.example"}}] for key in ("ccRecipients", "bccRecipients")}
    assert (await graph.post(f"{MFA}/sendMail", {"message": mail("s", **copies)})).status == 202
    assert (await graph.door("GET", "mail"))[0]["to"] == ["ccRecipients@b.example", "bccRecipients@b.example"]


@pytest.mark.parametrize(
    "message",
    [
        mail("s"),
        mail("s", ""),
        mail("s", "nobody"),
        mail("s", "@"),
        mail("s", "anna@"),
        mail("s", None),
        mail("s", 5),
        mail("s", ["a@b.example"]),
        mail("s", "a@b.example", "broken"),
        {"subject": "s"},
        {"toRecipients": "a@b.example"},
        {"toRecipients": ["a@b.example"]},
        {"toRecipients": [{"emailAddress": "a@b.example"}]},
        {"toRecipients": [{"address": "a@b.example"}]},
        {"toRecipients": [None]},
    ],
)
async def test_a_mail_to_nobody_who_could_get_it_is_refused_whole(graph: Caller, message: dict[str, Any]) -> None:
    said = (400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    assert (await graph.post(f"{MFA}/sendMail", {"message": message})).error == said
    assert await graph.door("GET", "mail") == []


@pytest.mark.parametrize(
    "body", [{}, {"message": None}, {"message": "text"}, {"message": []}, {"saveToSentItems": True}]
)
async def test_a_mail_without_a_message_is_refused(graph: Caller, body: dict[str, Any]) -> None:
    assert (await graph.post(f"{MFA}/sendMail", body)).error[:2] == (400, "ErrorInvalidParameter")


@pytest.mark.parametrize(
    "words", [{}, {"body": None}, {"body": {"content": None}}, {"body": "text"}, {"subject": None}]
)
async def test_a_mail_may_be_empty(graph: Caller, words: dict[str, Any]) -> None:
    message = {"toRecipients": mail("", "a@b.example")["toRecipients"], **words}
    assert (await graph.post(f"{MFA}/sendMail", {"message": message})).status == 202
    [accepted] = await graph.door("GET", "mail")
    assert (accepted["subject"], accepted["body"]) == ("", "")


async def test_a_mail_from_nobody_is_404(graph: Caller) -> None:
    sent = await graph.post("/users/nobody@nhs.example/sendMail", {"message": mail("s", "a@b.example")})
    assert sent.error[:2] == (404, "ErrorInvalidUser")
    assert await graph.door("GET", "mail") == []


def mime(**headers: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    for name, value in {"From": "mfa@nhs.example", "To": "a@b.example", "Subject": "Zwei – 🙂", **headers}.items():
        message[name.replace("_", "-")] = value
    message.set_content("Words – 🙂\n")
    message.add_alternative("<p>Words – 🙂</p>\n", subtype="html")
    return message.as_bytes()


async def post_mime(graph: Caller, content: bytes, mailbox: str = MFA) -> Answer:
    kind = {"Content-Type": "text/plain"}
    return await graph.ask("POST", f"/v1.0{mailbox}/sendMail", data=content, headers=kind)


async def test_a_mail_as_mime_is_accepted_and_both_bodies_and_its_headers_can_be_read(graph: Caller) -> None:
    content = mime(Cc="c@d.example", References="<one@b.example>", In_Reply_To="<one@b.example>")
    sent = await post_mime(graph, base64.encodebytes(content))
    assert (sent.status, sent.text) == (202, "")
    [accepted] = await graph.door("GET", "mail")
    assert (accepted["from"], accepted["to"]) == ("mfa@nhs.example", ["a@b.example", "c@d.example"])
    assert (accepted["subject"], accepted["body"]) == ("Zwei – 🙂", "Words – 🙂\n")
    assert accepted["html"] == "<p>Words – 🙂</p>\n"
    assert accepted["headers"]["references"] == accepted["headers"]["in-reply-to"] == "<one@b.example>"


@pytest.mark.parametrize("content", [b"", b" ", b"no base64!", b"QQ", b"QQ=", b"\xff\xfe", mime(), b"{}"])
async def test_mime_that_is_no_base64_is_refused(graph: Caller, content: bytes) -> None:
    said = (400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")
    assert (await post_mime(graph, content)).error == said
    assert await graph.door("GET", "mail") == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"just words", "ErrorMimeContentInvalid"),
        (b"Content-Type: multipart/alternative; boundary=x\r\n\r\nno parts", "ErrorMimeContentInvalid"),
        (b"Subject: Hello\r\n\r\nWords", "ErrorInvalidRecipients"),
        (b"To: nobody\r\n\r\nWords", "ErrorInvalidRecipients"),
        (b"To: a@b.example\r\nFrom: anna@nhs.example\r\n\r\nWords", "ErrorSendAsDenied"),
    ],
)
async def test_mime_that_is_no_mail_from_here_to_anybody_is_refused(graph: Caller, content: bytes, code: str) -> None:
    answer = await post_mime(graph, base64.b64encode(content))
    assert answer.error[:2] == (403 if code == "ErrorSendAsDenied" else 400, code)
    assert await graph.door("GET", "mail") == []


async def test_somebodys_own_mail_may_come_from_either_of_their_addresses(graph: Caller) -> None:
    for address in ("Anna@nhs.example", "anna.baker@nhs.example"):
        content = base64.b64encode(b"To: a@b.example\r\nFrom: %s\r\n\r\nWords" % address.encode())
        assert (await post_mime(graph, content, "/users/anna")).status == 202


PIECES = 'To:From Subject@.,;<>"=?utf-8bQ\r\n\t \x00()é'


@given(st.binary(max_size=200) | st.text(PIECES, max_size=200).map(str.encode))
def test_whatever_stands_in_mime_is_read_or_refused(content: bytes) -> None:
    for written in (content, base64.b64encode(content), base64.b64encode(b"To: a@b\r\n" + content)):
        try:
            read = read_mime(written)
        except GraphError:
            continue
        assert json.dumps(asdict(read), ensure_ascii=False).encode()
