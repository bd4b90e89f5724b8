"""A delivery under examination: its tables typed, its problems listed; nothing is written."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import DateType, TimestampType

from ccft.errors import Problem
from ccft.ingest import (
    account_usage,
    ai_checks,
    ai_layout,
    ai_usage,
    findings,
    quarantine,
    rack_usage,
    references,
    small_checks,
    usage,
)
from ccft.ingest.fingerprint import Content, Slice, content, summed_groups, summed_hashes
from ccft.ingest.quarantine import Tally
from ccft.ingest.types import column_problems, typed
from ccft.lake.inputs import READ_ERRORS, approximate_rows, read_inputs, read_optional, unreadable
from ccft.lake.memory import COMPILE_FROM_ROWS, Kept, compiled_plans, on_driver, short_plans
from ccft.periods import month_end, month_start
from ccft.schema.tables import AI_INPUTS, INPUTS, Table, table

GROWING: Final = ("accounts", "racks")
"""Small tables that may still have millions of rows; the others fit one task."""
READERS: Final = 3
"""Small tables read side by side: planning one leaves time to read another."""
USAGE_PARENTS: Final = {
    "account_usage": ("clusters", "services", "accounts"),
    "rack_usage": ("clusters", "services", "racks"),
    "ai_accelerator_usage": ("ai_deployments", "accelerator_types"),
    "ai_token_usage": ("ai_deployments", "accelerator_types", "ai_models", "ai_releases", "accounts"),
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
    is_small_at_first_sight
        Whether its files look like few rows, as far as that can be known before they are read.
    """

    small: dict[str, DataFrame] = field(default_factory=dict)
    context: dict[str, DataFrame] = field(default_factory=dict)
    usage: dict[str, DataFrame] = field(default_factory=dict)
    groups: dict[str, DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    contents: dict[Slice, Content] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)
    is_small_at_first_sight: bool = False


def open_delivery(spark: SparkSession, inputs: str, periods: Sequence[str], kept: Kept) -> Delivery:
    """Read and type all tables; tables or columns that are missing become problems.

    Parameters
    ----------
    periods
        Periods of usage to take; empty = all.
    kept
        Keeps accounts, racks and months of usage: read once, checked, joined and written from memory.
    """
    frames, problems = read_inputs(spark, inputs)
    ai, unreadable_ai = read_optional(spark, inputs, AI_INPUTS)
    expected = approximate_rows(inputs)
    delivery = Delivery(
        problems=[*problems, *unreadable_ai, *ai_layout.missing(ai)],
        is_small_at_first_sight=expected is not None and expected < COMPILE_FROM_ROWS,
    )
    frames |= ai_layout.layout(ai, frames.get("clusters"))
    tables = [entry for entry in (*INPUTS, *AI_INPUTS) if entry.name in frames]
    for registered in tables:
        wrong = column_problems(frames[registered.name], registered)
        delivery.problems += wrong
        if wrong:
            del frames[registered.name]
    small = [entry.name for entry in tables if entry.name in frames and not entry.is_large]
    parents = [name for name in small if name in small_checks.PARENT_KEY]
    bounded = [name for name in small if name not in parents and name not in GROWING]
    with short_plans(spark):  # the session's plans: around all threads, never inside one
        for wave in (parents, bounded):
            _take_bounded(delivery, {name: frames[name] for name in wave})
    for name in (name for name in small if name in GROWING):
        rows, judged = _judged(frames[name], name, delivery.small)
        delivery.context[name], delivery.small[name] = rows, kept.keep(judged)
    known = ai_usage.retirements(delivery.small) if ai else {}
    for registered in (entry for entry in tables if entry.name in frames and entry.is_large):
        flaws = ai_usage.further_flaws(registered.name, known) if registered.name in ai else []
        rows = _usage_rows(frames[registered.name], registered, periods, flaws)
        delivery.usage[registered.name] = rows
        delivery.groups[registered.name] = kept.keep(usage.grouped(rows, registered))
    return delivery


def _judged(frame: DataFrame, name: str, parents: Mapping[str, DataFrame]) -> tuple[DataFrame, DataFrame]:
    """Typed rows of a small table with what their checks look at, and what remains of them."""
    rows = small_checks.with_context(typed(frame, table(name)), table(name), parents)
    return rows, small_checks.judged(rows, table(name), parents)


def _take_bounded(delivery: Delivery, frames: Mapping[str, DataFrame]) -> None:
    """Type and judge tables that fit the driver; what they say from now on is held there, whatever happens to their files."""
    parents = dict(delivery.small)

    def take(name: str) -> tuple[DataFrame, DataFrame] | Problem:
        rows, judged = _judged(frames[name].coalesce(1), name, parents)
        try:
            return rows, on_driver(judged.sparkSession, judged.toArrow())
        except READ_ERRORS as error:
            return unreadable(name, error)

    with ThreadPoolExecutor(READERS) as pool:
        taken = dict(zip(frames, pool.map(take, frames), strict=True))
    for name, result in taken.items():
        if isinstance(result, Problem):
            delivery.problems.append(result)
        else:
            delivery.context[name], delivery.small[name] = result


def _usage_rows(
    frame: DataFrame, registered: Table, periods: Sequence[str], further: Sequence[usage.Flaw] = ()
) -> DataFrame:
    when = registered.delivered_by
    is_typed = isinstance(frame.schema[when].dataType, DateType | TimestampType)
    # Where the day is a date, other months are left out before typing: their files are not even opened.
    delivered = _of_periods(frame, periods, when) if is_typed else frame
    rows = usage.marked(typed(delivered, registered), delivered.columns, registered, further)
    return rows if is_typed else _of_periods(rows, periods, when)


