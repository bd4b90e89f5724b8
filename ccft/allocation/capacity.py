"""Step 2a: shared overhead and unused capacity (methodology section 3, "Step 2a").

Networking racks first, then ramp-up, then unused capacity; the components `in_use`, `unused_capacity`, `network_overhead`,
`expansion_overhead`, `residual` are disjoint and sum to the inventory.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.allocation.rack_types import CLUSTER_KEY, RACK_TYPE_KEY, rack_type_power
from ccft.kernel.apportion import apportion
from ccft.kernel.exact import micros
from ccft.methodology.model import Bearer, Methodology, RampUp

MEASURED_TYPE = (*RACK_TYPE_KEY, "measure")
OUTPUT = (*MEASURED_TYPE, "component", "quanta")


def _product(amount: Column, numerator: Column, denominator: Column) -> Column:
    """`floor(numerator * (amount / denominator))` kept within 0 and the amount: `keep` and `in_use` of the methodology."""
    product = F.floor(numerator.cast("double") * (amount.cast("double") / denominator.cast("double")))
    return F.least(F.greatest(product.cast("bigint"), F.lit(0).cast("bigint")), amount)


def cohort_use(fleet: DataFrame, rack_usage: DataFrame, network: DataFrame) -> DataFrame:
    """Use and capacity side by side. Grain out: period, cluster, rack type, cohort; never networking racks.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, rack_type, is_ramping, power_weight, capacity, used`, all BIGINT, never null.
    """
    used = rack_usage.groupBy(*RACK_TYPE_KEY, "is_ramping").agg(F.sum(micros("used_units")).alias("used"))
    own = fleet.join(network, "rack_type", "left_anti")
    return own.join(used, [*RACK_TYPE_KEY, "is_ramping"], "full").fillna(0, ["power_weight", "capacity", "used"])


def network_overhead(rack_types: DataFrame, fleet: DataFrame, network: DataFrame, policy: Methodology) -> DataFrame:
    """Pass the emissions of networking racks to the cluster's other rack types pro rata to planned power.

    Grain in and out: period, cluster, rack type, measure. Where networking stays with the provider, or no other rack type has planned power,
    the networking type keeps its row: as `network_overhead`, or as `residual`.
    """
    amounts = rack_types.join(network, "rack_type", "left_semi")
    if policy.networking_racks is Bearer.PROVIDER:
        return amounts.withColumn("component", F.lit("network_overhead")).select(*OUTPUT)
    others = rack_type_power(fleet).where("weight > 0").join(network, "rack_type", "left_anti")
    homeless = amounts.join(others.select(*CLUSTER_KEY).distinct(), list(CLUSTER_KEY), "left_anti")
    pools = amounts.groupBy(*CLUSTER_KEY, "measure").agg(F.sum("quanta").alias("quanta"))
    shares = apportion(
        pools.join(others, list(CLUSTER_KEY), "inner"), pool=(*CLUSTER_KEY, "measure"), key=["rack_type"]
    )
    return (
        shares.withColumn("component", F.lit("network_overhead"))
        .select(*OUTPUT)
        .unionByName(homeless.withColumn("component", F.lit("residual")).select(*OUTPUT))
    )


def mature_reference(use: DataFrame) -> DataFrame:
    """Use of capacity of mature racks of each rack type worldwide. Grain: period, rack type; only where it exists.

    Returns
    -------
    DataFrame
        `usage_period, rack_type, mature_ratio` (double, one division, inside one row).
    """
    mature = use.where("NOT is_ramping").groupBy("usage_period", "rack_type")
    sums = mature.agg(F.sum("used").alias("mature_used"), F.sum("capacity").alias("mature_capacity"))
    ratio = F.col("mature_used").cast("double") / F.col("mature_capacity").cast("double")
    return sums.where("mature_used > 0 AND mature_capacity > 0").select(
        "usage_period", "rack_type", ratio.alias("mature_ratio")
    )


def _cohort_amounts(amounts: DataFrame, use: DataFrame) -> DataFrame:
    """Divide each rack type's emissions over its cohorts by planned power; without power all is mature."""
    cohorts = use.where("power_weight > 0").withColumnRenamed("power_weight", "weight")
    pooled = amounts.join(cohorts, list(RACK_TYPE_KEY), "left").fillna({"is_ramping": False, "weight": 1})
    return apportion(pooled, pool=MEASURED_TYPE, key=["is_ramping"])


@dataclass(frozen=True)
class RampedUp:
    """What ramp-up does to each rack type: all `usage_period, cluster_id, rack_type, measure, quanta`.

    Parameters
    ----------
    kept
        What stays with the rack type of the cluster.
    sent
        Excess that went to the rack type's worldwide pool.
    expansion
        What came back from it; sums to `sent` per rack type worldwide.
    """

    kept: DataFrame
    sent: DataFrame
    expansion: DataFrame


def ramp_up(amounts: DataFrame, use: DataFrame) -> RampedUp:
    """Separate what young racks emit beyond a mature rack's use of capacity, and spread it over all users worldwide.

    Grain in: period, cluster, rack type, measure, without networking types. The excess of a rack type forms one pool worldwide, which comes
    back to every cluster pro rata to used units on all racks, the origin included.
    """
    cohorts = _cohort_amounts(amounts, use).join(
        F.broadcast(mature_reference(use)), ["usage_period", "rack_type"], "left"
    )
    ratio = F.col("used").cast("double") / F.when(F.col("capacity") > 0, F.col("capacity").cast("double"))
    is_excessive = F.coalesce(F.col("is_ramping") & (ratio < F.col("mature_ratio")), F.lit(False))
    kept = F.when(is_excessive, _product(F.col("quanta"), ratio, F.col("mature_ratio"))).otherwise(F.col("quanta"))
    split = cohorts.withColumn("kept", kept).groupBy(*MEASURED_TYPE)
    sums = split.agg(F.sum("kept").alias("kept"), F.sum(F.col("quanta") - F.col("kept")).alias("excess"))
    pools = sums.groupBy("usage_period", "rack_type", "measure").agg(F.sum("excess").alias("quanta"))
    users = use.groupBy(*RACK_TYPE_KEY).agg(F.sum("used").alias("weight")).where("weight > 0")
    pooled = pools.where("quanta <> 0").join(users, ["usage_period", "rack_type"], "inner")
    expansion = apportion(pooled, pool=["usage_period", "rack_type", "measure"], key=["cluster_id"])
    return RampedUp(
        sums.select(*MEASURED_TYPE, F.col("kept").alias("quanta")),
        sums.select(*MEASURED_TYPE, F.col("excess").alias("quanta")).where("quanta <> 0"),
        expansion.select(*MEASURED_TYPE, "quanta"),
    )


def unused_capacity(kept: DataFrame, use: DataFrame) -> DataFrame:
    """Divide what is kept into `in_use` and `unused_capacity` by the use of the whole (cluster, rack type).

    Used more than capacity: all is in use.
    """
    whole = use.groupBy(*RACK_TYPE_KEY).agg(F.sum("used").alias("used"), F.sum("capacity").alias("capacity"))
    joined = kept.join(whole, list(RACK_TYPE_KEY), "left").fillna(0, ["used", "capacity"])
    in_use = (
        F.when(F.col("used") == 0, F.lit(0))
        .when(F.col("used") >= F.col("capacity"), F.col("quanta"))
        .otherwise(_product(F.col("quanta"), F.col("used"), F.col("capacity")))
        .cast("bigint")
    )
    parts = F.array(
        F.struct(F.lit("in_use").alias("component"), in_use.alias("quanta")),
        F.struct(F.lit("unused_capacity").alias("component"), (F.col("quanta") - in_use).alias("quanta")),
    )
    return joined.select(*MEASURED_TYPE, F.explode(parts).alias("part")).select(*MEASURED_TYPE, "part.*")


def share_overhead(
    rack_types: DataFrame, fleet: DataFrame, use: DataFrame, network: DataFrame, policy: Methodology
) -> tuple[DataFrame, DataFrame]:
    """Step 2a as a whole: rack types with their components.

    Grain in: period, cluster, rack type, measure.

    Returns
    -------
    components, sent : tuple of DataFrame
        The same by component, which sums to the input worldwide, per measure; and what left each rack type for the worldwide pool.
    """
    overhead = network_overhead(rack_types, fleet, network, policy)
    others = rack_types.join(network, "rack_type", "left_anti")
    unassigned = others.where("rack_type = 'unassigned'").withColumn("component", F.lit("residual")).select(*OUTPUT)
    own = others.where("rack_type <> 'unassigned'")
    parts, sent = overhead.unionByName(unassigned), own.where("false")
    if policy.ramp_up is RampUp.WORLDWIDE:
        ramped = ramp_up(own, use)
        own, sent = ramped.kept, ramped.sent
        expansion = ramped.expansion.withColumn("component", F.lit("expansion_overhead"))
        parts = parts.unionByName(expansion.select(*OUTPUT))
    parts = parts.unionByName(unused_capacity(own, use).select(*OUTPUT))
    sums = parts.groupBy(*MEASURED_TYPE, "component").agg(F.sum("quanta").alias("quanta")).where("quanta <> 0")
    return sums, sent
