"""`ccft ingest`: a folder of inputs becomes the core tables of the lake, or nothing of it does."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from ccft.config import Settings
from ccft.errors import Problem, raise_all
from ccft.ingest import account_usage, ai_usage, fingerprint, quarantine, rack_usage, remarks, usage_classes
from ccft.ingest.fingerprint import PENDING
from ccft.ingest.quarantine import Tally
from ccft.lake.memory import Kept
from ccft.lake.tables import WHOLE_TABLE, Lake, Slice
from ccft.periods import is_period
from ccft.pipeline.delivery import (
    USAGE_PARENTS,
    Delivery,
    is_small,
    listed,
    monthly_usage,
    open_delivery,
    plans,
    rejected,
    small_problems,
    take_fingerprints,
    tallies,
)
from ccft.schema.spark import local_frame, quote
from ccft.schema.tables import table

WRITERS: Final = 3
"""Tables written side by side: each Delta commit is mostly waiting."""
_EVENT_SCHEMA: Final = (
    "usage_period string, condition string, subject string, event_value decimal(38,9), message string"
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Parameters
    ----------
    ingest_id
        Name of the delivery, derived from its content.
    unchanged
        The lake already holds this delivery: nothing was written.
    periods
        Periods of usage in the delivery.
    rows
        Rows written per core table; tables that had not changed are not in it.
    rejected
        Rows set aside per usage table and condition.
    events
        Events written.
    seconds
        Elapsed.
    """

    ingest_id: str
    unchanged: bool
    periods: tuple[str, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    events: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Plan:
    """What of a delivery has to be written."""

    ingest_id: str
    small: tuple[str, ...]
    usage: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return (*self.small, *self.usage)


def ingest(
    spark: SparkSession,
    inputs: str,
    lake: Lake,
    settings: Settings,
    periods: Sequence[str] | None = None,
    progress: Progress = lambda _line: None,
) -> IngestReport:
    """Validate a delivery and replace what it delivers: snapshots as a whole, monthly tables by period.

    Parameters
    ----------
    inputs
        Folder with one entry per input table (contract, section 1).
    lake
        Where the core tables are.
    settings
        Limits of rejected rows.
    periods
        Usage of exactly these periods: one without rows becomes empty, others in the folder are left alone. None = all in it.
    progress
        Called with a line per step.

    Raises
    ------
    CcftError
        All problems of all tables at once; the lake is as it was.
    """
    started = time.monotonic()
    wanted = _checked(periods or ())
    with Kept() as kept:
        progress("reading inputs")
        delivery = open_delivery(spark, inputs, wanted, kept)
        take_fingerprints(spark, delivery, wanted)
        plan = _plan(delivery, lake)
        if not plan.tables and not delivery.problems:
            return IngestReport(plan.ingest_id, unchanged=True, periods=_periods(delivery), seconds=_since(started))
        with plans(spark, delivery):
            progress("checking small tables")
            delivery.problems += small_problems(delivery)
            progress("summing usage")
            pools, lines = _sum_usage(delivery, plan, kept, wanted, settings)
            raise_all(delivery.problems)
            progress(f"writing {len(plan.tables)} tables")
            events = _write(lake, delivery, plan, pools, lines)
    rows = {f"core_{name}": _rows_written(delivery, lines, name) for name in plan.tables}
    aside = {name: quarantine.set_aside_in_all(lines, name) for name in plan.usage}
    return IngestReport(
        plan.ingest_id,
        unchanged=False,
        periods=_periods(delivery),
        rows=rows,
        rejected=aside,
        events=events,
        seconds=_since(started),
    )


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def _checked(periods: Sequence[str]) -> tuple[str, ...]:
    raise_all(Problem("CCFT-USAGE-BAD-PERIOD", {"value": period}) for period in periods if not is_period(period))
    return tuple(sorted(set(periods)))


def _periods(delivery: Delivery) -> tuple[str, ...]:
    return tuple(sorted({part.period for part in delivery.contents if part.table in delivery.usage and part.period}))


def _plan(delivery: Delivery, lake: Lake) -> _Plan:
    """Tables that differ from what was ingested last; usage also when a table it is joined with does."""
    logged = fingerprint.newest(lake.rows("ingest_log").to_pylist()) if lake.exists("ingest_log") else {}
    changed = {part.table for part in fingerprint.changed(delivery.contents, logged)}
    usage = tuple(name for name in delivery.usage if changed & {name, *USAGE_PARENTS[name]})
    small = tuple(name for name in delivery.small if name in changed)
    return _Plan(fingerprint.delivery_id(delivery.contents), small, usage)


def _sum_usage(
    delivery: Delivery, plan: _Plan, kept: Kept, wanted: Sequence[str], settings: Settings
) -> tuple[dict[str, DataFrame], list[Tally]]:
    """Monthly sums of usage whose parent tables are there; rejected periods and amounts become problems."""
    ready = [name for name in plan.usage if set(USAGE_PARENTS[name]) <= delivery.small.keys()]
    pools = {name: monthly_usage(delivery, name, kept) for name in ready}
    lines = tallies(pools)
    for name, frame in pools.items():
        periods = wanted or fingerprint.periods_of(delivery.contents, name)
        problems = quarantine.rejected_periods(
            lines, name, periods, settings.rejected_share_limit, settings.rejected_rows_limit
        )
        delivery.problems += problems
        conditions = {line.condition for line in lines if line.table == name}
        if problems:
            delivery.problems += listed(
                rejected(delivery, name, frame).where(f"condition <> {quote(quarantine.TOO_LARGE)}")
            )
        if quarantine.TOO_LARGE in conditions:
            delivery.problems += _too_large(delivery, name, frame)
    return pools, lines


def _too_large(delivery: Delivery, name: str, pools: DataFrame) -> list[Problem]:
    """Rows and monthly sums above the range of their column."""
    rows = rejected(delivery, name, pools).where(f"condition = {quote(quarantine.TOO_LARGE)}")
    key = ("period", *(key for key in table(f"core_{name}").key if key not in {"usage_period", "region_code"}))
    summed = table(f"core_{name}" if name == ai_usage.HOURS.name else name)
    sums = quarantine.oversized_sums(pools, summed, key)
    return listed(rows.select("table_name", "condition", "values").unionByName(sums))


def _write(lake: Lake, delivery: Delivery, plan: _Plan, pools: Mapping[str, DataFrame], lines: Sequence[Tally]) -> int:
    """Write what changed; the log says `pending` before and the fingerprint after, so that a re-run heals a killed one."""
    _log(lake, delivery, plan, pending=True)
    writes = {f"core_{name}": (delivery.small[name], _where(delivery, name)) for name in plan.small}
    for name in (name for name in plan.usage if fingerprint.periods_of(delivery.contents, name)):
        writes[f"core_{name}"] = (_core(name, pools[name], is_small=is_small(delivery)), _where(delivery, name))
    writes |= _rejected_rows(lake, delivery, plan, pools, lines)
    events, count = _events(lake, delivery, plan, lines)
    writes |= events
    # The largest first, so that the small ones fill the other threads meanwhile.
    order = sorted(writes, key=lambda name: not name.endswith("_usage"))
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda name: _replace(lake, name, *writes[name]), order))
    _log(lake, delivery, plan, pending=False)
    return count


