"""Members of the exemption groups against the book: what is a drift, and what never is one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commands import ConfirmGrant, PutBack, Tick
from domain.decisions import decide
from domain.drift import BEING_DONE, FEW, Drift, Sort, compare, compare_exclusions, entitlement_of, few_at_once
from domain.effects import Grant, Tell
from domain.errors import Refusal
from domain.people import Account, Person
from domain.policy import Reconciling
from domain.policy_faults import faults
from domain.request import Cause, Closing, Request, State
from tests.builders import AGENT, NOON, POLICY, SUBJECT, account, facts, long_request, person, request, stuck

GROUP, OTHER = "group", "group-long"
ON = request(State.ACTIVE)
assert ON.ends_at is not None
ENDS = ON.ends_at


def drifts(members: set[str], *requests: Request, now: object = NOON + timedelta(hours=1)) -> list[tuple[Sort, str]]:
    found = compare({GROUP: members, OTHER: set()}, map(entitlement_of, requests), POLICY, now)  # type: ignore[arg-type]
    return [(one.sort, one.entra_id) for one in found]


def test_a_member_whom_nobody_decided_on_is_a_stranger() -> None:
    assert drifts({"somebody"}) == [(Sort.STRANGER, "somebody")]
    assert drifts({SUBJECT.id, "somebody"}, ON) == [(Sort.STRANGER, "somebody")]


@pytest.mark.parametrize("state", [State.AWAITING_DECISION, State.REJECTED, State.WITHDRAWN, State.LAPSED])
def test_a_request_that_was_never_granted_makes_nobody_a_rightful_member(state: State) -> None:
    assert drifts({SUBJECT.id}, request(state)) == [(Sort.STRANGER, SUBJECT.id)]


def test_whoever_is_exempt_and_a_member_is_no_drift() -> None:
    assert drifts({SUBJECT.id}, ON) == []


def test_a_member_past_the_end_has_overstayed_and_seconds_do_not_count() -> None:
    assert drifts({SUBJECT.id}, ON, now=ENDS + timedelta(seconds=3)) == []
    assert drifts({SUBJECT.id}, ON, now=ENDS + timedelta(minutes=1)) == [(Sort.OVERSTAYED, SUBJECT.id)]
    assert drifts({SUBJECT.id}, request(State.ENDED)) == [(Sort.OVERSTAYED, SUBJECT.id)]


def test_an_end_that_has_just_begun_is_being_done_and_one_that_does_not_come_is_not() -> None:
    ending = replace(request(State.ENDING), next_due=ENDS + POLICY.limits.check_again)
    assert drifts({SUBJECT.id}, ending, now=ENDS + BEING_DONE - timedelta(seconds=1)) == []
    assert drifts({SUBJECT.id}, ending, now=ENDS + BEING_DONE) == [(Sort.OVERSTAYED, SUBJECT.id)]
    after_an_outage = ENDS + timedelta(days=2)
    late = decide(ON, Tick(), facts(), POLICY, after_an_outage).request
    assert drifts({SUBJECT.id}, late, now=after_an_outage) == []
    begun = NOON + timedelta(hours=1)
    revoked = replace(ending, closing=Closing(Cause.REVOKED, AGENT, "x"), next_due=begun + POLICY.limits.check_again)
    assert drifts({SUBJECT.id}, revoked, now=begun) == []
    tried_again = replace(revoked, stuck=stuck(9), next_due=begun + timedelta(hours=9))
    assert drifts({SUBJECT.id}, tried_again, now=begun + timedelta(hours=8)) == [(Sort.OVERSTAYED, SUBJECT.id)]


def test_an_exception_that_is_on_needs_its_member() -> None:
    assert drifts(set(), ON) == [(Sort.MISSING, SUBJECT.id)]
    for nothing in (State.GRANTING, State.ENDING, State.ENDED, State.AWAITING_DECISION):
        assert drifts(set(), request(nothing)) == []
    assert drifts(set(), ON, now=ENDS) == []


def test_another_exception_that_is_being_granted_will_bring_the_member_back() -> None:
    assert drifts(set(), ON, replace(request(State.GRANTING), reference="MFA-2222-2222")) == []


def test_both_kinds_may_share_one_group_and_each_holds_the_membership() -> None:
    long = long_request(State.ACTIVE, group_id=GROUP, reference="MFA-2222-2222")
    ended = request(State.ENDED)
    assert drifts({SUBJECT.id}, ended, long) == []
    assert drifts(set(), ended, long) == [(Sort.MISSING, SUBJECT.id)]


def test_in_groups_of_their_own_one_kind_does_not_hold_the_other() -> None:
    found = compare(
        {GROUP: {SUBJECT.id}, OTHER: {SUBJECT.id}}, [entitlement_of(long_request(State.ACTIVE))], POLICY, NOON
    )
    assert [(one.sort, one.group) for one in found] == [(Sort.STRANGER, GROUP)]


def test_what_the_mfa_policy_leaves_out_is_our_groups_and_what_the_policy_names() -> None:
    assert compare_exclusions(["A", "b", "Glass"], ["a", "B"], ["glass"]) == ()
    assert compare_exclusions(["a", "x"], ["a", "b"], []) == (
        Drift(Sort.EXCLUSION_GONE, entra_id="b"),
        Drift(Sort.EXCLUSION_MORE, entra_id="x"),
    )


def test_many_of_a_sort_stand_as_one_and_the_others_stay() -> None:
    strangers = [Drift(Sort.STRANGER, GROUP, f"id-{n}") for n in range(3)]
    gone = Drift(Sort.OVERSTAYED, GROUP, "x", "MFA-2222-2222")
    members = {GROUP: {one.entra_id for one in strangers}}
    assert few_at_once([*strangers, gone], members, 3) == (*strangers, gone)
    assert few_at_once([*strangers, gone], members, 2) == (gone, Drift(Sort.MANY, entra_id="stranger", number=3))


def test_a_group_that_reads_as_empty_is_rather_misread_than_emptied() -> None:
    missing = [Drift(Sort.MISSING, GROUP, f"id-{n}", f"MFA-2222-222{n}") for n in range(FEW + 1)]
    assert few_at_once(missing, {GROUP: set()}, 20)[0].sort is Sort.MANY
    assert few_at_once(missing, {GROUP: {"somebody"}}, 20) == tuple(missing)
    assert few_at_once(missing[:1], {GROUP: set()}, 20) == tuple(missing[:1])


def test_what_people_have_been_shown_does_not_make_many() -> None:
    strangers = [Drift(Sort.STRANGER, GROUP, f"id-{n}") for n in range(6)]
    members = {GROUP: {one.entra_id for one in strangers}}
    shown = {one.key for one in strangers[:3]}
    assert few_at_once(strangers, members, 3, shown=shown) == tuple(strangers)
    assert few_at_once(strangers, members, 2, shown=shown) == (Drift(Sort.MANY, entra_id="stranger", number=6),)


def test_an_emptied_group_that_somebody_has_looked_at_is_no_misread_one() -> None:
    missing = [Drift(Sort.MISSING, GROUP, f"id-{n}", f"MFA-2222-222{n}") for n in range(FEW + 1)]
    assert few_at_once(missing, {GROUP: set()}, 20, few=len(missing)) == tuple(missing)
    shown = {one.key for one in missing}
    assert few_at_once(missing, {GROUP: set()}, 20, shown=shown) == tuple(missing)


STATES = st.sampled_from(list(State))
PEOPLE = st.sampled_from([person(name) for name in ("Ann One", "Bea Two", "Cy Three")])


@st.composite
def books(draw: st.DrawFn) -> list[Request]:
    def one(number: int) -> Request:
        state, whom = draw(STATES), draw(PEOPLE)
        made = long_request(state) if draw(st.booleans()) or state is State.AWAITING_EVIDENCE else request(state)
        return replace(made, subject=whom, group_id=draw(st.sampled_from([GROUP, OTHER])), reference=f"MFA-{number}")

    return [one(number) for number in range(draw(st.integers(0, 6)))]


IDS = st.sets(st.sampled_from(["id-of-ann.one", "id-of-bea.two", "id-of-cy.three", "id-of-nobody"]))
LATER = st.sampled_from([timedelta(0), timedelta(minutes=8), timedelta(hours=25), timedelta(days=200)])


@given(books(), IDS, IDS, LATER)
def test_whatever_the_book_says_each_member_is_right_or_one_drift(
    book: list[Request], short: set[str], long: set[str], later: timedelta
) -> None:
    now, members = NOON + later, {GROUP: short, OTHER: long}
    found = compare(members, map(entitlement_of, book), POLICY, now)
    assert len({one.key for one in found}) == len(found)
    for drift in found:
        theirs = [one for one in book if (one.group_id, one.subject.id) == (drift.group, drift.entra_id)]
        granting = [one for one in theirs if one.state is State.GRANTING]
        assert not granting, "whoever is being granted is left alone"
        on = [one for one in theirs if one.state is State.ACTIVE and one.ends_at and one.ends_at > now]
        if drift.sort is Sort.MISSING:
            assert drift.entra_id not in members[drift.group]
            assert drift.reference in [one.reference for one in on]
            continue
        assert drift.entra_id in members[drift.group]
        assert not on, "nobody whose exception is on is ever removed"
        decided = [one for one in theirs if one.state in (State.ACTIVE, State.ENDING, State.ENDED)]
        assert bool(decided) is (drift.sort is Sort.OVERSTAYED)
    named = {(one.group, one.entra_id) for one in found}
    for group, ids in members.items():
        for entra_id in ids - {one for known, one in named if known == group}:
            assert [one for one in book if (one.group_id, one.subject.id) == (group, entra_id)]


@given(books(), IDS, LATER)
def test_when_the_drifts_are_mended_there_are_none(book: list[Request], short: set[str], later: timedelta) -> None:
    now = NOON + later
    members = {GROUP: set(short), OTHER: set[str]()}
    for drift in compare(members, map(entitlement_of, book), POLICY, now):
        if drift.sort is Sort.MISSING:
            members[drift.group].add(drift.entra_id)
        else:
            members[drift.group].discard(drift.entra_id)
    assert compare(members, map(entitlement_of, book), POLICY, now) == ()


def put_back() -> Request:
    decision = decide(ON, PutBack(AGENT), facts(), POLICY, NOON + timedelta(hours=2))
    assert isinstance(decision.effects[0], Grant)
    return decision.request


def test_what_is_put_back_keeps_the_end_that_it_had_and_nobody_is_told_twice() -> None:
    decision = decide(put_back(), ConfirmGrant(), facts(), POLICY, NOON + timedelta(hours=3))
    again = decision.request
    assert (again.state, again.starts_at, again.ends_at) == (State.ACTIVE, ON.starts_at, ENDS)
    assert again.next_due == ON.next_due
    assert not [effect for effect in decision.effects if isinstance(effect, Tell)]


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (None, "unknown_account"),
        (account(enabled=False), "disabled"),
        (account(guest=True), "guest_account"),
        (account(privileged=True), "privileged"),
        (account(barred=True), "barred"),
    ],
)
def test_nobody_is_put_back_whose_account_may_not_be_exempt_any_more(found: Account | None, rule: str) -> None:
    with pytest.raises(Refusal) as refused:
        decide(ON, PutBack(AGENT), facts(account=found), POLICY, NOON + timedelta(hours=2))
    assert refused.value.rule == rule


def test_whoever_has_lost_their_methods_is_put_back_all_the_same() -> None:
    bare = facts(account=account(methods=("password",)))
    assert decide(ON, PutBack(AGENT), bare, POLICY, NOON + timedelta(hours=2)).request.state is State.GRANTING


def test_what_is_put_back_too_slowly_ends_at_its_end() -> None:
    waiting = replace(put_back(), next_due=ENDS)
    assert decide(waiting, Tick(), facts(), POLICY, ENDS).request.state is State.ENDING
    late = decide(ON, PutBack(AGENT), facts(), POLICY, ENDS - timedelta(minutes=1)).request
    assert late.next_due == ENDS


@pytest.mark.parametrize(
    "wrong",
    [
        Reconciling(every=timedelta(seconds=5)),
        Reconciling(every=timedelta(days=2)),
        Reconciling(most_removals=0),
        Reconciling(other_exclusions=(" ",)),
    ],
)
def test_a_policy_that_reconciles_too_seldom_or_removes_anybody_is_refused(wrong: Reconciling) -> None:
    assert [at[0] for at, _ in faults(replace(POLICY, reconcile=wrong))] == ["reconcile"]


def test_the_usual_figures_are_those_of_the_file() -> None:
    assert Reconciling() == POLICY.reconcile


def test_the_drifts_of_one_person_are_told_apart() -> None:
    whom: Person = SUBJECT
    keys = {Drift(sort, GROUP, whom.id, reference).key for sort in Sort for reference in ("", "MFA-2222-2222")}
    assert len(keys) == 2 * len(Sort)
