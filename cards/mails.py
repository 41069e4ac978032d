"""The e-mails, as plain text. They hold no evidence, no ground and nothing that acts when it is opened."""

from dataclasses import dataclass

from cards.card import Card
from domain.moments import uk_time
from domain.policy import Policy
from domain.request import Request


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str


def notice(card: Card, request: Request, link: str) -> Mail:
    """A card's words, for somebody who cannot be reached in Teams."""
    text = f"{card.summary}\n\nReference: {request.reference}\nOpen it in Teams: {link}\n\n{_SENT_BY}"
    return Mail(card.summary.split(". ")[0], text)


def to_mailbox(request: Request, code: str, link: str, policy: Policy) -> Mail:
    """To the site's shared mailbox, which several people read: so neither the ground nor any evidence is in it."""
    kind = policy.kinds[request.kind]
    assert request.site is not None
    assert kind.evidence is not None
    until = uk_time(request.waits_since + kind.evidence.given_within)
    text = f"""{request.asked_by.name} has asked for an MFA exception of {kind.length} for {request.subject.name} \
({request.subject.address}). It is asked for on behalf of {request.site.name} ({request.site.ods}).

Somebody who works in this mailbox has to give evidence until {until}. It cannot be {request.subject.name}. \
Without evidence the exception is not granted.

What to do:

1. Open the chat in Teams: {link}
2. Send the words that are filled in: evidence {request.reference}
3. Type this code when you are asked for it: {code}

The code works once. It shows that you can read this mailbox. Do not give it to anybody else.

If the site does not support this, open the chat and type: withdraw {request.reference}

If you do not know what this is about, telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} and quote \
{request.reference}.

{_SENT_BY}"""
    return Mail(f"Evidence needed: MFA exception for {request.subject.name} ({request.reference})", text)


_SENT_BY = "This e-mail was sent by the MFA exceptions bot.\n"
