"""Scope 1 and upstream of fuels: generator fuel, natural gas, refrigerants (methodology section 2).

One line per activity row, rounded half up to 1e-9 kg once; the historical-growth rule of v1.0 and v2.0 adds estimated rows where the month's own
generator fuel is not in yet.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.inventory.factors import reference_column, valid_in
from ccft.inventory.lines import LINE_COLUMNS, LINE_KEY
from ccft.kernel.exact import half_up_quotient, micros, quanta, row_units
from ccft.methodology.model import Methodology, Scope1Gaps
from ccft.schema.columns import EVIDENCE
from ccft.schema.spark import local_frame
from ccft.schema.units import MASS

_FUEL_COLUMNS = ("usage_period", "cluster_id", "activity", "substance", "quantity", "evidence")

SOURCES_OF_ACTIVITY = (
    ("generator_fuel", "fuel_combustion", "scope_1", "generator_fuel"),
    ("natural_gas", "fuel_combustion", "scope_1", "natural_gas"),
    ("refrigerant", "gwp", "scope_1", "refrigerant"),
    ("generator_fuel", "fuel_upstream", "scope_3_fera_lbm", "fuel_upstream"),
    ("generator_fuel", "fuel_upstream", "scope_3_fera_mbm", "fuel_upstream"),
    ("natural_gas", "fuel_upstream", "scope_3_fera_lbm", "fuel_upstream"),
    ("natural_gas", "fuel_upstream", "scope_3_fera_mbm", "fuel_upstream"),
)
"""Activity -> factor type -> measure -> source."""


def _gaps(activity: DataFrame, clusters: DataFrame, periods: DataFrame) -> DataFrame:
    """Launched clusters without any generator fuel row in a period. Grain: period, cluster."""
    launched = clusters.select("cluster_id", "launched_on").crossJoin(F.broadcast(periods))
    needed = launched.where("launched_on < month_end").select("usage_period", "cluster_id", "last_year", "year")
    present = activity.where("activity = 'generator_fuel'").select(F.col("period").alias("usage_period"), "cluster_id")
    return needed.join(present.distinct(), ["usage_period", "cluster_id"], "left_anti")


def missing_fuel_history(activity: DataFrame, clusters: DataFrame, periods: DataFrame) -> DataFrame:
    """Gaps that cannot be estimated: the same month last year has no row either. Grain: period, cluster, with `last_year`."""
    fuel = activity.where("activity = 'generator_fuel'").select(F.col("period").alias("last_year"), "cluster_id")
    return _gaps(activity, clusters, periods).join(fuel.distinct(), ["last_year", "cluster_id"], "left_anti")


def _estimate() -> Column:
    """Quantity of the same month last year x growth, half up to 6 decimals; growth 1 without an earlier year."""
    grown = half_up_quotient(
        "CAST(base AS DECIMAL(18,0)) * CAST(last_total AS DECIMAL(18,0))", "CAST(before_total AS DECIMAL(18,0))"
    )
    return F.when(F.col("before_total") > 0, grown).otherwise(F.col("base"))


def historical_growth(activity: DataFrame, clusters: DataFrame, periods: DataFrame) -> DataFrame:
    """Estimate generator fuel where a cluster has no row: per substance, last year's month x growth of the calendar years.

    Grain in: period, site, cluster, activity, substance. Grain out: period, cluster, substance.

    Returns
    -------
    DataFrame
        `usage_period, cluster_id, activity, substance, quantity` (decimal), `evidence` = estimated.
    """
    fuel = activity.where("activity = 'generator_fuel'")
    months = fuel.groupBy(F.col("period").alias("last_year"), "cluster_id", "substance").agg(
        F.sum(micros("quantity")).alias("base")
    )
    years = fuel.groupBy(F.substring("period", 1, 4).cast("int").alias("fuel_year"), "cluster_id", "substance").agg(
        F.sum(micros("quantity")).alias("total")
    )
    last = years.select(
        (F.col("fuel_year") + 1).alias("year"), "cluster_id", "substance", F.col("total").alias("last_total")
    )
    before = years.select(
        (F.col("fuel_year") + 2).alias("year"), "cluster_id", "substance", F.col("total").alias("before_total")
    )
    key = ["year", "cluster_id", "substance"]
    joined = (
        _gaps(activity, clusters, periods)
        .join(months, ["last_year", "cluster_id"], "inner")
        .join(last, key, "left")
        .join(before, key, "left")
    )
    return joined.withColumn("estimate", _estimate()).select(
        "usage_period",
        "cluster_id",
        F.lit("generator_fuel").alias("activity"),
        "substance",
        row_units("estimate").alias("quantity"),
        F.lit("estimated").alias("evidence"),
    )


def fuel_activity(activity: DataFrame, clusters: DataFrame, periods: DataFrame, policy: Methodology) -> DataFrame:
    """The period's own fuel, gas and refrigerant rows that the version counts, with estimates where its policy fills gaps."""
    own = activity.join(F.broadcast(periods.select("usage_period")), F.col("period") == F.col("usage_period"), "inner")
    rows = own.where(F.col("activity").isin(*policy.sources) & (F.col("activity") != "electricity")).select(
        *_FUEL_COLUMNS
    )
    if policy.scope_1_gaps is Scope1Gaps.HISTORICAL_GROWTH:
        rows = rows.unionByName(historical_growth(activity, clusters, periods).select(*_FUEL_COLUMNS))
    return rows


