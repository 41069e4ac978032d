"""A site of the register, the form that corrects it, and a choice among several."""

from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import (
    Part,
    button,
    buttons,
    card,
    choice,
    facts,
    field,
    heading,
    help_line,
    mistake,
    plain,
    state,
    words,
)
from domain import site as rules
from domain.policy import Policy
from domain.site import LONGEST_ADDRESS, LONGEST_NAME, Site, SiteStatus

MOST = 6
"""Each line has a button, and Teams shows six of them."""
_STATES = {
    SiteStatus.OPEN: ("✅", "Open"),
    SiteStatus.CLOSED: ("⛔", "Closed"),
    SiteStatus.SUCCEEDED: ("➡️", "Succeeded by another site"),
}
_LONGEST_OWNERS = 3000


def site(one: Site, policy: Policy, said: str = "") -> Card:
    """`said` is what has just happened to it."""
    icon, status = _STATES[one.status]
    actions = [button("Correct", "site.correct", {"ods": one.ods})]
    if one.succeeded_by:
        actions.append(button(f"Open {one.succeeded_by}", "site", {"ods": one.succeeded_by}))
    return card(
        f"Site {one.ods}: {plain(one.name)}. {said}".strip(),
        heading(f"{one.ods} {plain(one.name)}"),
        state("✔️", said) if said else None,
        state(icon, status),
        *[_warning(sentence) for sentence in rules.warnings(one)],
        facts(
            [
                ("Code", f"{one.ods} ({rules.read_back(one.ods)})"),
                ("Mailbox", plain(one.mailbox)),
                ("Owners", ", ".join(f"{plain(owner.name)} ({plain(owner.address)})" for owner in one.owners)),
                ("Succeeded by", _successor(one)),
            ]
        ),
        buttons(*actions),
        help_line(policy),
    )


def form(one: Site, typed: Mapping[str, str], seen: str, policy: Policy, sentences: Sequence[str] = ()) -> Card:
    """`typed` has the fields by the register's names; `seen` says which version of the site was looked at."""
    title = f"Correct {one.ods}"
    return card(
        f"{title}: {plain(one.name)}",
        heading(title),
        mistake("\n\n".join(sentences)) if sentences else None,
        field(
            "name", "Name", error="Give the name of the site.", value=typed.get("name", "")[:LONGEST_NAME],
            most=LONGEST_NAME,
        ),
        field(
            "mailbox", "Shared mailbox", error="Give the address of the shared mailbox.",
            value=typed.get("mailbox", "")[:LONGEST_ADDRESS], most=LONGEST_ADDRESS,
        ),
        field(
            "owners", "Owners: their addresses, one on each line", value=typed.get("owners", "")[:_LONGEST_OWNERS],
            hint="sam.price@nhs.net", lines=True, most=_LONGEST_OWNERS,
        ),
        choice(
            "status", "Status", [(title, status.value) for status, (_, title) in _STATES.items()],
            error="Choose a status.", value=_status(typed),
        ),
        field(
            "succeeded_by", "Code of the site that took over, if another site did",
            value=typed.get("succeeded_by", "")[:12], most=12,
        ),
        buttons(
            button("Save", "site.save", {"ods": one.ods, "seen": seen}, style="positive", inputs=True),
            button("Back", "site", {"ods": one.ods}),
        ),
        help_line(policy),
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
        f"Several sites match: {len(found)}",
        heading("Which site do you mean?"),
        words(f"Several sites match “{plain(typed[:200])}”."),
        *[words(_line(one), separator=True) for one in found],
        words("There are more. Type more words of the name, or the code.") if more else None,
        buttons(*[button(f"Open {one.ods}", "site", {"ods": one.ods}) for one in found]),
        help_line(policy),
    )


def _line(one: Site) -> str:
    icon, status = _STATES[one.status]
    return f"**{one.ods}** {plain(one.name)}. {icon} {status}. {plain(one.mailbox)}"


def _warning(sentence: str) -> Part:
    return state("⚠️", sentence, "warning")


def _successor(one: Site) -> str:
    return f"{one.succeeded_by} ({rules.read_back(one.succeeded_by)})" if one.succeeded_by else ""


def _status(typed: Mapping[str, str]) -> str:
    return next((status.value for status in SiteStatus if status == typed.get("status", "")), "")
