"""Content fingerprints of core tables per period: what decides whether a run has anything to do."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FUEL_HISTORY_YEARS = 2


def relevant(name: str, frame: DataFrame, periods: DataFrame) -> DataFrame:
    """Rows of a core table that can change the results of a period, once per period (`usage_period`).

    Other months' usage, factors and accounts do not: a later delivery leaves a published month as it is.
    """
    months = F.broadcast(periods)
    if "usage_period" in frame.columns:
        return frame.join(F.broadcast(periods.select("usage_period")), "usage_period", "left_semi")
    if name == "core_activity":
        year = F.substring("period", 1, 4).cast("int")
        is_own = F.col("period") == F.col("usage_period")
        is_history = (F.col("activity") == "generator_fuel") & year.between(
            F.col("year") - FUEL_HISTORY_YEARS, F.col("year") - 1
        )
        return frame.join(months, is_own | is_history, "inner")
    if name == "core_certificates":
        return frame.join(months, F.col("period") == F.col("usage_period"), "inner")
    if "valid_from" in frame.columns:
        valid = F.col("usage_period").between(F.col("valid_from"), F.coalesce("valid_to", F.lit("9999-12")))
        return frame.join(months, valid, "inner")
    starts = {"core_racks": "deployed_on", "core_facility_assets": "in_service_on", "core_clusters": "launched_on"}
    if name in starts:
        return frame.join(months, F.col(starts[name]) < F.col("month_end"), "inner")
    return frame.crossJoin(months)


def fingerprints(tables: Mapping[str, DataFrame], periods: DataFrame, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 per period over row counts and order-independent hashes of all core tables that matter to it.

    Parameters
    ----------
    tables
        Core tables by name.
    periods
        `usage_period, month_start, month_end, last_year, year`.
    names
        The periods, for those without any row.
    """
    parts = []
    for name, frame in sorted(tables.items()):
        columns = [F.coalesce(F.col(column).cast("string"), F.lit("\x00")) for column in sorted(frame.columns)]
        row_hash = F.xxhash64(*columns).cast("decimal(20,0)")
        rows = relevant(name, frame, periods).select("usage_period", row_hash.alias("row_hash"))
        sums = rows.groupBy("usage_period").agg(F.count("*").alias("rows"), F.sum("row_hash").alias("sum"))
        parts.append(sums.select(F.lit(name).alias("name"), "usage_period", "rows", "sum"))
    lines: dict[str, list[str]] = {name: [] for name in names}
    for row in reduce(DataFrame.unionByName, parts).collect():
        lines[row["usage_period"]].append(f"{row['name']} {row['rows']} {row['sum']}")
    return {period: hashlib.sha256("\n".join(sorted(text)).encode()).hexdigest() for period, text in lines.items()}
