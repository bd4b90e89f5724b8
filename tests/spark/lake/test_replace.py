"""Exactly one slice of a table is replaced, however it is written: added where nothing was, exchanged where rows were."""

from decimal import Decimal

import pytest
from deltalake import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from ccft.lake.tables import WHOLE_TABLE, Slice
from ccft.schema.spark import struct_type
from ccft.schema.tables import table

pytestmark = pytest.mark.spark


def month(period: str, also: str = "") -> Slice:
    return Slice({"usage_period": [period]}, also)


@pytest.fixture
def put(spark, lake):
    """Replace a slice of rack usage by rows `period, rack type, units`; the commit's mode."""

    def replace(where: Slice, *rows: tuple[str, str, int]) -> str:
        values = [(period, "eu-1", "r1", rack_type, False, "vm", Decimal(used)) for period, rack_type, used in rows]
        frame = spark.createDataFrame(values, struct_type(table("core_rack_usage")))
        commit = lake.replace("core_rack_usage", frame, where)
        assert commit.rows == len(rows)
        last = DeltaTable(lake.path("core_rack_usage")).history(1)[0]
        assert last["version"] == commit.version
        return str(last["operationParameters"]["mode"])

    return replace


def units(lake) -> list[tuple[str, str, int]]:
    found = lake.read("core_rack_usage").collect()
    return sorted((row["usage_period"], row["rack_type"], int(row["used_units"])) for row in found)


def test_a_slice_without_rows_is_added_and_one_with_rows_is_exchanged(put, lake):
    assert put(month("2025-01"), ("2025-01", "a", 1), ("2025-01", "b", 2)) == "Append"
    assert put(month("2025-02"), ("2025-02", "a", 3)) == "Append"
    assert put(month("2025-01"), ("2025-01", "c", 4)) == "Overwrite"
    assert units(lake) == [("2025-01", "c", 4), ("2025-02", "a", 3)]


def test_one_of_two_months_with_rows_is_enough_to_exchange_both(put, lake):
    put(month("2025-01"), ("2025-01", "a", 1))
    both = Slice({"usage_period": ["2025-01", "2025-02"]})
    assert put(both, ("2025-02", "a", 2)) == "Overwrite"
    assert units(lake) == [("2025-02", "a", 2)]


def test_a_slice_of_no_month_takes_no_row_away(put, lake):
    put(month("2025-01"), ("2025-01", "a", 1))
    assert put(Slice({"usage_period": []})) == "Append"
    assert units(lake) == [("2025-01", "a", 1)]


def test_part_of_a_month_is_exchanged_alone(put, lake):
    put(month("2025-01"), ("2025-01", "a", 1), ("2025-01", "b", 2))
    assert put(month("2025-01", "rack_type = 'b'"), ("2025-01", "b", 5)) == "Overwrite"
    assert units(lake) == [("2025-01", "a", 1), ("2025-01", "b", 5)]


def test_a_whole_table_goes(put, lake):
    assert put(WHOLE_TABLE, ("2025-01", "a", 1), ("2025-02", "b", 2)) == "Append"
    assert put(WHOLE_TABLE, ("2025-03", "c", 3)) == "Overwrite"
    assert units(lake) == [("2025-03", "c", 3)]


def test_rows_that_a_join_leaves_out_are_not_held_against_the_slice(spark, lake):
    names = struct_type(table("core_rack_usage"))
    values = [(period, "eu-1", "r1", "C5", False, "vm", Decimal(1)) for period in ("2025-01", "2025-02")]
    runs = spark.createDataFrame([("2025-01",)], "usage_period string")
    frame = spark.createDataFrame(values, names).join(F.broadcast(runs), "usage_period", "inner")
    assert lake.replace("core_rack_usage", frame, month("2025-01")).rows == 1
    assert units(lake) == [("2025-01", "C5", 1)]


@pytest.mark.parametrize("there", [False, True], ids=["added", "exchanged"])
@pytest.mark.parametrize(
    ("where", "stray"),
    [(month("2025-01"), ("2025-02", "a", 9)), (month("2025-01", "rack_type = 'a'"), ("2025-01", "b", 9))],
    ids=["other month", "other rack type"],
)
def test_a_row_outside_of_its_slice_is_refused_and_nothing_is_written(put, lake, there, where, stray):
    before = [("2025-01", "a", 1)] if there else []
    if there:
        put(where, *before)
    with pytest.raises(PySparkException):
        put(where, ("2025-01", "a", 7), stray)
    assert units(lake) == before