def _replace(lake: Lake, name: str, frame: DataFrame, where: Slice) -> None:
    """Replace a slice; account rows are summed from storage once they are there, for all runs to come."""
    commit = lake.replace(name, frame, where)
    if name == account_usage.CORE.name:
        written = lake.read(name, commit.version).where(where.condition)
        lake.replace(usage_classes.CORE.name, usage_classes.usage_classes(written).coalesce(1), where)


def _core(name: str, pools: DataFrame, *, is_small: bool) -> DataFrame:
    """Rows of the core table of a usage table."""
    if name == rack_usage.INPUT.name:
        return rack_usage.core(pools)
    if name == account_usage.INPUT.name:
        return account_usage.core(pools, is_small=is_small)
    return ai_usage.core(pools, name, is_small=is_small)


def _log(lake: Lake, delivery: Delivery, plan: _Plan, *, pending: bool) -> None:
    now = datetime.now(UTC)
    rows = [
        (plan.ingest_id, part.table, part.period or None, found.rows, PENDING if pending else found.fingerprint, now)
        for part, found in sorted(delivery.contents.items())
        if part.table in plan.tables
    ]
    lake.append("ingest_log", local_frame(lake.spark, rows, table("ingest_log")))


def _where(delivery: Delivery, name: str) -> Slice:
    """What a delivery of a table replaces: all of a snapshot, the delivered periods of the others."""
    by = table(f"core_{name}").partition_by
    return Slice({by[0]: fingerprint.periods_of(delivery.contents, name)}) if by else WHOLE_TABLE


