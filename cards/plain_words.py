"""Cards that only say something: welcome, help, a refusal, something that went wrong."""

from collections.abc import Sequence

from cards.card import Card
from cards.parts import button, buttons, card, facts, heading, help_line, link, plain, state, words
from domain.errors import Refusal
from domain.policy import LONG, SHORT, Elsewhere, Policy
from domain.request import Request

ASK = ("Ask for an exception", "ask.start")
MINE = ("My requests", "mine")


def welcome(policy: Policy, *, agent: bool) -> Card:
    return _menu("MFA exceptions", policy, agent=agent)


def how_to(policy: Policy, *, agent: bool) -> Card:
    return _menu("What you can do here", policy, agent=agent)


def _menu(title: str, policy: Policy, *, agent: bool) -> Card:
    kind = policy.kinds[SHORT]
    typed = [
        ("short", f"ask for an exception for {kind.length}, for you or a colleague"),
        *_long(policy),
        ("my requests", "see what you asked for and how it stands"),
        ("status", "see one request: type its reference behind it"),
        ("withdraw", "take back a request that is waiting: type its reference behind it"),
        ("end", "end an exception that you no longer need: type its reference behind it"),
        ("evidence", "give evidence for your site: type the reference from the e-mail behind it"),
        ("cancel", "stop what you are filling in"),
    ]
    if agent:
        typed += [
            ("queue", "see what is waiting for a decision"),
            ("review", "open one request: type its reference behind it"),
            ("approve", "approve it: type its reference behind it"),
            ("ask", "send it back: type its reference and your question"),
            ("reject", "reject it: type its reference and the reason"),
            ("revoke", "end it at once: type its reference and the reason"),
            ("site", "see or correct a site: type its code, its mailbox or its name behind it"),
            ("use this channel", "in a channel: have requests posted there"),
        ]
    actions = [button(*ASK, style="positive"), button(*MINE)]
    if LONG in policy.kinds:
        actions.insert(1, button(f"Ask for {policy.kinds[LONG].length}", "ask.long"))
    if agent:
        actions.append(button("Waiting requests", "queue"))
    return card(
        f"{title}: ask for an exception, or see your requests",
        heading(title),
        words(
            f"If you cannot use multi-factor authentication (MFA), the {policy.helpdesk.name} can exempt you for "
            f"{kind.length}{_or_longer(policy)}. Nobody can give themselves an exception: the helpdesk decides on each "
            "request."
        ),
        words(
            "Tell us what happened and for whom, for example “lost phone, for sam.price@nhs.net”, or use a button. "
            "Spelling mistakes do not matter."
        ),
        buttons(*actions, link("Read the guide", policy.links.guide)),
        words("You can also type:", separator=True),
        facts(typed),
        help_line(policy),
    )


def _or_longer(policy: Policy) -> str:
    return f", or for {policy.kinds[LONG].length} with evidence from your site" if LONG in policy.kinds else ""


def _long(policy: Policy) -> list[tuple[str, str]]:
    if LONG not in policy.kinds:
        return []
    return [
        ("long", f"ask for an exception for {policy.kinds[LONG].length}, with evidence from your site"),
        ("renew", "renew a long exception before it ends: type its reference behind it"),
    ]


def not_understood(policy: Policy, likely: Sequence[tuple[str, str, str]]) -> Card:
    """`likely` are up to three (title, verb, what to type) that the person may have meant."""
    return card(
        "We did not understand that. Here is what you can do",
        heading("We did not understand that"),
        words("Did you mean one of these? Press a button, or type the word."),
        facts((typed, title) for title, _, typed in likely),
        buttons(*[button(title, verb) for title, verb, _ in likely]),
        words("You can also say what happened, for example “I lost my phone”."),
        help_line(policy),
    )


def elsewhere(one: Elsewhere, policy: Policy) -> Card:
    """Something that this bot does not do: who does, and what it is for."""
    return card(
        f"{one.title}: telephone the {policy.helpdesk.name}",
        heading(one.title),
        words(f"{one.says} {whom_to_telephone(policy)}"),
        words("If you cannot use MFA, say what happened, for example “I lost my phone”."),
        buttons(button(*ASK), button(*MINE)),
        help_line(policy),
    )


def whom_to_telephone(policy: Policy) -> str:
    return f"Telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone}."


def how_long(policy: Policy) -> str:
    """How long exceptions last, and how long people wait for one."""
    short = policy.kinds[SHORT]
    said = [
        f"A {short.title.lower()} lasts {short.length}. The helpdesk decides when you telephone and quote "
        "the reference of your request."
    ]
    long = policy.kinds.get(LONG)
    if long is not None:
        said.append(f"A {long.title.lower()} lasts {long.length}. It is decided when your site has given its evidence.")
    return " ".join(said)


def thanks() -> Card:
    return card("You are welcome.", words("You are welcome."))


def sure_to_give_up(request: Request, verb: str, policy: Policy) -> Card:
    """`verb` is `withdraw` or `end`. Shown where the words may have meant something else."""
    whole = f"{verb} {request.reference}"
    title = "Withdraw this request?" if verb == "withdraw" else "End this exception?"
    return card(
        f"{title} {request.reference}",
        heading(title),
        facts([("Reference", request.reference), ("For", plain(request.subject.name))]),
        words(f"Nothing was changed yet. Type “yes” or “{whole}” to do it, or “no” to leave it as it is."),
        buttons(
            button(f"Yes, {verb} it", verb, {"reference": request.reference}, style="destructive"),
            button("No, leave it", "status", {"reference": request.reference}),
        ),
        help_line(policy),
    )


def refused(refusal: Refusal, policy: Policy) -> Card:
    return card(
        plain(refusal.sentence),
        words(plain(refusal.sentence)),
        buttons(link(*refusal.link)) if refusal.link else None,
        help_line(policy),
    )


def went_wrong(sentence: str, policy: Policy) -> Card:
    return card(sentence, state("⚠️", "That did not work"), words(sentence), help_line(policy))


def note(title: str, sentence: str, policy: Policy) -> Card:
    return card(f"{title}. {sentence}", heading(title), words(sentence), help_line(policy))


def answered(question: str, answer: str) -> Card:
    """What is left of a question's card when the answer was typed below it."""
    return card(f"{question} {answer}", words(question, isSubtle=True), words(f"✔️ {answer}"))
