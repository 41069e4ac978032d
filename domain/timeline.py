"""What time alone will do to a request, and when: reminders, questions, lapsing, the end, the purge."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain import quiet_hours
from domain.effects import Notice, Tell
from domain.policy import Evidence, Kind, Policy
from domain.request import OPEN, Request, State
from domain.working_time import at_or_after, at_or_before


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
    TELL = "tell"
    """What was held back over the quiet hours; `occasion` is the notice's key."""
    END = "end"
    END_AGAIN = "end_again"
    """Entra may have carried out a grant that was never confirmed after the end."""
    PURGE = "purge"


LATE_GRANT = timedelta(minutes=1)
"""After its end, a grant that was never confirmed is looked for once more."""
FINAL = frozenset({What.LAPSE, What.END})


class When(StrEnum):
    ANY = "any"
    NOT_QUIET = "not_quiet"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Occasion:
    what: What
    at: datetime
    occasion: str = ""
    when: When = When.ANY
    warns_of: datetime | None = None
    """It is of no use from then on."""

    @property
    def key(self) -> str:
        return f"{self.what}:{self.occasion}"

    def comes(self, now: datetime, policy: Policy) -> datetime:
        """When it comes to pass, seen from `now`: what was missed waits for its hours unless that is too late."""
        if self.at > now:
            return self.at
        later = _later(now, self.when, policy)
        return self.at if later == now or (self.warns_of and later >= self.warns_of) else later


def plan(request: Request, policy: Policy) -> tuple[Occasion, ...]:
    """All that is still to come, in order of time."""
    kind = policy.kinds[request.kind]
    coming = [one for one in _occasions(request, kind, policy) if not _is_done_with(one, request)]
    coming += [Occasion(What.TELL, one.until, one.tell.key) for one in request.held]
    return tuple(sorted(coming, key=lambda one: one.at))


def due(request: Request, policy: Policy, now: datetime) -> tuple[Occasion, ...]:
    return tuple(one for one in plan(request, policy) if one.comes(now, policy) <= now)


def next_due(request: Request, policy: Policy, now: datetime) -> datetime | None:
    """The next moment at which time alone changes something; None where it never will."""
    if request.state in (State.GRANTING, State.ENDING):
        again = now + policy.limits.check_again
        given_up = granting_until(request, policy) if request.state is State.GRANTING else None
        return min(again, given_up or again)
    return min((one.comes(now, policy) for one in plan(request, policy)), default=None)


def lapses_at(request: Request, policy: Policy) -> datetime | None:
    """None: it waits for nothing that somebody has to do in time."""
    return next((one.at for one in plan(request, policy) if one.what is What.LAPSE), None)


def length(request: Request, policy: Policy) -> timedelta:
    """What was agreed, or what the policy gives."""
    return timedelta(days=request.days) if request.days else policy.kinds[request.kind].duration


def granting_until(request: Request, policy: Policy) -> datetime | None:
    """When a grant that Entra has not confirmed is given up: nobody is exempt unproved for longer than was approved.

    What is being put back has its end already.
    """
    if request.ends_at is not None or request.decided is None:
        return request.ends_at
    return request.decided.at + length(request, policy)


def is_given_up(request: Request, policy: Policy, now: datetime) -> bool:
    until = granting_until(request, policy)
    return until is not None and until <= now


def is_overtaken(request: Request, tell: Tell) -> bool:
    """Whether it is a reminder, and another one nearer to the end has come since."""
    return tell.notice is Notice.REMINDER and _came_nearer(request, tell.occasion)


def reminder_at(starts_at: datetime, ends_at: datetime, before: timedelta, kind: Kind, policy: Policy) -> datetime:
    """When the reminder of so long before the end is due: earlier, in its hours, or later where that is not after the
    start; at its own moment where neither is while the exception lasts.
    """
    at, hours = ends_at - before, _hours_of(before, kind)
    earlier, later = _earlier(at, hours, policy), _later(at, hours, policy)
    if earlier > starts_at:
        return earlier
    return later if later < ends_at else at


def _earlier(moment: datetime, hours: When, policy: Policy) -> datetime:
    match hours:
        case When.WORKING:
            return at_or_before(moment, policy.working)
        case When.NOT_QUIET:
            return quiet_hours.at_or_before(moment, policy.quiet_hours)
    return moment


