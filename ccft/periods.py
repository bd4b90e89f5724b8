"""Accounting months as text (`YYYY-MM`): the first key of every table.

A month starts at its first day and ends, exclusively, at the first day of the next (UTC).
"""

import re
from datetime import date

_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_MONTHS_PER_YEAR = 12


def is_period(text: str) -> bool:
    """Whether `text` is a calendar month written `YYYY-MM`."""
    return _PERIOD.fullmatch(text) is not None and text >= "0001-01"


def _ordinal(period: str) -> int:
    if not is_period(period):
        raise ValueError(f"not a period (YYYY-MM): {period!r}")
    return int(period[:4]) * _MONTHS_PER_YEAR + int(period[5:]) - 1


def _from_ordinal(ordinal: int) -> str:
    year, month = divmod(ordinal, _MONTHS_PER_YEAR)
    return f"{year:04d}-{month + 1:02d}"


def period_of(day: date) -> str:
    """Period that a day falls into."""
    return f"{day.year:04d}-{day.month:02d}"


def month_start(period: str) -> date:
    """First day of the period."""
    ordinal = _ordinal(period)
    return date(ordinal // _MONTHS_PER_YEAR, ordinal % _MONTHS_PER_YEAR + 1, 1)


def month_end(period: str) -> date:
    """Exclusive end of the period: the first day of the next month."""
    return month_start(shift(period, 1))


def shift(period: str, months: int) -> str:
    """The period `months` later (earlier when negative).

    >>> shift("2025-01", -1)
    '2024-12'
    """
    return _from_ordinal(_ordinal(period) + months)


def period_range(first: str, last: str) -> list[str]:
    """All periods from `first` to `last`, both inclusive; empty when `last` lies before `first`.

    >>> period_range("2024-11", "2025-01")
    ['2024-11', '2024-12', '2025-01']
    """
    return [_from_ordinal(ordinal) for ordinal in range(_ordinal(first), _ordinal(last) + 1)]
