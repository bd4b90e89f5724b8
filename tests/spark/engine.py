"""The engine without storage: core tables by the functions of ingest, results of many periods as rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from ccft.config import Settings
from ccft.ingest import account_usage, rack_usage
from ccft.ingest.usage_classes import usage_classes
from ccft.lake.memory import Bench, Kept, settle, short_plans
from ccft.methodology.model import Methodology
from ccft.pipeline.delivery import monthly_usage, open_delivery
from ccft.pipeline.run import _provider, _stamped
from ccft.pipeline.stages import Core, compute
from ccft.schema.spark import local_frame, select_columns
from ccft.schema.tables import table

Rows = list[dict[str, Any]]
ByPeriod = dict[str, Rows]
COMPARED = (
    "inventory_emissions",
    "certificate_ledger",
    "rack_type_emissions",
    "service_emissions",
    "service_flows",
    "service_shares",
    "account_emissions",
    "reconciliation",
)
"""Result tables that the oracle has too, and the ledger."""


def core_tables(spark: SparkSession, folder: Path) -> Core:
    """Core tables of an input folder as ingest would write them, in memory."""
    core: Core = {}
    with Kept() as kept:
        delivery = open_delivery(spark, str(folder), (), kept)
        assert not delivery.problems
        frames = dict(delivery.small)
        for room in (account_usage, rack_usage):
            frames[room.INPUT.name] = room.core(monthly_usage(delivery, room.INPUT.name, kept))
        for name, frame in frames.items():
            core[f"core_{name}"] = settle(frame.select(*select_columns(table(f"core_{name}"))))
    return with_classes(core)


def with_classes(core: Core) -> Core:
    """The same with account usage summed by class, as ingest does."""
    return core | {"core_usage_classes": settle(usage_classes(core["core_account_usage"]))}


def results(
    spark: SparkSession,
    core: Core,
    periods: Sequence[str],
    policy: Methodology,
    wanted: Mapping[str, str] | None = None,
) -> dict[str, ByPeriod]:
    """Result tables of many periods, in their columns and types.

    Parameters
    ----------
    wanted
        SQL filter per table; None = all rows of `COMPARED`.
    """
    filters = dict.fromkeys(COMPARED, "true") if wanted is None else wanted
    with short_plans(spark), Bench(spark) as bench:
        provider = _provider(spark, core["core_accounts"], periods, Settings())
        found = compute(core, periods, policy, provider, bench)
        ids = local_frame(spark, [(period, "run") for period in periods], "usage_period string, run_id string")
        frames = _stamped(found, ids, policy)
        with bench.scan():
            return {
                name: by_period(frames[name].select(*select_columns(table(name))).where(sql))
                for name, sql in filters.items()
            }


def by_period(frame: DataFrame) -> ByPeriod:
    """Collect rows, grouped by their period."""
    rows: ByPeriod = defaultdict(list)
    for row in frame.toArrow().to_pylist():
        rows[row["usage_period"]].append(row)
    return rows
