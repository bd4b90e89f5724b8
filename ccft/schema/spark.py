"""Spark schemas and Delta DDL of the registry's tables."""

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from ccft.config import HISTORY_DAYS
from ccft.schema.arrow import arrow_schema, arrow_type
from ccft.schema.tables import Table

_JSON_NAMES: Final = {"bigint": "long", "int": "integer"}
"""Types that Spark's JSON schemas call by another name than its SQL."""


def struct_type(table: Table) -> StructType:
    """Spark schema of a table, nullability included; needs no session, unlike a schema from DDL text."""
    fields = [
        {"name": c.name, "type": _JSON_NAMES.get(c.type, c.type), "nullable": c.nullable, "metadata": {}}
        for c in table.columns
    ]
    return StructType.fromJson({"fields": fields})


def local_frame(spark: SparkSession, rows: Iterable[Sequence[object]], columns: Table | str) -> DataFrame:
    """Rows made in Python as a frame that is part of its plans.

    Through Arrow: out of a list PySpark makes an RDD of pickled rows, and every plan that reads it starts Python processes on the executors, which
    takes seconds the first time, and needs Python there.

    Parameters
    ----------
    rows
        Values in the order of the columns.
    columns
        Registry entry, nullability included, or names and types as in `"usage_period string, kg decimal(28,9)"`.

    Raises
    ------
    pyarrow.ArrowInvalid
        A value does not fit its column's type.
    """
    if isinstance(columns, Table):
        schema, required = arrow_schema(columns), struct_type(columns)
    else:
        pairs = (one.split() for one in columns.split(", "))
        schema, required = pa.schema([(name, arrow_type(kind)) for name, kind in pairs]), None
    made = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
    return spark.createDataFrame(made, required)


def select_columns(table: Table) -> list[SparkColumn]:
    """The one closing `select` of a transform: the table's columns, in order, in its types."""
    return [F.col(column.name).cast(column.type).alias(column.name) for column in table.columns]


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def column_ddl(table: Table) -> str:
    """Column list for CREATE TABLE, with comments."""
    lines = []
    for column in table.columns:
        comment = column.description + (f" [{column.unit}]" if column.unit else "")
        null = "" if column.nullable else " NOT NULL"
        lines.append(f"`{column.name}` {column.type}{null} COMMENT {quote(comment)}")
    return ",\n  ".join(lines)


def history_properties(days: int) -> dict[str, str]:
    """Delta properties that keep superseded rows, and the log that finds them, for some days; `VACUUM` obeys them."""
    interval = f"interval {days} days"
    return {"delta.deletedFileRetentionDuration": interval, "delta.logRetentionDuration": interval}


def create_table_ddl(table: Table, path: str, history_days: int = HISTORY_DAYS) -> str:
    """CREATE TABLE IF NOT EXISTS statement of a Delta table at a path, comments and properties included.

    Tables stay on Delta's basic reader protocol (no column mapping, no deletion vectors), so that readers without a JVM
    see the same rows.
    """
    properties = {"delta.enableDeletionVectors": "false", **history_properties(history_days)}
    properties |= {f"delta.constraints.{name}": condition for name, condition in table.checks}
    if table.statistics_on:
        properties["delta.dataSkippingStatsColumns"] = ",".join(table.statistics_on)
    pairs = ", ".join(f"{quote(key)} = {quote(value)}" for key, value in properties.items())
    partitioned = f"\nPARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    return (
        f"CREATE TABLE IF NOT EXISTS delta.`{path}` (\n  {column_ddl(table)}\n) USING DELTA{partitioned}"
        f"\nCOMMENT {quote(table.description)}\nTBLPROPERTIES ({pairs})"
    )
