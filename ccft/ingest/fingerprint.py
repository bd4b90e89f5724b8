"""Content fingerprints: what was delivered, whatever its file layout, format and order.

Two deliveries have the same fingerprint when they hold the same rows, equally often. Only registry columns count, as typed: a value
that cannot be read counts as empty.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

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


def summed_hashes(typed: DataFrame, table: Table) -> DataFrame:
    """Sum a 64-bit hash over the rows of each period.

    The halves of the hash are summed as BIGINT: exact in any order up to 2^31 rows, at a fraction of what a decimal sum costs.

    Returns
    -------
    DataFrame
        `table_name`, `period` (null: no readable date), `rows`, `high`, `low`; `flawed`: rows that fail a check, small tables only.
    """
    # xxhash64 passes over nulls: (null, 1) and (1, null) would be equal.
    is_null = [f"{column.name} IS NULL" for column in table.columns if column.nullable]
    flawed = IS_FLAWED if IS_FLAWED in typed.columns else "false"
    hashed = typed.selectExpr(
        f"{_month(table)} AS month",
        f"xxhash64({', '.join([*table.column_names, *is_null])}) AS h",
        f"{flawed} AS flawed",
    )
    sums = hashed.groupBy("month").agg(
        F.expr("count(*) AS rows"),
        F.expr(f"sum(shiftright(h, {_HALF})) AS high"),
        F.expr(f"sum(h & {_LOW}L) AS low"),
        F.expr("count_if(flawed) AS flawed"),
    )
    name = f"{quote(table.name)} AS table_name"
    return sums.selectExpr(name, "substring(CAST(month AS STRING), 1, 7) AS period", "rows", "high", "low", "flawed")


def _month(table: Table) -> str:
    """What the rows of one slice have in common: nothing, a period, or the month of a date (grouped by as a date: cheaper than text)."""
    by = table.delivered_by
    if not by:
        return "''"
    return f"trunc({by}, 'MM')" if table.column(by).type == "date" else by


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


def newest(log: DataFrame) -> DataFrame:
    """Newest line per table and period of `ingest_log`: `table_name`, `period`, `fingerprint`."""
    latest = F.max_by("fingerprint", "ingested_at").alias("fingerprint")
    return log.groupBy("table_name", F.coalesce("period", F.lit("")).alias("period")).agg(latest)


def periods_of(contents: Iterable[Slice], table: str) -> list[str]:
    """Periods that a table delivers, in order."""
    return sorted(part.period for part in contents if part.table == table and part.period)
