"""Whatever the header Retry-After says, nothing breaks and nobody waits longer than a day."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.retry_after import LONGEST, retry_after
from tests.builders import NOON

NUMBER = st.integers(-(10**12), 10**12).map(str) | st.text("0123456789", min_size=1, max_size=6000)
DATE = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Thu", "", "x"]),
    NUMBER,
    st.sampled_from(["Aug", "Feb", "aug", ""]),
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    st.sampled_from(["GMT", "-0000", "+2400", "-9999"]) | NUMBER.map("+{}".format),
)


@given(NUMBER | DATE | st.text() | st.floats().map(str))
@example("Thu, 06 Aug 2026 12:00:00 +99999999999999")
@example("Thu, 06 Aug 99999999999999999999 12:00:00 GMT")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("9" * 5000)
def test_what_is_asked_for_is_a_time_that_can_be_waited_or_nothing(said: str) -> None:
    wait = retry_after(said, NOON)
    assert wait is None or timedelta(0) <= wait <= LONGEST


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("86401", 86400),
        (f"{NOON + timedelta(seconds=30):%a, %d %b %Y %H:%M:%S} GMT", 30),
        (f"{NOON + timedelta(seconds=30):%a, %d %b %Y %H:%M:%S} -0000", 30),
        (f"{NOON - timedelta(seconds=30):%a, %d %b %Y %H:%M:%S} GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
    ],
)
def test_seconds_and_dates_are_read(said: str, seconds: int) -> None:
    assert retry_after(said, NOON) == timedelta(seconds=seconds)


@pytest.mark.parametrize("said", ["", "-5", "1.5", "nan", "inf", "1e9", "٣", "soon", "Thu, 06 Aug 99999 12:00:00 GMT"])
def test_what_is_neither_seconds_nor_a_date_asks_for_nothing(said: str) -> None:
    assert retry_after(said, NOON) is None
