"""Whether somebody may have an exception at all. Each no says what to do instead."""

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from domain.errors import Refusal
from domain.moments import uk_date, uk_time
from domain.people import Account, Person
from domain.policy import Policy
from domain.request import PENDING, Request, State
from texts import any_of, say


def check_account(account: Account | None, policy: Policy) -> None:
    """Raises `Refusal` unless this account may be exempted at all."""
    account = check_may_stay(account, policy)
    if not set(account.methods) & set(policy.account.core_methods):
        raise Refusal(
            say("everyone.no_method", name=account.person.name, methods=_names(policy), **policy.helpdesk.contact),
            rule="no_method",
            link=(say("everyone.register_method_button"), policy.links.register_method),
        )


def check_may_stay(account: Account | None, policy: Policy) -> Account:
    """The same but for the methods: who is exempt may have lost them. Raises `Refusal`."""
    if account is None:
        raise Refusal(say("everyone.unknown_account"), rule="unknown_account")
    name = account.person.name
    if account.guest:
        raise Refusal(
            say("everyone.guest_account", name=name, **policy.helpdesk.contact),
            rule="guest_account",
        )
    if not account.enabled:
        raise Refusal(
            say("everyone.disabled", name=name, **policy.helpdesk.contact),
            rule="disabled",
        )
    if account.privileged:
        raise Refusal(
            say("everyone.privileged", name=name, **policy.helpdesk.contact),
            rule="privileged",
        )
    if is_barred(account, policy):
        raise Refusal(
            say("everyone.barred", name=name, **policy.helpdesk.contact),
            rule="barred",
        )
    return account


def is_barred(account: Account, policy: Policy) -> bool:
    """Whether the policy never lets this account be exempted, as break-glass and service accounts."""
    names = {account.person.id.lower(), account.person.address.lower(), account.upn.lower()}
    patterns = [pattern.lower() for pattern in policy.account.never]
    return account.barred or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def check_already_for(
    asker: Person, subject: Person, already: Sequence[Request], kind: str, policy: Policy, now: datetime, renews: str
) -> None:
    """`check_already`, where somebody asks in chat: they learn nothing of requests that do not concern them."""
    try:
        check_already(already, kind, policy, now, renews)
    except Refusal as refusal:
        if asker.id == subject.id or all(one.concerns(asker.id) for one in already):
            raise
        raise Refusal(
            say("requester.may_be_one_already", subject=subject.name, **policy.helpdesk.contact),
            rule=refusal.rule,
        ) from None


def check_already(already: Sequence[Request], kind: str, policy: Policy, now: datetime, renews: str = "") -> None:
    """Raises `Refusal` where the person's open requests leave no room for one of this kind.

    One that waits for its evidence does not keep anybody from a short one: people must be able to work meanwhile.
    """
    for one in already:
        if one.kind == kind and one.state in PENDING:
            raise Refusal(
                say(
                    "everyone.already_pending",
                    subject=one.subject.name,
                    reference=one.reference,
                    **policy.helpdesk.contact,
                ),
                rule="already_pending",
            )
        if one.kind == kind and one.reference == renews:
            _check_renewal(one, policy, now)
        elif one.kind == kind or _outlasts(one, kind, policy, now):
            raise Refusal(
                say(
                    "everyone.already_active",
                    subject=one.subject.name,
                    reference=one.reference,
                    again=_again(one, kind, policy, now),
                ),
                rule="already_active",
            )
    if renews and not any(one.reference == renews for one in already):
        raise Refusal(say("requester.renew_only_while_on", renews=renews), rule="not_renewable")


def renewable_from(request: Request, policy: Policy) -> datetime | None:
    """When this exception can first be renewed; None where it never can."""
    opens = policy.kinds[request.kind].renewal_opens
    return request.ends_at - opens if opens is not None and request.ends_at and request.state is State.ACTIVE else None


def _check_renewal(request: Request, policy: Policy, now: datetime) -> None:
    first = renewable_from(request, policy)
    if first is None:
        raise Refusal(say("requester.not_renewable", reference=request.reference), rule="not_renewable")
    if now < first:
        raise Refusal(
            say("requester.renewable_from", reference=request.reference, day=uk_date(first)), rule="too_early"
        )


def _outlasts(other: Request, kind: str, policy: Policy, now: datetime) -> bool:
    """Whether an exception of another kind covers all that this one would give."""
    if other.state is not State.ACTIVE or other.ends_at is None:
        return False
    return other.ends_at >= now + policy.kinds[kind].duration


def _again(one: Request, kind: str, policy: Policy, now: datetime) -> str:
    if one.kind != kind and one.ends_at:
        return say("everyone.lasts_longer", until=uk_time(one.ends_at))
    first = renewable_from(one, policy)
    if first is not None:
        if first <= now:
            return say("everyone.renew_now", reference=one.reference)
        return say("everyone.renew_from", reference=one.reference, day=uk_date(first))
    return say("everyone.ask_when_it_has_ended")


def _names(policy: Policy) -> str:
    names = [policy.account.method_names.get(method, method) for method in policy.account.core_methods]
    return any_of(names)
