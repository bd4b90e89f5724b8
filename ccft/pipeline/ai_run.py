"""`ccft ai run`: one month's account rows divided over AI models, and their training ledger, published beside the month (docs/ai.md)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft import __version__
from ccft.audit import published
from ccft.config import Settings
from ccft.errors import fail, raise_all
from ccft.lake.memory import Bench
from ccft.lake.tables import Lake, Slice
from ccft.methodology.model import Interdependencies, Methodology
from ccft.pipeline import ai_checks, ai_training
from ccft.pipeline.ai_core import AiCore
from ccft.pipeline.ai_derived import derived
from ccft.pipeline.ai_pools import account_rows
from ccft.pipeline.ai_split import compute
from ccft.schema.spark import local_frame
from ccft.schema.tables import table

Progress = Callable[[str], None]
LOG = "ai_run_log"


@dataclass
class AiReport:
    """What an AI run did; `unchanged`: nothing."""

    period: str
    methodology_version: str
    run_id: str
    unchanged: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    events: int = 0


def published_line(lake: Lake, period: str, policy: Methodology) -> published.Line:
    """The published result that an AI run divides.

    Raises
    ------
    CcftError
        `CCFT-RUN-AI-NEEDS-SERVICE-GRAPH`, `CCFT-USAGE-NO-LAKE`, `CCFT-RUN-NOTHING-PUBLISHED`.
    """
    if policy.interdependencies is Interdependencies.NONE:
        raise fail("CCFT-RUN-AI-NEEDS-SERVICE-GRAPH", version=policy.version)
    if not lake.exists("run_log"):
        raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
    line = published.newest(lake.rows("run_log"), policy.version).get(period)
    if line is None:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period=f"{period} {policy.version}")
    return line


def run_ai(
    lake: Lake,
    settings: Settings,
    period: str,
    policy: Methodology,
    *,
    restate_reason: str = "",
    progress: Progress = lambda _line: None,
) -> AiReport:
    """Compute and publish the AI figures of a published month.

    Parameters
    ----------
    period
        Month; published in this version.
    restate_reason
        Why figures published on the same account rows are replaced; empty = they must be unchanged.

    Raises
    ------
    CcftError
        Month not published, no AI inputs, figures published with other inputs, rows that do not add up: nothing is published.
    """
    started = datetime.now(UTC)
    progress("AI inputs")
    base = published_line(lake, period, policy)
    core = AiCore.open(lake, period)
    report = AiReport(period, policy.version, core.run_id(base, policy, settings))
    before = _before(lake, period, policy, base)
    if before == report.run_id:
        report.unchanged = True
        return report
    if before and not restate_reason:
        raise fail("CCFT-RUN-AI-ALREADY-PUBLISHED", period=period, version=policy.version)
    with Bench(lake.spark, base.account_rows) as bench, bench.scan():
        progress("split")
        split = compute(lake, core, base, policy, settings, bench)
        month = Slice({"usage_period": [period], "methodology_version": [policy.version]})
        stamp = _Stamp(lake, period, policy.version, report.run_id)
        progress("write ai_emissions")
        versions = {"ai_emissions": lake.replace("ai_emissions", stamp(split.frame), month)}
        progress("read back")
        written = lake.read("ai_emissions", versions["ai_emissions"].version).where(month.condition)
        problems = ai_checks.row_differences(
            written, account_rows(lake, base, policy, period), split.pools, policy.version
        )
        if problems:
            lake.restore({"ai_emissions": versions["ai_emissions"].version - 1})
            raise_all(problems)
        lines, booked = ai_checks.reconciliation(written, account_rows(lake, base, policy, period), split.pools)
        progress("training ledger")
        training = ai_training.roll(lake, settings, policy, split)
        memo = stamp(training.memo)
        # Its memo rows went when the month was replaced above.
        versions["ai_emissions"] = lake.append("ai_emissions", memo)
        tables = {
            "ai_activity": split.activity(written),
            "ai_training_ledger": training.lines,
            "reconciliation": lines,
            "data_quality_events": split.events(written) + training.events,
        }
        progress("intensities, labels, actions")
        whole = lake.read("ai_emissions", versions["ai_emissions"].version).where(month.condition)
        tables |= derived(
            lake, core, base, policy, settings, whole, tables["ai_activity"], tables["ai_training_ledger"]
        )
        progress("write results")
        for name, rows in tables.items():
            own = replace(month, also=_OWN_ROWS.get(name, ""))
            versions[name] = lake.replace(name, stamp.rows(name, rows), own)
    report.rows = {name: commit.rows for name, commit in versions.items()}
    report.rows["ai_emissions"] += booked
    report.events = len(tables["data_quality_events"])
    message = f"{period} {policy.version} AI models published" + (f": {restate_reason}" if restate_reason else "")
    at = {name: commit.version for name, commit in versions.items()}
    _log(lake, report, base, core, policy, settings, started, at, message)
    return report


_OWN_ROWS = {
    "reconciliation": "step = 'ai'",
    "data_quality_events": "startswith(condition, 'CCFT-EVENT-AI-')",
}
"""Of tables that the month's run writes too, an AI run replaces its own rows alone."""


