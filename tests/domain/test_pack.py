"""Which exceptions belong in the yearly pack, and what it says is still to be done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cards import pack as words
from domain.drift import Drift, Sort
from domain.errors import Refusal
from domain.events import What
from domain.moments import UK
from domain.pack import (
    Doing,
    Figure,
    Kept,
    Noted,
    Summary,
    Way,
    Year,
    began,
    belongs,
    document,
    drifted,
    warned,
    year_of,
)
from domain.request import Cause, Closing, Decided, HalfWayAsked, Request, State
from tests.builders import (
    AGENT,
    LONG,
    NOON,
    OTHER_AGENT,
    OWNER,
    POLICY,
    SITE,
    long_request,
    request,
    stuck,
)

YEAR = year_of(date(2026, 4, 1), date(2027, 3, 31))
SECOND = timedelta(seconds=1)
days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
moments = st.integers(0, 6 * 365 * 24 * 3600).map(lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + seconds * SECOND)


def exception(starts_at: datetime, closed_at: datetime | None) -> Request:
    ended = {"closed_at": closed_at, "closing": Closing(Cause.EXPIRED)} if closed_at else {"closed_at": None}
    return request(State.ENDED if closed_at else State.ACTIVE, starts_at=starts_at, **ended)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UK)


@pytest.mark.parametrize(
    ("starts_at", "closed_at", "is_in"),
    [
        (YEAR.start - timedelta(days=30), YEAR.start - SECOND, False),
        (YEAR.start - timedelta(days=30), YEAR.start, False),  # ended at midnight, when the year began
        (YEAR.start - timedelta(days=30), YEAR.start + SECOND, True),
        (YEAR.start - timedelta(days=30), YEAR.end + timedelta(days=30), True),  # all the year long
        (YEAR.start - timedelta(days=30), None, True),  # and it still is
        (YEAR.start, YEAR.start + SECOND, True),
        (YEAR.end - SECOND, YEAR.end + timedelta(days=30), True),
        (YEAR.end - SECOND, None, True),
        (YEAR.end, None, False),
        (YEAR.end, YEAR.end + SECOND, False),
    ],
)
def test_at_the_edges_of_the_year_each_moment_counts_once(
    starts_at: datetime, closed_at: datetime | None, is_in: bool
) -> None:
    assert belongs(exception(starts_at, closed_at), YEAR) is is_in


@given(days, st.integers(0, 800))
@example(date(2026, 3, 29), 0)  # a day of 23 hours
@example(date(2026, 10, 25), 0)  # and one of 25
@example(date(2028, 2, 29), 0)
@example(date(2027, 4, 1), 365)  # with a leap day
def test_a_year_is_whole_days_of_uk_time(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    year = year_of(first, last)
    assert (year.start.astimezone(UK).date(), year.start.astimezone(UK).time()) == (first, time())
    assert (year.end - SECOND).astimezone(UK).date() == last
    assert year.end.astimezone(UK).time() == time()
    assert words.title(year).endswith(f"{last.day} {last:%B} {last.year}")


@given(moments, st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=400)), days, st.integers(0, 400))
def test_it_belongs_where_some_moment_of_it_is_in_the_year(
    starts_at: datetime, lasts: timedelta | None, first: date, more: int
) -> None:
    year = year_of(first, first + timedelta(days=more))
    one = exception(starts_at, starts_at + lasts if lasts else None)
    last = one.closed_at - timedelta(microseconds=1) if one.closed_at else datetime.max.replace(tzinfo=UTC)
    overlap = max(starts_at, year.start) <= min(last, year.end - timedelta(microseconds=1))
    assert belongs(one, year) is overlap


@given(moments, st.timedeltas(timedelta(seconds=1), timedelta(days=900)), st.lists(days, min_size=1, max_size=4))
def test_years_in_a_row_lose_no_exception(starts_at: datetime, lasts: timedelta, cuts: list[date]) -> None:
    bounds = sorted({date(2000, 1, 1), *cuts, date(2100, 1, 1)})
    years = [Year(first, then - timedelta(days=1)) for first, then in pairwise(bounds)]
    assert any(belongs(exception(starts_at, starts_at + lasts), year) for year in years)


@pytest.mark.parametrize("state", list(State))
def test_what_was_never_exempt_is_not_in_it(state: State) -> None:
    one = long_request(state)
    expected = state in (State.GRANTING, State.ACTIVE, State.ENDING, State.ENDED)
    assert (began(one) is not None) is expected
    assert belongs(one, YEAR) is expected


def test_what_entra_never_confirmed_counts_from_its_approval() -> None:
    approved = Decided(AGENT, YEAR.end - SECOND, approved=True)
    assert belongs(request(State.GRANTING, decided=approved), YEAR)
    assert not belongs(request(State.GRANTING, decided=replace(approved, at=YEAR.end)), YEAR)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 4, 1), date(2026, 3, 31)),
        (date(1, 1, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date.max),
    ],
)
def test_dates_that_make_no_year_are_refused(first: date, last: date) -> None:
    with pytest.raises(Refusal):
        year_of(first, last)


ON = long_request(State.ACTIVE)
assert ON.starts_at
assert ON.ends_at
SOON = ON.starts_at + timedelta(days=1)
ANSWERS = {"risk": "Watched sign-ins", "replacement": "Hardware keys", "replacement_by": "31 August 2026"}


@pytest.mark.parametrize(
    ("one", "now", "doing"),
    [
        (ON, SOON, []),
        (ON, ON.ends_at + timedelta(minutes=1), [Doing.NOT_ENDED]),
        (long_request(State.ENDING, stuck=stuck()), ON.ends_at, [Doing.NOT_ENDED]),
        (long_request(State.GRANTING), NOON + timedelta(minutes=6), []),
        (long_request(State.GRANTING), NOON + timedelta(minutes=21), [Doing.UNPROVED]),
        (replace(ON, half_way=HalfWayAsked(NOON)), NOON + timedelta(days=1), []),
        (replace(ON, half_way=HalfWayAsked(NOON)), NOON + timedelta(days=15), [Doing.UNANSWERED]),
        (replace(ON, half_way=HalfWayAsked(NOON, SOON, OWNER)), NOON + timedelta(days=15), []),
        (long_request(State.ENDED), ON.ends_at + timedelta(days=9), []),
    ],
)
def test_what_is_still_to_be_done_for_one_exception(one: Request, now: datetime, doing: list[Doing]) -> None:
    assert [action.what for action in document(one, [], POLICY, now).actions] == doing


def test_an_approval_that_is_being_put_back_counts_from_then() -> None:
    one = long_request(State.GRANTING)
    again = NOON + timedelta(days=30)
    noted = [Noted("approved", NOON, "v1"), Noted("put_back", again)]
    assert document(one, noted, POLICY, again + timedelta(minutes=1)).actions == ()
    assert document(one, noted, POLICY, again + timedelta(hours=1)).actions[0].since == again


def test_the_plan_is_overdue_on_the_day_after_its_date_in_uk_time() -> None:
    opened = {ON.reference: ANSWERS}
    last = midnight(date(2026, 9, 1))
    assert document(ON, [], POLICY, last - SECOND, opened).actions == ()
    assert [action.what for action in document(ON, [], POLICY, last, opened).actions] == [Doing.PAST_REPLACEMENT]
    assert document(long_request(State.ENDED), [], POLICY, last, opened).actions == ()


def test_answers_are_shown_where_they_were_opened_and_nowhere_else() -> None:
    purged = long_request(State.ENDED, purged_at=ON.ends_at)
    for one, opened, kept in (
        (ON, None, Kept.SEALED),
        (ON, {ON.reference: None}, Kept.UNREADABLE),
        (ON, {}, Kept.DELETED),
        (purged, {ON.reference: ANSWERS}, Kept.DELETED),
        (request(State.ACTIVE), None, Kept.NOT_ASKED),
    ):
        found = document(one, [], POLICY, SOON, opened)
        assert (found.assessment.kept, found.assessment.risk, found.assessment.replacement) == (kept, "", "")
    found = document(ON, [], POLICY, SOON, {ON.reference: ANSWERS})
    assert (found.assessment.kept, found.assessment.risk) == (Kept.OPENED, "Watched sign-ins")
    assert found.assessment.replaced_by == "31 August 2026"
    assert "The evidence was deleted on 2 February 2027" in " ".join(
        words.risk(document(purged, [], POLICY, SOON), POLICY)
    )


def test_half_way_answers_and_renewals_are_reviews() -> None:
    later = NOON + timedelta(days=170)
    one = replace(
        long_request(State.ENDED, half_way=HalfWayAsked(NOON, SOON, OWNER), renews="MFA-2222-2222"),
        closing=Closing(Cause.RENEWED, words="MFA-3333-3333"),
        closed_at=later,
    )
    found = document(one, [], POLICY, later)
    assert [review.way for review in found.reviews] == [Way.RENEWAL, Way.HALF_WAY_ANSWERED, Way.RENEWED]
    assert words.reviewed(found.reviews) == (
        "Decided anew by Helen Desk on 6 August 2026, to follow MFA-2222-2222.",
        "Olive Owner said half way on 7 August 2026 that it was still needed.",
        "Renewed on 23 January 2027 by MFA-3333-3333.",
    )


def test_the_policy_is_the_one_that_it_was_approved_under() -> None:
    asked = replace(ON, policy_version="old")
    assert document(asked, [], POLICY, SOON).policy_version == "old"
    noted = [Noted(What.APPROVED, NOON, "new"), Noted(What.METHOD_FOUND, SOON)]
    found = document(asked, noted, POLICY, SOON)
    assert (found.policy_version, found.method_found) == ("new", SOON)


def test_who_approved_first_and_who_second_is_told() -> None:
    one = replace(ON, first_approval=Decided(OTHER_AGENT, NOON, approved=True))
    said = words.approval(document(one, [], POLICY, SOON))
    assert said[:2] == (
        "First by Harry Desk, 1pm on Thursday 6 August 2026.",
        "By Helen Desk, 1:05pm on Thursday 6 August 2026.",
    )


def test_a_kind_and_a_reason_that_the_policy_no_longer_knows_are_named_by_their_ids() -> None:
    one = document(replace(ON, kind="gone", reason="unknown"), [], POLICY, SOON)
    assert words.row(one, POLICY)[6:8] == ("gone", "unknown")
    assert one.assessment.kept is Kept.SEALED


@pytest.mark.parametrize("state", [State.GRANTING, State.ACTIVE, State.ENDING, State.ENDED])
@pytest.mark.parametrize("build", [request, long_request])
def test_every_row_fits_its_columns(state: State, build: Callable[[State], Request]) -> None:
    one = document(build(state), [Noted("not_delivered", NOON, "", {"notice": "x"})], POLICY, NOON)
    assert len(words.row(one, POLICY)) == len(words.COLUMNS)
    assert len(words.follow_up_row(one, POLICY)) == len(words.FOLLOW_UP_COLUMNS)
    assert [len(words.action_row(action)) for action in one.actions] == [len(words.ACTION_COLUMNS)]


def test_drifts_and_sites_are_actions_too() -> None:
    drift = drifted(Drift(Sort.STRANGER, "group", "id-1"), NOON)
    assert (drift.what, drift.reference, drift.about) == (Doing.DRIFT, "", "stranger id-1")
    assert warned(SITE) == ()
    found = warned(replace(SITE, owners=(OWNER,)))
    assert [(action.what, action.reference) for action in found] == [(Doing.SITE, "ZZ901")]


def test_the_figures_count_each_exception_under_its_kind() -> None:
    summary = Summary()
    before = replace(ON, reference="MFA-2222-2222", starts_at=YEAR.start - SECOND)
    for one in (ON, before, request(State.ENDED)):
        summary.add(document(one, [], POLICY, SOON), YEAR)
    long, short = ({figure: summary.figures[kind, figure] for figure in Figure} for kind in ("long", "short"))
    assert long == dict.fromkeys(Figure, 0) | {
        Figure.IN_FORCE: 2,
        Figure.PEOPLE: 1,
        Figure.BEGAN: 1,
        Figure.STILL_ON: 2,
        Figure.ASSESSED: 2,
    }
    assert short == dict.fromkeys(Figure, 0) | {
        Figure.IN_FORCE: 1,
        Figure.PEOPLE: 1,
        Figure.BEGAN: 1,
        Figure.ENDED: 1,
        Figure.ACCEPTED: 1,
    }
    assert summary.on_at == {"ZZ901"}


def test_every_word_that_the_pack_needs_is_there() -> None:
    assert set(words.ACTIONS) == set(Doing)
    assert set(words.FIGURES) == set(Figure)
    assert LONG.evidence
    assert len({item.about for item in LONG.evidence.items if item.about}) == 3
