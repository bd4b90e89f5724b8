"""Step 3: service -> account (methodology section 3, "Step 3"; AWS eq 40-44), without moving a row of the large table.

Two scans of all account rows: floor sums per pool, and the result; what the pools weigh in all has been summed by ingest. Pool totals are broadcast
back, so a pool with half of all rows is no hot spot. The arithmetic is `apportion`'s.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.allocation.services import SERVICE_KEY
from ccft.allocation.weights import allocation_basis, amount_columns, is_team, row_weight
from ccft.errors import Problem
from ccft.kernel.apportion import floor_share
from ccft.kernel.exact import row_kilograms, row_units
from ccft.methodology.model import Methodology
from ccft.schema.columns import MEASURES, RESERVED_PRODUCT_CODES
from ccft.schema.units import ROW_MASS, Q

ACCOUNT_COLUMNS = ("account_id", "payer_account_id", "account_type", "region_code")
ACCOUNT_DIGITS = 12
POOL_NUMBER = "pool_number"
"""A pool's key as one INT: hashing and comparing three names for every account row would cost more than the sums."""
_LISTED = 20


def pool_amounts(service_results: DataFrame, measures: Sequence[str]) -> DataFrame:
    """Net emissions of pools, one column per measure. Grain out: period, cluster, service; columns named by measure, BIGINT quanta."""
    net = F.expr("direct + received - passed_on + residual")
    columns = [
        F.sum(F.when(F.col("measure") == measure, net).otherwise(F.lit(0).cast("bigint"))).alias(measure)
        for measure in measures
    ]
    return service_results.groupBy(*SERVICE_KEY).agg(*columns)


def weigh(account_usage: DataFrame, pools: DataFrame, policy: Methodology) -> DataFrame:
    """Account rows with the weight each has in its pool; team accounts get no row.

    Grain in and out: period, cluster, service, account (many per pool: pools are broadcast).
    """
    customers = account_usage.where(~is_team(policy))
    rows = customers.join(F.broadcast(pools), list(SERVICE_KEY), "inner").withColumns(
        {
            "has_revenue": F.col("equivalent_revenue_usd").isNotNull(),
            "has_cost": F.col("allocated_cost_usd").isNotNull(),
            **amount_columns(),
        }
    )
    return rows.withColumn("basis", allocation_basis(policy)).withColumn("weight", row_weight())


def _share(measure: str) -> Column:
    """Share of one row in its pool before the remainder, 0 where the pool has no weight."""
    share = floor_share(F.col("weight"), F.col(measure), F.col("customer_weight"))
    return F.coalesce(share, F.lit(0).cast("bigint"))


def pool_remainders(account_usage: DataFrame, pools: DataFrame, policy: Methodology) -> DataFrame:
    """What the floors leave over in each pool, and who takes it: the largest weight, ties the smallest account.

    Grain in: account rows; pools with amounts and their numbers. Grain out: period, cluster, service.

    Returns
    -------
    DataFrame
        The pool with `remainder_account_id`, `rest_<measure>` (quanta) and `allocated_<measure>`: what rows and remainder taker get in all;
        `expected_weight` as ingest summed it and `found_weight` of the rows scanned, which must be equal.
    """
    measures = policy.measures
    weighed = weigh(account_usage, pools, policy)
    is_largest = F.col("weight") == F.col("max_customer_weight")
    # Ids have 12 digits, so numbers have their order; a minimum of text would make Spark sort all account rows.
    number = F.min(F.when(is_largest, F.col("account_id").cast("bigint")))
    sums = weighed.groupBy(POOL_NUMBER).agg(
        F.lpad(number.cast("string"), ACCOUNT_DIGITS, "0").alias("remainder_account_id"),
        *(F.sum(_share(measure)).alias(f"floors_{measure}") for measure in measures),
        F.sum("weight").alias("found_weight"),
    )
    # A pool's own columns come back by a second join: carried through the sums, they would be compared again in every account row.
    summed = sums.join(F.broadcast(pools), POOL_NUMBER, "inner")
    takes = F.col("remainder_account_id").isNotNull() & (F.col("customer_weight") > 0)
    rests = {
        f"rest_{measure}": F.when(takes, F.col(measure) - F.col(f"floors_{measure}")).otherwise(0)
        for measure in measures
    }
    allocated = [(F.col(f"floors_{m}") + F.col(f"rest_{m}")).alias(f"allocated_{m}") for m in measures]
    return summed.withColumns(rests).select(
        *SERVICE_KEY,
        "remainder_account_id",
        F.col("customer_weight").alias("expected_weight"),
        "found_weight",
        *rests,
        *allocated,
    )