class _Stamp:
    """Adds region, version and run to rows of a result table."""

    def __init__(self, lake: Lake, period: str, version: str, run_id: str) -> None:
        self._spark = lake.spark
        self._regions = {row["cluster_id"]: row["region_code"] for row in lake.rows("core_clusters").to_pylist()}
        self._fixed = {"usage_period": period, "methodology_version": version, "run_id": run_id}

    def __call__(self, frame: DataFrame) -> DataFrame:
        places = local_frame(self._spark, list(self._regions.items()), "cluster_id string, region_code string")
        fixed = frame.withColumns({name: F.lit(value) for name, value in self._fixed.items()})
        return fixed.join(F.broadcast(places), "cluster_id", "inner")

    def rows(self, name: str, rows: Sequence[Mapping[str, object]]) -> DataFrame:
        """Rows of a small table as a frame of its type."""
        names = table(name).column_names
        whole = [{"region_code": self._regions.get(str(row.get("cluster_id"))), **row, **self._fixed} for row in rows]
        plain = [tuple(row.get(column) for column in names) for row in whole]
        return local_frame(self._spark, plain, table(name)).coalesce(1)


def current(lake: Lake, bases: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Mapping[str, object]]:
    """Newest published AI line per (period, version) that stands on the published account rows.

    Parameters
    ----------
    bases
        Run id of the published result per (period, version).
    """
    found: dict[tuple[str, str], Mapping[str, object]] = {}
    for row in lake.rows(LOG).sort_by("finished_at").to_pylist():
        key = row["usage_period"], row["methodology_version"]
        if row["status"] == "published" and bases.get(key) == row["base_run_id"]:
            found[key] = row
    return found


def _before(lake: Lake, period: str, policy: Methodology, base: published.Line) -> str:
    key = period, policy.version
    return str(current(lake, {key: base.run_id}).get(key, {}).get("run_id", ""))


def _log(
    lake: Lake,
    report: AiReport,
    base: published.Line,
    core: AiCore,
    policy: Methodology,
    settings: Settings,
    started: datetime,
    versions: Mapping[str, int],
    message: str,
) -> None:
    """Publish: the line names the Delta version of every table."""
    line = (
        report.run_id,
        report.period,
        policy.version,
        base.run_id,
        "published",
        core.content,
        __version__,
        policy.policy_hash,
        settings.ai.result_hash(),
        started,
        datetime.now(UTC),
        json.dumps(report.rows, sort_keys=True),
        json.dumps({"all": round((datetime.now(UTC) - started).total_seconds(), 2)}),
        json.dumps(dict(versions), sort_keys=True),
        message,
    )
    lake.append(LOG, local_frame(lake.spark, [line], table(LOG)))
