"""A delivery under examination: its tables typed, its problems listed; nothing is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType

from ccft.errors import Problem
from ccft.ingest import account_usage, findings, quarantine, rack_usage, references, small_checks, usage
from ccft.ingest.fingerprint import Content, Slice, content, summed_groups, summed_hashes
from ccft.ingest.quarantine import Tally
from ccft.ingest.types import column_problems, typed
from ccft.lake.inputs import READ_ERRORS, read_inputs, unreadable
from ccft.lake.memory import Kept, settle
from ccft.periods import month_end, month_start
from ccft.schema.tables import INPUTS, Table, table

GROWING: Final = ("accounts", "racks")
"""Small tables that may still have millions of rows; the others fit one task."""
USAGE_PARENTS: Final = {
    "account_usage": ("clusters", "services", "accounts"),
    "rack_usage": ("clusters", "services", "racks"),
}


@dataclass
class Delivery:
    """What was delivered.

    Parameters
    ----------
    small
        Small tables, rows of `small_checks.judged`.
    context
        The same rows with all that their checks looked at, `small_checks.with_context`.
    usage
        Large tables, rows of `usage.marked`.
    groups
        Their months, rows of `usage.grouped`: read once, for fingerprints and sums.
    problems
        What is wrong with it, as far as looked at.
    contents
        Rows and fingerprint per slice.
    flawed
        Small tables of which rows fail a check, and usage tables with doubtful months.
    """

    small: dict[str, DataFrame] = field(default_factory=dict)
    context: dict[str, DataFrame] = field(default_factory=dict)
    usage: dict[str, DataFrame] = field(default_factory=dict)
    groups: dict[str, DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    contents: dict[Slice, Content] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)


def open_delivery(spark: SparkSession, inputs: str, periods: Sequence[str], kept: Kept) -> Delivery:
    """Read and type all tables; tables or columns that are missing become problems.

    Parameters
    ----------
    periods
        Periods of usage to take; empty = all.
    kept
        Keeps the small tables: parsed once, checked, joined and written from memory.
    """
    frames, problems = read_inputs(spark, inputs)
    delivery = Delivery(problems=problems)
    for registered in INPUTS:
        if registered.name not in frames:
            continue
        frame = frames[registered.name]
        wrong = column_problems(frame, registered)
        delivery.problems += wrong
        if wrong:
            continue
        if registered.is_large:
            rows = _usage_rows(frame, registered, periods)
            delivery.usage[registered.name] = rows
            delivery.groups[registered.name] = kept.keep(usage.grouped(rows, registered))
        else:
            _take_small(delivery, frame, registered, kept)
    return delivery


def _take_small(delivery: Delivery, frame: DataFrame, registered: Table, kept: Kept) -> None:
    """Type and judge a small table; what it says from now on is held in memory, whatever happens to its files."""
    name, grows = registered.name, registered.name in GROWING
    delivered = typed(frame if grows else frame.coalesce(1), registered)
    rows = small_checks.with_context(delivered, registered, delivery.small)
    judged = small_checks.judged(rows, registered, delivery.small)
    try:
        delivery.small[name] = kept.keep(judged) if grows else settle(judged)
        delivery.context[name] = rows
    except READ_ERRORS as error:
        delivery.problems.append(unreadable(name, error))


def _usage_rows(frame: DataFrame, registered: Table, periods: Sequence[str]) -> DataFrame:
    is_date = isinstance(frame.schema[registered.delivered_by].dataType, DateType)
    delivered = (
        _of_periods(frame, periods) if is_date else frame
    )  # before typing, so that files of other months are skipped
    rows = usage.marked(typed(delivered, registered), delivered.columns, registered)
    return rows if is_date else _of_periods(rows, periods)


def _of_periods(frame: DataFrame, periods: Sequence[str]) -> DataFrame:
    if not periods:
        return frame
    months = [
        f"(usage_date >= DATE'{month_start(period)}' AND usage_date < DATE'{month_end(period)}')" for period in periods
    ]
    return frame.where(" OR ".join(["usage_date IS NULL", *months]))


def take_fingerprints(delivery: Delivery, periods: Sequence[str]) -> None:
    """Fill `contents` in one pass over everything; a table that breaks while it is read becomes a problem."""
    hashes = {name: summed_hashes(frame, table(name)) for name, frame in delivery.small.items()}
    hashes |= {name: summed_groups(frame, table(name)) for name, frame in delivery.groups.items()}
    for name, period in ((name, period) for name in delivery.usage for period in periods):
        delivery.contents[Slice(name, period)] = content(name, 0, 0, 0)
    for row in _rows_or_problems(hashes, delivery):
        part = Slice(row["table_name"], row["period"] or "")
        delivery.contents[part] = content(part.table, row["rows"], row["high"], row["low"])
        delivery.flawed |= {part.table} if row["flawed"] else set()


def _rows_or_problems(hashes: Mapping[str, DataFrame], delivery: Delivery) -> Iterable[Mapping[str, object]]:
    if not hashes:
        return []
    try:
        return [row.asDict() for row in reduce(DataFrame.union, hashes.values()).collect()]
    except READ_ERRORS:
        rows: list[Mapping[str, object]] = []
        before = len(delivery.problems)
        for name, frame in hashes.items():
            try:
                rows += [row.asDict() for row in frame.collect()]
            except READ_ERRORS as error:
                delivery.problems.append(unreadable(name, error))
                delivery.small.pop(name, None)
                delivery.flawed.discard(name)
                delivery.usage.pop(name, None)
        if len(delivery.problems) == before:
            raise
        return rows


def small_problems(delivery: Delivery) -> list[Problem]:
    """Everything that is wrong with the small tables: their flawed rows, and what lies between rows."""
    small, context = delivery.small, delivery.context
    found = [
        small_checks.row_findings(context[name], table(name), small) for name in sorted(delivery.flawed & small.keys())
    ]
    if "racks" in small:
        found.append(references.mixed_rack_types(small["racks"], table("racks")))
    if "accounts" in small:
        found.append(references.unknown_payers(small["accounts"], table("accounts")))
    if {"activity", "emission_factors"} <= small.keys():
        factors = small["emission_factors"]
        found.append(references.units_unlike_their_factor(small["activity"], table("activity"), factors))
    return listed(reduce(DataFrame.union, found)) if found else []


def listed(found: DataFrame) -> list[Problem]:
    """Problems of a frame of findings: the first of each kind, and how many more there are."""
    rows = findings.first_of_each(found).collect()
    counts: dict[tuple[str, str], int] = {}
    if any(row["rank"] > findings.LISTED for row in rows):
        per_kind = found.groupBy("table_name", "condition").count().collect()
        counts = {(row["table_name"], row["condition"]): row["count"] for row in per_kind}
    return findings.problems(rows, counts)


def monthly_usage(delivery: Delivery, name: str, kept: Kept) -> DataFrame:
    """Monthly sums of a usage table with their conditions, kept: examined first, written later."""
    registered, groups, small = table(name), delivery.groups[name], delivery.small
    sums = usage.trusted(groups, registered)
    if name in delivery.flawed:
        sums = sums.union(usage.looked_at(delivery.usage[name], groups, registered))
    if name == account_usage.INPUT.name:
        return kept.keep(account_usage.monthly(sums, small["clusters"], small["services"], small["accounts"]))
    return kept.keep(rack_usage.monthly(sums, small["racks"], small["clusters"], small["services"]))


def tallies(pools: Mapping[str, DataFrame]) -> list[Tally]:
    """What became of the rows of all usage tables, in one pass."""
    frames = [quarantine.tally(frame, table(name)) for name, frame in pools.items()]
    return [Tally(**row.asDict()) for row in reduce(DataFrame.union, frames).collect()] if frames else []


def rejected(delivery: Delivery, name: str, pools: DataFrame) -> DataFrame:
    """Delivered rows of a usage table that are set aside."""
    small, rows = delivery.small, delivery.usage[name]
    if name == account_usage.INPUT.name:
        suspects = quarantine.suspects(pools, account_usage.POOL_KEY)
        return quarantine.rejected(
            rows,
            account_usage.INPUT,
            suspects,
            lambda frame: account_usage.with_condition(frame, small["clusters"], small["services"], small["accounts"]),
        )
    suspects = quarantine.suspects(pools, rack_usage.SUSPECT_KEY)
    return quarantine.rejected(
        rows,
        rack_usage.INPUT,
        suspects,
        lambda frame: rack_usage.with_condition(frame, small["racks"], small["clusters"], small["services"]),
    )
