"""Where Entra and our own records do not agree, for the helpdesk's channel: what it means, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from cards.card import Card
from cards.parts import Part, button, buttons, card, facts, heading, help_line, next_step, plain, state
from domain.drift import Drift, Sort
from domain.moments import uk_time
from domain.policy import Policy

OUTCOMES = {
    "removed": "The account was removed from the group",
    "put_back": "The exception is being put back",
    "gone": "Entra and our records agree again",
}
NOT_PERMITTED = "We may not read this in Entra (AuditLog.Read.All)"
NOT_YET = "Entra does not say yet"
MANY = {
    Sort.STRANGER: "accounts are exempt without a decision",
    Sort.OVERSTAYED: "accounts are exempt past the end",
    Sort.MISSING: "exceptions are on, and their accounts are not in the group",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A drift with the words for all that it names."""

    drift: Drift
    first_seen: datetime
    name: str = ""
    """Whom or what it is about, as Entra calls it; the id where Entra does not know it."""
    address: str = ""
    kinds: str = ""
    """The titles of the kinds of exceptions whose group it is."""
    added_by: str = ""
    added_at: datetime | None = None
    over_at: datetime | None = None
    outcome: str = ""
    by: str = ""
    """Who settled it; empty for the program itself."""


def drift(shown: Shown, policy: Policy) -> Card:
    title = _title(shown)
    return card(
        title,
        heading(title),
        _state(shown),
        facts(_rows(shown)),
        next_step(_next(shown, policy)),
        _buttons(shown),
        help_line(policy),
    )


def _title(shown: Shown) -> str:
    one, name = shown.drift, plain(shown.name)
    match one.sort:
        case Sort.STRANGER:
            return f"Exempt without a decision: {name}"
        case Sort.OVERSTAYED:
            return f"Exempt past the end: {name} ({one.reference})"
        case Sort.MISSING:
            return f"On, but not in the group: {name} ({one.reference})"
        case Sort.EXCLUSION_GONE:
            return "The MFA policy no longer leaves our exemption group out"
        case Sort.EXCLUSION_MORE:
            return "The MFA policy leaves out more than our exemption groups"
        case Sort.MANY:
            return f"Too many at once: {one.number} {MANY[Sort(one.entra_id)]}"


def _state(shown: Shown) -> Part:
    if shown.over_at is None:
        return state("⚠️", "This needs somebody's eyes", "warning")
    who = f" ({plain(shown.by)})" if shown.by else ""
    style = "good" if shown.outcome == "gone" else "accent"
    return state("🏁", f"{OUTCOMES.get(shown.outcome, shown.outcome)}{who}, {uk_time(shown.over_at)}", style)


def _rows(shown: Shown) -> list[tuple[str, str]]:
    one = shown.drift
    member = one.sort in (Sort.STRANGER, Sort.OVERSTAYED, Sort.MISSING)
    rows = [("Reference", one.reference)]
    if member:
        rows += [("Account", plain(shown.name)), ("Address", plain(shown.address)), ("Group of", shown.kinds)]
    elif one.sort is not Sort.MANY:
        rows += [("In Entra", plain(shown.name)), ("Object id", one.entra_id)]
    if one.sort in (Sort.STRANGER, Sort.OVERSTAYED):
        rows += [("Added by", plain(shown.added_by) or NOT_YET)]
        rows += [("Added", uk_time(shown.added_at) if shown.added_at else "")]
    return [*rows, ("First seen", uk_time(shown.first_seen))]


def _next(shown: Shown, policy: Policy) -> str:
    if shown.over_at is not None:
        return _afterwards(shown)
    match shown.drift.sort:
        case Sort.STRANGER:
            return (
                "The account is not asked for MFA, and nobody answers for that. Ask whoever added it. Remove takes it "
                "out of the group now. Adopt asks for an exception for it in the usual way, so that somebody decides; "
                "until then it stays."
            )
        case Sort.OVERSTAYED:
            return "We are removing it, and keep trying. If this stays, remove it from the group in Entra by hand."
        case Sort.MISSING:
            return (
                "The account is asked for MFA although its exception is on: somebody took it out of the group in "
                "Entra. Ask why before you put it back; the end stays as it was. If it was meant, end the exception."
            )
        case Sort.EXCLUSION_GONE:
            return (
                "Exceptions have no effect, and people cannot sign in. Ask whoever looks after Conditional Access to "
                "exclude the group again."
            )
        case Sort.EXCLUSION_MORE:
            return (
                "Others are not asked for MFA, and nothing here ends that. Ask whoever looks after Conditional Access. "
                "If it is meant, name the id in the policy file, under [reconcile] other_exclusions."
            )
        case Sort.MANY:
            most = policy.reconcile.most_removals
            return (
                "Nothing was changed because of this: a mistake in Entra is likelier. Ends that are due are carried "
                "out as always. Look at the groups in Entra. If all of it is right, have somebody run “python app.py "
                f"reconcile --most-removals {max(shown.drift.number, most)}”."
            )


def _afterwards(shown: Shown) -> str:
    if shown.outcome == "removed" and shown.drift.sort is Sort.OVERSTAYED:
        return "MFA prompts return. Find out who or what kept the account in the group."
    if shown.outcome == "removed":
        return "MFA prompts return. If the person needs an exception, they ask for one."
    if shown.outcome == "put_back":
        return f"Type “status {shown.drift.reference}” to see when Entra has confirmed it."
    return "Nothing."


def _buttons(shown: Shown) -> Part | None:
    one, data = shown.drift, {"drift": shown.drift.key}
    request = {"reference": one.reference}
    if one.sort is Sort.STRANGER and shown.over_at is None:
        return buttons(
            button("Remove", "drift.remove", data, style="destructive"), button("Adopt", "drift.adopt", data)
        )
    if one.sort is Sort.MISSING and shown.over_at is None:
        return buttons(
            button("Put back", "drift.put_back", data, style="positive"),
            button("End it", "revoke", request, style="destructive"),
            button("Open the request", "review", request),
        )
    return buttons(button("Open the request", "review", request)) if one.reference else None
