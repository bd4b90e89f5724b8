"""Proof of an AI run: rows add up to the account rows exactly, and AI + non-AI = account total."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ai.tokens import ROW_KEY
from ccft.errors import Problem
from ccft.pipeline.ai_pools import Pools
from ccft.schema.columns import MEASURES, WORLDWIDE

AI_STEP = "ai"
_LISTED = 20


def _by_measure(rows: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """Account rows per measure. Columns: `key`, `measure`, `kg`."""
    sums = rows.groupBy(*key).agg(*(F.sum(f"{measure}_kg").alias(measure) for measure in MEASURES))
    return sums.unpivot(list(key), list(MEASURES), "measure", "kg")


def row_differences(written: DataFrame, accounts: DataFrame, pools: Pools, version: str) -> list[Problem]:
    """Account rows and measures that their AI rows do not add up to, to the last quantum; memo rows left out."""
    own = written.where("NOT is_memo").groupBy(*ROW_KEY, "measure").agg(F.sum("emissions_kg").alias("split_kg"))
    both = _by_measure(pools.take(accounts), ROW_KEY).join(own, [*ROW_KEY, "measure"], "full")
    difference = F.coalesce("kg", F.lit(0)) - F.coalesce("split_kg", F.lit(0))
    wrong = both.withColumn("difference", difference).where("difference <> 0").orderBy(*ROW_KEY, "measure")
    periods = [row["usage_period"] for row in written.select("usage_period").limit(1).collect()]
    return [
        Problem(
            "CCFT-RUN-VERIFICATION-FAILED",
            {
                "period": periods[0] if periods else "",
                "version": version,
                "check": "account row = its AI rows",
                "subject": f"{row['account_id']} {row['cluster_id']} {row['service_id']} {row['measure']}",
                "difference": row["difference"],
            },
        )
        for row in wrong.limit(_LISTED).collect()
    ]


def reconciliation(written: DataFrame, accounts: DataFrame, pools: Pools) -> tuple[list[dict[str, Any]], int]:
    """Ledger lines of step `ai`, and the number of AI rows.

    `in_kg`: account rows of the cluster; `out_kg`: AI rows; `transferred_out_kg`: rows that take no part. Their difference is 0.
    """
    key = ("cluster_id", "measure")
    marked = pools.marked(accounts).withColumn("is_ai", F.expr("is_own OR is_team"))
    totals = _by_measure(marked, ("cluster_id", "is_ai")).collect()
    ai = written.where("NOT is_memo").groupBy(*key).agg(F.sum("emissions_kg").alias("kg"), F.count("*").alias("rows"))
    lines: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in totals:
        for cluster in (row["cluster_id"], WORLDWIDE):
            own = lines.setdefault((cluster, row["measure"]), _zero())
            own["in_kg"] += row["kg"]
            own["transferred_out_kg"] += 0 if row["is_ai"] else row["kg"]
    count = 0
    for row in ai.collect():
        count += row["rows"]
        for cluster in (row["cluster_id"], WORLDWIDE):
            lines.setdefault((cluster, row["measure"]), _zero())["out_kg"] += row["kg"]
    return [_line(cluster, measure, own) for (cluster, measure), own in sorted(lines.items())], count


def _zero() -> dict[str, Decimal]:
    return dict.fromkeys(("in_kg", "transferred_in_kg", "transferred_out_kg", "out_kg"), Decimal(0))


def _line(cluster: str, measure: str, own: Mapping[str, Decimal]) -> dict[str, Any]:
    difference = own["in_kg"] - own["transferred_out_kg"] - own["out_kg"]
    return {"step": AI_STEP, "cluster_id": cluster, "measure": measure, **own, "difference_kg": difference}
