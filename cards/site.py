"""A site of the register, the form that corrects it, and a choice among several."""

from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import (
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    choice,
    facts,
    field,
    heading,
    mistake,
    plain,
    state,
    words,
)
from domain import site as rules
from domain.people import Person
from domain.policy import Policy
from domain.site import LONGEST_ADDRESS, LONGEST_NAME, Site, SiteStatus
from texts import say

MOST = 6
"""Each line has a button, and Teams shows six of them."""
_STATES = {
    SiteStatus.OPEN: ("✅", "agent.status_open"),
    SiteStatus.CLOSED: ("⛔", "agent.status_closed"),
    SiteStatus.SUCCEEDED: ("➡️", "agent.status_succeeded"),
}
_LONGEST_OWNERS = 3000


def site(one: Site, policy: Policy, said: str = "") -> Card:
    """`said` is what has just happened to it."""
    icon, status = _STATES[one.status]
    actions = [button(say("agent.correct_button"), "site.correct", {"ods": one.ods})]
    if one.succeeded_by:
        actions.append(_open(one.succeeded_by))
    summary = say("agent.site_summary", ods=one.ods, name=plain(one.name))
    if said:
        summary = say("agent.site_said_summary", ods=one.ods, name=plain(one.name), said=said)
    return card(
        summary,
        heading(f"{one.ods} {plain(one.name)}"),
        state("✔️", said) if said else None,
        state(icon, say(status)),
        *[_warning(sentence) for sentence in rules.warnings(one)],
        facts(
            [
                (say("agent.code_label"), f"{one.ods} ({rules.read_back(one.ods)})"),
                (say("agent.mailbox_label"), plain(one.mailbox)),
                (say("agent.owners_label"), ", ".join(map(_owner, one.owners))),
                (say("agent.succeeded_by_label"), _successor(one)),
            ]
        ),
        buttons(*actions),
        agents_help_line(policy),
    )


def form(one: Site, typed: Mapping[str, str], seen: str, policy: Policy, sentences: Sequence[str] = ()) -> Card:
    """`typed` has the fields by the register's names; `seen` says which version of the site was looked at."""
    return card(
        say("agent.correct_summary", ods=one.ods, name=plain(one.name)),
        heading(say("agent.correct_title", ods=one.ods)),
        mistake("\n\n".join(sentences)) if sentences else None,
        field(
            "name", say("agent.name_label"), error=say("agent.name_error"), value=typed.get("name", "")[:LONGEST_NAME],
            most=LONGEST_NAME,
        ),
        field(
            "mailbox", say("agent.shared_mailbox_label"), error=say("agent.shared_mailbox_error"),
            value=typed.get("mailbox", "")[:LONGEST_ADDRESS], most=LONGEST_ADDRESS,
        ),
        field(
            "owners", say("agent.owner_addresses_label"), value=typed.get("owners", "")[:_LONGEST_OWNERS],
            hint=say("everyone.address_hint"), lines=True, most=_LONGEST_OWNERS,
        ),
        choice(
            "status", say("agent.status_label"), [(say(title), status.value) for status, (_, title) in _STATES.items()],
            error=say("agent.status_error"), value=_status(typed),
        ),
        field(
            "succeeded_by", say("agent.successor_label"),
            value=typed.get("succeeded_by", "")[:12], most=12,
        ),
        buttons(
            button(
                say("agent.save_button"), "site.save", {"ods": one.ods, "seen": seen}, style="positive", inputs=True
            ),
            button(say("agent.back_button"), "site", {"ods": one.ods}),
        ),
        agents_help_line(policy),
    )  # fmt: skip


def filled(one: Site) -> dict[str, str]:
    """The form's fields as the site is."""
    return {
        "name": one.name,
        "mailbox": one.mailbox,
        "owners": "\n".join(owner.address for owner in one.owners),
        "status": one.status.value,
        "succeeded_by": one.succeeded_by,
    }


def choose(typed: str, found: Sequence[Site], policy: Policy, *, more: bool) -> Card:
    """`more`: there are others that are not shown."""
    return card(
        say("agent.several_sites_summary", count=len(found)),
        heading(say("everyone.which_site_title")),
        words(say("everyone.several_sites", typed=plain(typed[:200]))),
        *[words(_line(one), separator=True) for one in found],
        words(say("agent.more_sites")) if more else None,
        buttons(*[_open(one.ods) for one in found]),
        agents_help_line(policy),
    )


def _line(one: Site) -> str:
    icon, status = _STATES[one.status]
    return say(
        "agent.site_line",
        ods=one.ods,
        name=plain(one.name),
        icon=icon,
        status=say(status),
        mailbox=plain(one.mailbox),
    )


def _open(ods: str) -> Part:
    return button(say("everyone.open_button", reference=ods), "site", {"ods": ods})


def _warning(sentence: str) -> Part:
    return state("⚠️", sentence, "warning")


def _owner(owner: Person) -> str:
    return f"{plain(owner.name)} ({plain(owner.address)})"


def _successor(one: Site) -> str:
    return f"{one.succeeded_by} ({rules.read_back(one.succeeded_by)})" if one.succeeded_by else ""


def _status(typed: Mapping[str, str]) -> str:
    return next((status.value for status in SiteStatus if status == typed.get("status", "")), "")
