"""`ccft ai ...`: footprint of AI models."""

from dataclasses import asdict

import typer

from ccft.cli import ai_tools
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
from ccft.errors import fail

app = typer.Typer(
    no_args_is_help=True, help="Footprint of AI models, out of the inventory of the accounts that train and serve them."
)


app.command("label")(ai_tools.label)
app.command("compare")(ai_tools.compare)
app.command("actions")(ai_tools.actions)
app.command("disclose")(ai_tools.disclose)


@app.callback()
def ai() -> None:
    """Footprint of AI models."""


@app.command("run")
def run(
    period: PeriodsOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Divide a published month over deployments and stages, and roll the training ledger forward."""
    from ccft.lake.lock import writing
    from ccft.methodology.calendar import in_effect
    from ccft.methodology.model import methodology as by_name
    from ccft.pipeline.ai_run import run_ai

    if not period:
        raise fail("CCFT-USAGE-BAD-PERIOD", value="")
    why = restatement_reason(restate, reason)
    settings, months, progress = settings_of(lake, config), check_periods(period), progress_lines()
    reports = []
    opened = open_lake(settings, "ai run")
    with writing(opened):
        for month in months:
            policy = by_name(methodology) if methodology else in_effect(month)
            reports.append(run_ai(opened, settings, month, policy, restate_reason=why, progress=progress))
    lines = [
        f"{r.period} {r.methodology_version}: "
        + ("unchanged, nothing to do" if r.unchanged else f"published, {r.run_id}")
        for r in reports
    ]
    emit([asdict(report) for report in reports], as_json, "\n".join(lines))
