"""What time alone will do to a request, and when: reminders, questions, lapsing, the end, the purge."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.policy import Evidence, Kind, Policy
from domain.request import OPEN, Request, State
from domain.working_time import at_or_after, at_or_before, is_working


class What(StrEnum):
    REMIND_GIVER = "remind_giver"
    REMIND_OTHERS = "remind_others"
    BRING_UP = "bring_up"
    """The decision has waited for long: once more into the channel."""
    BRING_UP_TO_LEADS = "bring_up_to_leads"
    LAPSE = "lapse"
    REMINDER = "reminder"
    """Before the end; `occasion` is how long before it, in seconds."""
    HALF_WAY = "half_way"
    HALF_WAY_LATE = "half_way_late"
    END = "end"
    PURGE = "purge"


FINAL = frozenset({What.LAPSE, What.END})


@dataclass(frozen=True, slots=True)
class Occasion:
    what: What
    at: datetime
    occasion: str = ""
    in_working_hours: bool = False

    @property
    def key(self) -> str:
        return f"{self.what}:{self.occasion}"

    def comes(self, now: datetime, policy: Policy) -> datetime:
        """When it comes to pass, seen from `now`: what was missed while nobody is at work waits until they are."""
        if self.at > now or not self.in_working_hours or is_working(now, policy.working):
            return self.at
        return at_or_after(now, policy.working)


def plan(request: Request, policy: Policy) -> tuple[Occasion, ...]:
    """All that is still to come, in order of time."""
    kind = policy.kinds[request.kind]
    coming = [one for one in _occasions(request, kind, policy) if one.key not in request.done]
    return tuple(sorted(coming, key=lambda one: one.at))


def due(request: Request, policy: Policy, now: datetime) -> tuple[Occasion, ...]:
    return tuple(one for one in plan(request, policy) if one.comes(now, policy) <= now)


def next_due(request: Request, policy: Policy, now: datetime) -> datetime | None:
    """The next moment at which time alone changes something; None where it never will."""
    if request.state in (State.GRANTING, State.ENDING):
        again = now + policy.limits.check_again
        put_back_until = request.ends_at if request.state is State.GRANTING else None
        return min(again, put_back_until or again)
    return min((one.comes(now, policy) for one in plan(request, policy)), default=None)


def reminder_at(ends_at: datetime, before: timedelta, kind: Kind, policy: Policy) -> datetime:
    """When the reminder of so long before the end is due."""
    at = ends_at - before
    return at_or_before(at, policy.working) if kind.reminders_in_working_hours else at


def _occasions(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    match request.state:
        case State.AWAITING_EVIDENCE if kind.evidence:
            yield from _while_evidence_is_missing(request, kind.evidence, policy)
        case State.AWAITING_DECISION:
            yield from _while_nobody_decides(request, kind, policy)
        case State.ACTIVE:
            yield from _while_it_lasts(request, kind, policy)
    if request.state not in OPEN and kind.evidence and request.closed_at and not request.purged_at:
        yield Occasion(What.PURGE, request.closed_at + kind.evidence.purge_after)


def _while_evidence_is_missing(request: Request, evidence: Evidence, policy: Policy) -> Iterator[Occasion]:
    since = request.waits_since
    for what, times in (
        (What.REMIND_GIVER, evidence.remind_after),
        (What.REMIND_OTHERS, evidence.remind_others_after),
    ):
        for after in times:
            at = at_or_after(since + after, policy.working)
            yield Occasion(what, at, f"{_stamp(since)}+{int(after.total_seconds())}", in_working_hours=True)
    yield Occasion(What.LAPSE, since + evidence.given_within)


def _while_nobody_decides(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    since = request.waits_since
    if kind.escalation:
        for what, after in (
            (What.BRING_UP, kind.escalation.channel_after),
            (What.BRING_UP_TO_LEADS, kind.escalation.leads_after),
        ):
            yield Occasion(what, at_or_after(since + after, policy.working), _stamp(since), in_working_hours=True)
    yield Occasion(What.LAPSE, since + kind.lapses_after)


def _while_it_lasts(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    assert request.starts_at is not None
    assert request.ends_at is not None
    polite = kind.reminders_in_working_hours
    for before in kind.reminders:
        at = reminder_at(request.ends_at, before, kind, policy)
        if at > request.starts_at:
            yield Occasion(What.REMINDER, at, str(int(before.total_seconds())), in_working_hours=polite)
    if kind.half_way:
        asked = request.half_way
        at = at_or_after(request.starts_at + kind.half_way.after, policy.working)
        if asked is None and at < request.ends_at:
            yield Occasion(What.HALF_WAY, at, in_working_hours=True)
        if asked is not None and asked.answered_at is None:
            late = at_or_after(asked.at + kind.half_way.answer_within, policy.working)
            yield Occasion(What.HALF_WAY_LATE, late, in_working_hours=True)
    yield Occasion(What.END, request.ends_at)


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp()))
