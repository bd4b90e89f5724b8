"""What a run remarks on its data: one function per subject, each event of contract section 2 in one place."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.audit.events import events
from ccft.kernel.exact import kilograms, units
from ccft.schema.columns import SHARED_OVERHEAD, UNASSIGNED
from ccft.schema.spark import local_frame


class Missed(Protocol):
    """A service's relative error after two rounds of propagation (`service_graph.TwoRounds`)."""

    @property
    def usage_period(self) -> str:
        """Period."""

    @property
    def cluster_id(self) -> str:
        """Cluster."""

    @property
    def service_id(self) -> str:
        """Service."""

    @property
    def error(self) -> float:
        """Relative error."""


_POOL = ("usage_period", "cluster_id", "service_id")
_LOCATION_BASED = ("scope_1", "scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied")
_RATIO = "decimal(18,6)"


def _location_based(frame: DataFrame, *key: str) -> DataFrame:
    """Location-based total per key, so that no emission is named twice. Column `kg`."""
    sums = frame.where(F.col("measure").isin(*_LOCATION_BASED)).groupBy("usage_period", "cluster_id", *key)
    return sums.agg(kilograms(F.sum("quanta")).alias("kg")).where("kg <> 0")


def on_weights(weights: DataFrame, prices: DataFrame) -> Iterator[DataFrame]:
    """Credits, missing revenue or price, usage instead of revenue."""
    used = F.when(F.col("own_basis") == "revenue", F.col("revenue_credits"))
    sums = F.when(F.col("own_basis") == "revenue", F.col("revenue_below_zero"))
    credited = weights.where("NOT is_foundational AND own_basis IN ('revenue', 'cost')").withColumns(
        {
            "accounts": used.otherwise(F.col("cost_credits")),
            "usd": sums.otherwise(F.col("cost_below_zero")),
        }
    )
    credit = (
        credited.where("accounts > 0")
        .groupBy(*_POOL)
        .agg(F.sum("accounts").alias("accounts"), units(F.sum("usd")).alias("usd"))
    )
    yield events(
        credit, "CCFT-EVENT-NEGATIVE-REVENUE", subject="service_id", value=F.col("usd"), count=F.col("accounts")
    )
    own = weights.where("NOT is_foundational")
    silent = own.where("account_type = 'external' AND NOT has_revenue").groupBy(*_POOL)
    yield events(
        silent.agg(F.sum("accounts").alias("accounts")),
        "CCFT-EVENT-NO-REVENUE",
        subject="service_id",
        count=F.col("accounts"),
    )
    unpriced = (
        own.where("own_basis = 'list_price'")
        .join(prices.where("price IS NULL"), list(_POOL), "left_semi")
        .groupBy(*_POOL)
    )
    yield events(
        unpriced.agg(F.sum("accounts").alias("accounts")),
        "CCFT-EVENT-NO-PRICE",
        subject="service_id",
        count=F.col("accounts"),
    )
    fallen = weights.where("by_usage").groupBy(*_POOL).agg(units(F.sum("usage")).alias("used"))
    yield events(fallen, "CCFT-EVENT-USAGE-INSTEAD", subject="service_id", value=F.col("used"))


def on_capacity(use: DataFrame, reference: DataFrame | None) -> Iterator[DataFrame]:
    """Use above capacity, and ramping racks without a mature reference (None: the version does not separate them)."""
    whole = use.groupBy("usage_period", "cluster_id", "rack_type").agg(
        F.sum("used").alias("used"), F.sum("capacity").alias("capacity")
    )
    times: Column = F.col("used").cast("double") / F.greatest(F.col("capacity"), F.lit(1)).cast("double")
    above = whole.where("used > capacity").withColumn("times", F.least(times, F.lit(1e9)).cast(_RATIO))
    yield events(above, "CCFT-EVENT-USE-ABOVE-CAPACITY", subject="rack_type", value=F.col("times"))
    if reference is not None:
        young = use.where("is_ramping AND power_weight > 0 AND capacity > 0")
        alone = young.join(reference, ["usage_period", "rack_type"], "left_anti")
        yield events(alone, "CCFT-EVENT-NO-MATURE-REFERENCE", subject="rack_type")


def on_homeless(homeless: DataFrame) -> Iterator[DataFrame]:
    """Rack types nobody used and clusters without racks."""
    amounts = _location_based(homeless, "rack_type")
    unused = amounts.where(F.col("rack_type") != UNASSIGNED)
    yield events(unused, "CCFT-EVENT-UNUSED-RACK-TYPE", subject="rack_type", value=F.col("kg"))
    rackless = amounts.where(F.col("rack_type") == UNASSIGNED)
    yield events(rackless, "CCFT-EVENT-NO-RACKS", subject="rack_type", value=F.col("kg"))


def on_services(given: DataFrame, edges: DataFrame, services: DataFrame, used: DataFrame) -> Iterator[DataFrame]:
    """Services that bear emissions without customers, closed loops, services nobody used.

    Parameters
    ----------
    given
        What services without customers gave up: period, cluster, service, measure with `quanta`.
    edges
        Provider -> consumer; a provider in a closed loop has one.
    services, used
        All services, and period, service of those with usage.
    """
    amounts = _location_based(given, "service_id")
    looped = edges.select(*_POOL).distinct()
    yield events(
        amounts.join(looped, list(_POOL), "left_semi"),
        "CCFT-EVENT-CLOSED-LOOP",
        subject="service_id",
        value=F.col("kg"),
    )
    yield events(
        amounts.join(looped, list(_POOL), "left_anti"),
        "CCFT-EVENT-NO-CUSTOMERS",
        subject="service_id",
        value=F.col("kg"),
    )
    months = used.select("usage_period").distinct()
    idle = (
        services.select("service_id")
        .crossJoin(F.broadcast(months))
        .join(used, ["usage_period", "service_id"], "left_anti")
    )
    yield events(idle, "CCFT-EVENT-UNUSED-SERVICE", cluster=None, subject="service_id")


def on_residuals(worldwide: DataFrame, received: DataFrame) -> Iterator[DataFrame]:
    """Residuals that left their cluster for all clusters, or stayed with the provider."""
    yield events(_location_based(worldwide), "CCFT-EVENT-RESIDUAL-WORLDWIDE", value=F.col("kg"))
    kept = _location_based(received.where(F.col("service_id") == SHARED_OVERHEAD))
    yield events(kept, "CCFT-EVENT-RESIDUAL-TO-PROVIDER", value=F.col("kg"))


def on_two_rounds(spark: SparkSession, missed: Sequence[Missed]) -> Iterator[DataFrame]:
    """What peers, who stop at two rounds of propagation, would miss: per cluster the service that is furthest off."""
    rows = [
        (line.usage_period, line.cluster_id, line.service_id, Decimal(f"{line.error * 100:.4f}")) for line in missed
    ]
    schema = f"usage_period string, cluster_id string, service_id string, percent {_RATIO}"
    lines = local_frame(spark, rows, schema)
    yield events(lines, "CCFT-EVENT-TWO-ROUNDS", subject="service_id", value=F.col("percent"))


def on_fuel(estimates: DataFrame) -> Iterator[DataFrame]:
    """Generator fuel that was estimated from last year."""
    yield events(estimates, "CCFT-EVENT-HISTORICAL-GROWTH", subject="substance", value=F.col("quantity"))
