"""Decimals as the whole numbers inside them: Spark's own expressions and the public multiplication give the same rows and raise on the same ones."""

from decimal import Decimal

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from ccft.kernel import unscaled as module
from ccft.kernel.exact import micros, row_kilograms
from ccft.kernel.unscaled import from_unscaled, unscaled

pytestmark = pytest.mark.spark

LARGEST = 10**18 - 1
NUMBERS = (0, 1, -1, 999_999, 10**6, -(10**9), 123_456_789_012_345_678, LARGEST, -LARGEST, None)


@pytest.fixture(params=["expressions", "multiplication"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in turn."""
    if request.param == "multiplication":
        monkeypatch.setattr(module, "_internals", lambda: None)
    return str(request.param)


def values(spark: SparkSession, kind: str, rows: list[object], column: Column) -> list[object]:
    """A column over rows of one value, in order."""
    frame = spark.createDataFrame([(n, row) for n, row in enumerate(rows)], f"n int, value {kind}")
    return [row["found"] for row in frame.select("n", column.alias("found")).orderBy("n").collect()]


@pytest.mark.parametrize("scale", [1, 6, 9, 17])
def test_both_ways_are_each_others_inverse(spark: SparkSession, way: str, scale: int) -> None:
    kind = f"decimal(18,{scale})"
    decimals = [None if number is None else Decimal(number).scaleb(-scale) for number in NUMBERS]
    assert values(spark, "bigint", list(NUMBERS), from_unscaled(F.col("value"), kind)) == decimals, way
    assert values(spark, kind, list(decimals), unscaled(F.col("value"), kind)) == list(NUMBERS), way


@pytest.mark.parametrize("beyond", [LARGEST + 1, -LARGEST - 1, 2**63 - 1, -(2**63)])
def test_a_number_of_more_digits_is_an_error_never_a_null(spark: SparkSession, way: str, beyond: int) -> None:
    with pytest.raises(PySparkException, match=r"NUMERIC_VALUE_OUT_OF_RANGE|UNSCALED_VALUE_TOO_LARGE_FOR_PRECISION"):
        pytest.fail(f"{way}: {values(spark, 'bigint', [beyond], from_unscaled(F.col('value'), 'decimal(18,9)'))}")


def test_a_quantity_of_a_wider_type_is_cast_not_misread(spark: SparkSession, way: str) -> None:
    assert values(spark, "decimal(28,9)", [Decimal("1.500000000")], micros("value")) == [1_500_000], way
    with pytest.raises(PySparkException, match="NUMERIC_VALUE_OUT_OF_RANGE"):
        values(spark, "decimal(28,6)", [Decimal(10**12)], micros("value"))


@pytest.mark.parametrize("kind", ["decimal(19,9)", "decimal(28,9)", "bigint", "decimal(18)"])
def test_only_decimals_that_a_bigint_holds(spark: SparkSession, kind: str) -> None:
    for function in (unscaled, from_unscaled):
        with pytest.raises(ValueError, match="not a decimal that a BIGINT holds"):
            function(F.col("value"), kind)


def test_sessions_of_the_product_have_the_expressions(spark: SparkSession) -> None:
    """Where Spark renames them the product would multiply, correct and slower: this test says so."""
    frame = spark.range(1).select(row_kilograms("id").alias("kg"))
    plan = frame.select(unscaled(F.col("kg"), "decimal(18,9)").alias("quanta"))._jdf.queryExecution().analyzed()
    assert "MakeDecimal" in plan.toString()
    assert "UnscaledValue" in plan.toString()


def test_a_jvm_without_them_is_no_error(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(module._Internals):
        def __init__(self, jvm: object) -> None:
            super().__init__(jvm)
            self._unscaled_value = jvm.org.apache.spark.sql.NoSuchClass

    monkeypatch.setattr(module, "_Internals", Elsewhere)
    module._internals_of.cache_clear()
    try:
        assert module._internals() is None
        assert values(spark, "bigint", [1], row_kilograms("value")) == [Decimal("1E-9")]
    finally:
        module._internals_of.cache_clear()
