"""Periods: calendar months as text, ends exclusive."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccft.periods import is_period, month_end, month_start, period_of, period_range, shift

DAYS = st.dates(date(1, 1, 1), date(9998, 12, 31))


@pytest.mark.parametrize("text", ["2025-01", "2025-12", "0001-01", "9999-12"])
def test_a_month_is_a_period(text):
    assert is_period(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025",
        "2025-1",
        "2025-00",
        "2025-13",
        "2025-01-01",
        " 2025-01",
        "2025-01\n",
        "25-01",
        "0000-01",
        "２０２５-01",
    ],
)
def test_anything_else_is_not(text):
    assert not is_period(text)
    with pytest.raises(ValueError, match="not a period"):
        month_start(text)


@given(DAYS)
def test_a_day_lies_in_its_period(day):
    period = period_of(day)
    assert month_start(period) <= day < month_end(period)
    assert period_of(month_end(period)) == shift(period, 1)
    assert period_of(month_end(period) - timedelta(days=1)) == period


@given(DAYS, st.integers(-500, 500))
def test_shifting_back_and_forth_is_nothing(day, months):
    period = shift("2025-06", months)
    assert shift(period, -months) == "2025-06"
    assert (period > "2025-06") == (months > 0)
    assert is_period(period_of(day))


def test_ends_of_leap_and_common_february():
    assert (month_end("2024-02") - month_start("2024-02")).days == 29
    assert (month_end("2023-02") - month_start("2023-02")).days == 28
    assert (month_end("1900-02") - month_start("1900-02")).days == 28


@given(st.integers(0, 300))
def test_a_range_holds_each_month_once_in_order(months):
    periods = period_range("2019-11", shift("2019-11", months))
    assert len(set(periods)) == months + 1
    assert periods == sorted(periods)


def test_a_range_backwards_is_empty():
    assert period_range("2025-02", "2025-01") == []
