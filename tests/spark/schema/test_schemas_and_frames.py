"""Schemas made without a session are those that Spark itself reads from the DDL; rows made in Python need no Python on executors."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql.types import StructType

from ccft.schema.spark import local_frame, struct_type
from ccft.schema.tables import TABLES, table

pytestmark = pytest.mark.spark

DDL = "name string, kg decimal(28,9), number bigint, small int, share double, is_own boolean, day date, at timestamp"
ROWS = [
    ("a", Decimal("0.000000001"), 2**62, 7, 0.1, True, date(2025, 6, 30), datetime(2025, 6, 30, 23, 59, 59, 999999, UTC)),
    (None,) * 8,
]  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_schema_is_that_of_the_ddl(spark, name):
    columns = TABLES[name].columns
    ddl = ", ".join(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'}" for c in columns)
    assert struct_type(TABLES[name]) == StructType.fromDDL(ddl)
    assert local_frame(spark, [], TABLES[name]).schema == StructType.fromDDL(ddl)


@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "none"])
def test_rows_are_what_python_made(spark, no_python_on_executors, rows):
    frame = local_frame(spark, rows, DDL)
    assert frame.schema == StructType.fromDDL(DDL)
    assert [tuple(row.values()) for row in frame.toArrow().to_pylist()] == rows
    assert frame.count() == len(rows)


def test_the_list_of_rows_that_spark_itself_takes_needs_python(spark, no_python_on_executors):
    """Why `local_frame` is there, and that the fixture finds it."""
    with pytest.raises(Exception, match="no-such-python"):
        spark.createDataFrame(ROWS, DDL).collect()


def test_a_value_beyond_its_type_or_a_row_of_another_width_is_an_error(spark):
    with pytest.raises(pa.ArrowInvalid, match="would cause data loss"):
        local_frame(spark, [(Decimal("1e-10"),)], "kg decimal(28,9)")
    with pytest.raises(ValueError, match="shorter"):
        local_frame(spark, [("2025-06",)], table("run_log"))
