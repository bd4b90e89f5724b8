"""Account rows divided over deployments and stages; rows add up to the account row exactly (docs/ai.md, "What is split").

1. `by_component`: an account row over the components of its pool.
2. `customer_shares`: shares of the deployments that an account of a team-run service used.
3. `split`: each component over (deployment, stage, model) by `apportion`, and what no deployment explains.

Shares of customer-run rows come from the driver (`ccft.ai.shares`), exact; those of team-run rows grow with accounts and are formed here: one
double per row, then integers, so that sums are the same in any order.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ccft.ai.shares import BANDED, CAPACITY, EMBODIED, ENERGY, IN_USE, RESIDUAL, RESIDUAL_EMBODIED
from ccft.ai.tokens import ROW_KEY
from ccft.kernel.apportion import apportion, floor_share
from ccft.kernel.exact import half_up_quotient, quanta, row_quanta
from ccft.schema.ai_columns import UNATTRIBUTED
from ccft.schema.columns import MEASURES
from ccft.schema.units import SHARES_PER_ONE

PART_KEY: Final = ("deployment_id", "stage", "model_id")
SHARE_COLUMNS: Final = (*ROW_KEY, "kind", *PART_KEY, "release_id", "share", "min_share", "max_share", "tier")
SHARE_SCHEMA: Final = (
    "account_id string, cluster_id string, service_id string, kind string, deployment_id string, stage string,"
    " model_id string, release_id string, share bigint, min_share bigint, max_share bigint, tier int"
)
RATE_SCHEMA: Final = (
    "cluster_id string, service_id string, kind string, deployment_id string, stage string, model_id string,"
    " release_id string, tier int, band double, is_own boolean, rate double"
)
"""Weight per token of team-run deployments: `is_own`: of the account's tokens on the deployment, else on the service."""
_WHOLE: Final = 10**17
"""Weights of a row as integers: the largest is this."""
_UNKNOWN_TIER: Final = 4


def by_component(rows: DataFrame, pools: DataFrame) -> DataFrame:
    """Divide account rows over the components of their pool.

    Parameters
    ----------
    rows
        Account rows, measures as `<measure>_kg`.
    pools
        Rows of `service_emissions` of the same slice.

    Returns
    -------
    DataFrame
        One row per `ROW_KEY`, `measure`, `component`: `quanta`; measures without emissions have none.
    """
    masses = rows.select(*ROW_KEY, *(row_quanta(f"{measure}_kg").alias(measure) for measure in MEASURES))
    long = masses.unpivot(list(ROW_KEY), list(MEASURES), "measure", "quanta").where("quanta <> 0")
    weights = pools.select("cluster_id", "service_id", "measure", "component", quanta("net_kg").alias("weight"))
    parts = long.join(F.broadcast(weights.where("weight > 0")), ["cluster_id", "service_id", "measure"], "inner")
    return apportion(parts, pool=(*ROW_KEY, "measure"), key=("component",)).drop("weight")


def kind_of() -> Column:
    """Kind of emissions by measure and component: what its weight is."""
    is_residual = F.col("component") == "residual"
    embodied = F.when(is_residual, RESIDUAL_EMBODIED).otherwise(EMBODIED)
    by_component = (
        F.when(F.col("component") == "in_use", IN_USE)
        .when(F.col("component") == "unused_capacity", CAPACITY)
        .when(is_residual, RESIDUAL)
        .otherwise(ENERGY)
    )
    return F.when(F.col("measure") == "scope_3_embodied", embodied).otherwise(by_component)


