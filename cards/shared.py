"""A request as somebody shares it with others: a card that tells no more than its reference, whoever looks at it."""

from cards.card import Card
from cards.parts import button, buttons, card, heading, link, quiet, words
from cards.request import STATES
from domain.policy import Policy
from domain.request import Request
from texts import say

SHOW = "show"
_UNSHOWN = str.maketrans(dict.fromkeys("<>[]*_`~#&\\", " "))


def shared(reference: str, chat: str, policy: Policy) -> Card:
    """The same for everybody and for any reference, also for one that there is not. `chat`: opens it with the bot.

    It names nobody for whom it draws itself anew: that list could be read in the chat. In small chats Teams then asks
    for each viewer.
    """
    show = button(say("everyone.show_button"), SHOW, {"reference": reference}, style="positive")
    shown = card(
        say("everyone.shared_title", reference=reference),
        heading(say("everyone.shared_title", reference=reference)),
        words(say("everyone.shared")),
        buttons(show, link(say("everyone.open_chat_button"), chat)),
        quiet(say("everyone.help_with_reference", reference=reference, **policy.helpdesk.contact)),
    )
    return Card(
        {**shown.content, "refresh": {"action": button(say("everyone.show_button"), SHOW, {"reference": reference})}},
        shown.summary,
    )


def only_you(one: Card, page: str) -> Card:
    """A card that stands where others see only the shared one. `page`: the link to the request, to paste elsewhere."""
    told = quiet(say("everyone.only_you_see_this", link=page))
    return Card({**one.content, "body": [*one.content["body"], told]}, one.summary)


def title(request: Request) -> str:
    return f"{bare(request.subject.name)}, {request.reference}"


def line(request: Request) -> str:
    icon, said, _ = STATES[request.state]
    site = f" {bare(request.site.name)} ({request.site.ods})" if request.site else ""
    return f"{icon} {say(said)}.{site}"


def bare(text: str) -> str:
    """For the lines of a search, which know other formatting than cards and no way to escape it."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(kept.translate(_UNSHOWN).split())[:120]
