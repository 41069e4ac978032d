"""Where Entra and our own records do not agree, for the helpdesk's channel: what it means, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from cards.card import Card
from cards.parts import Part, agents_help_line, button, buttons, card, facts, heading, next_step, plain, state
from domain.drift import Drift, Sort
from domain.moments import uk_time
from domain.policy import Policy
from texts import say

OUTCOMES = {
    "removed": "agent.drift_removed",
    "put_back": "agent.drift_put_back",
    "gone": "agent.drift_gone",
}
MANY = {
    Sort.STRANGER: "agent.many_strangers_title",
    Sort.OVERSTAYED: "agent.many_overstayed_title",
    Sort.MISSING: "agent.many_missing_title",
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
        agents_help_line(policy),
    )


def _title(shown: Shown) -> str:
    one, name = shown.drift, plain(shown.name)
    match one.sort:
        case Sort.STRANGER:
            return say("agent.stranger_title", name=name)
        case Sort.OVERSTAYED:
            return say("agent.overstayed_title", name=name, reference=one.reference)
        case Sort.MISSING:
            return say("agent.missing_title", name=name, reference=one.reference)
        case Sort.EXCLUSION_GONE:
            return say("agent.exclusion_gone_title")
        case Sort.EXCLUSION_MORE:
            return say("agent.exclusion_more_title")
        case Sort.MANY:
            return say(MANY[Sort(one.entra_id)], count=one.number)


def _state(shown: Shown) -> Part:
    if shown.over_at is None:
        return state("⚠️", say("agent.needs_eyes"), "warning")
    outcome, at = say(OUTCOMES[shown.outcome]), uk_time(shown.over_at)
    said = say("agent.drift_over_at", outcome=outcome, at=at)
    if shown.by:
        said = say("agent.drift_settled_by", outcome=outcome, name=plain(shown.by), at=at)
    return state("🏁", said, "good" if shown.outcome == "gone" else "accent")


def _rows(shown: Shown) -> list[tuple[str, str]]:
    one = shown.drift
    member = one.sort in (Sort.STRANGER, Sort.OVERSTAYED, Sort.MISSING)
    rows = [(say("everyone.reference_label"), one.reference)]
    if member:
        rows += [
            (say("agent.account_label"), plain(shown.name)),
            (say("agent.address_label"), plain(shown.address)),
            (say("agent.group_of_label"), shown.kinds),
        ]
    elif one.sort is not Sort.MANY:
        rows += [(say("agent.in_entra_label"), plain(shown.name)), (say("agent.object_id_label"), one.entra_id)]
    if one.sort in (Sort.STRANGER, Sort.OVERSTAYED):
        rows += [(say("agent.added_by_label"), plain(shown.added_by) or say("agent.added_by_not_yet"))]
        rows += [(say("agent.added_label"), uk_time(shown.added_at) if shown.added_at else "")]
    return [*rows, (say("agent.first_seen_label"), uk_time(shown.first_seen))]


def _next(shown: Shown, policy: Policy) -> str:
    if shown.over_at is not None:
        return _afterwards(shown)
    match shown.drift.sort:
        case Sort.STRANGER:
            return say("agent.stranger_next")
        case Sort.OVERSTAYED:
            return say("agent.overstayed_next")
        case Sort.MISSING:
            return say("agent.missing_next")
        case Sort.EXCLUSION_GONE:
            return say("agent.exclusion_gone_next")
        case Sort.EXCLUSION_MORE:
            return say("agent.exclusion_more_next")
        case Sort.MANY:
            return say("agent.many_next", most=max(shown.drift.number, policy.reconcile.most_removals))


def _afterwards(shown: Shown) -> str:
    if shown.outcome == "removed" and shown.drift.sort is Sort.OVERSTAYED:
        return say("agent.overstayed_removed_next")
    if shown.outcome == "removed":
        return say("agent.stranger_removed_next")
    if shown.outcome == "put_back":
        return say("agent.put_back_next", reference=shown.drift.reference)
    return say("agent.next_nothing")


def _buttons(shown: Shown) -> Part | None:
    one, data = shown.drift, {"drift": shown.drift.key}
    request = {"reference": one.reference}
    if one.sort is Sort.STRANGER and shown.over_at is None:
        return buttons(
            button(say("agent.remove_button"), "drift.remove", data, style="destructive"),
            button(say("agent.adopt_button"), "drift.adopt", data),
        )
    if one.sort is Sort.MISSING and shown.over_at is None:
        return buttons(
            button(say("agent.put_back_button"), "drift.put_back", data, style="positive"),
            button(say("agent.end_it_button"), "revoke", request, style="destructive"),
            button(say("agent.open_request_button"), "review", request),
        )
    return buttons(button(say("agent.open_request_button"), "review", request)) if one.reference else None
