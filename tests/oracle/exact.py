"""Exact numbers and the calendar (methodology, sections 1, 2.1 and 2.2)."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key")

ZERO = Fraction(0)
QUANTA_PER_KG = 10**9
MICRO = 10**6


def exact(value: Decimal | int | None) -> Fraction:
    """A number as a rational; null counts as zero (section 2.1)."""
    return ZERO if value is None else Fraction(value)


def half_up(value: Fraction, places: int) -> Fraction:
    """Round half up, away from zero, to decimal places (section 2.1)."""
    scale = 10**places
    magnitude = (abs(value) * scale + Fraction(1, 2)).__floor__()
    return Fraction(magnitude if value >= 0 else -magnitude, scale)


def to_quanta(mass: Fraction) -> Fraction:
    """A mass in kg rounded half up to one quantum, 1e-9 kg (section 2.1)."""
    return half_up(mass, 9)


def split(amount: Fraction, weights: Mapping[Key, Fraction]) -> dict[Key, Fraction]:
    """Share an amount among weights without any rounding; the total weight must not be zero (section 3)."""
    total = sum(weights.values(), ZERO)
    return {key: amount * weight / total for key, weight in weights.items()}


def add_months(day: date, months: int) -> date:
    """Calendar months later, clamped to the month's end (section 2.2)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def first_day(period: str) -> date:
    """First day of a period `YYYY-MM` (section 1)."""
    return date(int(period[:4]), int(period[5:7]), 1)


def month_end(period: str) -> date:
    """Exclusive end of a period: the first day of the next month (section 1)."""
    return add_months(first_day(period), 1)


def period_of(day: date) -> str:
    """Period of a day (section 1)."""
    return f"{day.year:04d}-{day.month:02d}"


def shift(period: str, months: int) -> str:
    """The period some months later, or earlier when negative (section 1)."""
    return period_of(add_months(first_day(period), months))


def valid_in(period: str, valid_from: str, valid_to: str | None) -> bool:
    """Whether a validity, last month inclusive, holds in a period (contract, section 1)."""
    return valid_from <= period and (valid_to is None or period <= valid_to)


def days_in_service(period: str, start: date, end: date | None) -> int:
    """Active days in a period; the end is the first day out of service (section 3, step 1)."""
    last = month_end(period) if end is None else min(month_end(period), end)
    return max(0, (last - max(first_day(period), start)).days)


def amortised_kg(embodied_kg: Decimal, start: date, life_months: int, period: str) -> Fraction:
    """Embodied carbon of one asset that falls in a period, by days and telescoping (section 2.2)."""
    quanta = int(Fraction(embodied_kg) * QUANTA_PER_KG)
    life = (add_months(start, life_months) - start).days

    def cumulated(day: date) -> int:
        return quanta * min(max((day - start).days, 0), life) // life

    return Fraction(cumulated(month_end(period)) - cumulated(first_day(period)), QUANTA_PER_KG)


def total(values: Iterable[Fraction]) -> Fraction:
    """Exact sum (section 3, apportioning)."""
    return sum(values, ZERO)
