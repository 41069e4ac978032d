"""The rules of the long term, one sentence a test."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    Approve,
    Ask,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    GiveCode,
    GiveEvidence,
    IssueCode,
    PutBack,
    Reject,
    SeeAccount,
    SendBack,
    SendCode,
    StillNeeded,
    Withdraw,
)
from domain.decisions import decide
from domain.effects import Audience, End, Notice, Refresh, ShowHelpdesk, Tell, WriteToMailbox
from domain.errors import Refusal
from domain.events import What
from domain.outcome import Decision
from domain.people import Person
from domain.request import Answer, Cause, Closing, HalfWayAsked, Request, State
from domain.site import SiteStatus
from tests.builders import (
    AGENT,
    ANSWERS,
    ASKER,
    LONG,
    NOON,
    OTHER_AGENT,
    OTHER_OWNER,
    OWNER,
    POLICY,
    RULES,
    SITE,
    STRANGER,
    SUBJECT,
    account,
    facts,
    long_request,
    request,
    sent_back,
)

ASK = Ask(
    by=ASKER, subject=SUBJECT, kind="long", reason="secure_location", site=SITE, tried=(Answer("app", "No phones"),)
)
WAITING = long_request(State.AWAITING_EVIDENCE)


def rule_of(*arguments: Any) -> str:
    with pytest.raises(Refusal) as refused:
        decide(*arguments)
    return refused.value.rule


def after(one: Request, command: Command, **known: Any) -> Decision:
    return decide(one, command, facts(**known), POLICY, NOON + timedelta(hours=2))


def opened(by: Person = OWNER, one: Request = WAITING) -> Request:
    return after(one, GiveCode(by)).request


def test_asking_writes_to_the_mailbox_and_asks_the_owners_but_shows_nothing_to_the_helpdesk_yet() -> None:
    decision = decide(None, ASK, facts(), POLICY, NOON)
    assert decision.request.state is State.AWAITING_EVIDENCE
    assert WriteToMailbox(decision.request.reference, "1") in decision.effects
    assert Tell(decision.request.reference, Notice.EVIDENCE_WANTED, Audience.OWNERS) in decision.effects
    assert not any(isinstance(effect, ShowHelpdesk) for effect in decision.effects)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"site": None}, "no_site"),
        ({"site": replace(SITE, status=SiteStatus.CLOSED)}, "site_closed"),
        ({"tried": ()}, "nothing_tried"),
        ({"tried": (Answer("app", "x" * 5000),)}, "too_long"),
        ({"reason": "no such ground"}, "unknown_reason"),
        ({"taken_by": AGENT}, "not_by_telephone"),
    ],
)
def test_what_is_missing_or_wrong_is_refused(changed: dict[str, Any], rule: str) -> None:
    assert rule_of(None, replace(ASK, **changed), facts(), POLICY, NOON) == rule


def test_an_account_without_a_method_is_refused_as_for_the_short_term() -> None:
    assert rule_of(None, ASK, facts(account=account(methods=("password", "fido2"))), POLICY, NOON) == "no_method"


def test_a_long_request_that_waits_keeps_nobody_from_a_short_one_and_the_other_way_round() -> None:
    short = Ask(by=SUBJECT, subject=SUBJECT, kind="short", reason="lost_or_stolen")
    for state in (State.AWAITING_EVIDENCE, State.AWAITING_DECISION, State.GRANTING):
        assert decide(None, short, facts(already=(long_request(state),)), POLICY, NOON).request.kind == "short"
    for state in (State.AWAITING_DECISION, State.GRANTING, State.ACTIVE, State.ENDING):
        assert decide(None, ASK, facts(already=(request(state),)), POLICY, NOON).request.kind == "long"


def test_a_short_one_is_refused_while_a_long_one_covers_it_but_not_in_its_last_hours() -> None:
    active = long_request(State.ACTIVE)
    assert active.ends_at is not None
    short = Ask(by=SUBJECT, subject=SUBJECT, kind="short", reason="lost_or_stolen")
    assert rule_of(None, short, facts(already=(active,)), POLICY, NOON) == "already_active"
    late = active.ends_at - timedelta(hours=3)
    assert decide(None, short, facts(already=(active,)), POLICY, late).request.state is State.AWAITING_DECISION


def test_the_right_code_opens_the_evidence_for_whoever_quotes_it() -> None:
    decision = after(WAITING, GiveCode(OWNER))
    assert decision.request.giver == OWNER
    assert decision.events[0].what is What.CODE_ACCEPTED
    assert decision.events[0].details["mailbox"] == SITE.mailbox


def test_a_wrong_code_uses_up_a_try_and_says_how_many_are_left() -> None:
    one, sentences = WAITING, []
    for _ in range(RULES.code.tries):
        decision = after(one, GiveCode(OWNER), code_digest="wrong")
        assert decision.refusal is not None
        assert decision.events[0].what is What.CODE_REFUSED
        sentences.append(decision.refusal.sentence)
        one = decision.request
    assert "4 more times" in sentences[0]
    assert "1 more time." in sentences[-2]
    assert rule_of(one, GiveCode(OWNER), facts(), POLICY, NOON) == "tries"
    fresh = after(after(one, SendCode(ASKER)).request, IssueCode("02", "d1", 2)).request
    assert after(fresh, GiveCode(OWNER)).request.giver == OWNER


def test_a_used_code_opens_nothing_for_somebody_else() -> None:
    assert rule_of(opened(), GiveCode(OTHER_OWNER), facts(), POLICY, NOON) == "code_used"
    assert after(opened(), GiveCode(OWNER)).request == opened()


def test_a_new_code_takes_the_evidence_out_of_the_hands_of_whoever_had_it() -> None:
    one = after(opened(), SendCode(OTHER_OWNER)).request
    one = after(one, IssueCode("02", "d2", 2)).request
    assert rule_of(one, GiveEvidence(OWNER, statement=True), facts(), POLICY, NOON) == "code_first"
    assert after(one, GiveCode(OTHER_OWNER), code_digest="d2").request.giver == OTHER_OWNER


def test_an_e_mail_that_is_repeated_does_not_replace_its_code_once_that_was_quoted() -> None:
    assert after(opened(), IssueCode("02", "d2", 1)) == Decision(opened())
    repeated = after(WAITING, IssueCode("02", "d2", 1)).request
    assert after(repeated, GiveCode(OWNER), code_digest="d2").request.giver == OWNER


def test_whoever_reads_the_mailbox_declines_after_quoting_the_code_and_is_told_whom_to_ask_for_another() -> None:
    assert rule_of(WAITING, Withdraw(STRANGER), facts(), POLICY, NOON) == "not_theirs"
    quoted = after(WAITING, GiveCode(STRANGER)).request
    assert after(quoted, Withdraw(STRANGER)).request.state is State.WITHDRAWN
    with pytest.raises(Refusal) as refused:
        decide(WAITING, SendCode(STRANGER), facts(groups=frozenset()), POLICY, NOON)
    assert POLICY.helpdesk.telephone in refused.value.sentence


def test_codes_are_not_sent_without_end_and_not_for_strangers() -> None:
    one = WAITING
    assert rule_of(one, SendCode(STRANGER), facts(groups=frozenset()), POLICY, NOON) == "not_theirs"
    for _ in range(RULES.code.most - 1):
        one = after(one, SendCode(ASKER)).request
    assert rule_of(one, SendCode(ASKER), facts(), POLICY, NOON) == "too_many_codes"


def test_nobody_gives_the_evidence_for_their_own_exception() -> None:
    with pytest.raises(Refusal) as refused:
        after(WAITING, GiveCode(SUBJECT))
    assert refused.value.rule == "own_evidence"
    assert OWNER.name in refused.value.sentence
    assert WAITING.code is not None
    assert WAITING.code.tries_left == RULES.code.tries


def test_the_policy_may_let_somebody_give_their_own_evidence() -> None:
    liberal = replace(
        POLICY, kinds={**POLICY.kinds, "long": replace(LONG, evidence=replace(RULES, subject_may_give=True))}
    )
    assert decide(WAITING, GiveCode(SUBJECT), facts(), liberal, NOON).request.giver == SUBJECT


def test_an_owner_who_has_left_gives_no_evidence() -> None:
    for gone in (None, account(enabled=False)):
        assert rule_of(WAITING, GiveCode(OWNER), facts(by_account=gone), POLICY, NOON) == "giver_left"
        assert (
            rule_of(opened(), GiveEvidence(OWNER, statement=True), facts(by_account=gone), POLICY, NOON) == "giver_left"
        )


@pytest.mark.parametrize("missing", ANSWERS)
def test_evidence_with_an_answer_missing_is_not_sent_and_says_which(missing: str) -> None:
    answers = {item: answer for item, answer in ANSWERS.items() if item != missing}
    with pytest.raises(Refusal) as refused:
        after(opened(), GiveEvidence(OWNER, statement=True), answers=answers)
    assert refused.value.rule == "incomplete"
    title = next(item.title for item in LONG.checklist("secure_location") if item.id == missing)
    assert title in refused.value.sentence


def test_evidence_needs_the_code_and_the_statement() -> None:
    assert rule_of(WAITING, GiveEvidence(OWNER, statement=True), facts(), POLICY, NOON) == "code_first"
    assert rule_of(opened(), GiveEvidence(OTHER_OWNER, statement=True), facts(), POLICY, NOON) == "code_first"
    assert rule_of(opened(), GiveEvidence(OWNER, statement=False), facts(), POLICY, NOON) == "no_statement"


def test_the_record_says_who_gave_the_evidence_and_for_which_mailbox() -> None:
    decision = after(opened(), GiveEvidence(OWNER, statement=True), files=2, evidence_digest="e" * 64)
    assert decision.request.state is State.AWAITING_DECISION
    assert decision.request.given is not None
    assert (decision.request.given.by, decision.request.given.mailbox) == (OWNER, SITE.mailbox)
    assert decision.events[0].details["sha256"] == "e" * 64
    assert ShowHelpdesk(decision.request.reference) in decision.effects


@pytest.mark.parametrize(
    ("by", "rule"),
    [(SUBJECT, "own_request"), (ASKER, "asked_for_it"), (OWNER, "gave_evidence")],
)
def test_whoever_is_concerned_never_decides(by: Person, rule: str) -> None:
    for command in (Approve(by), Reject(by, "No"), SendBack(by, "What?")):
        assert rule_of(long_request(), command, facts(), POLICY, NOON) == rule


def test_only_helpdesk_staff_decide() -> None:
    for command in (Approve(STRANGER), Reject(STRANGER, "No"), SendBack(STRANGER, "What?")):
        assert rule_of(long_request(), command, facts(groups=frozenset()), POLICY, NOON) == "not_an_agent"


def test_nothing_is_approved_without_evidence() -> None:
    assert rule_of(long_request(given=None), Approve(AGENT), facts(), POLICY, NOON) == "no_evidence"
    assert rule_of(WAITING, Approve(AGENT), facts(), POLICY, NOON) == "state"


@pytest.mark.parametrize("days", [0, -1, 181, 100_000])
def test_a_length_beyond_the_policy_is_refused(days: int) -> None:
    assert rule_of(long_request(), Approve(AGENT, days=days), facts(), POLICY, NOON) == "days"


def test_an_agreed_length_ends_it_sooner() -> None:
    granting = after(long_request(), Approve(AGENT, days=30)).request
    active = decide(granting, ConfirmGrant(), facts(), POLICY, NOON).request
    assert active.ends_at == NOON + timedelta(days=30)


def test_two_people_have_to_approve_where_the_policy_says_so() -> None:
    strict = replace(POLICY, kinds={**POLICY.kinds, "long": replace(LONG, decided_by_two=True)})
    first = decide(long_request(), Approve(AGENT, days=90), facts(), strict, NOON).request
    assert first.state is State.AWAITING_DECISION
    assert rule_of(first, Approve(AGENT), facts(), strict, NOON) == "second_person"
    second = decide(first, Approve(OTHER_AGENT), facts(), strict, NOON).request
    assert second.state is State.GRANTING
    assert second.days == 90


def test_sending_back_opens_the_evidence_again_any_number_of_times() -> None:
    one = long_request()
    for number in range(1, 5):
        decision = after(one, SendBack(AGENT, f"Question {number}?"))
        assert decision.request.state is State.AWAITING_EVIDENCE
        assert Tell(one.reference, Notice.SENT_BACK, Audience.GIVER, str(number)) in decision.effects
        again = after(decision.request, GiveEvidence(OWNER, statement=True))
        assert ShowHelpdesk(one.reference, str(number)) in again.effects
        one = again.request
    assert [question.words for question in one.questions] == [f"Question {number}?" for number in range(1, 5)]


def test_a_first_approval_does_not_outlive_a_question() -> None:
    strict = replace(POLICY, kinds={**POLICY.kinds, "long": replace(LONG, decided_by_two=True)})
    first = decide(long_request(), Approve(AGENT), facts(), strict, NOON).request
    back = decide(first, SendBack(OTHER_AGENT, "Why?"), facts(), strict, NOON).request
    assert back.first_approval is None


def test_a_renewal_takes_the_place_of_what_it_follows_at_the_same_moment() -> None:
    old = replace(long_request(State.ACTIVE), reference="MFA-2222-2222")
    assert old.ends_at is not None
    now = old.ends_at - timedelta(days=10)
    asked = decide(None, replace(ASK, renews=old.reference), facts(already=(old,)), POLICY, now).request
    assert asked.state is State.AWAITING_EVIDENCE
    new = replace(long_request(), renews=old.reference)
    granting = decide(new, Approve(AGENT), facts(), POLICY, now).request
    later = now + timedelta(hours=3)
    decision = decide(granting, ConfirmGrant(), facts(renewed=old), POLICY, later)
    assert decision.followed is not None
    assert decision.followed.state is State.ENDED
    assert decision.followed.closed_at == decision.request.starts_at == later
    assert decision.followed.closing is not None
    assert decision.followed.closing.cause is Cause.RENEWED
    assert decision.request.ends_at == now + LONG.duration
    assert not any(isinstance(effect, End) for effect in decision.effects)


@pytest.mark.parametrize("state", [State.ACTIVE, State.GRANTING])
def test_what_a_renewal_follows_is_taken_out_of_the_group_that_the_settings_named_then(state: State) -> None:
    old = replace(long_request(State.ACTIVE), state=state, reference="MFA-2222-2222", group_id="another group")
    new = replace(long_request(State.GRANTING), renews=old.reference)
    decision = decide(new, ConfirmGrant(), facts(renewed=old), POLICY, NOON + timedelta(days=150))
    followed = decision.followed
    assert followed is not None
    assert (decision.request.state, followed.state) == (State.ACTIVE, State.ENDING)
    assert followed.closing == Closing(Cause.RENEWED, words=new.reference)
    assert followed.next_due is not None
    assert End(old.reference, SUBJECT.id, old.group_id) in decision.effects
    assert [event.what for event in decision.followed_events] == [What.FOLLOWED, What.ENDING]


def test_nobody_is_told_that_prompts_are_back_or_signed_out_when_only_the_group_has_changed() -> None:
    old = long_request(State.ENDING, closing=Closing(Cause.RENEWED, words="MFA-3333-3333"))
    decision = decide(old, ConfirmEnd(), facts(), POLICY, NOON + timedelta(days=150))
    assert decision.request.state is State.ENDED
    assert decision.effects == (Refresh(old.reference),)
    assert decision.events[0].details["correlation_id"]


def test_a_renewal_takes_the_place_of_what_is_being_put_back_just_now() -> None:
    """Otherwise both would be on when Entra shows the older one again, and a person has one of a kind."""
    old = replace(long_request(State.ACTIVE), reference="MFA-2222-2222")
    lost = decide(old, PutBack(AGENT), facts(), POLICY, NOON + timedelta(days=1)).request
    assert lost.state is State.GRANTING
    new = replace(long_request(State.GRANTING), renews=old.reference)
    followed = decide(new, ConfirmGrant(), facts(renewed=lost), POLICY, NOON + timedelta(days=2)).followed
    assert followed is not None
    assert followed.state is State.ENDED
    late = decide(followed, ConfirmGrant(), facts(), POLICY, NOON + timedelta(days=2))
    assert late.request == followed


def test_a_renewal_is_possible_only_in_its_time_and_only_for_what_is_on() -> None:
    old = long_request(State.ACTIVE)
    assert old.ends_at is not None
    assert LONG.renewal_opens is not None
    renewal = replace(ASK, renews=old.reference)
    early = old.ends_at - LONG.renewal_opens - timedelta(minutes=1)
    assert rule_of(None, renewal, facts(already=(old,)), POLICY, early) == "too_early"
    assert rule_of(None, renewal, facts(already=()), POLICY, NOON) == "not_renewable"
    in_time = old.ends_at - LONG.renewal_opens
    assert rule_of(None, ASK, facts(already=(old,)), POLICY, in_time) == "already_active"
    waiting = replace(WAITING, reference="MFA-3333-3333")
    assert rule_of(None, renewal, facts(already=(old, waiting)), POLICY, in_time) == "already_pending"


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (None, Cause.ACCOUNT_GONE),
        (account(enabled=False), Cause.ACCOUNT_GONE),
        (account(privileged=True), Cause.PRIVILEGED),
    ],
)
def test_an_account_that_may_not_be_exempt_any_more_ends_it(seen: Any, cause: Cause) -> None:
    for active in (long_request(State.ACTIVE), request(State.ACTIVE)):
        decision = after(active, SeeAccount(seen))
        assert decision.request.state is State.ENDING
        assert decision.request.closing is not None
        assert decision.request.closing.cause is cause
        assert End(active.reference, SUBJECT.id, active.group_id) in decision.effects


def test_a_new_core_method_is_asked_about_once_and_ends_nothing() -> None:
    active = long_request(State.ACTIVE, method_ids=("password:1", "phone:2"))
    seen = account(method_ids=("password:1", "phone:2", "microsoftAuthenticator:3", "fido2:4"))
    decision = after(active, SeeAccount(seen))
    assert decision.request.state is State.ACTIVE
    assert [effect.notice for effect in decision.effects if isinstance(effect, Tell)] == [Notice.METHOD_FOUND]
    again = after(decision.request, SeeAccount(seen))
    assert again.effects == ()
    only_key = after(active, SeeAccount(account(method_ids=("password:1", "phone:2", "fido2:4"))))
    assert only_key.effects == ()


def test_anybody_concerned_may_say_that_it_is_still_needed_and_nobody_else() -> None:
    asked = long_request(State.ACTIVE, half_way=HalfWayAsked(NOON))
    for person in (SUBJECT, ASKER, OWNER, OTHER_OWNER):
        answered = after(asked, StillNeeded(person)).request
        assert answered.half_way is not None
        assert answered.half_way.answered_by == person
    assert rule_of(asked, StillNeeded(STRANGER), facts(), POLICY, NOON) == "not_theirs"
    assert rule_of(asked, Withdraw(STRANGER), facts(), POLICY, NOON) == "not_theirs"


def test_an_end_that_another_exception_holds_up_says_nothing_of_prompts() -> None:
    ending = long_request(State.ENDING)
    decision = after(ending, ConfirmEnd(held_by="MFA-2222-2222"))
    assert decision.request.state is State.ENDED
    assert not any(isinstance(effect, Tell) for effect in decision.effects)


def test_the_third_short_one_within_the_window_needs_a_lead() -> None:
    earlier = tuple(replace(request(State.ENDED), reference=f"MFA-2222-222{n}") for n in (2, 3))
    approve = Approve(AGENT, "call_back")
    assert rule_of(request(), approve, facts(history=earlier), POLICY, NOON) == "repeat"
    assert after(request(), approve, history=earlier[:1]).request.state is State.GRANTING
    lead = facts(history=earlier, groups=frozenset({"helpdesk", "leads"}))
    assert decide(request(), approve, lead, POLICY, NOON).request.state is State.GRANTING
    never_granted = tuple(replace(one, starts_at=None) for one in earlier)
    assert after(request(), approve, history=never_granted).request.state is State.GRANTING


def test_a_rejection_tells_the_giver_too() -> None:
    decision = after(long_request(), Reject(AGENT, "The location is not secure"))
    told = {effect.to for effect in decision.effects if isinstance(effect, Tell)}
    assert told == {Audience.SUBJECT, Audience.ASKED_BY, Audience.GIVER}


def test_a_request_that_was_sent_back_still_knows_its_giver() -> None:
    assert sent_back().giver == OWNER
