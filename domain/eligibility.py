"""Whether somebody may have an exception at all. Each no says what to do instead."""

from domain.errors import Refusal
from domain.people import Account
from domain.policy import Policy
from domain.request import PENDING, Request


def check(account: Account | None, already: Request | None, policy: Policy) -> None:
    """Raises `Refusal` unless this account may be exempted. `already` is the person's open request, if there is one."""
    call = f"telephone the {policy.helpdesk.name} on {policy.helpdesk.telephone}"
    if account is None:
        raise Refusal("We cannot find this person in NHSmail. Check the address and try again.", rule="unknown_account")
    name = account.person.name
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
    if not set(account.methods) & set(policy.account.core_methods):
        raise Refusal(
            f"No MFA method that counts is registered for {name}. An exception only works for accounts that have one: "
            f"{_names(policy)}. Register one first, then ask again. If that is not possible, {call}.",
            rule="no_method",
            link=("Register a method", policy.links.register_method),
        )
    if already is not None and already.state in PENDING:
        raise Refusal(
            f"There is already a request for {name} that is waiting: {already.reference}. To move it on, {call} and "
            "quote this reference.",
            rule="already_pending",
        )
    if already is not None:
        raise Refusal(
            f"{name} already has an MFA exception: {already.reference}. You can ask again when it has ended.",
            rule="already_active",
        )


def _names(policy: Policy) -> str:
    names = [policy.account.method_names.get(method, method) for method in policy.account.core_methods]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
