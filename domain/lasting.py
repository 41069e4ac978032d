"""From the grant to the end: Entra's word, troubles, ends before time, and the question half way."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain import eligibility, timeline
from domain.commands import (
    ConfirmEnd,
    ConfirmGrant,
    ConfirmPurge,
    EndEarly,
    PutBack,
    ReportTrouble,
    Revoke,
    SeeAccount,
    StillNeeded,
    Withdraw,
)
from domain.correlation import Change, correlation_id
from domain.effects import END, START, Alarm, Audience, Effect, End, Grant, Notice, Refresh, RevokeSessions, Tell
from domain.events import Event, What
from domain.outcome import Decision, Facts, filled, given_words, tell_all
from domain.policy import Policy
from domain.request import Cause, Closing, Request, State, Stuck
from texts import say

ALARM_AFTER = 3
"""Attempts that Entra may refuse before the helpdesk's channel gets a message of its own."""


def withdraw(request: Request, command: Withdraw, _: Facts, __: Policy, now: datetime) -> Decision:
    if request.state is State.GRANTING:
        return ending(request, Closing(Cause.NO_LONGER_NEEDED, command.by))
    withdrawn = replace(request, state=State.WITHDRAWN, closed_at=now)
    effects = tell_all(request, Notice.WITHDRAWN, but=command.by)
    return Decision(withdrawn, (Event(What.WITHDRAWN, command.by.id),), effects)


def end_early(request: Request, command: EndEarly, _: Facts, __: Policy, ___: datetime) -> Decision:
    return ending(request, Closing(Cause.NO_LONGER_NEEDED, command.by))


def revoke(request: Request, command: Revoke, _: Facts, policy: Policy, __: datetime) -> Decision:
    words = given_words(command.words, policy, say("agent.revoke_words_needed"))
    return ending(request, Closing(Cause.REVOKED, command.by, words))


