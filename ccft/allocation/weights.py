"""Weights of accounts in their pools (methodology section 3, "Step 3", the table).

An account's weight in the pool (period, cluster, service) is usage for foundational services, else revenue, cost or list price by account type
and policy. Everything here is derived from sums per class of account rows, which ingest has made (`core_usage_classes`); of the large table only the
few rows at list price are scanned.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.allocation.services import SERVICE_KEY
from ccft.kernel.exact import half_up_quotient, micros
from ccft.methodology.model import InternalUse, Methodology
from ccft.schema.units import MICROS_PER_UNIT, PRICE_SCALE

CLASS_KEY = (*SERVICE_KEY, "owner_service_id", "account_type", "has_revenue", "has_cost")
AMOUNTS = ("usage", "revenue", "cost")
CREDITED = ("revenue", "cost")
"""Amounts whose monthly sum may be negative."""


def _at_least_zero(amount: str) -> Column:
    """A negative monthly sum (credits, cancellations) counts as zero; not recorded counts as nothing."""
    return F.greatest(F.coalesce(micros(amount), F.lit(0)), F.lit(0).cast("bigint"))


def amount_columns() -> dict[str, Column]:
    """Usage, revenue and cost of one account row as whole 1e-6 units, 0 or more."""
    return {
        "usage": micros("usage_units"),
        "revenue": _at_least_zero("equivalent_revenue_usd"),
        "cost": _at_least_zero("allocated_cost_usd"),
    }


def usage_classes(core_usage_classes: DataFrame) -> DataFrame:
    """Account rows summed by what decides their weight, as ingest summed them; independent of the methodology version.

    Grain out: `CLASS_KEY`, bounded by clusters and services.

    Returns
    -------
    DataFrame
        The class with `accounts` (count), `usage`, `revenue`, `cost`, their `max_*` (BIGINT, 1e-6), and for revenue and cost what counts as
        zero: `*_credits` (count of accounts), `*_below_zero` (1e-6 USD, below 0).
    """
    columns = {"usage": "usage_units", "revenue": "revenue_usd", "cost": "cost_usd"}
    return core_usage_classes.select(
        *CLASS_KEY,
        F.col("account_count").alias("accounts"),
        *(_summed_micros(column).alias(name) for name, column in columns.items()),
        *(_summed_micros(f"largest_{column}").alias(f"max_{name}") for name, column in columns.items()),
        *(f"{name}_credits" for name in CREDITED),
        *(_summed_micros(f"{name}_below_zero_usd").alias(f"{name}_below_zero") for name in CREDITED),
    )


def _summed_micros(column: str) -> Column:
    """A sum in decimal(28,6) as whole 1e-6 units."""
    return (F.col(column) * F.lit(MICROS_PER_UNIT).cast("decimal(7,0)")).cast("bigint")


def allocation_basis(policy: Methodology) -> Column:
    """What the weight of an account is: the table of step 3, in its order; `none` takes no part."""
    kind = F.col("account_type")
    basis = F.when(F.col("is_foundational") | F.col("by_usage"), "usage").when(kind == "external", "revenue")
    if policy.internal_use is InternalUse.ZERO:
        basis = basis.when(kind == "internal", "none")
    if policy.internal_use is InternalUse.COST:
        basis = basis.when((kind == "internal") & F.col("has_cost"), "cost")
    return basis.when(F.col("has_revenue"), "revenue").otherwise("list_price")


def _of_basis(prefix: str = "") -> Column:
    """The amount that the basis names; 0 where it is `none` or awaits a price."""
    basis = F.col("basis")
    amount = F.when(basis == "none", F.lit(0).cast("bigint"))
    for name in AMOUNTS:
        amount = amount.when(basis == name, F.col(f"{prefix}{name}"))
    return amount.otherwise(F.lit(0).cast("bigint"))


def _price(revenue: str, usage: str) -> Column:
    """USD per unit in 1e-12, half up, exact: both sums are integers of the same scale."""
    numerator = f"CAST({revenue} AS DECIMAL(20,0)) * CAST({10**PRICE_SCALE} AS DECIMAL(13,0))"
    quotient = half_up_quotient(numerator, f"CAST({usage} AS DECIMAL(20,0))")
    return F.when(F.expr(f"{usage} > 0 AND {revenue} > 0"), quotient)


def list_prices(classes: DataFrame) -> DataFrame:
    """List price per pool: revenue of external accounts over their units, in the same cluster, else worldwide; 0 counts as none.

    Grain out: period, cluster, service of every pool of `classes`.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, service_id, price` (BIGINT, 1e-12 USD per unit, null where there is none).
    """
    is_priced = F.expr("account_type = 'external' AND has_revenue")
    sums = classes.groupBy(*SERVICE_KEY).agg(
        F.sum(F.when(is_priced, F.col("revenue")).otherwise(0)).alias("revenue"),
        F.sum(F.when(is_priced, F.col("usage")).otherwise(0)).alias("usage"),
    )
    worldwide = sums.groupBy("usage_period", "service_id").agg(
        F.sum("revenue").alias("all_revenue"), F.sum("usage").alias("all_usage")
    )
    priced = sums.join(worldwide, ["usage_period", "service_id"], "inner")
    local, everywhere = _price("revenue", "usage"), _price("all_revenue", "all_usage")
    price = F.coalesce(F.nullif(local, F.lit(0)), F.nullif(everywhere, F.lit(0)))
    return priced.select(*SERVICE_KEY, price.alias("price"))


def _at_list_price() -> Column:
    """Units x list price in whole 1e-6 USD, half up; 0 without a price."""
    product = "CAST(usage AS DECIMAL(18,0)) * CAST(price AS DECIMAL(18,0))"
    return F.coalesce(half_up_quotient(product, f"CAST({10**PRICE_SCALE} AS DECIMAL(13,0))"), F.lit(0))


def row_weight() -> Column:
    """Weight of one account row, BIGINT 1e-6; needs `basis`, `usage`, `revenue`, `cost`, `price` on the row."""
    return F.when(F.col("basis") == "list_price", _at_list_price()).otherwise(_of_basis())


def _classify(classes: DataFrame, services: DataFrame, policy: Methodology) -> DataFrame:
    """Classes with the service's kind and their basis, before any fallback to usage."""
    kinds = F.broadcast(services.select("service_id", "is_foundational"))
    known = classes.join(kinds, "service_id", "inner").withColumn("by_usage", F.lit(False))
    return known.withColumn("basis", allocation_basis(policy))


def list_price_classes(
    account_usage: DataFrame, services: DataFrame, prices: DataFrame, policy: Methodology
) -> DataFrame:
    """Sum and largest weight of account rows at list price: rounding is per row, so their classes do not tell.

    Only internal and affiliate rows can be at list price: the filter prunes the scan of the large table. Grain out: class, with
    `priced_weight`, `max_priced_weight` (BIGINT, 1e-6).
    """
    rows = account_usage.where("account_type <> 'external' AND equivalent_revenue_usd IS NULL").select(
        *SERVICE_KEY,
        "owner_service_id",
        "account_type",
        F.lit(False).alias("has_revenue"),
        F.col("allocated_cost_usd").isNotNull().alias("has_cost"),
        micros("usage_units").alias("usage"),
    )
    at_price = _classify(rows, services, policy).where("basis = 'list_price'")
    weighed = at_price.join(F.broadcast(prices), list(SERVICE_KEY), "inner").withColumn("row_weight", _at_list_price())
    return weighed.groupBy(*CLASS_KEY).agg(
        F.sum("row_weight").alias("priced_weight"), F.max("row_weight").alias("max_priced_weight")
    )


def class_weights(classes: DataFrame, priced: DataFrame, services: DataFrame, policy: Methodology) -> DataFrame:
    """Weight of every class, with the fallback to usage where a used pool has no positive weight at all.

    Grain in and out: class. Adds `is_foundational`, `by_usage`, `own_basis` (before the fallback), `basis`, `weight`, `max_weight` (BIGINT, 1e-6).

    Parameters
    ----------
    priced
        `list_price_classes`.
    """
    same_class = [F.col(f"c.{name}").eqNullSafe(F.col(f"p.{name}")) for name in CLASS_KEY]
    joined = _classify(classes, services, policy).alias("c").join(priced.alias("p"), same_class, "left")
    rows = joined.select("c.*", "priced_weight", "max_priced_weight")
    at_price = F.col("basis") == "list_price"
    weighed = rows.withColumn(
        "weight", F.when(at_price, F.coalesce("priced_weight", F.lit(0))).otherwise(_of_basis())
    ).withColumn("max_weight", F.when(at_price, F.coalesce("max_priced_weight", F.lit(0))).otherwise(_of_basis("max_")))
    pools = weighed.groupBy(*SERVICE_KEY).agg(
        (F.expr("sum(weight) = 0 AND sum(usage) > 0 AND NOT bool_or(is_foundational)")).alias("falls_back")
    )
    fallen = weighed.join(pools, list(SERVICE_KEY), "inner")
    falls = F.col("falls_back")
    return fallen.select(
        *CLASS_KEY,
        "accounts",
        "usage",
        *(f"{name}_{figure}" for name in CREDITED for figure in ("credits", "below_zero")),
        "is_foundational",
        falls.alias("by_usage"),
        F.col("basis").alias("own_basis"),
        F.when(falls, "usage").otherwise(F.col("basis")).alias("basis"),
        F.when(falls, F.col("usage")).otherwise(F.col("weight")).alias("weight"),
        F.when(falls, F.col("max_usage")).otherwise(F.col("max_weight")).alias("max_weight"),
    )


def is_team(policy: Methodology) -> Column:
    """Whether the account runs a service and is therefore a consumer in the graph, not a customer."""
    return F.col("owner_service_id").isNotNull() if policy.has_teams else F.lit(False)


def pools(weights: DataFrame, prices: DataFrame, policy: Methodology) -> DataFrame:
    """Pools (period, cluster, service) with their totals.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, service_id, is_foundational, by_usage, price, total_weight` (all accounts), `customer_weight`,
        `max_customer_weight` (accounts that get rows).
    """
    customer = ~is_team(policy)
    zero = F.lit(0).cast("bigint")
    sums = weights.groupBy(*SERVICE_KEY, "is_foundational", "by_usage").agg(
        F.sum("weight").alias("total_weight"),
        F.sum(F.when(customer, F.col("weight")).otherwise(zero)).alias("customer_weight"),
        F.max(F.when(customer, F.col("max_weight")).otherwise(zero)).alias("max_customer_weight"),
    )
    return sums.join(prices, list(SERVICE_KEY), "left")


def edges(weights: DataFrame, policy: Methodology, columns: Sequence[str] = SERVICE_KEY) -> DataFrame:
    """Use of services by service teams: provider -> consumer, weighed like any account of the provider's pool.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, service_id` (provider), `consumer_service_id, weight` (BIGINT, 1e-6, above 0).
    """
    teams = weights.where(is_team(policy)).groupBy(*columns, F.col("owner_service_id").alias("consumer_service_id"))
    return teams.agg(F.sum("weight").alias("weight")).where("weight > 0")
