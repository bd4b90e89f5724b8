"""The conservation proof: the ledger as it was published, and inventory against account rows, summed again while the page is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ccft.methodology.model import methodology
from ccft.publish.report.amounts import exact_difference, exact_sum
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
    published = [month for month in months if month.version]
    checked = tuple(_checked(database, month) for month in published)
    if not with_totals:
        return Proof(checked)
    newest = published[-1]
    balances = tuple(balance for month in published for balance in _balances(database, month))
    return Proof(checked, newest.period, tuple(_ledger(database, newest)), balances)


_SLICE = "usage_period = ? AND methodology_version = ?"


def _checked(database: Database, month: Month) -> Checked:
    lines, largest = database.execute(
        f"SELECT count(*), max(abs(difference_kg)) FROM reconciliation WHERE {_SLICE}", [month.period, month.version]
    ).fetchone()
    return Checked(month.period, month.version, int(lines), largest)


def _ledger(database: Database, month: Month) -> list[LedgerLine]:
    """Worldwide lines of the measures in scope, in the order of the steps."""
    rows = database.execute(
        "SELECT step, measure, in_kg, transferred_in_kg, transferred_out_kg, out_kg, difference_kg FROM reconciliation"
        f" WHERE {_SLICE} AND cluster_id = ?",
        [month.period, month.version, WORLDWIDE],
    ).fetchall()
    known = methodology(month.version).measures
    lines = [LedgerLine(*row) for row in rows if row[1] in known]
    return sorted(lines, key=lambda line: (STEPS.index(line.step), MEASURES.index(line.measure)))


def _balances(database: Database, month: Month) -> list[Balance]:
    measures = methodology(month.version).measures
    inventory = dict(
        database.execute(
            f"SELECT measure, sum(emissions_kg) FROM inventory_emissions WHERE {_SLICE} GROUP BY measure",
            [month.period, month.version],
        ).fetchall()
    )
    sums = database.execute(
        f"SELECT {', '.join(f'sum({name}_kg)' for name in measures)} FROM account_emissions WHERE {_SLICE}",
        [month.period, month.version],
    ).fetchone()
    return [
        Balance(month.period, month.version, name, exact_sum([inventory.get(name) or Decimal(0)]), mass or Decimal(0))
        for name, mass in zip(measures, sums, strict=True)
    ]