def _later(moment: datetime, hours: When, policy: Policy) -> datetime:
    match hours:
        case When.WORKING:
            return at_or_after(moment, policy.working)
        case When.NOT_QUIET:
            return quiet_hours.at_or_after(moment, policy.quiet_hours)
    return moment


def _is_done_with(one: Occasion, request: Request) -> bool:
    return one.key in request.done or (one.what is What.REMINDER and _came_nearer(request, one.occasion))


def _came_nearer(request: Request, occasion: str) -> bool:
    """Whether a reminder nearer to the end than this one has come to pass."""
    came = [before for what, _, before in (key.partition(":") for key in request.done) if what == What.REMINDER]
    return any(int(before) < int(occasion) for before in came)


def _hours_of(before: timedelta, kind: Kind) -> When:
    if kind.reminders_in_working_hours:
        return When.WORKING
    return When.NOT_QUIET if before >= quiet_hours.FROM_A_DAY else When.ANY


def _occasions(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    match request.state:
        case State.AWAITING_EVIDENCE if kind.evidence:
            yield from _while_evidence_is_missing(request, kind.evidence, policy)
        case State.AWAITING_DECISION:
            yield from _while_nobody_decides(request, kind, policy)
        case State.ACTIVE:
            yield from _while_it_lasts(request, kind, policy)
    if request.state is State.ENDED and request.starts_at is None and request.closed_at:
        yield Occasion(What.END_AGAIN, request.closed_at + LATE_GRANT)
    if request.state not in OPEN and kind.evidence and request.closed_at and not request.purged_at:
        yield Occasion(What.PURGE, request.closed_at + kind.evidence.purge_after)


def _while_evidence_is_missing(request: Request, evidence: Evidence, policy: Policy) -> Iterator[Occasion]:
    since = request.waits_since
    lapses = since + evidence.given_within
    for what, times in (
        (What.REMIND_GIVER, evidence.remind_after),
        (What.REMIND_OTHERS, evidence.remind_others_after),
    ):
        for after in times:
            at = _warning_at(since, after, lapses, policy)
            yield Occasion(what, at, f"{_stamp(since)}+{int(after.total_seconds())}", When.WORKING, lapses)
    yield Occasion(What.LAPSE, lapses)


def _while_nobody_decides(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    since = request.waits_since
    lapses = since + kind.lapses_after
    if kind.escalation:
        for what, after in (
            (What.BRING_UP, kind.escalation.channel_after),
            (What.BRING_UP_TO_LEADS, kind.escalation.leads_after),
        ):
            yield Occasion(what, _warning_at(since, after, lapses, policy), _stamp(since), When.WORKING, lapses)
    yield Occasion(What.LAPSE, lapses)


def _warning_at(since: datetime, after: timedelta, of: datetime, policy: Policy) -> datetime:
    """When people are at work: afterwards, else before, where that is too late; at any time where they are not."""
    at = at_or_after(since + after, policy.working)
    if at < of:
        return at
    earlier = at_or_before(since + after, policy.working)
    return earlier if earlier > since else since + after


def _while_it_lasts(request: Request, kind: Kind, policy: Policy) -> Iterator[Occasion]:
    assert request.starts_at is not None
    assert request.ends_at is not None
    for before in kind.reminders:
        if request.ends_at - before > request.starts_at:
            at = reminder_at(request.starts_at, request.ends_at, before, kind, policy)
            occasion = str(int(before.total_seconds()))
            yield Occasion(What.REMINDER, at, occasion, _hours_of(before, kind), request.ends_at)
    if kind.half_way:
        asked = request.half_way
        at = at_or_after(request.starts_at + kind.half_way.after, policy.working)
        if asked is None and at < request.ends_at:
            yield Occasion(What.HALF_WAY, at, when=When.WORKING)
        if asked is not None and asked.answered_at is None:
            late = at_or_after(asked.at + kind.half_way.answer_within, policy.working)
            yield Occasion(What.HALF_WAY_LATE, late, when=When.WORKING)
    yield Occasion(What.END, request.ends_at)


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp()))
