"""The one kernel: an amount in quanta, shared among weights, nothing lost ("Apportioning: one rule everywhere").

`share = floor(weight * (amount / total_weight))` in IEEE doubles inside one row, in this order; what the floors leave over goes to the row with
the largest weight, ties to the smallest key. Both forms give the same rows: `apportion` by window functions for what is bounded by racks and
services, `floor_share` with pool totals broadcast back for account rows and flows between services, which are then neither shuffled nor sorted.

Amounts and weights are BIGINT. A pool total beyond 9.2e18 raises Spark's ARITHMETIC_OVERFLOW, which the pipeline names.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def floor_share(weight: Column, amount: Column, total_weight: Column) -> Column:
    """Share of one row before the remainder; null where the pool has no weight.

    Parameters
    ----------
    weight, total_weight
        Whole units of their scale, 0 or more.
    amount
        Quanta of the pool.

    Returns
    -------
    Column
        BIGINT quanta.
    """
    total = F.when(total_weight > 0, total_weight.cast("double"))
    return F.floor(weight.cast("double") * (amount.cast("double") / total)).cast("bigint")


def apportion(
    rows: DataFrame, *, pool: Sequence[str], key: Sequence[str], weight: str = "weight", amount: str = "quanta"
) -> DataFrame:
    """Replace each row's pool amount by the row's own exact share (window form).

    Grain in: one row per pool and key, the pool's amount repeated on each. Grain out: the same; shares of a pool sum to its amount exactly.
    A pool whose weights sum to zero has null shares: that is not a division, the caller sends the amount the residual way.

    Parameters
    ----------
    rows
        Has the columns named by the other arguments.
    pool, key
        Columns of the pool; columns that identify a row in it (the order of ties).
    weight, amount
        Columns of weights and amounts, BIGINT, not null.

    Examples
    --------
    ====  ===  ======  ======      ======
    pool  key  weight  quanta  ->  quanta
    ====  ===  ======  ======      ======
    a     x    1       10          4
    a     y    1       10          3
    a     z    1       10          3
    ====  ===  ======  ======      ======
    """
    in_pool = Window.partitionBy(*pool)
    by_weight = in_pool.orderBy(F.col(weight).desc(), *(F.col(name).asc() for name in key))
    totals = rows.withColumn("_total_weight", F.sum(weight).over(in_pool))
    shares = totals.withColumn("_share", floor_share(F.col(weight), F.col(amount), F.col("_total_weight")))
    ranked = shares.withColumn("_assigned", F.sum("_share").over(in_pool)).withColumn(
        "_rank", F.row_number().over(by_weight)
    )
    remainder = F.when(F.col("_rank") == 1, F.col(amount) - F.col("_assigned")).otherwise(0)
    return ranked.withColumn(amount, F.col("_share") + remainder).drop("_total_weight", "_share", "_assigned", "_rank")
