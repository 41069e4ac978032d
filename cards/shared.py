"""A request as somebody shares it with others: a card that tells no more than its reference, whoever looks at it."""

from cards.card import Card
from cards.parts import button, buttons, card, heading, link, quiet, words
from cards.request import STATES
from domain.policy import Policy
from domain.request import Request

SHOW = "show"
_UNSHOWN = str.maketrans(dict.fromkeys("<>[]*_`~#&\\", " "))


def shared(reference: str, chat: str, policy: Policy) -> Card:
    """The same for everybody and for any reference, also for one that there is not. `chat`: opens it with the bot.

    It names nobody for whom it draws itself anew: that list could be read in the chat. In small chats Teams then asks
    for each viewer.
    """
    show = button("Show", SHOW, {"reference": reference}, style="positive")
    shown = card(
        f"MFA exception request {reference}",
        heading(f"MFA exception request {reference}"),
        words("What it says is shown to the people whom it concerns and to the helpdesk. Press Show: only you see it."),
        buttons(show, link("Open the chat with the bot", chat)),
        quiet(f"Need help? Telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} and quote {reference}."),
    )
    return Card({**shown.content, "refresh": {"action": button("Show", SHOW, {"reference": reference})}}, shown.summary)


def only_you(one: Card, page: str) -> Card:
    """A card that stands where others see only the shared one. `page`: the link to the request, to paste elsewhere."""
    told = quiet(f"Only you see this. Everybody else here sees the reference. Link to this request: {page}")
    return Card({**one.content, "body": [*one.content["body"], told]}, one.summary)


def title(request: Request) -> str:
    return f"{bare(request.subject.name)}, {request.reference}"


def line(request: Request) -> str:
    icon, said, _ = STATES[request.state]
    site = f" {bare(request.site.name)} ({request.site.ods})" if request.site else ""
    return f"{icon} {said}.{site}"


def bare(text: str) -> str:
    """For the lines of a search, which know other formatting than cards and no way to escape it."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(kept.translate(_UNSHOWN).split())[:120]
