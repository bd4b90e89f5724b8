"""The ledger: every step conserves every measure in every cluster (methodology section 3, "Conservation, the law of the product")."""

from collections.abc import Mapping
from functools import reduce
from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.kernel.exact import kilograms
from ccft.schema.columns import STEPS, WORLDWIDE

BALANCE_KEY = ("usage_period", "cluster_id", "measure")
SIDES = ("in", "transferred_in", "transferred_out", "out")


def balance(frame: DataFrame, quanta: str = "quanta") -> DataFrame:
    """Sum a stage's output per period, cluster and measure."""
    return frame.groupBy(*BALANCE_KEY).agg(F.sum(F.expr(quanta)).alias("quanta"))


def _entries(frame: DataFrame, entries: list[tuple[str, str]]) -> DataFrame:
    """Book one balance on sides of steps."""
    booked = F.array(*(F.struct(F.lit(step).alias("step"), F.lit(side).alias("side")) for step, side in entries))
    return frame.select(*BALANCE_KEY, "quanta", F.explode(booked).alias("entry")).select(
        *BALANCE_KEY, "quanta", "entry.*"
    )


def ledger(states: Mapping[str, DataFrame], transfers: Mapping[tuple[str, str], DataFrame]) -> DataFrame:
    """Book the states of the emissions before and after each step.

    Parameters
    ----------
    states
        Balances in order of the steps: `evidence` (what the inventory's parts sum to), then one per step except `total`.
    transfers
        (step, `transferred_in` or `transferred_out`) -> balance.

    Returns
    -------
    DataFrame
        `usage_period, measure, step, cluster_id, in_kg, transferred_in_kg, transferred_out_kg, out_kg, difference_kg`: per cluster and worldwide.
    """
    names = list(states)
    booked = [
        _entries(states[before], [(after, "in")]).unionByName(_entries(states[after], [(after, "out")]))
        for before, after in pairwise(names)
    ]
    booked += [_entries(states["inventory"], [("total", "in")]), _entries(states["accounts"], [("total", "out")])]
    booked += [_entries(frame, [(step, side), ("total", side)]) for (step, side), frame in transfers.items()]
    # Bounded by clusters, steps and measures: one task, and one pass for clusters and world.
    rows = reduce(DataFrame.unionByName, booked).coalesce(1)
    sides = [F.sum(F.when(F.col("side") == side, F.col("quanta")).otherwise(0)).alias(side) for side in SIDES]
    world = ["usage_period", "measure", "step"]
    summed = rows.groupingSets([[*world, "cluster_id"], world], *world, "cluster_id").agg(*sides)
    return summed.select(
        *world,
        F.coalesce("cluster_id", F.lit(WORLDWIDE)).alias("cluster_id"),
        *(kilograms(side).alias(f"{side}_kg") for side in SIDES),
        kilograms(F.expr("in + transferred_in - transferred_out - out")).alias("difference_kg"),
    )


def violations(lines: DataFrame) -> list[Problem]:
    """Ledger lines that do not balance; the run fails on any."""
    wrong = lines.where("difference_kg <> 0").orderBy("usage_period", "step", "cluster_id", "measure").collect()
    order = {step: position for position, step in enumerate(STEPS)}
    return [
        Problem(
            "CCFT-RUN-NOT-CONSERVED",
            {
                "period": row["usage_period"],
                "step": row["step"],
                "cluster": row["cluster_id"],
                "measure": row["measure"],
                "difference": row["difference_kg"],
            },
        )
        for row in sorted(wrong, key=lambda row: order[row["step"]])
    ]


def worldwide_totals(lines: DataFrame) -> DataFrame:
    """Worldwide totals per period and measure, from the ledger. Columns: `usage_period, measure, out_kg`."""
    return lines.where((F.col("step") == "total") & (F.col("cluster_id") == WORLDWIDE)).select(
        "usage_period", "measure", "out_kg"
    )
