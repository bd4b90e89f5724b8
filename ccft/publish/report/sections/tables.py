"""Tables that several sections share: amounts per row in exact kg."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ccft.publish.report.amounts import METHODS, Amounts, add, subtract
from ccft.publish.report.blocks import METHOD_SWATCHES, Bar, Bars, Cell, Column, Table
from ccft.publish.report.figures import Figures
from ccft.publish.report.rankings import Ranked, Ranking
from ccft.publish.report.wording import NOT_COMPUTED, month_span, percent

SHOWN_BARS = 12

AMOUNT_COLUMNS = (
    Column("Scope 1, kg CO₂e", "kg"),
    Column("Scope 2 market-based, kg", "kg"),
    Column("Scope 2 location-based, kg", "kg"),
    Column("Scope 3 market-based, kg", "kg"),
    Column("Scope 3 location-based, kg", "kg"),
    Column("Total market-based, kg", "kg"),
    Column("Total location-based, kg", "kg"),
)


def amount_cells(amounts: Amounts) -> list[Cell]:
    """Cells of `AMOUNT_COLUMNS`; what is not computed says so."""
    cells: list[Cell] = [amounts.measure("scope_1"), amounts.measure("scope_2_mbm"), amounts.measure("scope_2_lbm")]
    cells += [amounts.scope_3(method) for method in METHODS]
    cells += [amounts.total(method) for method in METHODS]
    return [NOT_COMPUTED if cell is None else cell for cell in cells]


def recent_span(figures: Figures) -> str:
    """The months of headline and rankings, in words."""
    return month_span(figures.recent[0].period, figures.recent[-1].period)


def amounts_table(
    title: str, first: Sequence[Column], rows: Iterable[tuple[Sequence[Cell], Amounts]], total: Amounts | None
) -> Table:
    """A closed table of exact kg per row, with the total that the rows sum to."""
    blank: list[Cell] = [None] * (len(first) - 1)
    return Table(
        title,
        (*first, *AMOUNT_COLUMNS),
        [[*names, *amount_cells(amounts)] for names, amounts in rows],
        ["Total", *blank, *amount_cells(total)] if total is not None else (),
        summary="The numbers behind it, exact in kg",
    )


def _widths(amounts: Amounts, largest: Decimal) -> list[str]:
    """Bars as per cent of the largest; nothing to draw for zero and below."""
    return [f"{max(amounts.total(m), Decimal(0)) * 100 / largest:.2f}" if largest > 0 else "0" for m in METHODS]


def _bar(line: Ranked, largest: Decimal, whole: Decimal) -> Bar:
    masses = [line.amounts.total(method) for method in METHODS]
    return Bar(line.label, line.note, masses, _widths(line.amounts, largest), percent(masses[0], whole))


def ranking_bars(ranking: Ranking, caption: str, names: Sequence[Column], noun: str, *, is_code: bool = False) -> Bars:
    """A ranking as bars, with its table.

    Parameters
    ----------
    names
        Columns of label and note in the table.
    noun
        What is ranked, in the plural.
    """
    shown = list(ranking.lines[:SHOWN_BARS]) if len(ranking.lines) > SHOWN_BARS + 1 else list(ranking.lines)
    rest = ranking.other_count + len(ranking.lines) - len(shown)
    whole = ranking.total.total(METHODS[0])
    largest = max((line.amounts.total(method) for line in shown for method in METHODS), default=Decimal(0))
    bars = [_bar(line, largest, whole) for line in shown]
    if rest:
        left = subtract(ranking.total, add(line.amounts for line in shown))
        masses = [left.total(method) for method in METHODS]
        bars.append(Bar(f"{rest:,} other {noun}", "", masses, (), percent(masses[0], whole), is_rest=True))
    table_rows = [((line.label, line.note or None)[: len(names)], line.amounts) for line in ranking.lines]
    if ranking.others is not None:
        table_rows.append(((f"{ranking.other_count:,} other {noun}", None)[: len(names)], ranking.others))
    table = amounts_table(caption, names, table_rows, ranking.total)
    return Bars(caption, METHOD_SWATCHES, bars, table, is_code)
