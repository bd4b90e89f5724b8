"""Findings: cases of a condition, as rows of a frame, with the values that its message shows.

| table_name | condition | values |
|---|---|---|
| racks | CCFT-INPUT-UNKNOWN-CLUSTER | {table: racks, key: r-17, value: eu-9} |
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from string import Formatter
from typing import Any, Final

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ccft.errors import CONDITIONS, Problem
from ccft.ingest.types import DELIVERED
from ccft.schema.tables import Table

LISTED: Final = 20
"""Problems listed per condition and table; of the others, the number."""

Values = Mapping[str, SparkColumn | str]


def finding(code: str, table: Table, values: Values) -> SparkColumn:
    """A finding on one row: struct of condition and values. An empty value shows as nothing."""
    if code not in CONDITIONS:
        raise KeyError(code)
    pairs = {"table": table.name, **values}
    items = [
        part
        for name, value in pairs.items()
        for part in (F.lit(name), F.lit(value) if isinstance(value, str) else F.coalesce(value.cast("string"), F.lit("")))
    ]
    return F.struct(F.lit(code).alias("condition"), F.create_map(*items).alias("values"))


def key_text(table: Table, key: Sequence[str] | None = None, prefix: str = DELIVERED) -> SparkColumn:
    """The key of a row for messages; where a part of it is missing, the whole row."""
    names = table.key if key is None else key
    text = F.concat_ws(" ", *(F.coalesce(F.col(prefix + name).cast("string"), F.lit("-")) for name in names))
    required = [F.col(prefix + name).isNull() for name in names if not table.column(name).nullable]
    if not required or prefix != DELIVERED:
        return text
    row = F.to_json(F.struct(*(F.col(DELIVERED + name).alias(name) for name in table.column_names)))
    return F.when(any_of(required), F.substring(row, 1, 200)).otherwise(text)


def any_of(conditions: Iterable[SparkColumn]) -> SparkColumn:
    """Whether one of the conditions holds."""
    return reduce(lambda left, right: left | right, conditions, F.lit(False))


def found(frame: DataFrame, table: Table, *findings: SparkColumn) -> DataFrame:
    """Rows of findings: one per finding that is not null."""
    listed = frame.select(F.explode(F.array_compact(F.array(*findings))).alias("f"))
    return listed.select(F.lit(table.name).alias("table_name"), "f.condition", "f.values")


def first_of_each(findings: DataFrame, limit: int = LISTED) -> DataFrame:
    """The first findings per table and condition, in the order of their values, with `rank` from 1 to `limit` + 1."""
    order = Window.partitionBy("table_name", "condition").orderBy(F.to_json("values"))
    return findings.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= limit + 1)


def problems(rows: Iterable[Any], counts: Mapping[tuple[str, str], int], limit: int = LISTED) -> list[Problem]:
    """Problems of the rows of `first_of_each`, in a fixed order; what lies above the limit as a number."""
    listed = []
    for row in sorted(rows, key=lambda row: (row["table_name"], row["condition"], row["rank"])):
        if row["rank"] <= limit:
            listed.append(Problem(row["condition"], dict(row["values"])))
        else:
            count = counts[row["table_name"], row["condition"]] - limit
            values = {"table": row["table_name"], "count": count, "condition": row["condition"]}
            listed.append(Problem("CCFT-INPUT-MORE-PROBLEMS", values))
    return listed


def message(condition: SparkColumn, values: SparkColumn, codes: Sequence[str]) -> SparkColumn:
    """The filled-in message of a finding, one of `codes`, inside Spark."""
    text = F.lit(None).cast("string")
    for code in codes:
        parts: list[SparkColumn] = []
        for literal, name, _spec, _conversion in Formatter().parse(CONDITIONS[code].template):
            parts += [F.lit(literal)] if literal else []
            parts += [F.coalesce(F.try_element_at(values, F.lit(name)), F.lit(""))] if name else []
        text = F.when(condition == code, F.concat(*parts)).otherwise(text)
    return text
