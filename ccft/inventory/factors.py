"""Which emission factor is valid: periods, keys, and the order of market instruments (methodology section 2)."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.inventory.lines import REFERENCE_FIELDS, Factor
from ccft.schema.columns import INSTRUMENTS
from ccft.schema.units import F_SCALE


def valid_in(table: DataFrame, periods: DataFrame) -> DataFrame:
    """Rows with `valid_from`/`valid_to` (inclusive, null = open) once per period in which they are valid."""
    valid = F.col("usage_period").between(F.col("valid_from"), F.coalesce("valid_to", F.lit("9999-12")))
    return table.join(F.broadcast(periods.select("usage_period")), valid, "inner")


def reference_column() -> Column:
    """The factor of a row as the JSON object that inventory rows record (same text as `Factor.reference`)."""
    fields = [
        F.col("value").cast("string").alias("value") if name == "value" else F.col(name) for name in REFERENCE_FIELDS
    ]
    return F.to_json(F.struct(*fields), {"ignoreNullFields": "false"})


class FactorBook:
    """All factors valid in the periods of a run, on the driver; bounded by clusters, zones and fuels.

    Parameters
    ----------
    table
        Rows of `core_emission_factors`.
    """

    def __init__(self, table: pa.Table) -> None:
        self._rows: dict[tuple[str, str, str | None], list[Factor]] = defaultdict(list)
        for row in table.to_pylist():
            value = int(Decimal(row["value"]).scaleb(F_SCALE))
            factor = Factor(**{**row, "value": value})
            self._rows[factor.factor_type, factor.factor_key, factor.instrument].append(factor)

    def find(self, factor_type: str, key: str, period: str, instrument: str | None = None) -> Factor | None:
        """The factor of type, key and instrument that is valid in the period, or None."""
        for factor in self._rows.get((factor_type, key, instrument), ()):
            if factor.valid_from <= period and (factor.valid_to is None or period <= factor.valid_to):
                return factor
        return None

    def market(self, factor_type: str, keys: Iterable[str], period: str) -> Factor | None:
        """First market factor that exists: by instrument in order of preference, within one the most specific key."""
        candidates = (
            self.find(factor_type, key, period, instrument) for instrument in INSTRUMENTS for key in tuple(keys)
        )
        return next((factor for factor in candidates if factor is not None), None)
