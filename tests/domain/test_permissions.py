"""Each cell of the table of who may do what, walked through the decision; and the page that is made from it."""

from dataclasses import replace
from itertools import product

import pytest

from domain.commands import (
    Approve,
    Ask,
    Command,
    EndEarly,
    GiveCode,
    GiveEvidence,
    PutBack,
    Reject,
    Revoke,
    SeeAccount,
    SendBack,
    SendCode,
    StillNeeded,
    Withdraw,
)
from domain.decisions import decide
from domain.errors import Refusal
from domain.people import Account, Caller, Person
from domain.permissions import ACCOUNTS, COMMANDS, RULES, Role, as_markdown, check_caller, may_find, rule_against
from domain.request import Cause, HalfWayAsked, Request, State
from tests.builders import (
    AGENT,
    ASKER,
    NOON,
    OTHER_AGENT,
    OWNER,
    POLICY,
    ROOT,
    SITE,
    STRANGER,
    SUBJECT,
    account,
    facts,
    long_request,
    person,
    request,
)

GIVER = person("Gwen Giver")
WHO: dict[Role, Person] = {
    Role.SUBJECT: SUBJECT,
    Role.ASKED_BY: ASKER,
    Role.OWNER: OWNER,
    Role.GIVER: GIVER,
    Role.AGENT: AGENT,
    Role.LEAD: OTHER_AGENT,
    Role.AGENT_AND_SUBJECT: AGENT,
    Role.AGENT_WHO_ASKED: AGENT,
    Role.AGENT_WHO_GAVE: AGENT,
    Role.STRANGER: STRANGER,
    Role.GUEST: person("Gina Guest"),
}
GROUPS = {role: frozenset({"helpdesk"}) for role in Role if role.startswith("agent")} | {
    Role.LEAD: frozenset({"helpdesk", "leads"})
}
NEVER = replace(POLICY, account=replace(POLICY.account, never=("breakglass*@nhs.net", SUBJECT.id.upper())))


def order(kind: type[Command], by: Person) -> Command:
    made: dict[type[Command], Command] = {
        Approve: Approve(by, "call_back"),
        Reject: Reject(by, "Not verified"),
        SendBack: SendBack(by, "Which ward?"),
        Revoke: Revoke(by, "No longer right"),
        PutBack: PutBack(by),
        Withdraw: Withdraw(by),
        EndEarly: EndEarly(by),
        StillNeeded: StillNeeded(by),
        SendCode: SendCode(by),
        GiveCode: GiveCode(by),
        GiveEvidence: GiveEvidence(by, statement=True),
    }
    return made[kind]


def before(role: Role, state: State, *, from_site: bool) -> Request:
    """A request in which whoever acts is what the role says."""
    one = long_request(state, half_way=HalfWayAsked(NOON)) if from_site else request(state, asked_by=ASKER)
    giver = AGENT if role is Role.AGENT_WHO_GAVE else GIVER
    if role in (Role.GIVER, Role.AGENT_WHO_GAVE) and one.code is not None:
        one = replace(one, code=replace(one.code, used_by=giver, used_at=NOON))
    if one.given is not None:
        one = replace(one, given=replace(one.given, by=giver))
        assert one.code is not None
        one = replace(one, code=replace(one.code, used_by=giver, used_at=NOON))
    if role is Role.AGENT_AND_SUBJECT:
        one = replace(one, subject=AGENT)
    if role is Role.AGENT_WHO_ASKED:
        one = replace(one, asked_by=AGENT)
    return one


def rule_of(role: Role, kind: type[Command], state: State, *, from_site: bool) -> str:
    """What the decision, or the door before it, says in fact; empty where it is done."""
    by = WHO[role]
    one = before(role, state, from_site=from_site)
    known = facts(groups=GROUPS.get(role, frozenset()), account=account(person=one.subject))
    try:
        check_caller(Caller(by, guest=role is Role.GUEST), POLICY)
        decision = decide(one, order(kind, by), known, POLICY, NOON)
    except Refusal as refusal:
        return refusal.rule
    assert decision.refusal is None
    return ""


