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
    settings_of,
)
from ccft.config import Settings
from ccft.errors import fail
from ccft.periods import period_range

if TYPE_CHECKING:
    from ccft.methodology.model import Methodology

_BACKFILL_BATCH = 12
"""Months per plan of a backfill: enough to pay planning once, few enough to keep progress and memory small."""


def _publish(
    settings: Settings, wanted: Sequence[tuple[str, "Methodology"]], reason: str, progress: Callable[[str], None]
) -> list[object]:
    """Run periods, those of one version together, in batches."""
    import getpass

    from ccft.lake.lock import writing
    from ccft.pipeline.run import run as run_periods

    versions = {policy.version: policy for _, policy in wanted}
    reports: list[object] = []
    with writing(settings.lake):
        opened = open_lake(settings, "run")
        for name, policy in versions.items():
            months = [period for period, of in wanted if of.version == name]
            for start in range(0, len(months), _BACKFILL_BATCH):
                batch = months[start : start + _BACKFILL_BATCH]
                progress(f"{name} {batch[0]}" + (f" to {batch[-1]}" if len(batch) > 1 else ""))
                reports.append(
                    run_periods(
                        opened,
                        settings,
                        batch,
                        policy,
                        restate_reason=reason,
                        restated_by=getpass.getuser(),
                        progress=progress,
                    )
                )
    return reports


def _versions(periods: Sequence[str], version: str | None) -> list[tuple[str, "Methodology"]]:
    from ccft.methodology.calendar import in_effect
    from ccft.methodology.model import methodology

    return [(period, methodology(version) if version else in_effect(period)) for period in periods]


def _reason(restate: bool, reason: str) -> str:
    if restate and not reason.strip():
        raise fail("CCFT-USAGE-BAD-SETTING", name="--reason", reason="a restatement needs a reason")
    return reason.strip() if restate else ""


def _report_runs(reports: list[object], as_json: bool) -> None:
    from ccft.pipeline.run import RunReport

    lines = []
    for report in reports:
        if not isinstance(report, RunReport):
            raise TypeError(report)
        lines += [f"{period} {report.methodology_version}: unchanged, nothing to do" for period in report.unchanged]
        lines += [
            f"{period} {report.methodology_version}: published, {run_id}" for period, run_id in report.published.items()
        ]
    emit([asdict(report) for report in reports], as_json, "\n".join(lines))  # type: ignore[call-overload]


def run(
    period: PeriodsOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a period: inventory, allocation, reconciliation, publication."""
    if not period:
        raise fail("CCFT-USAGE-BAD-PERIOD", value="")
    settings = settings_of(lake, config, provider_account_id=provider_account_id)
    wanted = _versions(check_periods(period), methodology)
    _report_runs(_publish(settings, wanted, _reason(restate, reason), progress_lines()), as_json)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First month.")],
    last: Annotated[str, typer.Option("--to", help="Last month, inclusive.")],
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a range of periods in one Spark application; finished ones are not computed again."""
    check_periods([first, last])
    periods = period_range(first, last)
    if not periods:
        raise fail("CCFT-USAGE-BAD-RANGE", first=first, last=last)
    settings = settings_of(lake, config, provider_account_id=provider_account_id)
    _report_runs(
        _publish(settings, _versions(periods, methodology), _reason(restate, reason), progress_lines()), as_json
    )


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
