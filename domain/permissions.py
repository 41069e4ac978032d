"""Who may do what, in which state of a request: one table. `decide` is checked against each of its cells."""

from collections.abc import Collection
from enum import StrEnum

from domain.commands import (
    Approve,
    Command,
    EndEarly,
    GiveCode,
    GiveEvidence,
    PutBack,
    Reject,
    Revoke,
    SendBack,
    SendCode,
    StillNeeded,
    Withdraw,
)
from domain.errors import Refusal
from domain.lifecycle import ACCEPTED, NEED_EVIDENCE
from domain.people import Caller
from domain.policy import Policy
from domain.request import Request, State
from texts import say


class Role(StrEnum):
    """What somebody is to a request. Who works at the helpdesk is told by the groups in Entra."""

    SUBJECT = "subject"
    ASKED_BY = "asked by"
    OWNER = "owner of the site's mailbox"
    GIVER = "gave the evidence"
    AGENT = "agent"
    LEAD = "lead"
    AGENT_AND_SUBJECT = "agent who is the subject"
    AGENT_WHO_ASKED = "agent who asked for it"
    AGENT_WHO_GAVE = "agent who gave the evidence"
    STRANGER = "stranger"
    GUEST = "guest"


COMMANDS: tuple[type[Command], ...] = (
    Approve,
    Reject,
    SendBack,
    Revoke,
    PutBack,
    Withdraw,
    EndEarly,
    StillNeeded,
    SendCode,
    GiveCode,
    GiveEvidence,
)
"""What people do to a request that there is."""

RULES = {
    "guest": "Guests of the tenant may do nothing here.",
    "not_an_agent": "Only members of the helpdesk's groups in Entra decide.",
    "own_request": "Nobody decides on their own request.",
    "asked_for_it": "Nobody decides on what they asked for.",
    "gave_evidence": "Nobody decides on what they gave evidence for.",
    "not_theirs": "Only the people whom the request concerns, and for a new code the helpdesk.",
    "own_evidence": "Nobody gives the evidence for their own exception, unless the policy says so.",
    "code_first": "Only whoever quoted the code from the site's shared mailbox gives the evidence.",
    "state": "It means nothing in this state. Nothing is changed, and the answer says how the request stands.",
}
ACCOUNTS = {
    "unknown_account": "It is not in Entra.",
    "guest_account": "It is a guest's.",
    "disabled": "It is disabled.",
    "privileged": "It holds a directory role, itself or through a group.",
    "barred": "The policy names it, as break-glass and service accounts: `[account] never`, `never_groups`.",
    "no_method": "No MFA method that counts is registered.",
}
"""Accounts that nobody may exempt, whoever asks and whoever approves."""

_STAFF = frozenset({Role.AGENT, Role.LEAD, Role.AGENT_AND_SUBJECT, Role.AGENT_WHO_ASKED, Role.AGENT_WHO_GAVE})
_UNCONCERNED = frozenset({Role.AGENT, Role.LEAD, Role.STRANGER})
_SUBJECTS = frozenset({Role.SUBJECT, Role.AGENT_AND_SUBJECT})
_GIVERS = frozenset({Role.GIVER, Role.AGENT_WHO_GAVE})
_INTERESTED = {
    Role.AGENT_AND_SUBJECT: "own_request",
    Role.AGENT_WHO_ASKED: "asked_for_it",
    Role.AGENT_WHO_GAVE: "gave_evidence",
}
_DECIDE: frozenset[type[Command]] = frozenset({Approve, Reject, SendBack, PutBack})


def rule_against(role: Role, command: type[Command], state: State, *, from_site: bool = True) -> str:
    """The rule that refuses this; empty where it is allowed. `from_site`: the request needs a site's evidence."""
    if role is Role.GUEST:
        return "guest"
    if command in _DECIDE or command is Revoke:
        if role not in _STAFF:
            return "not_an_agent"
        if command in _DECIDE and role in _INTERESTED:
            return _INTERESTED[role]
    if command in (Withdraw, EndEarly, StillNeeded) and role in _UNCONCERNED:
        return "not_theirs"
    if command not in ACCEPTED[state] or (command in NEED_EVIDENCE and not from_site):
        return "state"
    if command is SendCode and role is Role.STRANGER:
        return "not_theirs"
    if command in (GiveCode, GiveEvidence) and role in _SUBJECTS:
        return "own_evidence"
    return "code_first" if command is GiveEvidence and role not in _GIVERS else ""


def may_find(request: Request, entra_id: str, groups: frozenset[str]) -> bool:
    """Whether this person may learn that the request exists. `groups`: the helpdesk's groups that they are in."""
    return bool(groups) or request.concerns(entra_id)


def check_caller(caller: Caller, policy: Policy) -> None:
    """Raises `Refusal` unless this person may do anything here at all."""
    if caller.guest:
        raise Refusal(
            say("everyone.guest", **policy.helpdesk.contact),
            rule="guest",
        )


def check_agent(groups: Collection[str]) -> None:
    """Raises `Refusal` unless this person works at the helpdesk. `groups`: the helpdesk's, as Entra tells now."""
    if not groups:
        raise Refusal(say("everyone.only_helpdesk"), rule="not_an_agent")


def as_markdown() -> str:
    """The table as a page of the documentation."""
    lines = [
        "# Who may do what",
        "",
        "Written by `make docs` from `domain/permissions.py`; a test walks each cell through the decision.",
        "",
        "Who acts is the Entra id of a checked activity. Agents and leads are members of the helpdesk's groups in "
        "Entra, asked for at each act; what is only shown may rest on an answer of up to a minute ago. Whoever has no "
        "Entra id (bots, webhooks), is not in the tenant's Entra or comes from another tenant may do nothing, and "
        "guests may do nothing.",
        "",
        "Helpdesk staff find every request and open it from a card that somebody shared; that they opened it is in the "
        "audit. Everybody else finds and opens only requests that concern them. For any other request they get the "
        "same answer as for one that does not exist.",
        "",
        "Everybody else may ask, for themself or for a colleague; only agents ask for a caller, and not for "
        "themselves.",
        "",
        "## Accounts that nobody may exempt",
        "",
        "Whoever asks, and whoever approves. Trying it for a privileged account or one that the policy names is an "
        "alarm in the helpdesk's channel, once for each account and day. An exception that is on ends when its account "
        "becomes one of these, except for want of a method.",
        "",
        "| Rule | The account |",
        "| --- | --- |",
        *[f"| {rule} | {words} |" for rule, words in ACCOUNTS.items()],
        "",
        "## Rules",
        "",
        "| Rule | |",
        "| --- | --- |",
        *[f"| {rule} | {words} |" for rule, words in RULES.items()],
        "",
        "A tick: allowed. Short-term requests, asked for by telephone, know no site: owners, givers, codes, evidence, "
        "sending back and “still needed” are not for them.",
    ]
    for command in COMMANDS:
        lines += ["", f"## {command.__name__}", ""]
        lines.append(f"| | {' | '.join(state.value.replace('_', ' ') for state in State)} |")
        lines.append(f"| --- |{' --- |' * len(State)}")
        for role in Role:
            cells = [rule_against(role, command, state) or "✓" for state in State]
            lines.append(f"| {role.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