CELLS = [(role, kind, state, True) for role, kind, state in product(Role, COMMANDS, State)] + [
    (role, kind, state, False)
    for role, kind, state in product(Role, COMMANDS, State)
    if role not in (Role.OWNER, Role.GIVER, Role.AGENT_WHO_GAVE) and state is not State.AWAITING_EVIDENCE
]


@pytest.mark.parametrize("role", list(Role))
def test_each_cell_of_the_table_is_what_the_decision_does(role: Role) -> None:
    wrong = [
        (kind.__name__, state.value, from_site, wanted, found)
        for who, kind, state, from_site in CELLS
        if who is role
        and (wanted := rule_against(role, kind, state, from_site=from_site))
        != (found := rule_of(role, kind, state, from_site=from_site))
    ]
    assert wrong == []


def test_every_rule_of_the_table_is_explained_and_used() -> None:
    used = {rule_against(role, kind, state) for role, kind, state in product(Role, COMMANDS, State)}
    assert used == {"", *RULES}


def test_the_page_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "docs/permissions.md is stale: write it anew with “make docs”"


ACCOUNTS_SEEN: dict[str, Account | None] = {
    "unknown_account": None,
    "guest_account": account(guest=True),
    "disabled": account(enabled=False),
    "privileged": account(privileged=True),
    "barred": account(barred=True),
    "no_method": account(methods=("password",)),
}


def test_the_accounts_of_the_table_are_all_there_are() -> None:
    assert set(ACCOUNTS_SEEN) == set(ACCOUNTS)


@pytest.mark.parametrize("rule", ACCOUNTS)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.GUEST])
def test_no_role_can_have_such_an_account_exempted(rule: str, role: Role) -> None:
    known = facts(account=ACCOUNTS_SEEN[rule], groups=GROUPS.get(role, frozenset()))
    by = WHO[role]
    for kind in ("short", "long"):
        reason = POLICY.kinds[kind].reasons[0].id
        site = SITE if kind == "long" else None
        with pytest.raises(Refusal) as refused:
            decide(None, Ask(by=by, subject=SUBJECT, kind=kind, reason=reason, site=site), known, POLICY, NOON)
        assert refused.value.rule == rule
        assert POLICY.helpdesk.telephone in refused.value.sentence or rule == "unknown_account"
    if not rule_against(role, Approve, State.AWAITING_DECISION):
        with pytest.raises(Refusal) as refused:
            decide(long_request(), Approve(by, "call_back"), known, POLICY, NOON)
        assert refused.value.rule == rule


@pytest.mark.parametrize(
    "given",
    [
        {"person": replace(SUBJECT, id="another", address="BreakGlass2@nhs.net")},
        {"person": replace(SUBJECT, id="another"), "upn": "breakglass.one@nhs.net"},
        {},
        {"person": replace(SUBJECT, id="another"), "barred": True},
    ],
)
def test_break_glass_and_service_accounts_are_named_by_the_policy(given: dict[str, object]) -> None:
    known = facts(account=account(**given))
    with pytest.raises(Refusal) as refused:
        decide(request(), Approve(AGENT, "call_back"), known, NEVER, NOON)
    assert refused.value.rule == "barred"
    assert "break" not in refused.value.sentence.replace(POLICY.helpdesk.name, "").lower()
    active = request(State.ACTIVE)
    ended = decide(active, SeeAccount(known.account), facts(), NEVER, NOON).request
    assert ended.closing is not None
    assert ended.closing.cause is Cause.BARRED
    other = replace(SUBJECT, id="another", address="sam@nhs.net")
    assert decide(request(), Approve(AGENT, "call_back"), facts(account=account(person=other)), NEVER, NOON)


def test_a_guest_is_told_what_to_do_instead() -> None:
    with pytest.raises(Refusal, match=POLICY.helpdesk.telephone) as refused:
        check_caller(Caller(STRANGER, guest=True), POLICY)
    assert refused.value.rule == "guest"
    check_caller(Caller(STRANGER), POLICY)


def test_helpdesk_staff_find_every_request_and_others_only_their_own() -> None:
    one = long_request()
    for group in ("helpdesk", "leads"):
        assert may_find(one, STRANGER.id, frozenset({group}))
    for who in (SUBJECT, ASKER, OWNER):
        assert may_find(one, who.id, frozenset())
    for entra_id in (STRANGER.id, ""):
        assert not may_find(one, entra_id, frozenset())
