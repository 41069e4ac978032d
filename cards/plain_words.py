"""Cards that only say something: welcome, help, a refusal, something that went wrong."""

from collections.abc import Collection, Sequence

from cards.card import Card
from cards.parts import (
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    facts,
    folded,
    heading,
    help_line,
    link,
    plain,
    state,
    words,
)
from domain.errors import Refusal
from domain.policy import LONG, SHORT, Elsewhere, Policy
from domain.request import Request
from texts import say

_COMMANDS = (
    ("everyone.command_mine", "everyone.command_mine_does"),
    ("everyone.command_status", "everyone.command_status_does"),
    ("everyone.command_withdraw", "everyone.command_withdraw_does"),
    ("everyone.command_end", "everyone.command_end_does"),
    ("everyone.command_evidence", "everyone.command_evidence_does"),
    ("everyone.command_cancel", "everyone.command_cancel_does"),
)
_COMMANDS_OF_AGENTS = (
    ("agent.command_tour", "agent.command_tour_does"),
    ("agent.command_queue", "agent.command_queue_does"),
    ("agent.command_review", "agent.command_review_does"),
    ("agent.command_approve", "agent.command_approve_does"),
    ("agent.command_send_back", "agent.command_send_back_does"),
    ("agent.command_reject", "agent.command_reject_does"),
    ("agent.command_revoke", "agent.command_revoke_does"),
    ("agent.command_site", "agent.command_site_does"),
    ("agent.command_use_this_channel", "agent.command_use_this_channel_does"),
)

_TOUR = (
    ("agent.tour_where_title", "agent.tour_where"),
    ("agent.tour_review_title", "agent.tour_review"),
    ("agent.tour_verify_title", "agent.tour_verify"),
    ("agent.tour_decide_title", "agent.tour_decide"),
    ("agent.tour_after_title", "agent.tour_after"),
)


def ask_button(style: str = "") -> Part:
    return button(say("requester.ask_button"), "ask.start", style=style)


def mine_button() -> Part:
    return button(say("requester.requests_title"), "mine")


def welcome(policy: Policy, groups: Collection[str] = ()) -> Card:
    """`groups`: which of the helpdesk's groups they are in, by the policy's names."""
    return _menu(say("everyone.welcome_title"), policy, groups)


def how_to(policy: Policy, groups: Collection[str] = ()) -> Card:
    return _menu(say("everyone.how_to_title"), policy, groups)


def tour(policy: Policy) -> Card:
    """For the helpdesk: from a new request to its end, in as many steps as are read in two minutes."""
    return card(
        say("agent.tour_title"),
        heading(say("agent.tour_title")),
        *(
            part
            for title, said in _TOUR
            for part in (words(say(title), weight="Bolder"), words(say(said), spacing="None"))
        ),
        buttons(
            button(say("agent.queue_title"), "queue"),
            button(say("agent.for_a_caller_button"), "ask.start"),
            button(say("everyone.help_button"), "help"),
        ),
        agents_help_line(policy),
    )


def _menu(title: str, policy: Policy, groups: Collection[str]) -> Card:
    agent, lead = "helpdesk" in groups, "leads" in groups
    kind = policy.kinds[SHORT]
    typed = [
        (say("everyone.command_short"), say("everyone.command_short_does", length=kind.length)),
        *_long(policy),
        *_said(_COMMANDS),
    ]
    if agent:
        typed += _said(_COMMANDS_OF_AGENTS)
    ask = button(say("agent.for_a_caller_button"), "ask.start") if agent else ask_button("positive")
    actions = [ask, mine_button()]
    if LONG in policy.kinds:
        actions.insert(1, button(say("requester.ask_for_button", length=policy.kinds[LONG].length), "ask.long"))
    if agent:
        waiting = button(say("agent.queue_title"), "queue", style="positive")
        actions = [waiting, *actions, button(say("agent.tour_button"), "tour")]
    else:
        actions.append(link(say("everyone.guide_button"), policy.links.guide))
    return card(
        say("everyone.menu_summary", title=title),
        heading(title),
        words(say("agent.what_you_do") if agent else _about(policy)),
        words(say("lead.what_comes_to_you")) if lead else None,
        words(say("everyone.tell_us")),
        buttons(*actions),
        *folded(say("everyone.commands_button"), "commands", facts(typed)),
        agents_help_line(policy) if agent else help_line(policy),
    )