def _of_periods(frame: DataFrame, periods: Sequence[str], when: str) -> DataFrame:
    if not periods:
        return frame
    months = [f"({when} >= DATE'{month_start(period)}' AND {when} < DATE'{month_end(period)}')" for period in periods]
    return frame.where(" OR ".join([f"{when} IS NULL", *months]))


def take_fingerprints(spark: SparkSession, delivery: Delivery, periods: Sequence[str]) -> None:
    """Fill `contents`, reading usage once; a table that breaks while it is read becomes a problem."""
    bounded: dict[str, DataFrame] = {}
    large = {name: summed_groups(frame, table(name)) for name, frame in delivery.groups.items()}
    for name, frame in delivery.small.items():
        (large if name in GROWING else bounded)[name] = summed_hashes(frame, table(name))
    asked_for = [(name, period) for name in delivery.usage for period in periods]
    snapshots = [(name, "") for name in delivery.small if not table(name).delivered_by]
    for name, period in (*asked_for, *snapshots):  # replaced even where no row is delivered
        delivery.contents[Slice(name, period)] = content(name, 0, 0, 0)
    with short_plans(spark):
        if delivery.is_small_at_first_sight:
            bounded, large = bounded | large, {}
        rows = _rows_or_problems(bounded, delivery)
    for row in [*rows, *_rows_or_problems(large, delivery)]:
        part = Slice(row["table_name"], row["period"] or "")
        delivery.contents[part] = content(part.table, row["rows"], row["high"], row["low"])
        delivery.flawed |= {part.table} if row["flawed"] else set()


def _rows_or_problems(hashes: Mapping[str, DataFrame], delivery: Delivery) -> list[Row]:
    if not hashes:
        return []
    try:
        return reduce(DataFrame.union, hashes.values()).collect()
    except READ_ERRORS:
        rows: list[Row] = []
        before = len(delivery.problems)
        for name, frame in hashes.items():
            try:
                rows += frame.collect()
            except READ_ERRORS as error:
                delivery.problems.append(unreadable(name, error))
                delivery.small.pop(name, None)
                delivery.usage.pop(name, None)
        if len(delivery.problems) == before:
            raise
        return rows


def is_small(delivery: Delivery) -> bool:
    """Whether plans over the delivery are better run without compiling them."""
    return sum(found.rows for found in delivery.contents.values()) < COMPILE_FROM_ROWS


def plans(spark: SparkSession, delivery: Delivery) -> AbstractContextManager[None]:
    """How plans over the delivery run: compiled code pays from some size on."""
    return short_plans(spark) if is_small(delivery) else compiled_plans(spark)


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
    found += _ai_findings(small)
    cycles = ai_checks.cycles([row.asDict() for row in small["ai_models"].collect()]) if "ai_models" in small else []
    return [*(listed(reduce(DataFrame.union, found)) if found else []), *cycles]


def _ai_findings(small: Mapping[str, DataFrame]) -> list[DataFrame]:
    """What lies between rows of AI tables."""
    found = []
    if "ai_models" in small:
        found.append(ai_checks.unknown_parents(small["ai_models"]))
    if {"ai_models", "accounts"} <= small.keys():
        found.append(ai_checks.unknown_accounts(small["ai_models"], "ai_models", "owner_account_id", small["accounts"]))
    if {"ai_deployments", "accounts"} <= small.keys():
        deployments = small["ai_deployments"]
        found.append(ai_checks.unknown_accounts(deployments, "ai_deployments", "account_id", small["accounts"]))
        found.append(ai_checks.foreign_owners(deployments, small["accounts"]))
    if {"ai_deployments", "ai_releases"} <= small.keys():
        found.append(ai_checks.foreign_releases(small["ai_deployments"], small["ai_releases"]))
    return found


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
    if name == ai_usage.HOURS.name:
        hours = usage.daily(delivery.usage[name], registered)
        return kept.keep(ai_usage.monthly_hours(hours, small["ai_deployments"], small["accelerator_types"]))
    sums = usage.trusted(groups, registered)
    if name in delivery.flawed or not delivery.contents:
        sums = sums.union(usage.looked_at(delivery.usage[name], groups, registered))
    if name == account_usage.INPUT.name:
        return kept.keep(account_usage.monthly(sums, small["clusters"], small["services"], small["accounts"]))
    if name == ai_usage.TOKENS.name:
        return kept.keep(ai_usage.monthly_tokens(sums, *_token_parents(small)))
    return kept.keep(rack_usage.monthly(sums, small["racks"], small["clusters"], small["services"]))


def _token_parents(small: Mapping[str, DataFrame]) -> tuple[DataFrame, ...]:
    return tuple(small[name] for name in ("ai_deployments", "accelerator_types", "ai_models", "accounts"))


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
    if name == ai_usage.TOKENS.name:
        suspects = quarantine.suspects(pools, ai_usage.TOKEN_KEY)
        return quarantine.rejected(
            rows,
            ai_usage.TOKENS,
            suspects,
            lambda frame: ai_usage.tokens_with_condition(frame, *_token_parents(small)),
        )
    if name == ai_usage.HOURS.name:
        suspects = quarantine.suspects(pools, ai_usage.HOUR_KEY)
        parents = small["ai_deployments"], small["accelerator_types"]
        return quarantine.rejected(
            rows, ai_usage.HOURS, suspects, lambda frame: ai_usage.hours_with_condition(frame, *parents)
        )
    suspects = quarantine.suspects(pools, rack_usage.SUSPECT_KEY)
    return quarantine.rejected(
        rows,
        rack_usage.INPUT,
        suspects,
        lambda frame: rack_usage.with_condition(frame, small["racks"], small["clusters"], small["services"]),
    )
