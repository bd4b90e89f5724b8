"""Delivered values in registry types: exactly, or not at all."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql.types import DecimalType, DoubleType, StringType, StructField, StructType, TimestampType

from ccft.ingest.types import DELIVERED, UNREAD, column_problems, expected, too_large_sql, typed
from ccft.schema.columns import COLUMNS
from ccft.schema.tables import Layer, Table

pytestmark = pytest.mark.spark

Q, F, DAY, FLAG, YEAR = (COLUMNS[name] for name in ("quantity", "value", "launched_on", "is_network", "vintage"))
TOO_LARGE = "too large"
WRONG = "wrong"

QUANTITIES = {
    "1": "1.000000",
    "-1.5": "-1.500000",
    "+2": "2.000000",
    ".5": "0.500000",
    "7.": "7.000000",
    "0.000001": "0.000001",
    "0.0000010000000000000000000000000": "0.000001",
    "999999999999.999999": "999999999999.999999",
    "0E-9": "0.000000",
    "0.00E+5": "0.000000",
    "1.5E3": "1500.000000",
    "1E-6": "0.000001",
    "1.234567E0": "1.234567",
    "9.99999999999999999E11": "999999999999.999999",
    "0.0000001": WRONG,
    "1.0000005": WRONG,
    "1E-7": WRONG,
    "1E-40": WRONG,
    "1.2345670000000000001E0": WRONG,
    "1.000000000000000001E0": WRONG,
    "1,5": WRONG,
    " 1": WRONG,
    "1\n": WRONG,
    "1e": WRONG,
    ".": WRONG,
    "-": WRONG,
    "NaN": WRONG,
    "Infinity": WRONG,
    "0x10": WRONG,
    "１": WRONG,
    "1000000000000": TOO_LARGE,
    "-1e12": TOO_LARGE,
    "1E+99": TOO_LARGE,
}
FACTORS = {
    "0.123456789": "0.123456789",
    "1E-9": "1E-9",
    "1E-10": WRONG,
    "999999999.999999999": "999999999.999999999",
    "1e9": TOO_LARGE,
}
DAYS = {
    "2024-02-29": "2024-02-29",
    "9999-12-31": "9999-12-31",
    "2023-02-29": WRONG,
    "2024-2-9": WRONG,
    "2024-02-01T00:00:00": WRONG,
    "0000-01-01": WRONG,
    "01.02.2024": WRONG,
    "2024": WRONG,
    "today": WRONG,
}
FLAGS = {"true": "True", "FALSE": "False", "1": WRONG, "yes": WRONG, "t": WRONG}
YEARS = {"2024": "2024", "-1": "-1", "2024.0": WRONG, "1e3": WRONG, "3000000000": WRONG}


def read(spark, column, kind, values):
    """Outcome per value: its text in the registry type, `WRONG` or `TOO_LARGE`."""
    registered = Table("t", Layer.INPUT, "", (column,), ())
    schema = StructType([StructField(column.name, kind)])
    frame = typed(spark.createDataFrame([(value,) for value in values], schema), registered)
    outcome = (
        f"CASE WHEN {UNREAD}{column.name} THEN IF({too_large_sql(column)}, '{TOO_LARGE}', '{WRONG}') END AS outcome"
    )
    rows = frame.selectExpr(f"{column.name} AS v", outcome).collect()
    return [row["outcome"] or (None if row["v"] is None else str(row["v"])) for row in rows]


@pytest.mark.parametrize(
    ("column", "cases"),
    [(Q, QUANTITIES), (F, FACTORS), (DAY, DAYS), (FLAG, FLAGS), (YEAR, YEARS)],
    ids=lambda v: getattr(v, "name", ""),
)
def test_text(spark, column, cases):
    assert dict(zip(cases, read(spark, column, StringType(), list(cases)), strict=True)) == cases


def test_empty_text_is_null(spark):
    assert read(spark, Q, StringType(), ["", None]) == [None, None]
    assert read(spark, COLUMNS["substance"], StringType(), ["", " ", None]) == [None, " ", None]


def test_doubles_are_rounded_half_up(spark):
    values = [0.1 + 0.2, 0.0000005, -0.0000005, 1e12, float("nan"), float("inf"), None]
    assert read(spark, Q, DoubleType(), values) == ["0.300000", "0.000001", "-0.000001", TOO_LARGE, WRONG, WRONG, None]


def test_decimals_lose_nothing(spark):
    values = [Decimal("1.5"), Decimal("1.0000001"), Decimal(10) ** 12, None]
    assert read(spark, Q, DecimalType(38, 10), values) == ["1.500000", WRONG, TOO_LARGE, None]
    assert read(spark, F, DecimalType(18, 6), [Decimal("1.5"), Decimal(999999999999)]) == ["1.500000000", TOO_LARGE]


def test_whole_doubles_are_years_and_midnights_are_days(spark):
    assert read(spark, YEAR, DoubleType(), [2024.0, 2024.5, None]) == ["2024", WRONG, None]
    midnight, noon = datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert read(spark, DAY, TimestampType(), [midnight, noon, None]) == [str(date(2024, 2, 29)), WRONG, None]


def test_columns_missing_or_of_a_type_that_lost_something(spark):
    registered = Table("t", Layer.INPUT, "", (COLUMNS["account_id"], COLUMNS["period"], Q, DAY), ())
    frame = spark.createDataFrame([], "ACCOUNT_ID bigint, quantity double, launched_on int, more string")
    assert [problem.message for problem in column_problems(frame, registered)] == [
        "t (whole column): account_id = 'bigint' is not text: 12 digits",
        "t: column period is missing",
        "t (whole column): launched_on = 'int' is not a date (YYYY-MM-DD)",
    ]


def test_delivered_text_is_kept(spark):
    registered = Table("t", Layer.INPUT, "", (Q,), ())
    row = typed(spark.createDataFrame([("1e3x", "kept")], "quantity string, more string"), registered).collect()[0]
    assert row.asDict() == {"more": "kept", "quantity": None, f"{UNREAD}quantity": True, f"{DELIVERED}quantity": "1e3x"}
    assert expected(F) == "a number with at most 9 decimals"
