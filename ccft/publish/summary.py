"""A readable result on the terminal: totals per region and measure, top services, the conservation line."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from ccft.schema.columns import MEASURES
from ccft.schema.units import KG_PER_TONNE


class Database(Protocol):
    """What runs SQL over the published tables (DuckDB)."""

    def execute(self, query: str, parameters: object = None) -> Any:  # noqa: ANN401 - DuckDB's own type varies
        """Run a query; the result has `fetchone` and `fetchall`."""


_TOP_SERVICES = 8


def _tonnes(kilograms: Decimal | None) -> str:
    return f"{(kilograms or Decimal(0)) / KG_PER_TONNE:,.3f}"


def _sums(measures: Sequence[str]) -> str:
    return ", ".join(f"sum({measure}_kg)" for measure in measures)


def _measures(database: Database, slice_: tuple[str, str]) -> list[str]:
    """Measures that are not zero throughout, in the registry's order."""
    totals = database.execute(
        f"SELECT {_sums(MEASURES)} FROM account_emissions WHERE usage_period = ? AND methodology_version = ?",
        list(slice_),
    ).fetchone()
    return [measure for measure, total in zip(MEASURES, totals, strict=True) if total]


def _grid(title: str, first: Sequence[str], measures: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    grid = Table(title=title, title_justify="left")
    for name in first:
        grid.add_column(name)
    for measure in measures:
        grid.add_column(measure.replace("_", " "), justify="right")
    width = len(first)
    for row in rows:
        grid.add_row(*(str(cell) for cell in row[:width]), *(_tonnes(cell) for cell in row[width:]))
    return grid


def show(database: Database, period: str, version: str, console: Console) -> None:
    """Print one published period x version.

    Parameters
    ----------
    database
        Has the published result tables.
    """
    slice_ = (period, version)
    measures = _measures(database, slice_)
    where = "WHERE usage_period = ? AND methodology_version = ?"
    regions = database.execute(
        f"SELECT location, count(DISTINCT account_id), {_sums(measures)} FROM account_emissions {where}"
        f" GROUP BY location ORDER BY sum(scope_2_lbm_kg) DESC",
        list(slice_),
    ).fetchall()
    services = database.execute(
        f"SELECT product_code, service_id, {_sums(measures)} FROM account_emissions {where} GROUP BY 1, 2"
        f" ORDER BY sum(scope_2_lbm_kg) DESC, 2 LIMIT {_TOP_SERVICES}",
        list(slice_),
    ).fetchall()
    console.print(_grid(f"{period} {version}: t CO2e per region", ["region", "accounts"], measures, regions))
    console.print(_grid("Largest services, t CO2e", ["product", "service"], measures, services))
    for line in conservation_lines(database, period, version, measures):
        console.print(line, highlight=False, soft_wrap=True)


def conservation_lines(database: Database, period: str, version: str, measures: Sequence[str]) -> list[str]:
    """Per measure: inventory against account rows, in kg to the last microgram."""
    lines = []
    for measure in measures:
        slice_ = [period, version]
        inventory, accounts = database.execute(
            "SELECT (SELECT sum(emissions_kg) FROM inventory_emissions WHERE usage_period = ? AND methodology_version = ?"
            f" AND measure = '{measure}'), (SELECT sum({measure}_kg) FROM account_emissions"
            " WHERE usage_period = ? AND methodology_version = ?)",
            slice_ + slice_,
        ).fetchone()
        difference = (inventory or Decimal(0)) - (accounts or Decimal(0))
        lines.append(
            f"{measure:<17} inventory {inventory:>24,} kg = accounts {accounts:>24,} kg, difference {difference:.9f} kg"
        )
    return lines
