"""What rows of small tables say about each other beyond their own cells: payers, rack types, units of fuels.

Parents that fit on every executor are looked up with the rows themselves (`small_checks`).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest.findings import findings_sql, key_sql
from ccft.ingest.validity import LAST_SQL
from ccft.schema.tables import Table


def unknown_payers(accounts: DataFrame, table: Table) -> DataFrame:
    """Payers without a row of their own, one finding each with the first account that names them."""
    payers = accounts.groupBy("payer_account_id").agg(F.min("account_id").alias("first_account"))
    known = accounts.selectExpr("account_id AS payer_account_id")
    missing = payers.where("payer_account_id IS NOT NULL").join(known, "payer_account_id", "left_anti")
    values = {"key": "first_account", "value": "payer_account_id"}
    return missing.selectExpr(*findings_sql(table, "'CCFT-INPUT-UNKNOWN-ACCOUNT'", values))


def mixed_rack_types(racks: DataFrame, table: Table) -> DataFrame:
    """Rack types that have both networking and other racks."""
    kinds = racks.where("rack_type IS NOT NULL").groupBy("rack_type")
    mixed = kinds.agg(F.expr("bool_or(is_network) AS some"), F.expr("bool_and(is_network) AS every")).where(
        "some AND NOT every"
    )
    return mixed.selectExpr(*findings_sql(table, "'CCFT-INPUT-MIXED-RACK-TYPE'", {"value": "rack_type"}))


def units_unlike_their_factor(activity: DataFrame, table: Table, factors: DataFrame) -> DataFrame:
    """Fuels, gas and refrigerants counted in another unit than their emission factor of the month is per."""
    per = factors.where("factor_type IN ('fuel_combustion', 'fuel_upstream', 'gwp')").selectExpr(
        "factor_type = 'gwp' AS is_gwp",
        "factor_key AS substance",
        "valid_from",
        f"{LAST_SQL} AS last_period",
        "substring_index(unit, '/', -1) AS factor_unit",
    )
    emitting = activity.where("activity <> 'electricity'").join(per, "substance", "inner")
    odd = emitting.where(
        "(activity = 'refrigerant') = is_gwp AND period BETWEEN valid_from AND last_period AND unit <> factor_unit"
    ).dropDuplicates(list(table.key))
    values = {"key": key_sql(table.key), "value": "unit", "allowed": "concat(factor_unit, ' as in emission_factors')"}
    return odd.selectExpr(*findings_sql(table, "'CCFT-INPUT-WRONG-UNIT'", values))
