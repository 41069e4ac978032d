"""Mailboxes: what they are for, and e-mail that is accepted and can be read at /sandbox/mail."""

from typing import Any

import pytest

from tests.sandbox.running import Caller

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
    assert accepted == {"from": "mfa@nhs.example", "to": ["anna@nhs.example"], "subject": "Hello", "body": "Words"}


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
