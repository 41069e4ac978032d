"""The quiet hours, in UK local time: what can wait is told after them, and warnings come before them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from domain.effects import Notice, Tell
from domain.moments import UK, is_between, uk_clock
from domain.outcome import Decision
from domain.policy import Policy, QuietHours
from domain.request import Held

CAN_WAIT = frozenset(
    {
        Notice.EVIDENCE_REMINDER,
        Notice.EVIDENCE_GIVEN,
        Notice.HALF_WAY,
        Notice.LAPSED,
        Notice.WAITING_LONG,
        Notice.WITHDRAWN,
    }
)
"""Nobody waits for these, and there is nothing in them to do tonight. All others are told at once, at any time."""
BEFORE_IT_LAPSES = frozenset({Notice.EVIDENCE_REMINDER, Notice.WAITING_LONG})
"""Of those, what is of no use once the request has lapsed."""
FROM_A_DAY = timedelta(days=1)
"""A reminder of so long before the end, or longer, may come earlier; a nearer one comes at its time, at any time."""
_HOUR = timedelta(hours=1)


def is_quiet(moment: datetime, quiet: QuietHours | None) -> bool:
    return quiet is not None and is_between(uk_clock(moment), quiet.begins, quiet.ends)


def at_or_after(moment: datetime, quiet: QuietHours | None) -> datetime:
    """The moment itself where it is not quiet, else when the quiet hours end."""
    if quiet is None or not is_quiet(moment, quiet):
        return moment
    return next(at for at in _showing(quiet.ends, moment, (0, 1)) if at >= moment)


def at_or_before(moment: datetime, quiet: QuietHours | None) -> datetime:
    """The moment itself where it is not quiet, else an hour before the quiet hours begin."""
    if quiet is None or not is_quiet(moment, quiet):
        return moment
    before = next(at for at in _showing(quiet.begins, moment, (0, -1)) if at <= moment) - _HOUR
    return before - _HOUR if is_quiet(before, quiet) else before  # quiet again in the hour that autumn repeats


def hold_back(decision: Decision, policy: Policy, now: datetime, lapses_at: datetime | None) -> Decision:
    """The decision with what can wait kept in the request until the quiet hours end.

    `lapses_at` is when the request lapses, if it may: what warns of that does not wait past it.
    """
    if not is_quiet(now, policy.quiet_hours):
        return decision
    until = at_or_after(now, policy.quiet_hours)
    can_wait = CAN_WAIT - BEFORE_IT_LAPSES if lapses_at and lapses_at <= until else CAN_WAIT
    waiting = tuple(one for one in decision.effects if isinstance(one, Tell) and one.notice in can_wait)
    held = (*decision.request.held, *(Held(tell, until) for tell in waiting))
    effects = tuple(one for one in decision.effects if one not in waiting)
    return replace(decision, request=replace(decision.request, held=held), effects=effects)


def _showing(of_day: time, near: datetime, days: tuple[int, int]) -> Iterator[datetime]:
    """When UK clocks show this on these days from `near`, the nearest first; in autumn some times come twice."""
    folds = (0, 1) if days[1] > 0 else (1, 0)
    for day in days:
        date = near.astimezone(UK).date() + timedelta(days=day)
        for fold in folds:
            yield datetime.combine(date, of_day, UK).replace(fold=fold).astimezone(UTC)
