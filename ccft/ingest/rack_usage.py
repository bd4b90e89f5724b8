"""Rack usage: from daily rows of racks to `core_rack_usage`, ramping and mature racks apart."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest import usage
from ccft.ingest.usage import MONTH, PERIOD_SQL
from ccft.schema.tables import table

INPUT: Final = table("rack_usage")
CORE: Final = table("core_rack_usage")
SUSPECT_KEY: Final = (MONTH, "rack_id")
"""Finds the rows of a sum that cannot be used."""
RAMP_UP_MONTHS: Final = 12
"""Calendar months in which a rack, or the cluster it stands in, ramps up (methodology section 3, step 2a.2)."""
_PLACE: Final = ("region_code", "cluster_id", "rack_type", "is_ramping")


def monthly(sums: DataFrame, racks: DataFrame, clusters: DataFrame, services: DataFrame) -> DataFrame:
    """Sum the racks of a type, and say which sums cannot be used.

    Parameters
    ----------
    sums
        Rows of `usage.trusted` and `usage.looked_at`.
    racks, clusters, services
        Typed snapshots.

    Returns
    -------
    DataFrame
        One row per month, cluster, rack type, `is_ramping`, service and condition (null: usable): `used_units`, `period`,
        `region_code`, `row_count`, `copies`, `is_beyond_range`; rows that cannot be used keep their `rack_id`.
    """
    placed = with_condition(sums, racks, clusters, services)
    suspect = F.expr("IF(condition IS NOT NULL, rack_id, NULL) AS rack_id")
    pools = placed.groupBy("period", MONTH, *_PLACE, "service_id", "condition", suspect)
    summed = pools.agg(*(F.expr(sql) for sql in usage.monthly_sums(INPUT)))
    return summed.selectExpr("*", f"{usage.beyond_range(INPUT)} AS is_beyond_range")


def with_condition(frame: DataFrame, racks: DataFrame, clusters: DataFrame, services: DataFrame) -> DataFrame:
    """Join what rack, cluster and service say; grain unchanged.

    Adds `period`, `region_code`, `cluster_id`, `rack_type`, `is_ramping`, `condition` (null: usable).
    """
    known = F.broadcast(services.selectExpr("service_id", "true AS is_service").distinct())
    joined = frame.join(F.broadcast(_fleet(racks, clusters)), "rack_id", "left").join(known, "service_id", "left")
    condition = (
        f"CASE {usage.flaw_cases()} WHEN rack_type IS NULL THEN 'CCFT-INPUT-UNKNOWN-RACK'"
        " WHEN is_service IS NULL THEN 'CCFT-INPUT-UNKNOWN-SERVICE'"
        " WHEN is_network THEN 'CCFT-INPUT-NETWORK-RACK-USAGE' END"
    )
    ramping = f"mature_on > {MONTH} AS is_ramping"
    place = [ramping if name == "is_ramping" else name for name in _PLACE]
    return joined.selectExpr(*frame.columns, f"{PERIOD_SQL} AS period", *place, f"{condition} AS condition")


def _fleet(racks: DataFrame, clusters: DataFrame) -> DataFrame:
    """Racks with what their usage needs: one row per rack.

    `mature_on`: first day that is no longer within the ramp-up; exactly 12 calendar months later is mature.
    """
    sites = F.broadcast(clusters.dropDuplicates(["cluster_id"]).select("cluster_id", "region_code", "launched_on"))
    mature = f"add_months(greatest(deployed_on, launched_on), {RAMP_UP_MONTHS}) AS mature_on"
    placed = racks.dropDuplicates(["rack_id"]).join(sites, "cluster_id", "left")
    return placed.selectExpr("rack_id", "cluster_id", "rack_type", "is_network", "region_code", mature)


def core(pools: DataFrame) -> DataFrame:
    """Rows of `core_rack_usage`: bounded by clusters, rack types and services, so one file per month and region."""
    usable = pools.where("condition IS NULL").withColumnRenamed("period", "usage_period")
    return usable.select(*CORE.column_names).coalesce(1)
