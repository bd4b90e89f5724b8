"""`ccft demo-world`, `ccft ingest`: inputs and how they enter the lake."""

from pathlib import Path
from typing import Annotated

import typer

from ccft.cli.common import (
    ConfigOption,
    JsonOption,
    LakeOption,
    PeriodsOption,
    check_periods,
    emit,
    open_lake,
    progress_lines,
    settings_of,
)
from ccft.errors import fail

QUICK_UP_TO_ROWS = 5_000_000
"""Rows of a delivery up to which a JVM that starts fast is done earlier than one that gets fast."""


def demo_world(
    out: Annotated[Path, typer.Option(help="New folder for the inputs.")],
    accounts: Annotated[int, typer.Option(min=200, help="Customer accounts.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="Months of usage.")] = 15,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same files.")] = 7,
    last_period: Annotated[str, typer.Option(help="Last month.")] = "2025-06",
    as_json: JsonOption = False,
) -> None:
    """Write deterministic raw inputs of an invented provider."""
    from ccft.demo import write_demo_world

    check_periods([last_period])
    world = write_demo_world(out, accounts=accounts, months=months, seed=seed, last_period=last_period)
    rows = ", ".join(f"{name} {count:,}" for name, count in sorted(world.rows.items()))
    emit(world, as_json, f"{out}: {world.periods[0]} to {world.periods[-1]}; rows: {rows}")


def ingest(
    inputs: Annotated[Path, typer.Option(help="Folder or URI with one entry per input table.", path_type=Path)],
    lake: LakeOption = None,
    period: PeriodsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Validate inputs and write the core tables, or nothing."""
    from ccft.lake.inputs import approximate_rows
    from ccft.lake.lock import writing
    from ccft.pipeline.ingest import ingest as run_ingest

    settings, periods, progress = settings_of(lake, config), check_periods(period or []), progress_lines()
    source = str(inputs).replace(":/", "://", 1) if ":/" in str(inputs) else str(inputs)
    if "://" not in source and not inputs.exists():
        raise fail("CCFT-USAGE-NO-INPUTS", path=inputs)
    opened = open_lake(settings, "ingest", quick=(approximate_rows(source) or 0) <= QUICK_UP_TO_ROWS)
    with writing(opened):
        report = run_ingest(opened.spark, source, opened, settings, periods or None, progress)
    months = f"{report.periods[0]} to {report.periods[-1]}" if report.periods else "no usage"
    set_aside = sum(sum(counts.values()) for counts in report.rejected.values())
    done = f"{report.ingest_id}: {months}, {sum(report.rows.values()):,} rows in {len(report.rows)} tables, {set_aside} rows set aside"
    emit(report, as_json, f"{report.ingest_id}: unchanged, nothing to do" if report.unchanged else done)