def put_back(request: Request, command: PutBack, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Raises `Refusal` where the account may not be exempt any more: it may have been taken out because of that."""
    if request.ends_at is not None and request.ends_at <= now:
        return ending(request, Closing(Cause.EXPIRED))
    eligibility.check_may_stay(facts.account, policy)
    granting = replace(request, state=State.GRANTING, stuck=None)
    effects = (Grant(request.reference, request.subject.id, request.group_id), Refresh(request.reference))
    return Decision(granting, (Event(What.PUT_BACK, command.by.id),), effects)


def end_if_confirmed(request: Request, policy: Policy, now: datetime) -> datetime:
    """When the exception ends if the grant is confirmed now. A renewal lasts from its own approval."""
    begins = request.decided.at if request.renews and request.decided else now
    return max(begins + timeline.length(request, policy), now + timedelta(minutes=1))


def confirm_grant(request: Request, _: ConfirmGrant, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """The clock starts. A renewal takes the place of what it follows; what was put back keeps its times.

    Entra's word may come after the time that was approved, where nobody was there to tell the time: then it ends.
    """
    if request.starts_at is None and timeline.is_given_up(request, policy, now):
        return ending(request, Closing(Cause.EXPIRED))
    ends_at = request.ends_at or end_if_confirmed(request, policy, now)
    starts_at = request.starts_at or now
    active = replace(request, state=State.ACTIVE, starts_at=starts_at, ends_at=ends_at, stuck=None, looked_at=now)
    correlation = correlation_id(request.reference, Change.ADD)
    event = Event(What.GRANT_CONFIRMED, details={"ends_at": ends_at.isoformat(), "correlation_id": correlation})
    if request.starts_at is not None:
        return Decision(active, (event,), (Refresh(request.reference),))
    effects = tell_all(request, Notice.GRANTED)
    reason = policy.kinds[request.kind].reason(request.reason)
    if reason and reason.revoke_sessions:
        effects = (RevokeSessions(request.reference, request.subject.id, START), *effects)
    decision = Decision(active, (event,), effects)
    # GRANTING where it is being put back just now.
    if facts.renewed is None or facts.renewed.state not in (State.ACTIVE, State.GRANTING):
        return decision
    followed = _follow(facts.renewed, request, now)
    return replace(
        decision,
        followed=followed.request,
        followed_events=followed.events,
        effects=(*decision.effects, *followed.effects),
    )


def _follow(followed: Request, by: Request, now: datetime) -> Decision:
    """Whoever is a member of another group, because the settings named that one then, has to be taken out of it."""
    closing = Closing(Cause.RENEWED, words=by.reference)
    event = Event(What.FOLLOWED, details={"by": by.reference})
    if followed.group_id != by.group_id:
        begun = ending(followed, closing)
        return replace(begun, events=(event, *begun.events))
    ended = replace(followed, state=State.ENDED, closing=closing, closed_at=now, stuck=None)
    return Decision(ended, (event,), (Refresh(followed.reference),))


def confirm_end(request: Request, command: ConfirmEnd, _: Facts, __: Policy, now: datetime) -> Decision:
    ended = replace(request, state=State.ENDED, closed_at=now, stuck=None)
    correlation = "" if command.held_by else correlation_id(request.reference, Change.REMOVE)
    event = Event(What.END_CONFIRMED, details=filled(held_by=command.held_by, correlation_id=correlation))
    renewed = request.closing is not None and request.closing.cause is Cause.RENEWED
    if command.held_by or renewed:  # they are exempt all the same
        return Decision(ended, (event,), (Refresh(request.reference),))
    signed_out = RevokeSessions(request.reference, request.subject.id, END)
    return Decision(ended, (event,), (signed_out, *tell_all(request, Notice.ENDED)))


def report_trouble(request: Request, command: ReportTrouble, _: Facts, policy: Policy, now: datetime) -> Decision:
    since = request.stuck.since if request.stuck else now
    stuck = replace(request, stuck=Stuck(since, command.message, command.attempts))
    event = Event(What.TROUBLE, details={"message": command.message, "attempts": str(command.attempts)})
    effects: list[Effect] = [Refresh(request.reference)]
    late = now - since >= policy.limits.prove_within if command.unproved else command.attempts >= ALARM_AFTER
    if late:
        effects.append(Alarm(request.reference, "stuck", f"{request.state}:{since.isoformat()}"))
    return Decision(stuck, (event,), tuple(effects))


def still_needed(request: Request, command: StillNeeded, _: Facts, __: Policy, now: datetime) -> Decision:
    if request.half_way is None or request.half_way.answered_at is not None:
        return Decision(request)
    answered = replace(request.half_way, answered_at=now, answered_by=command.by)
    return Decision(
        replace(request, half_way=answered),
        (Event(What.STILL_NEEDED, command.by.id),),
        (Refresh(request.reference),),
    )


def see_account(request: Request, command: SeeAccount, _: Facts, policy: Policy, now: datetime) -> Decision:
    """Somebody who has left or was given administrator rights is no longer exempt; a new method is asked about."""
    account = command.account
    looked = replace(request, looked_at=now)
    if account is None or not account.enabled:
        return ending(looked, Closing(Cause.ACCOUNT_GONE))
    if account.privileged:
        return ending(looked, Closing(Cause.PRIVILEGED))
    if eligibility.is_barred(account, policy):
        return ending(looked, Closing(Cause.BARRED))
    if request.state is State.GRANTING:  # it asks nobody to end what has not begun
        return Decision(looked)
    fresh = [one for one in account.method_ids if one not in request.method_ids]
    new = [one for one in fresh if one.partition(":")[0] in policy.account.core_methods]
    if not new:
        return Decision(looked)
    found = replace(looked, method_ids=(*request.method_ids, *fresh), methods=account.methods)
    event = Event(What.METHOD_FOUND, details={"methods": ", ".join(one.partition(":")[0] for one in new)})
    occasion = str(len(found.method_ids))
    return Decision(found, (event,), (Tell(request.reference, Notice.METHOD_FOUND, Audience.SUBJECT, occasion),))


def confirm_purge(request: Request, _: ConfirmPurge, __: Facts, ___: Policy, now: datetime) -> Decision:
    details = filled(sha256=request.given.digest if request.given else "")
    purged = replace(request, purged_at=now, tried=(), remedies=())
    return Decision(purged, (Event(What.PURGED, details=details),), (Refresh(request.reference),))


def ending(request: Request, closing: Closing) -> Decision:
    event = Event(
        What.ENDING, closing.by.id if closing.by else "", filled(cause=closing.cause.value, words=closing.words)
    )
    begun = replace(request, state=State.ENDING, closing=closing, stuck=None)
    return Decision(
        begun, (event,), (End(request.reference, request.subject.id, request.group_id), Refresh(request.reference))
    )
