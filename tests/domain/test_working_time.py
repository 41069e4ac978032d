"""Working time: reminders wait for it or come before it, over weekends, bank holidays and daylight saving."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.moments import UK, read_date
from domain.working_time import at_or_after, at_or_before, is_working
from tests.builders import POLICY

WORKING = POLICY.working
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def uk(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UK).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [
        (uk(2026, 11, 25, 10), uk(2026, 11, 25, 10), uk(2026, 11, 25, 10)),
        (uk(2026, 11, 28, 10), uk(2026, 11, 27, 10), uk(2026, 11, 30, 9)),  # Saturday
        (uk(2026, 11, 29, 23), uk(2026, 11, 27, 16), uk(2026, 11, 30, 9)),  # Sunday night
        (uk(2026, 11, 30, 3), uk(2026, 11, 27, 9), uk(2026, 11, 30, 9)),  # Monday before anybody is there
        (uk(2026, 11, 30, 17), uk(2026, 11, 30, 16), uk(2026, 12, 1, 9)),  # Monday evening
        (uk(2026, 12, 25, 10), uk(2026, 12, 24, 10), uk(2026, 12, 29, 9)),  # Christmas Day; Boxing Day moves to Monday
        (uk(2027, 3, 28, 12), uk(2027, 3, 25, 12), uk(2027, 3, 30, 9)),  # Easter Sunday, and the clocks go forward
        (uk(2026, 10, 25, 12), uk(2026, 10, 23, 12), uk(2026, 10, 26, 9)),  # the clocks go back
    ],
)
def test_moments_move_to_when_people_are_at_work(moment: datetime, before: datetime, after: datetime) -> None:
    assert at_or_before(moment, WORKING) == before
    assert at_or_after(moment, WORKING) == after


@given(MOMENTS)
def test_what_is_moved_is_in_working_time_and_moved_no_further_than_a_week(moment: datetime) -> None:
    before, after = at_or_before(moment, WORKING), at_or_after(moment, WORKING)
    assert is_working(before, WORKING)
    assert is_working(after, WORKING)
    assert moment - timedelta(days=7) < before <= moment <= after < moment + timedelta(days=7)
    assert is_working(moment, WORKING) == (before == moment == after)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31 March 2027", date(2027, 3, 31)),
        ("31st march 2027", date(2027, 3, 31)),
        ("31/3/2027", date(2027, 3, 31)),
        ("2027-03-31", date(2027, 3, 31)),
        (" 1  Jan,  2027 ", date(2027, 1, 1)),
        ("29 February 2028", date(2028, 2, 29)),
        ("29 February 2027", None),
        ("31/13/2027", None),
        ("next spring", None),
        ("", None),
        ("2027", None),
    ],
)
def test_dates_are_read_as_people_in_the_uk_type_them(text: str, day: date | None) -> None:
    assert read_date(text) == day


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    read_date(text)