def _about(policy: Policy) -> str:
    helpdesk, short = policy.helpdesk.name, policy.kinds[SHORT].length
    if LONG not in policy.kinds:
        return say("everyone.about_exceptions", helpdesk=helpdesk, length=short)
    return say("everyone.about_both_exceptions", helpdesk=helpdesk, short=short, long=policy.kinds[LONG].length)


def _said(commands: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(say(command), say(does)) for command, does in commands]


def _long(policy: Policy) -> list[tuple[str, str]]:
    if LONG not in policy.kinds:
        return []
    return [
        (say("everyone.command_long"), say("everyone.command_long_does", length=policy.kinds[LONG].length)),
        (say("everyone.command_renew"), say("everyone.command_renew_does")),
    ]


def not_understood(policy: Policy, likely: Sequence[tuple[str, str, str]]) -> Card:
    """`likely` are up to three (title, verb, what to type) that the person may have meant."""
    return card(
        say("everyone.not_understood_summary"),
        heading(say("everyone.not_understood_title")),
        words(say("everyone.did_you_mean")),
        facts((typed, title) for title, _, typed in likely),
        buttons(*[button(title, verb) for title, verb, _ in likely]),
        words(say("everyone.say_what_happened")),
        help_line(policy),
    )


def elsewhere(one: Elsewhere, policy: Policy) -> Card:
    """Something that this bot does not do: who does, and what it is for."""
    return card(
        say("everyone.elsewhere_summary", title=one.title, helpdesk=policy.helpdesk.name),
        heading(one.title),
        words(f"{one.says} {whom_to_telephone(policy)}"),
        words(say("everyone.if_it_is_about_mfa")),
        buttons(ask_button(), mine_button()),
        help_line(policy),
    )


def whom_to_telephone(policy: Policy) -> str:
    return say("everyone.whom_to_telephone", **policy.helpdesk.contact)


def how_long(policy: Policy) -> str:
    """How long exceptions last, and how long people wait for one."""
    short = policy.kinds[SHORT]
    said = [say("everyone.how_long_short", kind=short.title.lower(), length=short.length)]
    long = policy.kinds.get(LONG)
    if long is not None:
        said.append(say("everyone.how_long_long", kind=long.title.lower(), length=long.length))
    return " ".join(said)


def thanks() -> Card:
    said = say("everyone.thanks")
    return card(said, words(said))


def sure_to_give_up(request: Request, verb: str, policy: Policy) -> Card:
    """`verb` is `withdraw` or `end`. Shown where the words may have meant something else."""
    reference = request.reference
    if verb == "withdraw":
        title, yes = say("requester.sure_to_withdraw_title"), say("requester.yes_withdraw_button")
        said = say("requester.sure_to_withdraw", reference=reference)
    else:
        title, yes = say("requester.sure_to_end_title"), say("requester.yes_end_button")
        said = say("requester.sure_to_end", reference=reference)
    return card(
        f"{title} {reference}",
        heading(title),
        facts(
            [
                (say("everyone.reference_label"), reference),
                (say("everyone.for_label"), plain(request.subject.name)),
            ]
        ),
        words(said),
        buttons(
            button(yes, verb, {"reference": reference}, style="destructive"),
            button(say("requester.no_leave_it_button"), "status", {"reference": reference}),
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
    return card(sentence, state("⚠️", say("everyone.did_not_work_title")), words(sentence), help_line(policy))


def note(title: str, sentence: str, policy: Policy) -> Card:
    return card(f"{title}. {sentence}", heading(title), words(sentence), help_line(policy))


def answered(question: str, answer: str) -> Card:
    """What is left of a question's card when the answer was typed below it."""
    return card(f"{question} {answer}", words(question, isSubtle=True), words(f"✔️ {answer}"))
