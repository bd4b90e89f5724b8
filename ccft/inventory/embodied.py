"""Scope 3, categories 2 and 4: embodied carbon, amortised straight line by days (methodology section 2.2; AWS eq 25-33).

Telescoping: `month = cum(month_end) - cum(month_start)`, so the months of a life add up to the embodied figure exactly. Retired early: amortised to
the planned date all the same. Past it: nothing.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.inventory.lines import LINE_COLUMNS, LINE_KEY
from ccft.kernel.exact import quanta

RACK_LIFE_MONTHS = 72
"""Default service life of racks [AWS]."""
BUILDING_LIFE_MONTHS = 600
"""Default service life of buildings [AWS]."""


def cumulative(embodied: str, start: str, life_months: str, day: str) -> Column:
    """Quanta amortised before `day`: `floor(embodied_quanta * clamp(day - start, 0, life_days) / life_days)`, integers only.

    Parameters are column names; `embodied` in whole micrograms, DECIMAL(38,0) because the product leaves BIGINT.
    """
    life_days = f"datediff(add_months({start}, {life_months}), {start})"
    days = f"greatest(0, least(datediff({day}, {start}), {life_days}))"
    return F.expr(
        f"(CAST({embodied} AS DECIMAL(19,0)) * CAST({days} AS DECIMAL(10,0))) div CAST({life_days} AS DECIMAL(10,0))"
    )


def _monthly(assets: DataFrame, periods: DataFrame, source: str) -> DataFrame:
    """Amortised quanta per period, summed. Assets have `cluster_id, rack_type, embodied, start, life_months`."""
    months = assets.crossJoin(F.broadcast(periods)).where("start < month_end")
    share = cumulative("embodied", "start", "life_months", "month_end") - cumulative(
        "embodied", "start", "life_months", "month_start"
    )
    zero = F.lit(0).cast("bigint")
    lines = months.withColumn("quanta", share).where("quanta > 0")
    labelled = lines.withColumns({"measure": F.lit("scope_3_embodied"), "source": F.lit(source)})
    sums = labelled.groupBy(*LINE_KEY).agg(F.sum("quanta").alias("quanta"))
    return sums.select(
        *LINE_KEY,
        "quanta",
        zero.alias("metered"),
        zero.alias("invoiced"),
        F.col("quanta").alias("estimated"),
        zero.alias("forecast"),
        F.lit(None).cast("string").alias("instrument"),
        F.lit("[]").alias("factor_references"),
    ).select(*LINE_COLUMNS)


def rack_embodied(racks: DataFrame, periods: DataFrame) -> DataFrame:
    """Embodied carbon of racks, amortised. Grain in: rack. Grain out: period, cluster, rack type."""
    assets = racks.select(
        "cluster_id",
        "rack_type",
        quanta("embodied_kg").alias("embodied"),
        F.col("deployed_on").alias("start"),
        F.coalesce("service_life_months", F.lit(RACK_LIFE_MONTHS)).alias("life_months"),
    )
    return _monthly(assets, periods, "rack_embodied")


def facility_embodied(assets: DataFrame, periods: DataFrame) -> DataFrame:
    """Embodied carbon of buildings and equipment, amortised. Grain in: asset. Grain out: period, cluster (shared)."""
    rows = assets.select(
        "cluster_id",
        F.lit(None).cast("string").alias("rack_type"),
        quanta("embodied_kg").alias("embodied"),
        F.col("in_service_on").alias("start"),
        F.coalesce("service_life_months", F.lit(BUILDING_LIFE_MONTHS)).alias("life_months"),
    )
    return _monthly(rows, periods, "facility_embodied")
