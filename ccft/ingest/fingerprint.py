"""Content fingerprints: what was delivered, whatever its file layout, format and order.

Two deliveries have the same fingerprint when they hold the same rows, equally often. Only registry columns count, as typed: a value
that cannot be read counts as empty.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest.small_checks import IS_FLAWED
from ccft.schema.spark import quote
from ccft.schema.tables import Table

_HALF: Final = 32
_LOW: Final = 2**_HALF - 1
PENDING: Final = "pending"
"""Logged instead of a fingerprint before the first write: a delivery that was killed differs from itself, and a re-run heals it."""


@dataclass(frozen=True, order=True)
class Slice:
    """What one table delivers for one period; period empty for a snapshot, and for rows without a readable date."""

    table: str
    period: str


@dataclass(frozen=True)
class Content:
    """Rows of a slice and their fingerprint."""

    rows: int
    fingerprint: str


def row_hash_sql(table: Table) -> str:
    """64-bit hash of a typed row."""
    # xxhash64 passes over nulls: (null, 1) and (1, null) would be equal.
    is_null = [f"{column.name} IS NULL" for column in table.columns if column.nullable]
    return f"xxhash64({', '.join([*table.column_names, *is_null])})"


def hash_sums_sql(column: str) -> list[str]:
    """Order-independent sums of hashes: the halves apart as BIGINT, exact up to 2^31 rows at a fraction of what a decimal sum costs."""
    return [f"sum(shiftright({column}, {_HALF})) AS high", f"sum({column} & {_LOW}L) AS low"]


def summed_hashes(typed: DataFrame, table: Table) -> DataFrame:
    """Sum the hashes of a small table per period.

    Returns
    -------
    DataFrame
        `table_name`, `period` (empty for a snapshot), `rows`, `high`, `low`, `flawed` (rows that fail a check).
    """
    period = table.delivered_by or "''"
    hashed = typed.selectExpr(f"{period} AS period", f"{row_hash_sql(table)} AS h", IS_FLAWED)
    sums = ["count(*) AS rows", *hash_sums_sql("h"), f"count_if({IS_FLAWED}) AS flawed"]
    grouped = hashed.groupBy("period").agg(*(F.expr(sql) for sql in sums))
    return grouped.selectExpr(f"{quote(table.name)} AS table_name", "*")


def summed_groups(groups: DataFrame, table: Table) -> DataFrame:
    """Sum the hashes of a usage table per period, from its `usage.grouped`; columns as in `summed_hashes`, `flawed`: doubtful groups."""
    sums = ["sum(row_count) AS rows", "sum(high) AS high", "sum(low) AS low", "count_if(is_doubtful) AS flawed"]
    months = groups.groupBy("month").agg(*(F.expr(sql) for sql in sums))
    period = "substring(CAST(month AS STRING), 1, 7) AS period"
    return months.selectExpr(f"{quote(table.name)} AS table_name", period, "rows", "high", "low", "flawed")


def content(table: str, rows: int, high: int, low: int) -> Content:
    """Fingerprint of a slice from its sums."""
    text = f"{table} {rows} {(high << _HALF) + low}"
    return Content(rows, hashlib.sha256(text.encode()).hexdigest())


def delivery_id(contents: Mapping[Slice, Content]) -> str:
    """Name of a delivery: derived from its content."""
    lines = sorted(f"{part.table} {part.period} {found.fingerprint}" for part, found in contents.items())
    return "ingest-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def changed(contents: Mapping[Slice, Content], logged: Mapping[Slice, str]) -> set[Slice]:
    """Slices that differ from what was ingested last."""
    return {part for part, found in contents.items() if logged.get(part) != found.fingerprint}


def newest(log: Iterable[Mapping[str, Any]]) -> dict[Slice, str]:
    """Newest fingerprint per slice from the lines of `ingest_log`."""
    lines = sorted(log, key=lambda line: line["ingested_at"])
    return {Slice(line["table_name"], line["period"] or ""): line["fingerprint"] for line in lines}


def periods_of(contents: Iterable[Slice], table: str) -> list[str]:
    """Periods that a table delivers, in order."""
    return sorted(part.period for part in contents if part.table == table and part.period)
