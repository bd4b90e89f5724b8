"""Ratios of exact figures, rounded once: intensities and shares that are shown, never summed."""

from decimal import Decimal
from fractions import Fraction

Exact = int | Decimal | Fraction


def half_up(value: Exact, places: int) -> Decimal:
    """`value`, 0 or more or below, rounded half up (away from zero) to decimal places.

    >>> half_up(Fraction(1, 8), 2), half_up(Fraction(-1, 8), 2)
    (Decimal('0.13'), Decimal('-0.13'))
    """
    scaled = Fraction(value) * Fraction(10) ** places
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((int(scaled < 0), digits, -places))


def quotient(numerator: Exact, denominator: Exact, places: int) -> Decimal:
    """Exact quotient rounded half up once; the denominator must not be 0.

    >>> quotient(2, 3, 6)
    Decimal('0.666667')
    """
    return half_up(Fraction(numerator) / Fraction(denominator), places)


def ratio(numerator: Exact | None, denominator: Exact | None, places: int) -> Decimal | None:
    """`quotient`, or None where a part is unknown or the denominator is 0: unknown stays unknown.

    >>> ratio(1, 0, 3), ratio(None, 2, 3)
    (None, None)
    """
    return quotient(numerator, denominator, places) if numerator is not None and denominator else None
