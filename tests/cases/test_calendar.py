"""Working days: holidays and make-up days as published; what is not published yet is said."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.cases.calendar import (
    SHANGHAI,
    after_working_days,
    day,
    is_working_day,
    lacking,
    missing,
    years,
)


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=SHANGHAI).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("when", "works"),
    [
        (date(2026, 10, 1), False),  # National Day
        (date(2026, 10, 10), True),  # a Saturday made up for
        (date(2026, 10, 11), False),
        (date(2026, 11, 26), True),
        (date(2099, 10, 1), True),  # nobody knows yet: a Thursday
        (date(2099, 10, 3), False),
    ],
)
def test_days(when: date, works: bool) -> None:
    assert is_working_day(when) == works


def test_ten_working_days_over_the_national_holiday() -> None:
    assert day(after_working_days(ms(2026, 9, 28, 15), 5)) == "2026-10-10"


def test_the_day_is_shanghais_and_lasts_to_its_end() -> None:
    late = ms(2026, 11, 26, 23, 59)
    end = after_working_days(late, 1)
    assert end == ms(2026, 11, 28) - 1
    assert datetime.fromtimestamp(end / 1000, UTC).hour == 15


@given(st.integers(ms(2004, 1, 1), ms(2030, 1, 1)), st.integers(1, 30))
def test_it_is_never_early_and_never_falls_on_a_day_off(at: int, count: int) -> None:
    end = after_working_days(at, count)
    assert end > at + (count - 1) * 86_400_000
    assert is_working_day(datetime.fromtimestamp(end / 1000, SHANGHAI).date())


def test_the_coming_year_is_asked_for_in_november() -> None:
    last = max(years())
    assert missing(ms(last, 10, 31)) is None
    assert str(last + 1) in str(missing(ms(last, 11, 1)))
    assert (lacking(ms(last, 10, 31)), lacking(ms(last, 11, 1))) == ((), (last + 1,))
    assert lacking(ms(last + 2, 12, 1)) == (last + 2, last + 3)
    assert "Monday to Friday" in str(missing(ms(last + 3, 1, 1)))
