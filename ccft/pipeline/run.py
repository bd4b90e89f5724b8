"""`ccft run`: one or more periods of one methodology version, from core tables to a published result."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

import pyarrow as pa
from pyspark.errors import ArithmeticException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.audit import published, restatement
from ccft.audit.reconciliation import violations
from ccft.audit.verification import account_differences
from ccft.config import Settings
from ccft.errors import Problem, fail, raise_all
from ccft.lake.memory import Bench, on_driver, settle, short_plans
from ccft.lake.tables import Commit, Lake, Slice
from ccft.methodology.calendar import unavailable
from ccft.methodology.model import Methodology
from ccft.pipeline import run_log
from ccft.pipeline.core import Core, Identity, contents, identities
from ccft.pipeline.run_log import Attempt
from ccft.pipeline.stages import Basis, Results, compute, period_frame
from ccft.schema.spark import local_frame, select_columns
from ccft.schema.tables import RESULTS, table

WRITERS = 3
"""Small tables are written side by side: each Delta commit is mostly waiting."""

Progress = Callable[[str], None]
T = TypeVar("T")


@dataclass
class RunReport:
    """What a run did."""

    methodology_version: str
    published: dict[str, str] = field(default_factory=dict)
    unchanged: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Clock:
    """Seconds per step, with progress."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Name a step and take its time."""
        self.progress(name)
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)


def run(
    lake: Lake,
    settings: Settings,
    periods: Sequence[str],
    policy: Methodology,
    *,
    restate_reason: str = "",
    restated_by: str = "",
    progress: Progress = lambda _line: None,
) -> RunReport:
    """Compute periods of one version and publish them, all or nothing.

    Parameters
    ----------
    periods
        Ingested periods.
    restate_reason, restated_by
        Why, and by whom, a published period is replaced; empty = published periods must be unchanged.

    Raises
    ------
    CcftError
        Missing inputs or factors, a published period with other inputs, a ledger that does not balance: nothing is published. From the
        moment the run has an identity, what it fails of is a line of `run_log`, status `failed`.
    """
    raise_all(unavailable(policy, periods))
    clock = Clock(progress)
    with clock.step("inputs"):
        core = Core.open(lake, settings)
        own = identities(contents(core, periods), periods, policy, settings)
        plan = plan_run(lake.rows("run_log"), own, policy, restate=bool(restate_reason))
        raise_all(plan.problems)
    return publish(lake, core, settings, plan, clock, restate_reason=restate_reason, restated_by=restated_by)


@dataclass(frozen=True)
class Plan:
    """What there is to do for periods of one version.

    Parameters
    ----------
    policy
        The version.
    due, unchanged
        Periods to compute; run id of those that are published as they would be computed.
    before
        What is published of the version.
    problems
        Published periods with another identity, when nothing may be restated.
    """

    policy: Methodology
    due: list[Identity]
    unchanged: dict[str, str]
    before: dict[str, published.Line]
    problems: list[Problem]

    def of(self, periods: Collection[str]) -> "Plan":
        """The same for some of its due periods; what is unchanged has been reported."""
        return replace(self, due=[identity for identity in self.due if identity.period in periods], unchanged={})


def plan_run(run_log_rows: pa.Table, own: Sequence[Identity], policy: Methodology, *, restate: bool) -> Plan:
    """Which periods have to be computed; a published one with other inputs needs a restatement."""
    plan = Plan(policy, [], {}, published.newest(run_log_rows, policy.version), [])
    for identity in own:
        line = plan.before.get(identity.period)
        if line is not None and line.run_id == identity.run_id:
            plan.unchanged[identity.period] = identity.run_id
        elif line is not None and not restate:
            plan.problems.append(
                Problem("CCFT-RUN-ALREADY-PUBLISHED", {"period": identity.period, "version": policy.version})
            )
        else:
            plan.due.append(identity)
    return plan


def publish(
    lake: Lake,
    core: Core,
    settings: Settings,
    plan: Plan,
    clock: Clock,
    *,
    restate_reason: str = "",
    restated_by: str = "",
    shared: Basis | None = None,
) -> RunReport:
    """Compute, write and publish the due periods of a plan, all or nothing; a failure is logged.

    Parameters
    ----------
    shared
        `stages.basis` of exactly the due periods, when several versions of them are computed.
    """
    report = RunReport(plan.policy.version, unchanged=plan.unchanged, seconds=clock.seconds)
    if not plan.due:
        return report
    attempt = Attempt(plan.policy, settings, plan.due, datetime.now(UTC), core.versions)
    try:
        versions = _compute_and_write(lake, core, attempt, clock, report, shared)
        with clock.step("publication"):
            if restate_reason:
                _log_restatement(lake, plan, versions, restate_reason, restated_by)
            lines = attempt.lines(
                run_log.PUBLISHED, "", rows=report.rows, seconds=report.seconds, table_versions=versions
            )
            run_log.append(lake, lines)
    except Exception as error:
        run_log.log_failure(lake, attempt, error, clock.progress)
        raise
    report.published = {identity.period: identity.run_id for identity in plan.due}
    return report


