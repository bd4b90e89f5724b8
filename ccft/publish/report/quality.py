"""Data quality: the share of mass that rests on meters and invoices, and what was accepted with a remark."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ccft.publish.report.amounts import TOTAL_OF, exact_difference, exact_sum
from ccft.publish.report.months import Month
from ccft.publish.report.rows import AccountRows, Database
from ccft.schema.columns import EVIDENCE

METHOD: Final = "lbm"
"""Evidence is that of the activity data, which the location-based method uses unchanged."""

MEASURED: Final = "metered or invoiced"
OTHER: Final = "estimated or forecast"
_PRIMARY: Final = ("metered", "invoiced", MEASURED)


@dataclass(frozen=True)
class Evidence:
    """Mass of a month by what it rests on, kg, location-based total.

    Parameters
    ----------
    masses
        By kind of evidence: four kinds of the inventory; metered or invoiced against the rest for account rows.
    approximate
        Share of the mass that comes from worldwide pools, whose evidence is taken from the row's own cluster.
    """

    period: str
    version: str
    masses: dict[str, Decimal]
    approximate: float = 0.0

    @property
    def total(self) -> Decimal:
        """All evidence together."""
        return exact_sum(self.masses.values())

    @property
    def primary(self) -> Decimal:
        """Metered or invoiced."""
        return exact_sum(mass for name, mass in self.masses.items() if name in _PRIMARY)


@dataclass(frozen=True)
class Remarks:
    """Events of one condition: how many in the newest month and in the window, and one of them."""

    condition: str
    newest: int
    window: int
    example: str


def evidence(rows: AccountRows, months: Sequence[Month]) -> list[Evidence]:
    """Evidence per published month: the inventory's for the provider, the account rows' for a payer; months without mass are left out."""
    lines = _of_accounts(rows, months) if rows.payer else _of_inventory(rows.database, months)
    return [line for line in lines if line.total]


def _of_inventory(database: Database, months: Sequence[Month]) -> list[Evidence]:
    sums = ", ".join(f"sum(i.{name}_kg)" for name in EVIDENCE)
    measures = ", ".join(f"'{name}'" for name in TOTAL_OF[METHOD])
    found = database.execute(
        f"SELECT i.usage_period, i.methodology_version, {sums} FROM inventory_emissions AS i"
        " JOIN published_slices AS p USING (usage_period, methodology_version)"
        f" WHERE p.is_current AND i.usage_period BETWEEN ? AND ? AND i.measure IN ({measures}) GROUP BY ALL ORDER BY ALL",
        [months[0].period, months[-1].period],
    ).fetchall()
    return [Evidence(row[0], row[1], dict(zip(EVIDENCE, row[2:], strict=True))) for row in found]


def _of_accounts(rows: AccountRows, months: Sequence[Month]) -> list[Evidence]:
    condition, parameters = rows.own
    found = rows.database.execute(
        "SELECT usage_period, methodology_version, sum(total_lbm_kg), sum(metered_or_invoiced_lbm_kg),"
        " sum(CAST(total_lbm_kg AS DOUBLE) * coalesce(approximate_lbm_share, 0)) / nullif(CAST(sum(total_lbm_kg) AS DOUBLE), 0)"
        f" FROM data_quality_summary WHERE usage_period BETWEEN ? AND ? AND {condition} GROUP BY ALL ORDER BY ALL",
        [months[0].period, months[-1].period, *parameters],
    ).fetchall()
    return [
        Evidence(period, version, {MEASURED: measured, OTHER: exact_difference(total, measured)}, approximate or 0.0)
        for period, version, total, measured, approximate in found
    ]


def remarks(database: Database, months: Sequence[Month]) -> list[Remarks]:
    """Events by condition, the most frequent of the newest month first."""
    first, newest = months[0].period, months[-1].period
    rows = database.execute(
        "SELECT e.condition, count(*) FILTER (WHERE e.usage_period = ?), count(*),"
        " arg_max(e.message, e.usage_period || ' ' || e.message) FROM data_quality_events AS e"
        " JOIN published_slices AS p USING (usage_period, methodology_version)"
        " WHERE p.is_current AND e.usage_period BETWEEN ? AND ? GROUP BY e.condition",
        [newest, first, newest],
    ).fetchall()
    return sorted((Remarks(*row) for row in rows), key=lambda line: (-line.newest, -line.window, line.condition))
