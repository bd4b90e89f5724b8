"""Step 2b: rack type -> service, pro rata to used units (methodology section 3, "Step 2b"; AWS eq 36-39)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.allocation.capacity import MEASURED_TYPE
from ccft.allocation.rack_types import CLUSTER_KEY, RACK_TYPE_KEY
from ccft.kernel.apportion import apportion
from ccft.kernel.exact import micros
from ccft.methodology.model import Bearer, Methodology
from ccft.schema.columns import SHARED_OVERHEAD, UNUSED_CAPACITY

SERVICE_KEY = (*CLUSTER_KEY, "service_id")
POOL_COMPONENT = (*SERVICE_KEY, "measure", "component")


def retained_service(policy: Methodology) -> Column:
    """Reserved service that keeps a component with the provider under this policy; null where users bear it."""
    retained = F.lit(None).cast("string")
    if policy.unused_capacity is Bearer.PROVIDER:
        retained = F.when(F.col("component") == "unused_capacity", UNUSED_CAPACITY).otherwise(retained)
    if policy.networking_racks is Bearer.PROVIDER:
        retained = F.when(F.col("component") == "network_overhead", SHARED_OVERHEAD).otherwise(retained)
    return retained


def allocate_to_services(
    rack_types: DataFrame, rack_usage: DataFrame, policy: Methodology
) -> tuple[DataFrame, DataFrame]:
    """Share each rack type's components among the services that used it.

    Grain in: period, cluster, rack type, measure, component; usage per period, cluster, rack type, cohort, service.

    Returns
    -------
    direct, homeless : tuple of DataFrame
        `usage_period, cluster_id, service_id, measure, component, quanta`, and what no service used:
        `usage_period, cluster_id, rack_type, measure, quanta`. Together they sum to the rack types.
    """
    marked = rack_types.withColumn("retained", retained_service(policy))
    retained = marked.where("retained IS NOT NULL").withColumnRenamed("retained", "service_id")
    spread = marked.where("retained IS NULL").drop("retained")
    weights = rack_usage.groupBy(*RACK_TYPE_KEY, "service_id").agg(F.sum(micros("used_units")).alias("weight"))
    # Many services per rack type; rack types nobody used stay, with a null service.
    pooled = spread.where("component <> 'residual'").join(weights.where("weight > 0"), list(RACK_TYPE_KEY), "left")
    shares = apportion(pooled.where("service_id IS NOT NULL"), pool=(*MEASURED_TYPE, "component"), key=["service_id"])
    direct = shares.select(*POOL_COMPONENT, "quanta").unionByName(retained.select(*POOL_COMPONENT, "quanta"))
    unused = pooled.where("service_id IS NULL").unionByName(
        spread.where("component = 'residual'"), allowMissingColumns=True
    )
    return (
        direct.groupBy(*POOL_COMPONENT).agg(F.sum("quanta").alias("quanta")).where("quanta <> 0"),
        unused.groupBy(*MEASURED_TYPE).agg(F.sum("quanta").alias("quanta")).where("quanta <> 0"),
    )
