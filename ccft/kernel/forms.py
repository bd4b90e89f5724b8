"""The kernel's two other forms, row by row equal to `apportion`: integers on the driver, and SQL that every engine reads.

Explanations divide one figure over a few lines; views divide pools where their reader is (Spark, DuckDB). Both use the same doubles in the same
order, so a figure is the same wherever it is computed.
"""

import math
from collections.abc import Sequence


def floor_share_of(weight: int, amount: int, total_weight: int) -> int:
    """Share of one row before the remainder, in whole quanta; `total_weight` above 0.

    >>> floor_share_of(1, 10, 3)
    3
    """
    return math.floor(float(weight) * (float(amount) / float(total_weight)))


def apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of an amount among weights in the order of their keys; they sum to it exactly.

    Parameters
    ----------
    amount
        Whole quanta.
    weights
        Whole units, 0 or more, in ascending order of the rows' keys: ties for the remainder go to the first.

    Raises
    ------
    ZeroDivisionError
        The weights sum to zero: that is not a division.

    Examples
    --------
    >>> apportioned(10, [1, 1, 1])
    [4, 3, 3]
    >>> apportioned(10, [1, 2, 2])
    [2, 4, 4]
    """
    total = sum(weights)
    if total == 0:
        raise ZeroDivisionError("all weights are zero")
    shares = [floor_share_of(weight, amount, total) for weight in weights]
    shares[weights.index(max(weights))] += amount - sum(shares)
    return shares


def floor_share_sql(weight: str, amount: str, total_weight: str) -> str:
    """`floor_share` as SQL text, from SQL expressions of integers."""
    product = f"CAST({weight} AS DOUBLE) * (CAST({amount} AS DOUBLE) / CAST({total_weight} AS DOUBLE))"
    return f"CAST(floor({product}) AS BIGINT)"
