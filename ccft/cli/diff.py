"""`ccft diff`: why two published results of a month differ."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ccft.cli.common import (
    ConfigOption,
    JsonOption,
    LakeOption,
    check_periods,
    emit,
    open_lake,
    progress_lines,
    settings_of,
)
from ccft.errors import fail

if TYPE_CHECKING:
    from ccft.pipeline.diff import Difference

_WIDTH = 200
"""Columns of text output where it is not a terminal: tables are not folded."""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _kg(value: Decimal) -> str:
    return f"{value:+,.3f}" if value else "0"


def _table(title: str, labels: Sequence[str], causes: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows by their labels: the difference, then each cause."""
    table = Table(title=title, title_justify="left")
    for label in labels:
        table.add_column(_words(label))
    for heading in ("difference", *causes):
        table.add_column(_words(heading), justify="right")
    for row in rows:
        masses = [row["difference_kg"], *(row["causes_kg"][cause] for cause in causes)]
        table.add_row(*(str(row[label]) for label in labels), *map(_kg, masses))
    return table


def _totals(found: "Difference") -> Table:
    table = Table(title="All accounts, kg CO2e", title_justify="left")
    for heading in ("measure", found.left["version"], found.right["version"], "difference"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for row in found.totals:
        sides = (f"{row[name]:,.3f}" for name in ("left_kg", "right_kg"))
        table.add_row(row["measure"], *sides, _kg(row["difference_kg"]))
    return table


def show(found: "Difference", console: Console) -> None:
    """Print a difference as tables: totals, who gains and who loses by what, the largest changes, one account's rows."""
    sides = " -> ".join(f"{side['version']} ({side['run_id']})" for side in (found.left, found.right))
    console.print(f"{found.period}: {sides}", highlight=False)
    console.print(_totals(found))
    if found.no_causes:
        console.print(f"No causes: {found.no_causes}", highlight=False)
        return
    console.print(_table("By kind of account, kg CO2e", ("measure", "accounts_of"), found.causes, found.by_kind))
    for cause, rows in found.movers.items():
        title = f"Moved most by {_words(cause)}, location-based total, kg CO2e"
        console.print(_table(title, ("account_id", "accounts_of"), found.causes, rows))
    if found.account:
        labels = ("measure", "region_code", "service_id")
        console.print(_table(f"Account {found.account}, kg CO2e", labels, found.causes, found.rows))


def diff(
    sides: Annotated[
        list[str], typer.Argument(metavar="LEFT RIGHT", help="Versions, v2.0 v3.0, or publications, v2.0@1 v2.0@2.")
    ],
    period: Annotated[str, typer.Option(help="Month YYYY-MM.")],
    account: Annotated[str, typer.Option(help="Also list all rows of this account.")] = "",
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what two published results of a month differ by, split by cause; causes sum to the difference exactly."""
    from ccft.pipeline.diff import Selector
    from ccft.pipeline.diff import diff as run_diff

    if len(sides) != 2:
        raise fail("CCFT-USAGE-BAD-SELECTOR", value=" ".join(sides))
    settings, (month,) = settings_of(lake, config), check_periods([period])
    left, right = map(Selector.parse, sides)
    opened = open_lake(settings, "diff")
    found = run_diff(opened, settings, month, left, right, account=account, progress=progress_lines())
    console = Console()
    if not as_json and not console.is_terminal:
        console = Console(width=_WIDTH)
    if as_json:
        emit(found, as_json, "")
    else:
        show(found, console)
