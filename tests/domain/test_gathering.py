"""Which notices may wait for others of their sort."""

from hypothesis import given
from hypothesis import strategies as st

from domain.effects import Audience, Notice, Tell
from domain.gathering import can_be_gathered

TELLS = st.builds(Tell, st.just("MFA-7K3Q-9XDM"), st.sampled_from(Notice), st.sampled_from(Audience), st.text())
ABOUT_ONE = {Notice.GRANTED, Notice.REJECTED, Notice.ASKED_FOR_YOU, Notice.METHOD_FOUND, Notice.SENT_BACK}


@given(TELLS)
def test_nobodys_own_exception_waits_for_others(tell: Tell) -> None:
    assert not (can_be_gathered(tell) and tell.to is Audience.SUBJECT)


@given(TELLS)
def test_no_decision_and_no_question_waits(tell: Tell) -> None:
    assert not (can_be_gathered(tell) and tell.notice in ABOUT_ONE)


@given(TELLS)
def test_whether_it_may_wait_does_not_depend_on_the_request_or_the_occasion(tell: Tell) -> None:
    assert can_be_gathered(tell) == can_be_gathered(Tell("MFA-2222-2222", tell.notice, tell.to, "other"))
