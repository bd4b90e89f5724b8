"""Data quality: the share of mass that rests on meters and invoices, and what was accepted with a remark."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ccft.publish.report.amounts import TOTAL_OF, exact_sum
from ccft.publish.report.months import Month
from ccft.publish.report.rows import Database
from ccft.schema.columns import EVIDENCE

_SLICE: Final = "usage_period = ? AND methodology_version = ?"


@dataclass(frozen=True)
class Evidence:
    """Mass of a month by what it rests on, kg, for one method's total."""

    period: str
    version: str
    masses: dict[str, Decimal]

    @property
    def total(self) -> Decimal:
        """All evidence together."""
        return exact_sum(self.masses.values())

    @property
    def primary(self) -> Decimal:
        """Metered or invoiced."""
        return exact_sum((self.masses["metered"], self.masses["invoiced"]))


@dataclass(frozen=True)
class Remarks:
    """Events of one condition: how many in the newest month and in the window."""

    condition: str
    newest: int
    window: int
    example: str


def evidence(database: Database, months: Sequence[Month], method: str) -> list[Evidence]:
    """Inventory by evidence, worldwide; published months."""
    sums = ", ".join(f"coalesce(sum({name}_kg), 0)" for name in EVIDENCE)
    measures = ", ".join(f"'{name}'" for name in TOTAL_OF[method])
    query = f"SELECT {sums} FROM inventory_emissions WHERE {_SLICE} AND measure IN ({measures})"
    return [
        Evidence(
            month.period,
            month.version,
            dict(zip(EVIDENCE, database.execute(query, [month.period, month.version]).fetchone(), strict=True)),
        )
        for month in months
        if month.version
    ]


def remarks(database: Database, months: Sequence[Month]) -> list[Remarks]:
    """Events by condition, the most frequent of the newest month first."""
    published = [month for month in months if month.version]
    slices = [f"{month.period} {month.version}" for month in published]
    rows = database.execute(
        "SELECT condition, count(*) FILTER (WHERE usage_period = ?), count(*),"
        " arg_max(message, usage_period || ' ' || message) FROM data_quality_events"
        " WHERE usage_period || ' ' || methodology_version IN (SELECT unnest(?)) GROUP BY condition",
        [published[-1].period, slices],
    ).fetchall()
    return sorted((Remarks(*row) for row in rows), key=lambda line: (-line.newest, -line.window, line.condition))
