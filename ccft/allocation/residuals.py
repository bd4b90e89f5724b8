"""Step 4: what found no user (methodology section 3, "Step 4").

Order: the same service's customers in other clusters; all services with customers in the same cluster; all clusters; the provider's own account.
Weights are net emissions before any residual, per measure. All of it happens on pools, before accounts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.allocation.rack_types import CLUSTER_KEY
from ccft.allocation.services import POOL_COMPONENT, SERVICE_KEY
from ccft.kernel.apportion import apportion
from ccft.schema.columns import RESERVED_PRODUCT_CODES, SHARED_OVERHEAD

MEASURED_CLUSTER = (*CLUSTER_KEY, "measure")
MEASURED_SERVICE = (*SERVICE_KEY, "measure")


@dataclass(frozen=True)
class Residuals:
    """Where the homeless emissions went.

    Parameters
    ----------
    given
        `usage_period, cluster_id, service_id, measure, component, quanta`: what services without customers give up (positive).
    received
        `usage_period, cluster_id, service_id, measure, quanta`, `from_elsewhere` (boolean): what pools receive.
    sent
        `usage_period, cluster_id, measure, quanta`: what left its cluster.
    worldwide
        The part of `sent` that went to all clusters.
    """

    given: DataFrame
    received: DataFrame
    sent: DataFrame
    worldwide: DataFrame

    def map(self, change: Callable[[DataFrame], DataFrame]) -> "Residuals":
        """The same with every frame changed, e.g. settled by the pipeline."""
        return Residuals(change(self.given), change(self.received), change(self.sent), change(self.worldwide))


def spread_residuals(balances: DataFrame, customers: DataFrame, homeless: DataFrame) -> Residuals:
    """Spread what found no user.

    Parameters
    ----------
    balances
        Period, cluster, service, measure, component with `direct, received, passed_on`.
    customers
        Pools with customers: period, cluster, service.
    homeless
        Rack types nobody used: period, cluster, rack type, measure with `quanta`.
    """
    borne = balances.select(*POOL_COMPONENT, F.expr("direct + received - passed_on").alias("quanta")).where(
        "quanta <> 0"
    )
    with_customers = borne.join(customers.select(*SERVICE_KEY), list(SERVICE_KEY), "left_semi")
    nets = with_customers.groupBy(*MEASURED_SERVICE).agg(F.sum("quanta").alias("weight")).where("weight > 0")
    given = borne.join(customers.select(*SERVICE_KEY), list(SERVICE_KEY), "left_anti").where(
        ~F.col("service_id").isin(*RESERVED_PRODUCT_CODES)
    )
    gifts = given.groupBy(*MEASURED_SERVICE).agg(F.sum("quanta").alias("quanta"))

    elsewhere, remaining = _to_same_service(gifts, nets)
    waiting = remaining.select(*MEASURED_CLUSTER, "quanta").unionByName(homeless.select(*MEASURED_CLUSTER, "quanta"))
    pooled = waiting.groupBy(*MEASURED_CLUSTER).agg(F.sum("quanta").alias("quanta"))
    here = _to_same_cluster(pooled, nets)
    stranded = pooled.join(nets, list(MEASURED_CLUSTER), "left_anti")
    worldwide = _to_all_clusters(stranded, nets)
    kept = stranded.join(nets.select("usage_period", "measure").distinct(), ["usage_period", "measure"], "left_anti")
    sent_worldwide = stranded.join(nets, ["usage_period", "measure"], "left_semi")

    to_provider = kept.withColumn("service_id", F.lit(SHARED_OVERHEAD))
    columns = (*MEASURED_SERVICE, "quanta")
    local = here.select(*columns).unionByName(to_provider.select(*columns)).withColumn("from_elsewhere", F.lit(False))
    foreign = (
        elsewhere.select(*columns).unionByName(worldwide.select(*columns)).withColumn("from_elsewhere", F.lit(True))
    )
    left = gifts.join(nets, ["usage_period", "service_id", "measure"], "left_semi").select(*MEASURED_CLUSTER, "quanta")
    sent = left.unionByName(sent_worldwide.select(*MEASURED_CLUSTER, "quanta"))
    return Residuals(
        given,
        local.unionByName(foreign).groupBy(*MEASURED_SERVICE, "from_elsewhere").agg(F.sum("quanta").alias("quanta")),
        sent.groupBy(*MEASURED_CLUSTER).agg(F.sum("quanta").alias("quanta")),
        sent_worldwide,
    )


def _to_same_service(gifts: DataFrame, nets: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Rule 1: to the same service's customers in other clusters, pro rata to its net emissions there; and what has none."""
    same = ["usage_period", "service_id", "measure"]
    origins = gifts.withColumnRenamed("cluster_id", "origin_cluster_id")
    shares = apportion(origins.join(nets, same, "inner"), pool=[*same, "origin_cluster_id"], key=["cluster_id"])
    return shares, gifts.join(nets, same, "left_anti")


def _to_same_cluster(pooled: DataFrame, nets: DataFrame) -> DataFrame:
    """Rule 2: pro rata to the net emissions of all services with customers in the same cluster."""
    return apportion(pooled.join(nets, list(MEASURED_CLUSTER), "inner"), pool=MEASURED_CLUSTER, key=["service_id"])


def _to_all_clusters(stranded: DataFrame, nets: DataFrame) -> DataFrame:
    """Rule 2, where the measure has no net emissions in the cluster: pro rata to those of all clusters, as one pool worldwide."""
    world = ["usage_period", "measure"]
    pool = stranded.groupBy(*world).agg(F.sum("quanta").alias("quanta"))
    return apportion(pool.join(nets, world, "inner"), pool=world, key=["cluster_id", "service_id"])


def service_results(balances: DataFrame, residuals: Residuals) -> DataFrame:
    """Balances with their residuals: period, cluster, service, measure, component with `direct, received, passed_on, residual`.

    What a service gives up stands, negative, in the component it bore; what pools receive is component `residual`.
    """
    zero = F.lit(0).cast("bigint")
    given = residuals.given.select(*POOL_COMPONENT, (-F.col("quanta")).alias("residual"))
    taken = residuals.received.withColumn("component", F.lit("residual")).select(
        *POOL_COMPONENT, F.col("quanta").alias("residual")
    )
    moved = given.unionByName(taken)
    for name in ("direct", "received", "passed_on"):
        moved = moved.withColumn(name, zero)
    columns = ("direct", "received", "passed_on", "residual")
    everything = balances.withColumn("residual", zero).unionByName(moved)
    return everything.groupBy(*POOL_COMPONENT).agg(*(F.sum(name).alias(name) for name in columns))
