"""Account usage summed by what decides an account's weight: `core_usage_classes`, made once by ingest and read by every run.

Pool totals depend on the inputs, not on the methodology version: summed here, no run of any version scans the account rows for them. The sums of
the rows' hashes stand beside them, so that a run knows what a month holds without reading it.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.ingest.fingerprint import hash_sums_sql, row_hash_sql
from ccft.kernel.exact import micros, units
from ccft.schema.spark import select_columns
from ccft.schema.tables import table

CORE: Final = table("core_usage_classes")
USAGE: Final = table("core_account_usage")
CREDITED: Final = {"revenue": "equivalent_revenue_usd", "cost": "allocated_cost_usd"}
"""Amounts whose monthly sum may be negative (credits, cancellations); it counts as zero."""


def _at_least_zero(amount: str) -> Column:
    return F.greatest(F.coalesce(micros(amount), F.lit(0)), F.lit(0).cast("bigint"))


def _below_zero(amount: str) -> Column:
    return F.coalesce(F.least(micros(amount), F.lit(0)), F.lit(0))


def usage_classes(account_usage: DataFrame) -> DataFrame:
    """Sum account rows up by class.

    Grain in: rows of `core_account_usage`. Grain out: rows of `core_usage_classes`, bounded by clusters and services.
    """
    rows = account_usage.select(
        *CORE.key[:-2],
        F.col("equivalent_revenue_usd").isNotNull().alias("has_revenue"),
        F.col("allocated_cost_usd").isNotNull().alias("has_cost"),
        micros("usage_units").alias("usage"),
        *(_at_least_zero(column).alias(name) for name, column in CREDITED.items()),
        *(_below_zero(column).alias(f"{name}_below_zero") for name, column in CREDITED.items()),
        F.expr(row_hash_sql(USAGE)).alias("row_hash"),
    )
    amounts = {"usage": "usage_units", "revenue": "revenue_usd", "cost": "cost_usd"}
    sums = rows.groupBy(*CORE.key).agg(
        F.count("*").alias("account_count"),
        *(units(F.sum(name)).alias(column) for name, column in amounts.items()),
        *(units(F.max(name)).alias(f"largest_{column}") for name, column in amounts.items()),
        *(F.count(F.when(F.col(f"{name}_below_zero") < 0, 1)).alias(f"{name}_credits") for name in CREDITED),
        *(units(F.sum(f"{name}_below_zero")).alias(f"{name}_below_zero_usd") for name in CREDITED),
        *(F.expr(sql.replace(" AS ", " AS row_hash_")) for sql in hash_sums_sql("row_hash")),
    )
    return sums.select(*select_columns(CORE))
