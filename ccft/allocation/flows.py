"""Step 2c: emissions that flow from services to the services that bear them (methodology section 3, "Step 2c").

The kernel's second form serves here as for account rows: who takes what the floors leave over depends on shares alone (`service_graph.solve`), so
the flows of a dense graph are neither shuffled nor sorted.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.allocation.rack_types import CLUSTER_KEY
from ccft.allocation.services import POOL_COMPONENT, SERVICE_KEY
from ccft.kernel.apportion import floor_share
from ccft.schema.columns import COMPONENTS

ORIGIN_KEY = (*CLUSTER_KEY, "origin_service_id")
POOL_NUMBER = "flow_pool_number"
"""A pool's key as one INT, as for account rows."""


def flow_pools(direct: DataFrame) -> DataFrame:
    """Direct emissions with their components side by side: period, cluster, origin, measure; BIGINT quanta in a column per component."""
    parts = [
        F.sum(F.when(F.col("component") == name, F.col("quanta")).otherwise(_zero())).alias(name) for name in COMPONENTS
    ]
    return direct.withColumnRenamed("service_id", "origin_service_id").groupBy(*ORIGIN_KEY, "measure").agg(*parts)


def _zero() -> Column:
    return F.lit(0).cast("bigint")


def _share(component: str) -> Column:
    return floor_share(F.col("weight"), F.col(component), F.col("total_weight"))


def flow_rests(pools: DataFrame, bearing: DataFrame) -> DataFrame:
    """Pools with what the floors of their flows leave over.

    Grain in: `flow_pools` with their numbers; period, cluster, origin, bearer. Grain out: period, cluster, origin, measure.

    Returns
    -------
    DataFrame
        `flow_pools` with `rest_<component>` (quanta), null where the origin is in no graph.
    """
    spread = bearing.join(F.broadcast(pools), list(ORIGIN_KEY), "inner")
    floors = spread.groupBy(POOL_NUMBER).agg(*(F.sum(_share(name)).alias(f"floors_{name}") for name in COMPONENTS))
    rests = [(F.col(name) - F.col(f"floors_{name}")).alias(f"rest_{name}") for name in COMPONENTS]
    return pools.join(F.broadcast(floors), POOL_NUMBER, "left").select(*ORIGIN_KEY, "measure", *COMPONENTS, *rests)


def flows(pools: DataFrame, bearing: DataFrame) -> DataFrame:
    """Spread each service's direct emissions over the services that bear them; measure and component are kept.

    Grain in: `flow_rests`; period, cluster, origin, bearer. Grain out: period, cluster, origin, bearer, measure; sums to direct by origin and
    component, exactly. A service outside every graph bears its own.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, origin_service_id, service_id, measure` and quanta in a column per component.
    """
    key = (*ORIGIN_KEY, "service_id", "measure")
    spread = bearing.join(F.broadcast(pools), list(ORIGIN_KEY), "inner").withColumns(
        {
            name: _share(name) + F.when(F.col("takes_rest"), F.col(f"rest_{name}")).otherwise(_zero())
            for name in COMPONENTS
        }
    )
    alone = pools.where(f"rest_{COMPONENTS[0]} IS NULL").withColumn("service_id", F.col("origin_service_id"))
    is_something = reduce(Column.__or__, (F.col(name) != 0 for name in COMPONENTS))
    return spread.select(*key, *COMPONENTS).unionByName(alone.select(*key, *COMPONENTS)).where(is_something)


def service_balances(direct: DataFrame, spread: DataFrame) -> DataFrame:
    """Direct, received, passed on of every service.

    Grain in: period, cluster, service, measure, component; `flows`. Grain out: period, cluster, service, measure, component.

    Returns
    -------
    DataFrame
        `..., direct, received, passed_on` (BIGINT quanta); direct + received - passed_on is what the service bears.
    """
    is_own = F.col("origin_service_id") == F.col("service_id")
    sums = [
        F.struct(
            F.lit(name).alias("component"),
            F.sum(F.when(is_own, _zero()).otherwise(F.col(name))).alias("received"),
            F.sum(F.when(is_own, F.col(name)).otherwise(_zero())).alias("kept"),
        )
        for name in COMPONENTS
    ]
    by_component = spread.groupBy(*SERVICE_KEY, "measure").agg(F.array(*sums).alias("parts"))
    parts = by_component.select(*SERVICE_KEY, "measure", F.inline("parts")).where("received <> 0 OR kept <> 0")
    borne = parts.select(*POOL_COMPONENT, _zero().alias("direct"), "received", (-F.col("kept")).alias("passed_on"))
    own = direct.select(
        *POOL_COMPONENT, F.col("quanta").alias("direct"), _zero().alias("received"), F.col("quanta").alias("passed_on")
    )
    return (
        own.unionByName(borne)
        .groupBy(*POOL_COMPONENT)
        .agg(*(F.sum(name).alias(name) for name in ("direct", "received", "passed_on")))
    )
