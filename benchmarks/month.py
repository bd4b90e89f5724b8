"""A month of account usage of any size, made by Spark without a Python loop per row: rows in pools of Zipf-distributed sizes.

Pool number = floor((POOLS + 1)^u) - 1 for u uniform in [0, 1): the first of 7,600 pools holds 8 % of all rows, the last hundred next to nothing.
Everything follows from the number of the row by a hash, so that any two machines make the same month.
"""

from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.schema.columns import MEASURES
from ccft.schema.spark import select_columns
from ccft.schema.tables import table

PERIOD: Final = "2025-06"
CLUSTERS: Final = 38
SERVICES: Final = 200
POOLS: Final = CLUSTERS * SERVICES
_UNITS_OF_ONE: Final = 1_000_000
_STRIDE: Final = 7_919
"""Prime: consecutive rows are accounts far apart, each row another account."""


def _uniform(name: str) -> str:
    """SQL: a number in [0, 1) from the row's number."""
    return f"(pmod(xxhash64(id, '{name}'), {2**53}) / CAST({2**53} AS DOUBLE))"


def account_usage(spark: SparkSession, rows: int, *, skew: str = "zipf") -> DataFrame:
    """Rows of `core_account_usage`, one per account and pool; every third service goes by revenue.

    Parameters
    ----------
    skew
        `zipf`; `whale_account`: one account has half the units of its pool; `whale_pool`: one pool has half of all rows.
    """
    pool = f"CAST(floor(pow({POOLS + 1}, {_uniform('pool')})) - 1 AS INT)"
    if skew == "whale_pool":
        pool = f"IF({_uniform('whale')} < 0.5, 17, {pool})"
    # Pareto: a few accounts have most of the use.
    units = f"CAST({_UNITS_OF_ONE} / ({_uniform('units')} + 1e-6) AS BIGINT)"
    if skew == "whale_account":
        units = f"IF(id = 0, CAST({rows} * 14.0 * {_UNITS_OF_ONE} AS BIGINT), {units})"
    kind = _uniform("kind")
    numbered = spark.range(0, rows, 1, 8).selectExpr("id", f"{pool} AS pool", f"{units} AS micros", f"{kind} AS kind")
    named = numbered.selectExpr(
        f"'{PERIOD}' AS usage_period",
        f"format_string('region-%02d', pool % {CLUSTERS}) AS region_code",
        f"format_string('cluster-%02d', pool % {CLUSTERS}) AS cluster_id",
        f"format_string('service-%03d', pool div {CLUSTERS}) AS service_id",
        f"lpad(CAST(id * {_STRIDE} % 1000000000000 AS STRING), 12, '0') AS account_id",
        f"lpad(CAST(id * {_STRIDE} % 1000000000000 div 16 AS STRING), 12, '0') AS payer_account_id",
        "CASE WHEN kind < 0.97 THEN 'external' WHEN kind < 0.99 THEN 'internal' ELSE 'affiliate' END AS account_type",
        "CAST(NULL AS STRING) AS owner_service_id",
        "CAST(micros * 0.000001BD AS DECIMAL(18,6)) AS usage_units",
        f"IF((pool div {CLUSTERS}) % 3 = 0 AND kind < 0.97, CAST(micros * 0.0000025BD AS DECIMAL(18,6)), NULL) AS equivalent_revenue_usd",
        "CAST(NULL AS DECIMAL(18,6)) AS allocated_cost_usd",
    )
    return named.select(*select_columns(table("core_account_usage")))


def services(spark: SparkSession) -> DataFrame:
    """Services: product code and kind."""
    return spark.range(SERVICES).selectExpr(
        "format_string('service-%03d', id) AS service_id",
        "format_string('Product%02d', id % 40) AS product_code",
        "id % 3 <> 0 AS is_foundational",
    )


def clusters(spark: SparkSession) -> DataFrame:
    """Clusters, a region each."""
    return spark.range(CLUSTERS).selectExpr(
        "format_string('cluster-%02d', id) AS cluster_id",
        "format_string('region-%02d', id) AS region_code",
        "format_string('Region %02d', id) AS location",
    )


def pool_amounts(spark: SparkSession) -> DataFrame:
    """Net emissions of every pool in quanta: what the steps before accounts would give."""
    amounts = [f"pmod(xxhash64(id, '{measure}'), 1000000000000000) AS {measure}" for measure in MEASURES]
    pools = spark.range(POOLS).selectExpr(
        f"'{PERIOD}' AS usage_period",
        f"format_string('cluster-%02d', id % {CLUSTERS}) AS cluster_id",
        f"format_string('service-%03d', id div {CLUSTERS}) AS service_id",
        *amounts,
    )
    return pools.orderBy(F.col("cluster_id"), F.col("service_id"))
