"""The conservation proof: the ledger as it was published, and inventory against account rows, summed again while the page is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ccft.methodology.model import methodology
from ccft.publish.report.amounts import exact_difference
from ccft.publish.report.months import Month
from ccft.publish.report.rows import Database
from ccft.schema.columns import MEASURES, STEPS, WORLDWIDE


@dataclass(frozen=True)
class LedgerLine:
    """A worldwide line of the ledger, kg."""

    step: str
    measure: str
    taken_in: Decimal
    transferred_in: Decimal
    transferred_out: Decimal
    given_out: Decimal
    difference: Decimal


@dataclass(frozen=True)
class Balance:
    """Inventory against account rows of a month and measure, kg, from the two tables themselves."""

    period: str
    version: str
    measure: str
    inventory: Decimal
    accounts: Decimal

    @property
    def difference(self) -> Decimal:
        """0, or the law of the product is broken."""
        return exact_difference(self.inventory, self.accounts)


@dataclass(frozen=True)
class Checked:
    """How many equalities of the ledger hold in a month; `largest_difference` over steps, clusters and measures, kg."""

    period: str
    version: str
    lines: int
    largest_difference: Decimal


@dataclass(frozen=True)
class Proof:
    """What the page shows of conservation.

    Parameters
    ----------
    checked
        Every published month of the window.
    ledger, balances
        The provider's page only: they hold pool totals.
    """

    checked: tuple[Checked, ...]
    ledger_period: str = ""
    ledger: tuple[LedgerLine, ...] = ()
    balances: tuple[Balance, ...] = ()

    @property
    def lines(self) -> int:
        """Equalities in all."""
        return sum(month.lines for month in self.checked)

    @property
    def largest_difference(self) -> Decimal:
        """Largest absolute difference anywhere, kg."""
        return max(
            (abs(d) for d in (*(m.largest_difference for m in self.checked), *(b.difference for b in self.balances))),
            default=Decimal(0),
        )


def proof_of(database: Database, months: Sequence[Month], *, with_totals: bool) -> Proof:
    """The proof for all published months; totals only where the reader may see pools."""
    checked = tuple(_checked(database, months))
    if not with_totals:
        return Proof(checked)
    newest = months[-1]
    return Proof(checked, newest.period, tuple(_ledger(database, newest)), tuple(_balances(database, months)))


def _checked(database: Database, months: Sequence[Month]) -> list[Checked]:
    rows = database.execute(
        "SELECT r.usage_period, r.methodology_version, count(*), max(abs(r.difference_kg)) FROM reconciliation AS r"
        " JOIN published_slices AS p USING (usage_period, methodology_version)"
        " WHERE p.is_current AND r.usage_period BETWEEN ? AND ? GROUP BY ALL ORDER BY ALL",
        [months[0].period, months[-1].period],
    ).fetchall()
    return [Checked(*row) for row in rows]


def _ledger(database: Database, month: Month) -> list[LedgerLine]:
    """Worldwide lines of the measures in scope, in the order of the steps."""
    rows = database.execute(
        "SELECT step, measure, in_kg, transferred_in_kg, transferred_out_kg, out_kg, difference_kg FROM reconciliation"
        " WHERE usage_period = ? AND methodology_version = ? AND cluster_id = ?",
        [month.period, month.version, WORLDWIDE],
    ).fetchall()
    known = methodology(month.version).measures
    lines = [LedgerLine(*row) for row in rows if row[1] in known]
    return sorted(lines, key=lambda line: (STEPS.index(line.step), MEASURES.index(line.measure)))


def _balances(database: Database, months: Sequence[Month]) -> list[Balance]:
    rows = database.execute(
        "SELECT usage_period, methodology_version, measure, inventory_kg, accounts_kg FROM reconciliation_summary"
        " WHERE is_current AND usage_period BETWEEN ? AND ?",
        [months[0].period, months[-1].period],
    ).fetchall()
    lines = [Balance(*row) for row in rows if row[2] in methodology(row[1]).measures]
    return sorted(lines, key=lambda line: (line.period, MEASURES.index(line.measure)))