def customer_shares(tokens: DataFrame, rates: DataFrame) -> DataFrame:
    """Shares of team-run deployments in the rows of their customers.

    Parameters
    ----------
    tokens
        Of `tokens.of_customers`: `tokens_eq` per `ROW_KEY`, deployment and model.
    rates
        `RATE_SCHEMA`; the model of rates per own tokens comes from the tokens.

    Returns
    -------
    DataFrame
        `SHARE_COLUMNS`.
    """
    of_model = tokens.select(
        *ROW_KEY, "deployment_id", F.col("model_id").alias("used_model_id"), "release", "tokens_eq"
    )
    own = of_model.join(F.broadcast(rates.where("is_own")), ["cluster_id", "service_id", "deployment_id"], "inner")
    own = own.withColumns({"model_id": F.col("used_model_id"), "release_id": F.coalesce("release", "release_id")})
    service = tokens.groupBy(*ROW_KEY).agg(F.sum("tokens_eq").alias("tokens_eq"))
    development = service.join(F.broadcast(rates.where("NOT is_own")), ["cluster_id", "service_id"], "inner")
    columns = (*ROW_KEY, "kind", *PART_KEY, "release_id", "tier", "band")
    weight = (F.col("rate") * F.col("tokens_eq").cast("double")).alias("w")
    weighed = own.select(*columns, weight).unionByName(development.select(*columns, weight)).where("w > 0")
    return _shares(weighed)


def _shares(weighed: DataFrame) -> DataFrame:
    """Weights as shares of their row and kind."""
    row = Window.partitionBy(*ROW_KEY, "kind")
    deployment = Window.partitionBy(*ROW_KEY, "kind", "deployment_id")
    whole = F.floor(F.col("w") / F.col("largest") * float(_WHOLE)).cast("decimal(19,0)")
    wide = weighed.withColumn("largest", F.max("w").over(row)).withColumn("whole", whole)
    summed = wide.withColumns({"total": F.sum("whole").over(row), "own": F.sum("whole").over(deployment)})
    share = half_up_quotient(f"whole * CAST({SHARES_PER_ONE} AS decimal(16,0))", "total").cast("bigint")
    return summed.withColumn("share", share).select(
        *ROW_KEY,
        "kind",
        *PART_KEY,
        "release_id",
        "share",
        _end(-1).alias("min_share"),
        _end(1).alias("max_share"),
        "tier",
    )


def _end(sign: int) -> Column:
    """Share with the deployment's energy at one end of its band."""
    band, whole, own, total = F.col("band"), *(F.col(name).cast("double") for name in ("whole", "own", "total"))
    moved = whole * (1 + sign * band) / (total + sign * band * own)
    rounded = F.floor(moved * float(SHARES_PER_ONE) + 0.5).cast("bigint")
    return F.when(F.col("kind").isin(*BANDED), rounded).otherwise(F.col("share"))


def split(components: DataFrame, shares: DataFrame) -> DataFrame:
    """Divide components over (deployment, stage, model).

    Parameters
    ----------
    components
        Of `by_component`.
    shares
        `SHARE_COLUMNS`; a kind without shares in a row is `_unattributed`.

    Returns
    -------
    DataFrame
        One row per `ROW_KEY`, `component`, `measure`, `PART_KEY`: `release_id`, `quanta`, `min_quanta`, `max_quanta`, `tier`.
    """
    nothing, whole = F.lit(UNATTRIBUTED), F.lit(SHARES_PER_ONE).cast("bigint")
    joined = components.withColumn("kind", kind_of()).join(shares, [*ROW_KEY, "kind"], "left")
    filled = joined.withColumns(
        {"deployment_id": F.coalesce("deployment_id", nothing), "stage": F.coalesce("stage", nothing)}
        | {name: F.coalesce(name, whole) for name in ("share", "min_share", "max_share")}
        | {"tier": F.coalesce("tier", F.lit(_UNKNOWN_TIER)), "whole_quanta": F.col("quanta")}
    )
    parts = apportion(filled, pool=(*ROW_KEY, "measure", "component"), key=PART_KEY, weight="share")
    low = floor_share(F.col("min_share"), F.col("whole_quanta"), whole)
    high = floor_share(F.col("max_share"), F.col("whole_quanta"), whole)
    return parts.select(
        *ROW_KEY,
        "component",
        "measure",
        *PART_KEY,
        "release_id",
        "quanta",
        F.least("quanta", low).alias("min_quanta"),
        F.greatest("quanta", high).alias("max_quanta"),
        "tier",
    )
