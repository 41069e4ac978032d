"""Time has passed: what the timeline has in store comes to pass."""

from dataclasses import replace
from datetime import datetime

from domain import timeline
from domain.commands import Tick
from domain.effects import Alarm, Audience, Effect, End, Grant, Notice, Purge, Refresh, Tell
from domain.events import Event
from domain.events import What as Happened
from domain.lasting import ending
from domain.outcome import Decision, Facts, tell_all
from domain.policy import Policy
from domain.request import Cause, Closing, HalfWayAsked, Request, State
from domain.timeline import Occasion, What


def tick(request: Request, _: Tick, __: Facts, policy: Policy, now: datetime) -> Decision:
    """Of several occasions of one sort that are due at once (after an outage) only one comes to pass.

    A grant that the policy gives up earlier than when it was last begun is due although its `next_due` is later.
    """
    if request.state is State.GRANTING and timeline.is_given_up(request, policy, now):
        return ending(request, Closing(Cause.EXPIRED))
    if request.next_due is None or now < request.next_due:
        return Decision(request)
    if request.state in (State.GRANTING, State.ENDING):
        return _again(request)
    coming = timeline.due(request, policy, now)
    if not coming:
        return Decision(request)
    final = next((one for one in coming if one.what in timeline.FINAL), None)
    if final is not None:
        return _final(request, final, now)
    decision = Decision(replace(request, done=(*request.done, *_done(coming))))
    for one in _one_of_each(coming):
        more = _ONE[one.what](decision.request, one, now)
        decision = Decision(more.request, (*decision.events, *more.events), (*decision.effects, *more.effects))
    return decision


def _one_of_each(coming: tuple[Occasion, ...]) -> tuple[Occasion, ...]:
    """Of reminders the one nearest to the end, whichever was due last; of other sorts the last."""
    reminders = [one for one in coming if one.what is What.REMINDER]
    nearest_last = sorted(reminders, key=lambda one: int(one.occasion), reverse=True)
    return tuple({one.what: one for one in (*coming, *nearest_last)}.values())


def _done(coming: tuple[Occasion, ...]) -> list[str]:
    return [one.key for one in coming if one.what is not What.TELL]


def _again(request: Request) -> Decision:
    """Entra's word is late: the effect is started once more, whatever became of the job."""
    granting = request.state is State.GRANTING
    effect = (Grant if granting else End)(request.reference, request.subject.id, request.group_id)
    event = Event(Happened.STARTED_AGAIN, details={"effect": "grant" if granting else "end"})
    return Decision(request, (event,), (effect,))


def _final(request: Request, final: Occasion, now: datetime) -> Decision:
    if final.what is What.END:
        return ending(request, Closing(Cause.EXPIRED))
    lapsed = replace(request, state=State.LAPSED, closed_at=now)
    owners = request.owners if request.state is State.AWAITING_EVIDENCE and request.giver is None else ()
    asker = next((owner for owner in owners if owner.id == request.asked_by.id), None)  # is told as an owner
    effects = tell_all(request, Notice.LAPSED, but=asker)
    if owners:
        effects = (*effects, Tell(request.reference, Notice.LAPSED, Audience.OWNERS))
    return Decision(lapsed, (Event(Happened.LAPSED, details={"while": request.state.value}),), effects)


def _remind_giver(request: Request, one: Occasion, _: datetime) -> Decision:
    return _told(request, one, Notice.EVIDENCE_REMINDER, Audience.GIVER)


def _remind_others(request: Request, one: Occasion, _: datetime) -> Decision:
    return _told(request, one, Notice.EVIDENCE_REMINDER, Audience.OTHER_OWNERS)


def _reminder(request: Request, one: Occasion, _: datetime) -> Decision:
    event = Event(Happened.REMINDER_DUE, details={"before": one.occasion})
    effects: list[Effect] = [Tell(request.reference, Notice.REMINDER, Audience.SUBJECT, one.occasion)]
    if request.giver is not None and request.giver.id != request.subject.id:
        effects.append(Tell(request.reference, Notice.REMINDER, Audience.GIVER, one.occasion))
    if request.site is not None:
        effects.append(Tell(request.reference, Notice.REMINDER, Audience.OTHER_OWNERS, one.occasion))
    return Decision(request, (event,), tuple(effects))


def _told(request: Request, one: Occasion, notice: Notice, audience: Audience) -> Decision:
    event = Event(Happened.REMINDER_DUE, details={"to": audience.value, "occasion": one.occasion})
    return Decision(request, (event,), (Tell(request.reference, notice, audience, one.occasion),))


def _bring_up(request: Request, one: Occasion, _: datetime) -> Decision:
    event = Event(Happened.BROUGHT_UP, details={"to": "channel"})
    return Decision(request, (event,), (Alarm(request.reference, "waiting", one.occasion),))


def _bring_up_to_leads(request: Request, one: Occasion, _: datetime) -> Decision:
    event = Event(Happened.BROUGHT_UP, details={"to": "leads"})
    return Decision(request, (event,), (Tell(request.reference, Notice.WAITING_LONG, Audience.LEADS, one.occasion),))


def _half_way(request: Request, _: Occasion, now: datetime) -> Decision:
    asked = replace(request, half_way=HalfWayAsked(now))
    effects = (Tell(request.reference, Notice.HALF_WAY, Audience.GIVER), Refresh(request.reference))
    return Decision(asked, (Event(Happened.HALF_WAY),), effects)


def _half_way_late(request: Request, _: Occasion, __: datetime) -> Decision:
    event = Event(Happened.HALF_WAY, details={"answer": "none"})
    return Decision(request, (event,), (Alarm(request.reference, "half_way", "late"),))


def _tell(request: Request, _: Occasion, now: datetime) -> Decision:
    """All that was held back until now."""
    tells = tuple(one.tell for one in request.held if one.until <= now)
    return Decision(replace(request, held=tuple(one for one in request.held if one.until > now)), (), tells)


def _end_again(request: Request, _: Occasion, __: datetime) -> Decision:
    event = Event(Happened.STARTED_AGAIN, details={"effect": "end"})
    return Decision(request, (event,), (End(request.reference, request.subject.id, request.group_id),))


def _purge(request: Request, _: Occasion, __: datetime) -> Decision:
    return Decision(request, (Event(Happened.STARTED_AGAIN, details={"effect": "purge"}),), (Purge(request.reference),))


_ONE = {
    What.REMIND_GIVER: _remind_giver,
    What.REMIND_OTHERS: _remind_others,
    What.BRING_UP: _bring_up,
    What.BRING_UP_TO_LEADS: _bring_up_to_leads,
    What.REMINDER: _reminder,
    What.HALF_WAY: _half_way,
    What.HALF_WAY_LATE: _half_way_late,
    What.TELL: _tell,
    What.END_AGAIN: _end_again,
    What.PURGE: _purge,
}
