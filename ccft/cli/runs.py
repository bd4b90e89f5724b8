"""`ccft run`, `ccft backfill`, `ccft verify`: periods are computed, published and checked again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ccft.cli.common import (
    ConfigOption,
    JsonOption,
    LakeOption,
    MethodologyOption,
    PeriodsOption,
    ReasonOption,
    RestateOption,
    check_periods,
    emit,
    open_lake,
    progress_lines,
    restatement_reason,
    settings_of,
)
from ccft.config import Settings
from ccft.errors import CcftError, fail
from ccft.periods import period_range

if TYPE_CHECKING:
    from ccft.methodology.model import Methodology
    from ccft.pipeline.run import RunReport

_ALL_VERSIONS = "all"
QUICK_UP_TO = 2
"""Period-versions up to which a JVM that starts fast is done earlier than one that gets fast."""
QUICK_UP_TO_ROWS = 2_000_000
"""Account rows, those of every version counted, up to which the same holds."""

VersionsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Versions, e.g. v1.0,v2.0, or `all`; may be repeated. Default: the one in effect for each month.",
    ),
]


def _publish(
    settings: Settings,
    wanted: Sequence[tuple[str, "Methodology"]],
    reason: str,
    progress: Callable[[str], None],
    batch_months: int = 0,
) -> list["RunReport"]:
    """Publish periods in versions, holding the lake's lock; a batch of months per plan, 0 = the product's own size."""
    import getpass

    from ccft.lake.lock import writing
    from ccft.pipeline.backfill import BATCH_MONTHS
    from ccft.pipeline.backfill import backfill as publish_all

    quick = len(wanted) <= QUICK_UP_TO and _account_rows(settings.lake, wanted) <= QUICK_UP_TO_ROWS
    lake = open_lake(settings, "run", quick=quick)
    with writing(lake):
        return publish_all(
            lake,
            settings,
            wanted,
            restate_reason=reason,
            restated_by=getpass.getuser(),
            progress=progress,
            batch_months=batch_months or BATCH_MONTHS,
        )


def _account_rows(lake: str, wanted: Sequence[tuple[str, "Methodology"]]) -> int:
    """Account rows that periods in versions read, as ingest counted them; 0 where that takes a JVM, or there are none."""
    from pyarrow.dataset import field

    from ccft.lake.reader import read_table

    if "://" in lake:
        return 0
    try:
        classes = read_table(lake, "core_usage_classes")
    except CcftError:  # not ingested: the run says so
        return 0
    periods = [period for period, _ in wanted]
    counted = classes.to_table(
        columns=["usage_period", "account_count"], filter=field("usage_period").isin(periods)
    ).to_pylist()
    return sum(int(row["account_count"]) * periods.count(row["usage_period"]) for row in counted)


def _versions(periods: Sequence[str], names: Sequence[str]) -> list[tuple[str, "Methodology"]]:
    """Periods in the versions that are asked for; without any, in the one in effect."""
    from ccft.methodology.calendar import in_effect
    from ccft.methodology.model import known_versions, methodology

    given = [name for entry in names for name in entry.split(",") if name]
    chosen = list(known_versions()) if _ALL_VERSIONS in given else given
    policies = [methodology(name) for name in dict.fromkeys(chosen)]
    if not policies:
        return [(period, in_effect(period)) for period in periods]
    return [(period, policy) for policy in policies for period in periods]


def _run_lines(reports: Sequence["RunReport"]) -> list[str]:
    lines = []
    for report in reports:
        version = report.methodology_version
        lines += [f"{period} {version}: unchanged, nothing to do" for period in report.unchanged]
        lines += [f"{period} {version}: published, {run_id}" for period, run_id in report.published.items()]
    return lines


def _report_runs(reports: Sequence["RunReport"], as_json: bool) -> None:
    emit([asdict(report) for report in reports], as_json, "\n".join(_run_lines(reports)))


DueOption = Annotated[
    bool, typer.Option("--due", help="Every complete period that lacks a published result of the version in effect.")
]


def _run_due(settings: Settings, as_json: bool) -> None:
    """Publish what is due. A lake that another process works on is one line, and no failure: the next night will do."""
    from ccft.lake.lock import writing
    from ccft.pipeline.due import is_locked, publish_due

    lake = open_lake(settings, "run")
    try:
        with writing(lake):
            found, reports = publish_due(lake, settings, progress_lines())
    except CcftError as error:
        if not is_locked(error):
            raise
        emit({"locked": str(error)}, as_json, str(error))
        return
    waiting = [f"{period}: waiting. {problem}" for period, problems in found.waiting.items() for problem in problems]
    runs = [asdict(report) for report in reports]
    lines = [*_run_lines(reports), *waiting] or ["nothing is due"]
    emit({"runs": runs, "waiting": found.waiting}, as_json, "\n".join(lines))


def run(
    period: PeriodsOption = None,
    due: DueOption = False,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a period: inventory, allocation, reconciliation, publication."""
    settings = settings_of(lake, config, provider_account_id=provider_account_id)
    if due:
        if period or methodology or restate:
            raise fail("CCFT-USAGE-BAD-SETTING", name="--due", reason="finds periods and versions itself")
        _run_due(settings, as_json)
        return
    if not period:
        raise fail("CCFT-USAGE-BAD-PERIOD", value="")
    wanted = _versions(check_periods(period), [methodology] if methodology else [])
    _report_runs(_publish(settings, wanted, restatement_reason(restate, reason), progress_lines()), as_json)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First month.")],
    last: Annotated[str, typer.Option("--to", help="Last month, inclusive.")],
    lake: LakeOption = None,
    methodology: VersionsOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    batch_months: Annotated[
        int, typer.Option(min=0, help="Months per plan; fewer need less driver memory. 0 = the default, 12.")
    ] = 0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a range of periods in one Spark application; finished ones are not computed again."""
    check_periods([first, last])
    periods = period_range(first, last)
    if not periods:
        raise fail("CCFT-USAGE-BAD-RANGE", first=first, last=last)
    settings = settings_of(lake, config, provider_account_id=provider_account_id)
    wanted, why = _versions(periods, methodology or []), restatement_reason(restate, reason)
    _report_runs(_publish(settings, wanted, why, progress_lines(), batch_months), as_json)


def verify(
    lake: LakeOption = None,
    period: PeriodsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Re-derive conservation from the tables themselves; exit 0 only when exact."""
    from ccft.pipeline.verify import verify as run_verify

    settings, periods = settings_of(lake, config), check_periods(period or [])
    report = run_verify(open_lake(settings, "verify"), periods, progress_lines())
    months = ", ".join(f"{month} {version}" for month, version in report.slices)
    emit(report, as_json, f"exact: {report.equalities:,} equalities hold to the last microgram ({months})")