_Writes = dict[str, tuple[DataFrame, Slice]]


def _rejected_rows(
    lake: Lake, delivery: Delivery, plan: _Plan, pools: Mapping[str, DataFrame], lines: Sequence[Tally]
) -> _Writes:
    """Rows set aside, in place of those of earlier deliveries of the same periods and tables."""
    slices = [(name, period) for name in plan.usage for period in fingerprint.periods_of(delivery.contents, name)]
    affected = [name for name in plan.usage if quarantine.set_aside_in_all(lines, name)]
    if not slices or not (affected or lake.exists("rejected_rows")):
        return {}
    pairs = " OR ".join(f"(table_name = {quote(name)} AND usage_period = {quote(period)})" for name, period in slices)
    where = Slice({"table_name": plan.usage, "usage_period": sorted({period for _, period in slices})}, also=pairs)
    frame = local_frame(lake.spark, [], table("rejected_rows"))
    periods = local_frame(lake.spark, slices, "table_name string, usage_period string")
    for name in affected:
        frame = frame.unionByName(
            quarantine.rejected_rows(rejected(delivery, name, pools[name]), periods, plan.ingest_id)
        )
    return {"rejected_rows": (frame.coalesce(1), where)}


def _events(lake: Lake, delivery: Delivery, plan: _Plan, lines: Sequence[Tally]) -> tuple[_Writes, int]:
    """Remarks, in place of those of earlier deliveries of the same periods and tables."""
    slices = [(name, period) for name in plan.usage for period in fingerprint.periods_of(delivery.contents, name)]
    on_usage = [event for name, period in slices for event in remarks.on_usage(lines, name, period)]
    parts = [f"(usage_period = {quote(period)} AND startswith(subject, {quote(name)}))" for name, period in slices]
    rows = [(period, code, subject, Decimal(value), text) for period, code, subject, value, text in on_usage]
    odd = remarks.on_factors(delivery.small["emission_factors"])
    count = len(rows)
    if "emission_factors" in plan.small:
        parts.append(f"condition = {quote(remarks.IMPLAUSIBLE)}")
        count += odd.count()
    else:
        odd = odd.limit(0)
    if not parts or not (count or lake.exists("data_quality_events")):
        return {}, 0
    frame = remarks.events(local_frame(lake.spark, rows, _EVENT_SCHEMA), odd, plan.ingest_id)
    where = Slice({"methodology_version": [remarks.INGEST]}, also=" OR ".join(parts))
    return {"data_quality_events": (frame.coalesce(1), where)}, count


def _rows_written(delivery: Delivery, lines: Sequence[Tally], name: str) -> int:
    if name in delivery.usage:
        return sum(line.sums for line in lines if line.table == name and line.condition is None)
    return sum(found.rows for part, found in delivery.contents.items() if part.table == name)
