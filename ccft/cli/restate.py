"""`ccft restate`: what was changed after publication."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ccft.cli.common import ConfigOption, JsonOption, LakeOption, PeriodsOption, check_periods, emit, settings_of

app = typer.Typer(no_args_is_help=True, help="Published periods that were changed: who, when, why, old and new totals.")


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    """One restatement: a line per measure."""
    table = Table()
    for heading in ("measure", "old kg", "new kg", "change kg"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for row in rows:
        change = row["new_kg"] - row["old_kg"]
        table.add_row(row["measure"], f"{row['old_kg']:,.9f}", f"{row['new_kg']:,.9f}", f"{change:+,.9f}")
    return table


def _show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    by_restatement: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_restatement[str(row["restated_at"]), row["usage_period"], row["methodology_version"]].append(row)
    for (when, period, version), measures in by_restatement.items():
        first = measures[0]
        console.print(f"{period} {version}: {when} by {first['restated_by']}: {first['reason']}", highlight=False)
        for side in ("old", "new"):
            run_id = first["old_run_id" if side == "old" else "run_id"]
            console.print(f"  {side} {run_id}, inputs {first[f'{side}_input_fingerprint']}", highlight=False)
        console.print(_table(measures))


@app.command("log")
def restate_log(
    lake: LakeOption = None,
    period: PeriodsOption = None,
    methodology: Annotated[str | None, typer.Option(help="Only this version.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List restatements, the oldest first."""
    from ccft.audit import restatement
    from ccft.lake.reader import log_rows

    settings, periods = settings_of(lake, config), check_periods(period or [])
    rows = restatement.log(log_rows(settings.lake, "restatements"), log_rows(settings.lake, "run_log"))
    wanted = [
        row
        for row in rows
        if (not periods or row["usage_period"] in periods) and methodology in {None, row["methodology_version"]}
    ]
    if as_json:
        emit(wanted, as_json, "")
    elif wanted:
        _show(wanted, Console())
    else:
        print("nothing was restated")
