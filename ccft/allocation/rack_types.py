"""Step 1: cluster -> rack type, pro rata to planned power (methodology section 3, "Step 1"; AWS eq 34, 35)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.kernel.apportion import apportion
from ccft.kernel.exact import micros
from ccft.schema.columns import UNASSIGNED

CLUSTER_KEY = ("usage_period", "cluster_id")
RACK_TYPE_KEY = (*CLUSTER_KEY, "rack_type")
RAMP_UP_MONTHS = 12
"""Racks and clusters younger than this on the period's first day are ramping (methodology step 2a)."""


def _active_days() -> Column:
    """Days of the period on which the rack is in service; `retired_on` is the first day out of service."""
    last = F.least(F.col("month_end"), F.coalesce(F.col("retired_on"), F.col("month_end")))
    return F.greatest(F.datediff(last, F.greatest(F.col("month_start"), F.col("deployed_on"))), F.lit(0))


def is_ramping() -> Column:
    """Whether rack or cluster is younger than 12 calendar months on the period's first day; exactly 12 is mature."""
    matures_on = F.greatest(F.add_months("deployed_on", RAMP_UP_MONTHS), F.add_months("launched_on", RAMP_UP_MONTHS))
    return matures_on > F.col("month_start")


def rack_fleet(racks: DataFrame, clusters: DataFrame, periods: DataFrame) -> DataFrame:
    """Sum up planned power and capacity of active racks.

    Grain in: rack; cluster; period with `month_start` and exclusive `month_end`. Grain out: period, cluster, rack type, cohort. A rack past its
    planned life is still active.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, rack_type, is_ramping, power_weight` (rack-days x kW, 1e-6), `capacity` (1e-6 units).
    """
    launched = clusters.select("cluster_id", "launched_on")
    months = racks.join(F.broadcast(launched), "cluster_id", "inner").crossJoin(F.broadcast(periods))
    active = months.withColumn("active_days", _active_days()).where("active_days > 0")
    days = F.col("active_days").cast("bigint")
    return active.groupBy(*RACK_TYPE_KEY, is_ramping().alias("is_ramping")).agg(
        F.sum(days * micros("planned_power_kw")).alias("power_weight"),
        F.sum(days * micros("capacity_units_per_day")).alias("capacity"),
    )


def network_types(racks: DataFrame) -> DataFrame:
    """Networking rack types, also those without an active rack: their embodied carbon may still be amortised. Column: `rack_type`."""
    return racks.where("is_network").select("rack_type").distinct()


def rack_type_power(fleet: DataFrame) -> DataFrame:
    """Weight of rack types: planned power of both cohorts. Grain: period, cluster, rack type."""
    return fleet.groupBy(*RACK_TYPE_KEY).agg(F.sum("power_weight").alias("weight"))


def allocate_to_rack_types(inventory: DataFrame, fleet: DataFrame) -> DataFrame:
    """Share the cluster's common emissions by planned power and add each rack type's own embodied carbon.

    Grain in: period, cluster, rack type (null = shared), measure, source. Grain out: period, cluster, rack type, measure. A cluster without
    planned power gives its shared emissions to the rack type `unassigned`.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, rack_type, measure, quanta`.
    """
    measured = (*CLUSTER_KEY, "measure")
    shared = inventory.where("rack_type IS NULL").groupBy(*measured).agg(F.sum("quanta").alias("quanta"))
    power = rack_type_power(fleet).where("weight > 0")
    # Many rack types per cluster and measure; clusters without planned power stay, with a null rack type.
    pooled = shared.join(power, list(CLUSTER_KEY), "left")
    shares = apportion(pooled.fillna({"rack_type": UNASSIGNED, "weight": 1}), pool=measured, key=["rack_type"]).select(
        *RACK_TYPE_KEY, "measure", "quanta"
    )
    own = inventory.where("rack_type IS NOT NULL").select(*RACK_TYPE_KEY, "measure", "quanta")
    return (
        shares.unionByName(own)
        .groupBy(*RACK_TYPE_KEY, "measure")
        .agg(F.sum("quanta").alias("quanta"))
        .where("quanta <> 0")
    )