def _compute_and_write(
    lake: Lake, core: Core, attempt: Attempt, clock: Clock, report: RunReport, shared: Basis | None
) -> dict[str, int]:
    """Compute the due periods, write their slices and read them back; Delta version of every result table."""
    spark, policy, due = lake.spark, attempt.policy, attempt.identities
    names = [identity.period for identity in due]
    with short_plans(spark), Bench(spark, sum(identity.account_rows for identity in due)) as bench:
        with clock.step("allocation"):
            provider = provider_account(core, names, attempt.settings)
            results = _named_overflow(lambda: compute(core.frames(names), names, policy, provider, bench, shared))
            ids = local_frame(spark, [(x.period, x.run_id) for x in due], "usage_period string, run_id string")
            frames = _stamped(results, ids, policy)
        with clock.step("reconciliation"):
            ledger = settle(frames["reconciliation"].select(*select_columns(table("reconciliation"))))
            raise_all(violations(ledger))
            frames["reconciliation"] = ledger
        commits = _write(lake, frames, names, policy, clock, bench, results.flow_rows)
        with clock.step("read back"), bench.scan():
            _check_written(lake, commits, ledger, names, policy)
    report.rows = {name: commit.rows for name, commit in commits.items()}
    return {name: commit.version for name, commit in commits.items()}


def provider_account(core: Core, periods: Sequence[str], settings: Settings) -> DataFrame:
    """The provider's own account in each period."""
    return _provider(core.spark, on_driver(core.spark, core.reference["core_accounts"]), periods, settings)


def _provider(spark: SparkSession, accounts: DataFrame, periods: Sequence[str], settings: Settings) -> DataFrame:
    """The provider's own account per period; its own payer and internal where the inputs do not know it."""
    months = period_frame(spark, periods).select("usage_period")
    own = accounts.where(F.col("account_id") == settings.provider_account_id)
    valid = F.col("usage_period").between(F.col("valid_from"), F.coalesce("valid_to", F.lit("9999-12")))
    return months.join(own, valid, "left").select(
        "usage_period",
        F.lit(settings.provider_account_id).alias("account_id"),
        F.coalesce("payer_account_id", F.lit(settings.provider_account_id)).alias("payer_account_id"),
        F.coalesce("account_type", F.lit("internal")).alias("account_type"),
    )


def _stamped(results: Results, ids: DataFrame, policy: Methodology) -> dict[str, DataFrame]:
    """Result tables in their columns, with version and run id."""
    frames = {
        "inventory_emissions": results.inventory,
        "certificate_ledger": results.certificates,
        "rack_type_emissions": results.rack_types,
        "service_emissions": results.services,
        "service_flows": results.flows,
        "service_shares": results.shares,
        "reconciliation": results.ledger,
        "data_quality_events": results.events,
        "account_emissions": results.accounts,
    }
    version = F.lit(policy.version)
    return {
        name: frame.withColumn("methodology_version", version).join(F.broadcast(ids), "usage_period", "inner")
        for name, frame in frames.items()
    }


def _named_overflow(action: Callable[[], T]) -> T:
    """Name Spark's arithmetic overflow: an amount beyond what pools or rows can hold."""
    try:
        return action()
    except ArithmeticException as error:
        raise fail("CCFT-RUN-AMOUNT-TOO-LARGE", what="an amount or total") from error


def _write(
    lake: Lake,
    frames: dict[str, DataFrame],
    periods: Sequence[str],
    policy: Methodology,
    clock: Clock,
    bench: Bench,
    flow_rows: int,
) -> dict[str, Commit]:
    """Replace the slice of each result table, account rows last; the others run as the largest of them, the flows, has to."""
    where = Slice({"usage_period": periods, "methodology_version": [policy.version]})
    small = [registered.name for registered in RESULTS if registered.name != "account_emissions"]
    with clock.step("write results"), bench.plans(flow_rows), ThreadPoolExecutor(WRITERS) as pool:
        written = list(pool.map(lambda name: lake.replace(name, frames[name], where), small))
    with clock.step("write accounts"), bench.scan():
        last = _named_overflow(lambda: lake.replace("account_emissions", frames["account_emissions"], where))
    return dict(zip(small, written, strict=True)) | {"account_emissions": last}


def _check_written(
    lake: Lake, commits: dict[str, Commit], ledger: DataFrame, periods: Sequence[str], policy: Methodology
) -> None:
    """Read the account rows back and hold them against the ledger; on any difference all tables go back."""
    problems = account_differences(
        lake.read("account_emissions", commits["account_emissions"].version),
        ledger,
        periods,
        policy.version,
    )
    if problems:
        # One writer per lake: the version before this run's commit is the one that was there.
        lake.restore({name: commit.version - 1 for name, commit in commits.items()})
        raise_all(problems)


def _log_restatement(lake: Lake, plan: Plan, versions: dict[str, int], reason: str, restated_by: str) -> None:
    """Record old and new totals of the periods that had been published before."""
    policy, due, before = plan.policy, plan.due, plan.before
    new = restatement.totals(
        lake.read("reconciliation", versions["reconciliation"]), [x.period for x in due], policy.version
    )
    old: restatement.Totals = {}
    for identity in due:
        if identity.period in before:
            ledger = lake.read("reconciliation", before[identity.period].table_versions["reconciliation"])
            old |= restatement.totals(ledger, [identity.period], policy.version)
    rows = restatement.changes(due, before, old, new, policy.version, reason, restated_by)
    if rows:
        lake.append("restatements", local_frame(lake.spark, rows, table("restatements")))
