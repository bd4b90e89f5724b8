"""`ccft run --due`: which periods are complete and not yet published in the version in effect (publish page, section 5)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ccft.audit import published
from ccft.config import Settings
from ccft.errors import CcftError, Problem
from ccft.lake.memory import short_plans
from ccft.lake.tables import Lake
from ccft.methodology.calendar import in_effect
from ccft.methodology.model import Methodology
from ccft.pipeline.backfill import backfill
from ccft.pipeline.core import Core
from ccft.pipeline.run import Progress, RunReport
from ccft.pipeline.stages import missing_inputs

USAGE: Final = ("account_usage", "rack_usage")
REQUIRED: Final = ("account_usage", "activity", "rack_usage")
"""Inputs that every month has rows of. Certificates, fuel and others a month may do without; the checks of a run know when it may not."""


@dataclass
class Due:
    """What a nightly run finds.

    Parameters
    ----------
    ready
        Period and version in effect, to be computed now.
    waiting
        Period -> what it lacks, as conditions.
    """

    ready: list[tuple[str, Methodology]] = field(default_factory=list)
    waiting: dict[str, list[str]] = field(default_factory=dict)


def delivered(ingest_log: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Period -> tables that have rows for it, from the newest line of each table and period."""
    newest = {(row["table_name"], row["period"]): row for row in sorted(ingest_log, key=lambda row: row["ingested_at"])}
    found: dict[str, set[str]] = defaultdict(set)
    for (name, period), row in newest.items():
        if period and row["row_count"] > 0:
            found[period].add(name)
    return found


def _candidates(tables: Mapping[str, set[str]], done: set[tuple[str, str]]) -> dict[str, Methodology]:
    """Months with usage that lack a published result of the version in effect. History of fuel alone makes no month."""
    months = sorted(period for period, names in tables.items() if names & set(USAGE))
    effective = {period: in_effect(period) for period in months}
    return {period: policy for period, policy in effective.items() if (period, policy.version) not in done}


def due(lake: Lake, settings: Settings) -> Due:
    """Periods that lack a published result of the version in effect, those whose inputs are complete apart from the others.

    A published period whose inputs have changed since is not due: it changes only as a restatement.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`, `CCFT-RUN-INGEST-INCOMPLETE`.
    """
    core = Core.open(lake, settings)
    tables = delivered(lake.rows("ingest_log").to_pylist())
    done = set(published.history(lake.rows("run_log")))
    found, by_version = Due(), defaultdict(list)
    policies: dict[str, Methodology] = {}
    for period, policy in _candidates(tables, done).items():
        absent = [name for name in REQUIRED if name not in tables[period]]
        if absent:
            problems = [Problem("CCFT-RUN-NOT-INGESTED", {"period": period, "table": name}) for name in absent]
            found.waiting[period] = [str(problem) for problem in problems]
        else:
            by_version[policy.version].append(period)
            policies[policy.version] = policy
    if not by_version:
        return found
    with short_plans(lake.spark):
        for version, periods in by_version.items():
            lacking: dict[str, list[str]] = defaultdict(list)
            for problem in missing_inputs(core.frames(periods), periods, policies[version]):
                lacking[str(problem.values["period"])].append(str(problem))
            found.waiting |= lacking
            found.ready += [(period, policies[version]) for period in periods if period not in lacking]
    return found


def publish_due(lake: Lake, settings: Settings, progress: Progress) -> tuple[Due, list[RunReport]]:
    """Publish every period that is due."""
    found = due(lake, settings)
    return found, backfill(lake, settings, found.ready, progress=progress) if found.ready else []


def is_locked(error: CcftError) -> bool:
    """Whether another process holds the lake: for a nightly run that is no failure."""
    return [problem.code for problem in error.problems] == ["CCFT-LAKE-LOCKED"]
