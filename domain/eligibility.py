"""Whether somebody may have an exception at all. Each no says what to do instead."""

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from domain.errors import Refusal
from domain.moments import uk_date, uk_time
from domain.people import Account, Person
from domain.policy import Policy
from domain.request import PENDING, Request, State


def check_account(account: Account | None, policy: Policy) -> None:
    """Raises `Refusal` unless this account may be exempted at all."""
    call = f"telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone}"
    if account is None:
        raise Refusal("We cannot find this person in NHSmail. Check the address and try again.", rule="unknown_account")
    name = account.person.name
    if account.guest:
        raise Refusal(
            f"{name} is a guest here. Guests cannot have an MFA exception: ask the organisation that the account "
            f"belongs to. For help, {call}.",
            rule="guest_account",
        )
    if not account.enabled:
        raise Refusal(
            f"The account of {name} is disabled, so it cannot have an MFA exception. To have it enabled, {call}.",
            rule="disabled",
        )
    if account.privileged:
        raise Refusal(
            f"The account of {name} has administrator rights. Accounts with administrator rights always need MFA and "
            f"cannot have an exception. For help to sign in, {call}.",
            rule="privileged",
        )
    if is_barred(account, policy):
        raise Refusal(
            f"The account of {name} is one of those that always need MFA, so it cannot have an exception. For help to "
            f"sign in, {call}.",
            rule="barred",
        )
    if not set(account.methods) & set(policy.account.core_methods):
        raise Refusal(
            f"No MFA method that counts is registered for {name}. An exception only works for accounts that have one: "
            f"{_names(policy)}. Register one first, then ask again. If that is not possible, {call}.",
            rule="no_method",
            link=("Register a method", policy.links.register_method),
        )


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
            f"We cannot send this request for {subject.name}: there may already be one. Ask them to open this chat "
            f"themselves and type “my requests”, or telephone the {policy.helpdesk.name} on "
            f"{policy.helpdesk.telephone}.",
            rule=refusal.rule,
        ) from None


def check_already(already: Sequence[Request], kind: str, policy: Policy, now: datetime, renews: str = "") -> None:
    """Raises `Refusal` where the person's open requests leave no room for one of this kind.

    One that waits for its evidence does not keep anybody from a short one: people must be able to work meanwhile.
    """
    for one in already:
        if one.kind == kind and one.state in PENDING:
            raise Refusal(
                f"There is already a request for {one.subject.name} that is waiting: {one.reference}. To move it on, "
                f"telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone} and quote this reference.",
                rule="already_pending",
            )
        if one.kind == kind and one.reference == renews:
            _check_renewal(one, policy, now)
        elif one.kind == kind or _outlasts(one, kind, policy, now):
            raise Refusal(
                f"{one.subject.name} already has an MFA exception: {one.reference}. {_again(one, kind, policy, now)}",
                rule="already_active",
            )
    if renews and not any(one.reference == renews for one in already):
        raise Refusal(
            f"{renews} can be renewed only while it is on. Ask for a new exception instead.", rule="not_renewable"
        )


def renewable_from(request: Request, policy: Policy) -> datetime | None:
    """When this exception can first be renewed; None where it never can."""
    opens = policy.kinds[request.kind].renewal_opens
    return request.ends_at - opens if opens is not None and request.ends_at and request.state is State.ACTIVE else None


def _check_renewal(request: Request, policy: Policy, now: datetime) -> None:
    first = renewable_from(request, policy)
    if first is None:
        raise Refusal(f"{request.reference} cannot be renewed. Ask again when it has ended.", rule="not_renewable")
    if now < first:
        raise Refusal(f"{request.reference} can be renewed from {uk_date(first)}.", rule="too_early")


def _outlasts(other: Request, kind: str, policy: Policy, now: datetime) -> bool:
    """Whether an exception of another kind covers all that this one would give."""
    if other.state is not State.ACTIVE or other.ends_at is None:
        return False
    return other.ends_at >= now + policy.kinds[kind].duration


def _again(one: Request, kind: str, policy: Policy, now: datetime) -> str:
    if one.kind != kind and one.ends_at:
        return f"It lasts until {uk_time(one.ends_at)}, so another one would change nothing."
    first = renewable_from(one, policy)
    if first is not None:
        when = "now" if first <= now else f"from {uk_date(first)}"
        return f"It can be renewed {when}: type “renew {one.reference}”."
    return "You can ask again when it has ended."


def _names(policy: Policy) -> str:
    names = [policy.account.method_names.get(method, method) for method in policy.account.core_methods]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