def altered_pools(remainders: DataFrame) -> list[Problem]:
    """Pools whose account rows do not weigh what ingest summed: shares of another total would hide in the remainder."""
    wrong = remainders.where("found_weight <> expected_weight").orderBy(*SERVICE_KEY).limit(_LISTED).collect()
    return [
        Problem(
            "CCFT-RUN-CORE-ALTERED",
            {
                "period": row["usage_period"],
                "cluster": row["cluster_id"],
                "service": row["service_id"],
                "found": row["found_weight"],
                "expected": row["expected_weight"],
            },
        )
        for row in wrong
    ]


def allocate_to_accounts(
    account_usage: DataFrame, pools: DataFrame, services: DataFrame, clusters: DataFrame, policy: Methodology
) -> DataFrame:
    """Account rows of `account_emissions`, without run columns: every row its exact share of its pool.

    Parameters
    ----------
    account_usage
        Period, region, cluster, service, account.
    pools
        `weights.pools` with amounts by measure, `remainder_account_id` and `rest_<measure>`.
    services, clusters
        For `product_code` and `location`.
    """
    products = services.select("service_id", "product_code")
    places = clusters.select("cluster_id", "location")
    # Names are joined to pools, so the large table meets one broadcast only.
    named = pools.join(products, "service_id", "inner").join(places, "cluster_id", "inner")
    rows = weigh(account_usage, named, policy)
    takes_rest = (F.col("weight") == F.col("max_customer_weight")) & (
        F.col("account_id") == F.col("remainder_account_id")
    )
    masses = [
        row_kilograms(_share(m) + F.when(takes_rest, F.col(f"rest_{m}")).otherwise(0)).alias(f"{m}_kg")
        if m in policy.measures
        else F.lit(0).cast(ROW_MASS).alias(f"{m}_kg")
        for m in MEASURES
    ]
    basis = F.when(F.col("basis") == "none", "revenue").otherwise(F.col("basis"))
    return rows.select(
        *SERVICE_KEY,
        *ACCOUNT_COLUMNS,
        *masses,
        basis.alias("allocation_basis"),
        row_units("weight").alias("weight"),
        "product_code",
        "location",
    )


def retained_rows(amounts: DataFrame, clusters: DataFrame, provider: DataFrame, policy: Methodology) -> DataFrame:
    """Rows of the provider's own account for what stays with it: reserved services, in the cluster of origin, basis `retained`.

    Parameters
    ----------
    amounts
        `pool_amounts`.
    provider
        One row per period: `usage_period, account_id, payer_account_id, account_type`.
    """
    kept = amounts.where(F.col("service_id").isin(*RESERVED_PRODUCT_CODES))
    places = clusters.select("cluster_id", "region_code", "location")
    rows = kept.join(places, "cluster_id", "inner").join(F.broadcast(provider), "usage_period", "inner")
    masses = [
        row_kilograms(m).alias(f"{m}_kg") if m in policy.measures else F.lit(0).cast(ROW_MASS).alias(f"{m}_kg")
        for m in MEASURES
    ]
    return rows.select(
        *SERVICE_KEY,
        *ACCOUNT_COLUMNS,
        *masses,
        F.lit("retained").alias("allocation_basis"),
        F.lit(None).cast(Q).alias("weight"),
        F.col("service_id").alias("product_code"),
        "location",
    )
