"""The whole number inside a decimal, and back, without arithmetic: account rows are exact at the price of integers.

To Spark and to Parquet a `decimal(18,6)` is a BIGINT of millionths. Public functions get at it by a multiplication only, which goes through Java's
BigDecimal in every row. Spark's own sums and averages use two expressions for it, `UnscaledValue` and `MakeDecimal`, which have no public name:
this file alone asks the JVM for them, and multiplies where it cannot have them (Spark Connect, another release of Spark). Both ways give the same
rows and raise on the same ones (docs/decisions/unscaled-decimals.md).
"""

import re
from functools import lru_cache
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.classic.column import Column as ClassicColumn

BIGINT_DIGITS: Final = 18
"""Decimals of more digits are no BIGINT inside."""


def unscaled(column: Column, kind: str) -> Column:
    """Whole quanta (BIGINT) of a decimal; null of null.

    Parameters
    ----------
    column
        Of type `kind` or narrower: it is cast, and what does not fit is Spark's NUMERIC_VALUE_OUT_OF_RANGE.
    kind
        `decimal(p,s)`, 0 < s < p <= 18; a quantum is 1e-s.
    """
    _, scale = _digits(kind)
    found = column.cast(kind)
    spark = _internals()
    if spark is not None:
        return spark.unscaled(found)
    return (found * F.lit(10**scale).cast(f"decimal({scale + 1},0)")).cast("bigint")


def from_unscaled(quanta: Column, kind: str) -> Column:
    """Whole quanta (BIGINT) as `kind`, `decimal(p,s)` with 0 < s < p <= 18; null of null.

    A value of more digits than `kind` has is an arithmetic error when the query runs.
    """
    precision, scale = _digits(kind)
    spark = _internals()
    if spark is not None:
        return spark.from_unscaled(quanta.cast("bigint"), precision, scale)
    one_quantum = F.lit(f"1E-{scale}").cast(f"decimal({scale},{scale})")
    return (quanta.cast(f"decimal({precision},0)") * one_quantum).cast(kind)


def _digits(kind: str) -> tuple[int, int]:
    """Precision and scale."""
    found = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
    if found is None or int(found[1]) > BIGINT_DIGITS:
        raise ValueError(f"not a decimal that a BIGINT holds: {kind}")
    return int(found[1]), int(found[2])


class _Internals:
    """The two expressions of a JVM that has them."""

    def __init__(self, jvm: Any) -> None:  # noqa: ANN401 - a Java object
        self._columns = jvm.org.apache.spark.sql.classic.ExpressionUtils
        expressions = jvm.org.apache.spark.sql.catalyst.expressions
        self._unscaled_value, self._make_decimal = expressions.UnscaledValue, expressions.MakeDecimal

    def unscaled(self, column: Column) -> Column:
        return self._column(self._unscaled_value(self._expression(column)))

    def from_unscaled(self, quanta: Column, precision: int, scale: int) -> Column:
        null_on_overflow = False
        return self._column(self._make_decimal(self._expression(quanta), precision, scale, null_on_overflow))

    def _expression(self, column: Column) -> Any:  # noqa: ANN401
        return self._columns.expression(column._jc)  # noqa: SLF001 - what a column is to the JVM

    def _column(self, expression: Any) -> Column:  # noqa: ANN401
        return ClassicColumn(self._columns.column(expression))


def _internals() -> _Internals | None:
    """The active session's, or None where it has none."""
    return _internals_of(SparkContext._active_spark_context)  # noqa: SLF001 - a column has no public way to its session


@lru_cache(maxsize=1)
def _internals_of(context: SparkContext | None) -> _Internals | None:
    if context is None:
        return None
    found = _Internals(context._jvm)  # noqa: SLF001
    try:
        found.unscaled(F.lit(1))
        found.from_unscaled(F.lit(1), 1, 0)
    except (Py4JError, AttributeError, TypeError):  # a class, a method, or the column's own inside is another
        return None
    return found