def _wanted(policy: Methodology) -> list[tuple[str, str, str, str]]:
    return [row for row in SOURCES_OF_ACTIVITY if row[3] in policy.sources and row[0] in policy.sources]


def _with_factors(rows: DataFrame, factors: DataFrame, periods: DataFrame, policy: Methodology) -> DataFrame:
    """Fuel rows once per measure they count for, with the factor valid in the period (null when missing)."""
    spark = rows.sparkSession
    kinds = local_frame(spark, _wanted(policy), "activity string, factor_type string, measure string, source string")
    valid = valid_in(factors, periods).select(
        "usage_period",
        "factor_type",
        F.col("factor_key").alias("substance"),
        "value",
        reference_column().alias("reference"),
    )
    lines = rows.join(F.broadcast(kinds), "activity", "inner")
    return lines.join(F.broadcast(valid), ["usage_period", "factor_type", "substance"], "left")


def missing_fuel_factors(rows: DataFrame, factors: DataFrame, periods: DataFrame, policy: Methodology) -> DataFrame:
    """Fuel rows whose factor is missing: `usage_period, cluster_id, factor_type, substance`."""
    missing = _with_factors(rows, factors, periods, policy).where("value IS NULL")
    return missing.select("usage_period", "cluster_id", "factor_type", "substance").distinct()


def fuel_lines(rows: DataFrame, factors: DataFrame, periods: DataFrame, policy: Methodology) -> DataFrame:
    """Inventory lines of fuels, gas and refrigerants.

    Grain in: activity row. Grain out: period, cluster, measure, source; each activity row rounded half up to 1e-9 kg once.
    """
    product = F.round(F.col("quantity") * F.col("value"), 9).cast(MASS)
    lines = _with_factors(rows, factors, periods, policy).withColumn("quanta", quanta(product))
    zero = F.lit(0).cast("bigint")
    parts = [F.sum(F.when(F.col("evidence") == kind, F.col("quanta")).otherwise(zero)).alias(kind) for kind in EVIDENCE]
    keyed = lines.withColumn("rack_type", F.lit(None).cast("string"))
    sums = keyed.groupBy(*LINE_KEY).agg(
        F.sum("quanta").alias("quanta"),
        *parts,
        F.concat(F.lit("["), F.array_join(F.array_sort(F.collect_set("reference")), ", "), F.lit("]")).alias(
            "factor_references"
        ),
    )
    return sums.withColumn("instrument", F.lit(None).cast("string")).select(*LINE_COLUMNS)
