"""Account usage: from daily rows to `core_account_usage`, with the account's organisation of the month.

The large table is summed while it is read (`usage.grouped`) and shuffled once, if at all; accounts and clusters are joined to the sums.
"""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest import usage, validity
from ccft.ingest.usage import MONTH, PERIOD_SQL
from ccft.schema.tables import table

INPUT: Final = table("account_usage")
CORE: Final = table("core_account_usage")
POOL_KEY: Final = (MONTH, "account_id", "cluster_id", "service_id")
"""Grain of the monthly sums; with a row of the delivery, it also finds the sum that the row went into."""
_ORGANISATION: Final = ("payer_account_id", "account_type", "owner_service_id")


def monthly(sums: DataFrame, clusters: DataFrame, services: DataFrame, accounts: DataFrame) -> DataFrame:
    """Sum usage types, and say which sums cannot be used.

    Parameters
    ----------
    sums
        Rows of `usage.trusted` and `usage.looked_at`.
    clusters, services
        Typed snapshots.
    accounts
        Typed snapshot with `validity.COVERS`: one row per account and month at most.

    Returns
    -------
    DataFrame
        One row per `POOL_KEY` and condition (null: usable): amounts, `period`, `region_code`, organisation, `row_count`, `copies`,
        `is_beyond_range`.
    """
    pools = sums.groupBy(*POOL_KEY, "flaw").agg(*(F.expr(sql) for sql in usage.monthly_sums(INPUT)))
    judged = with_condition(pools, clusters, services, accounts)
    return judged.selectExpr("*", f"{usage.beyond_range(INPUT)} AS is_beyond_range")


def with_condition(frame: DataFrame, clusters: DataFrame, services: DataFrame, accounts: DataFrame) -> DataFrame:
    """Join what cluster, service and account say; grain unchanged.

    Adds `period`, `region_code`, the organisation, `condition` (null: usable).
    """
    regions = F.broadcast(clusters.dropDuplicates(["cluster_id"]).select("cluster_id", "region_code"))
    known = F.broadcast(services.selectExpr("service_id", "true AS is_service").distinct())
    organisations = accounts.selectExpr(
        "account_id AS known_account_id", *validity.COVERS, "valid_from", "valid_to", *_ORGANISATION
    )
    placed = (
        frame.join(regions, "cluster_id", "left")
        .join(known, "service_id", "left")
        .selectExpr(*frame.columns, f"{PERIOD_SQL} AS period", "region_code", "is_service")
    )
    judged = placed.join(
        organisations, F.expr(f"account_id = known_account_id AND {validity.covers('period')}"), "left"
    )
    condition = (
        f"CASE {usage.flaw_cases()} WHEN region_code IS NULL THEN 'CCFT-INPUT-UNKNOWN-CLUSTER'"
        " WHEN is_service IS NULL THEN 'CCFT-INPUT-UNKNOWN-SERVICE'"
        " WHEN known_account_id IS NULL THEN 'CCFT-INPUT-UNKNOWN-ACCOUNT'"
        f" WHEN NOT ({validity.is_valid('period')}) THEN 'CCFT-INPUT-INVALID-ACCOUNT' END"
    )
    return judged.selectExpr(*frame.columns, "period", "region_code", *_ORGANISATION, f"{condition} AS condition")


def core(pools: DataFrame, *, is_small: bool = False) -> DataFrame:
    """Rows of `core_account_usage` in the order of their key.

    Files per month and region are of a good size: the adaptive planner splits large regions and joins small ones; few rows need no
    shuffle for that.
    """
    usable = pools.where("condition IS NULL").withColumnRenamed("period", "usage_period").select(*CORE.column_names)
    placed = usable.coalesce(1) if is_small else usable.hint("rebalance", *CORE.partition_by)
    return placed.sortWithinPartitions(*CORE.key)
