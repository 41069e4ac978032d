"""The decision to take a request in."""

from dataclasses import replace
from datetime import datetime

from domain import eligibility, watching
from domain.commands import Ask
from domain.effects import Audience, Effect, Notice, ShowHelpdesk, Tell, WriteToMailbox
from domain.errors import Refusal
from domain.events import Event, What
from domain.outcome import Decision, Facts, filled
from domain.policy import Details, Kind, Policy, Reason
from domain.request import Request, State
from domain.site import SiteStatus
from texts import say


def ask(command: Ask, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """A request by telephone waits for a decision; one from a site waits for its evidence first."""
    eligibility.check_account(facts.account, policy)
    account = facts.account
    assert account is not None
    if facts.asked is not None:
        watching.check_asked(facts.asked, account.person.name, policy)
    if command.taken_by is None:
        eligibility.check_already_for(
            command.by, account.person, facts.already, command.kind, policy, now, command.renews
        )
    else:
        eligibility.check_already(facts.already, command.kind, policy, now, command.renews)
    kind = policy.kinds[command.kind]
    reason = kind.reason(command.reason)
    if reason is None:
        raise Refusal(say("requester.reason_gone"), rule="unknown_reason")
    request = Request(
        reference=facts.reference,
        tenant_id=facts.tenant_id,
        kind=command.kind,
        group_id=facts.group_id,
        state=State.AWAITING_EVIDENCE if kind.evidence else State.AWAITING_DECISION,
        subject=account.person,
        asked_by=command.by,
        taken_by=command.taken_by,
        reason=reason.id,
        details=_details(command, reason, policy),
        methods=account.methods,
        method_ids=account.method_ids,
        policy_version=policy.version,
        asked_at=now,
        renews=command.renews,
    )
    if kind.evidence:
        request = _from_site(request, command, kind, policy)
    if command.taken_by is not None:
        _check_call(command, facts, kind)
    event = Event(What.ASKED, (command.taken_by or command.by).id, _told(request))
    return Decision(request, (event,), _effects(request))


def _details(command: Ask, reason: Reason, policy: Policy) -> str:
    details = command.details.strip()
    if reason.details is Details.REQUIRED and not details:
        raise Refusal(say("requester.details_needed", question=reason.details_question), rule="details_missing")
    if len(details) > policy.limits.text:
        raise Refusal(say("everyone.too_long", most=policy.limits.text), rule="too_long")
    return details


def _check_call(command: Ask, facts: Facts, kind: Kind) -> None:
    assert command.taken_by is not None
    if "helpdesk" not in facts.groups:
        raise Refusal(say("requester.only_helpdesk_takes_calls"), rule="not_an_agent")
    if kind.evidence:
        raise Refusal(say("agent.not_by_telephone", kind=kind.title.lower()), rule="not_by_telephone")
    if command.taken_by.id == command.subject.id:
        raise Refusal(say("agent.own_call"), rule="own_request")


def _from_site(request: Request, command: Ask, kind: Kind, policy: Policy) -> Request:
    assert kind.evidence is not None
    if command.site is None:
        raise Refusal(say("requester.site_needed"), rule="no_site")
    if command.site.status is not SiteStatus.OPEN:
        raise Refusal(
            say("requester.site_closed_now", ods=command.site.ods, **policy.helpdesk.contact),
            rule="site_closed",
        )
    said = [*command.tried, *command.remedies]
    if not command.tried and kind.evidence.methods:
        raise Refusal(say("requester.tried_needed"), rule="nothing_tried")
    if any(len(one.words) > policy.limits.text for one in said) or len(command.since) > policy.limits.text:
        raise Refusal(say("everyone.too_long", most=policy.limits.text), rule="too_long")
    return replace(
        request, site=command.site, tried=command.tried, remedies=command.remedies, since=command.since.strip(), codes=1
    )


def _effects(request: Request) -> tuple[Effect, ...]:
    reference = request.reference
    effects: list[Effect] = [ShowHelpdesk(reference)]
    if request.site is not None:
        effects = [WriteToMailbox(reference, "1"), Tell(reference, Notice.EVIDENCE_WANTED, Audience.OWNERS)]
    if request.subject.id != request.asked_by.id:
        effects.append(Tell(reference, Notice.ASKED_FOR_YOU, Audience.SUBJECT))
    return tuple(effects)


def _told(request: Request) -> dict[str, str]:
    """What the audit keeps. Why each method fails may be about health: it is kept with the request, not here."""
    return filled(
        subject=request.subject.id,
        asked_by=request.asked_by.id,
        kind=request.kind,
        reason=request.reason,
        details=request.details,
        methods=", ".join(request.methods),
        by_telephone="yes" if request.taken_by else "",
        site=request.site.ods if request.site else "",
        tried=", ".join(one.id for one in request.tried),
        remedies=", ".join(one.id for one in request.remedies),
        renews=request.renews,
    )
