"""Rows of an export on their way from the lake to the driver: in ranges of bounded size, whatever the number of payers.

Spark joins, sums, filters and sorts; the driver holds the rows of two ranges at most. A range is a run of whole deliveries, or a part of one that is
larger than a range. Where ranges begin and end does not show in the files.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.lake.tables import Lake
from ccft.publish.data_exports.rows import KEYS, ORDER
from ccft.publish.data_exports.scope import Slice

RANGE_ROWS: Final = 400_000
"""Account rows behind one range: some hundred megabytes on the driver."""

BATCH_ROWS: Final = 20_000_000
"""Account rows whose exported rows executors keep at a time, in memory or on disk."""

_ACCOUNT_DIGITS: Final = 12
_ACCURACY: Final = 10_000

Key = tuple[str, str, str]
"""Period, version, recipient."""


@dataclass(frozen=True)
class Range:
    """Deliveries that are fetched together; one alone may have too many rows for a range."""

    keys: tuple[Key, ...]
    rows: int


def account_rows(lake: Lake, slices: Iterable[Slice]) -> DataFrame:
    """Account rows of published slices, each at the Delta version of its run."""
    by_version: dict[int, list[Slice]] = {}
    for item in slices:
        by_version.setdefault(item.table_versions["account_emissions"], []).append(item)
    parts = [
        lake.read("account_emissions", version).where(reduce(lambda a, b: a | b, map(_of_slice, items)))
        for version, items in sorted(by_version.items())
    ]
    return reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)


def _of_slice(item: Slice) -> Column:
    return (F.col("usage_period") == item.period) & (F.col("methodology_version") == item.version)


def rows_per_payer(accounts: DataFrame) -> dict[Key, int]:
    """Account rows per period, version and payer: bounded by payers and months."""
    counted = accounts.groupBy("usage_period", "methodology_version", "payer_account_id").count().toArrow()
    columns = [counted[name].to_pylist() for name in counted.column_names]
    return {(period, version, payer): rows for period, version, payer, rows in zip(*columns, strict=True)}


def ranges(keys: Sequence[Key], rows: dict[Key, int], limit: int = RANGE_ROWS) -> Iterator[Range]:
    """Cut deliveries, in order, into ranges.

    Examples
    --------
    >>> a, b, c = (("2025-01", "v2.0", payer) for payer in "abc")
    >>> [(len(r.keys), r.rows) for r in ranges([a, b, c], {a: 3, b: 4, c: 30}, limit=8)]
    [(2, 7), (1, 30)]
    """
    pending: list[Key] = []
    count = 0
    for key in keys:
        size = rows.get(key, 0)
        if pending and count + size > limit:
            yield Range(tuple(pending), count)
            pending, count = [], 0
        pending.append(key)
        count += size
    if pending:
        yield Range(tuple(pending), count)


def batches(found: Iterable[Range], limit: int = BATCH_ROWS) -> Iterator[list[Range]]:
    """Ranges whose rows are computed together; at least one range each."""
    batch: list[Range] = []
    for item in found:
        if batch and sum(other.rows for other in batch) + item.rows > limit:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def within(item: Range) -> Column:
    """Condition on `KEYS` that holds for the rows of a range, and for no other delivery that is due."""
    first, last = item.keys[0], item.keys[-1]
    key = F.struct(*KEYS)
    return key.between(F.struct(*map(F.lit, first)), F.struct(*map(F.lit, last)))


def parts(rows: DataFrame, item: Range, limit: int = RANGE_ROWS) -> list[DataFrame]:
    """Frames of a range, in order: one, or for a single large delivery one per interval of accounts."""
    whole = rows.where(within(item))
    if item.rows <= limit or len(item.keys) > 1:
        return [whole]
    cuts = -(-item.rows // limit)
    fractions = F.array(*(F.lit(number / cuts) for number in range(1, cuts)))
    account = F.col("usage_account_id").cast("bigint")
    found = whole.select(F.percentile_approx(account, fractions, F.lit(_ACCURACY))).collect()[0][0] or []
    bounds = [f"{value:0{_ACCOUNT_DIGITS}d}" for value in sorted(set(found))]
    edges = [None, *bounds, None]
    return [whole.where(_between(low, high)) for low, high in pairwise(edges)]


def _between(low: str | None, high: str | None) -> Column:
    condition = F.lit(True)
    if low is not None:
        condition = condition & (F.col("usage_account_id") > low)
    if high is not None:
        condition = condition & (F.col("usage_account_id") <= high)
    return condition


def in_advance(frames: Sequence[DataFrame]) -> Iterator[pa.Table]:
    """Rows of frames, each in the order of delivery; the next is fetched while the caller works on one."""
    with ThreadPoolExecutor(1) as fetcher:
        following = [fetcher.submit(frame.toArrow) for frame in frames[:1]]
        for index in range(len(frames)):
            ready = following.pop()
            following += [fetcher.submit(frame.toArrow) for frame in frames[index + 1 : index + 2]]
            yield in_order(ready.result())


def in_order(table: pa.Table) -> pa.Table:
    """Rows in the order of delivery."""
    return table.sort_by([(name, "ascending") for name in ORDER])


def split(table: pa.Table) -> dict[Key, pa.Table]:
    """Rows of each delivery of a sorted table, without copying."""
    counted = table.group_by(list(KEYS), use_threads=False).aggregate([([], "count_all")])
    columns = [counted[name].to_pylist() for name in (*KEYS, "count_all")]
    found, start = {}, 0
    for period, version, recipient, rows in zip(*columns, strict=True):
        found[period, version, recipient] = table.slice(start, rows)
        start += rows
    return found
