"""Grades and stars: what a figure is worth on a fixed scale, and among its peers.

Source: AI Energy Score (relative stars, `equal_width`); the absolute bounds are this product's own, see docs/ai-comparison.md.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

THRESHOLDS_VERSION: Final = "2026.1"
"""Changes whenever a bound does; labels of different versions are not compared."""
ENERGY_BOUNDS: Final = tuple(
    (grade, Decimal(bound))
    for grade, bound in (("A", "0.03"), ("B", "0.06"), ("C", "0.12"), ("D", "0.25"), ("E", "0.5"), ("F", "1.0"))
)
"""Facility Wh per 1,000 output tokens, inclusive."""
CARBON_SCALE: Final = Decimal("0.4")
"""Carbon bounds in g are the energy bounds in Wh times this: a grid of 0.4 kg/kWh gives the same grade twice."""
CARBON_BOUNDS: Final = tuple((grade, bound * CARBON_SCALE) for grade, bound in ENERGY_BOUNDS)
WORST: Final = "G"
GRADES: Final = (*(grade for grade, _ in ENERGY_BOUNDS), WORST)

MIN_PEERS: Final = 5
MOST_STARS: Final = 5


def grade(value: Decimal, bounds: Sequence[tuple[str, Decimal]]) -> str:
    """First grade whose bound holds the value.

    >>> [grade(Decimal(text), ENERGY_BOUNDS) for text in ("0", "0.03", "0.030000000000001", "1.0", "1.1")]
    ['A', 'A', 'B', 'F', 'G']
    """
    return next((name for name, bound in bounds if value <= bound), WORST)


def stars_equal_width(value: Decimal, peers: Sequence[Decimal]) -> int:
    """Stars by where a value lies between the best and the worst peer; `peers` holds the value itself.

    >>> [stars_equal_width(Decimal(x), [Decimal(y) for y in (0, 1, 2, 5, 10)]) for x in (0, 1, 2, 5, 10)]
    [5, 5, 4, 3, 1]
    """
    least, most = Fraction(min(peers)), Fraction(max(peers))
    if least == most:
        return MOST_STARS
    return MOST_STARS - min(MOST_STARS - 1, int(MOST_STARS * (Fraction(value) - least) / (most - least)))


def stars_quantile(value: Decimal, peers: Sequence[Decimal]) -> int:
    """Stars by rank from 0 ascending, ties the lowest; `peers` holds the value itself.

    >>> [stars_quantile(Decimal(x), [Decimal(y) for y in (1, 2, 2, 4, 5)]) for x in (1, 2, 4, 5)]
    [5, 4, 2, 1]
    """
    if min(peers) == max(peers):
        return MOST_STARS
    rank = sum(peer < value for peer in peers)
    return MOST_STARS - min(MOST_STARS - 1, MOST_STARS * rank // len(peers))
