"""Content fingerprints of core tables per period: what decides whether a run has anything to do.

Reference tables are hashed row by row on the driver, usage tables by Spark. Both are independent of the order of rows and of the files they lie in.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.periods import month_end

FUEL_HISTORY_YEARS: Final = 2
"""Calendar years of generator fuel before the period's own that its estimate can rest on (methodology section 2)."""
_OPEN_END: Final = "9999-12"
_HASH_BYTES: Final = 16
_STARTS: Final = {"core_racks": "deployed_on", "core_facility_assets": "in_service_on", "core_clusters": "launched_on"}

Row = Mapping[str, Any]


def _is_relevant(name: str) -> Callable[[Row, str, date], bool]:
    """Whether a row of a reference table can change the results of a period (with its exclusive end).

    Later deliveries add racks, factors and activity of other months: those leave a published month as it is.
    """
    if name == "core_activity":
        return lambda row, period, _end: row["period"] == period or _is_fuel_history(row, period)
    if name == "core_certificates":
        return lambda row, period, _end: bool(row["period"] == period)
    if name == "core_emission_factors":
        return lambda row, period, _end: row["valid_from"] <= period <= (row["valid_to"] or _OPEN_END)
    if name in _STARTS:
        return lambda row, _period, end: bool(row[_STARTS[name]] < end)
    return lambda _row, _period, _end: True


def _is_fuel_history(row: Row, period: str) -> bool:
    year = int(period[:4])
    return row["activity"] == "generator_fuel" and year - FUEL_HISTORY_YEARS <= int(row["period"][:4]) < year


def _row_hash(row: Row) -> int:
    text = "\x1f".join(f"{name}={'' if value is None else f'={value}'}" for name, value in sorted(row.items()))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).digest())


def _reference_lines(name: str, rows: pa.Table, periods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(period, line) of one reference table: rows that matter to the period and the sum of their hashes."""
    hashed = [(row, _row_hash(row)) for row in rows.to_pylist()]
    is_relevant = _is_relevant(name)
    for period in periods:
        end = month_end(period)
        found = [value for row, value in hashed if is_relevant(row, period, end)]
        yield period, f"{name} {len(found)} {sum(found) % 2 ** (8 * _HASH_BYTES):x}"


def usage_hashes(tables: Mapping[str, DataFrame], periods: Sequence[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """Rows and summed hash of usage tables: (table, period) -> (rows, sum). One scan of each."""
    parts = []
    for name, frame in sorted(tables.items()):
        columns = [F.coalesce(F.col(column).cast("string"), F.lit("\x00")) for column in sorted(frame.columns)]
        rows = frame.where(F.col("usage_period").isin(*periods))
        hashed = rows.select("usage_period", F.xxhash64(*columns).cast("decimal(20,0)").alias("row_hash"))
        sums = hashed.groupBy("usage_period").agg(F.count("*").alias("rows"), F.sum("row_hash").alias("sum"))
        parts.append(sums.select(F.lit(name).alias("name"), "usage_period", "rows", "sum"))
    found = reduce(DataFrame.unionByName, parts).collect()
    return {(row["name"], row["usage_period"]): (row["rows"], int(row["sum"])) for row in found}


def fingerprints(
    reference: Mapping[str, pa.Table], usage: Mapping[tuple[str, str], tuple[int, int]], periods: Sequence[str]
) -> dict[str, str]:
    """SHA-256 per period over row counts and hashes of all core tables that matter to it.

    Parameters
    ----------
    reference
        Reference tables by name.
    usage
        What `usage_hashes` found.
    """
    lines: dict[str, list[str]] = {period: [] for period in periods}
    for name, rows in sorted(reference.items()):
        for period, line in _reference_lines(name, rows, periods):
            lines[period].append(line)
    for (name, period), (count, total) in sorted(usage.items()):
        lines[period].append(f"{name} {count} {total}")
    return {period: hashlib.sha256("\n".join(text).encode()).hexdigest() for period, text in lines.items()}
