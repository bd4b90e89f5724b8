"""The account rows that a page may show: everything for the provider, one organisation's own rows for a payer. The one place that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from ccft.methodology.model import methodology
from ccft.publish.report.amounts import METHODS, TOTAL_OF, Amounts
from ccft.schema.columns import MEASURES

CURRENT: Final = "account_emissions_current"
BY_COMPONENT: Final = "emissions_by_component"
EVERY_VERSION: Final = "account_emissions"


class Database(Protocol):
    """What runs SQL over the published tables (DuckDB)."""

    def execute(self, query: str, parameters: object = None) -> Any:  # noqa: ANN401 - DuckDB's own type varies
        """Run a query; the result has `fetchone` and `fetchall`."""


@dataclass(frozen=True)
class Span:
    """Months, both inclusive, that a figure is summed over.

    Parameters
    ----------
    versions
        Methodology versions that are current in some month of the span.
    """

    first: str
    last: str
    versions: tuple[str, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that some month of the span computes, in the registry's order."""
        known = {measure for version in self.versions for measure in methodology(version).measures}
        return tuple(measure for measure in MEASURES if measure in known)


@dataclass(frozen=True)
class Group:
    """Account rows summed by a key."""

    key: tuple[str, ...]
    amounts: Amounts


def total_sql(method: str, measures: Sequence[str] = MEASURES) -> str:
    """Total of a method in kg, as SQL over summed account rows."""
    return " + ".join(f"sum({name}_kg)" for name in TOTAL_OF[method] if name in measures)


@dataclass(frozen=True)
class AccountRows:
    """Account rows of one reader.

    Parameters
    ----------
    database
        Has the published tables and views.
    payer
        The organisation; empty for the provider, who sees all.
    """

    database: Database
    payer: str = ""

    @property
    def own(self) -> tuple[str, list[str]]:
        """Condition and parameters: rows of the organisation, or of the account itself (as in data exports)."""
        if not self.payer:
            return "TRUE", []
        return "(payer_account_id = ? OR account_id = ?)", [self.payer, self.payer]

    def exist(self) -> bool:
        """Whether any published row, of whatever month and version, is the reader's."""
        condition, parameters = self.own
        query = f"SELECT 1 FROM {EVERY_VERSION} WHERE {condition} LIMIT 1"
        return self.database.execute(query, parameters).fetchone() is not None

    def grouped(self, by: Sequence[str], span: Span, *, table: str = CURRENT, limit: int = 0) -> list[Group]:
        """Sums per key, in the order of the key; with a limit the largest by market-based total, ties by key.

        Parameters
        ----------
        by
            Columns of the key; none = one group, also where there are no rows.
        table
            Relation of account rows.
        """
        condition, parameters = self.own
        keys, sums = ", ".join(by), ", ".join(f"sum({name}_kg)" for name in span.measures)
        order = f"{total_sql(METHODS[0], span.measures)} DESC, {keys}" if limit else keys
        query = (
            f"SELECT {f'{keys}, ' if by else ''}{sums} FROM {table} WHERE usage_period BETWEEN ? AND ? AND {condition}"
            f"{f' GROUP BY {keys} ORDER BY {order}' if by else ''}{f' LIMIT {limit}' if limit else ''}"
        )
        rows = self.database.execute(query, [span.first, span.last, *parameters]).fetchall()
        width = len(by)
        return [
            Group(
                tuple(str(value) for value in row[:width]),
                Amounts({n: mass or Decimal(0) for n, mass in zip(span.measures, row[width:], strict=True)}),
            )
            for row in rows
        ]

    def count(self, expression: str, span: Span) -> int:
        """Number of distinct values in the span."""
        condition, parameters = self.own
        query = f"SELECT count(DISTINCT {expression}) FROM {CURRENT} WHERE usage_period BETWEEN ? AND ? AND {condition}"
        return int(self.database.execute(query, [span.first, span.last, *parameters]).fetchone()[0])
