"""What the figures rest on: data quality, the conservation proof, what changed after publication."""

from collections.abc import Sequence
from decimal import Decimal

from ccft.publish.report import charts
from ccft.publish.report.amounts import METHODS, exact_difference, exact_sum
from ccft.publish.report.blocks import Block, Cell, Chart, Column, Prose, Section, Swatch, Table
from ccft.publish.report.changes import Change
from ccft.publish.report.figures import Figures
from ccft.publish.report.proof import Balance
from ccft.publish.report.quality import MEASURED, OTHER, Evidence
from ccft.publish.report.wording import (
    MEASURE_LABELS,
    STEP_LABELS,
    counted,
    kilograms,
    month_name,
    percent,
)

MBM, LBM = METHODS
_COLOURS = {
    "metered": "evidence-1",
    "invoiced": "evidence-2",
    "estimated": "evidence-3",
    "forecast": "evidence-4",
    MEASURED: "evidence-1",
    OTHER: "evidence-3",
}


def _evidence_table(lines: Sequence[Evidence]) -> Table:
    kinds = list(lines[0].masses)
    columns = (
        Column("Month"),
        Column("Version"),
        *(Column(f"{kind.capitalize()}, kg CO₂e", "kg") for kind in kinds),
        Column("Metered or invoiced", "percent"),
    )
    rows: list[list[Cell]] = [
        [
            month_name(line.period),
            line.version,
            *(line.masses[kind] for kind in kinds),
            percent(line.primary, line.total),
        ]
        for line in lines
    ]
    return Table("Emissions by evidence, location-based", columns, rows, summary="The numbers behind it, exact in kg")


def quality(figures: Figures) -> Section:
    """Share of metered and invoiced data, and the remarks."""
    lead = "Each figure carries the share of its mass that was metered or invoiced, rather than estimated or forecast."
    blocks: list[Block] = (
        [_evidence_chart(figures.evidence)]
        if figures.evidence
        else [Prose("No emissions, so no data behind them.", "quiet")]
    )
    if figures.payer and figures.evidence:
        share = percent(Decimal(figures.evidence[-1].approximate), Decimal(1))
        blocks.append(
            Prose(
                f"{share} of the newest month's mass comes from worldwide pools; for it the evidence of the cluster that received it is taken,"
                " which is an approximation.",
                "quiet",
            )
        )
    if not figures.payer:
        blocks.append(_remarks(figures))
    return Section("quality", "Data quality", lead, blocks)


def _evidence_chart(lines: Sequence[Evidence]) -> Chart:
    newest = lines[-1]
    caption = (
        f"Location-based emissions by the kind of data they rest on, per month. {month_name(newest.period)}:"
        f" {percent(newest.primary, newest.total)} metered or invoiced."
    )
    series = [(kind.capitalize(), _COLOURS[kind], [line.masses[kind] for line in lines]) for kind in newest.masses]
    used = [part for part in series if any(part[2])]
    return Chart(
        "chart-evidence",
        caption,
        charts.shares_by_month([line.period for line in lines], used, {}),
        [Swatch(colour, name) for name, colour, _ in used],
        _evidence_table(lines),
        height=240,
    )


def _remarks(figures: Figures) -> Table | Prose:
    if not figures.remarks:
        return Prose("Nothing was accepted with a remark.", "quiet")
    newest = month_name(figures.published[-1].period)
    rows: list[list[Cell]] = [
        [line.condition.removeprefix("CCFT-EVENT-"), line.newest, line.window, line.example] for line in figures.remarks
    ]
    count = sum(line.newest for line in figures.remarks)
    return Table(
        "Accepted with a remark",
        (Column("Condition", "code"), Column(newest, "count"), Column("All months", "count"), Column("For example")),
        rows,
        summary=f"{counted(count, 'remark')} on the data of {newest}",
    )


def conservation(figures: Figures) -> Section:
    """The proof that nothing was lost."""
    proof = figures.proof
    holds = not proof.largest_difference
    verdict = (
        f"{counted(proof.lines, 'equality', 'equalities')} checked in {counted(len(proof.checked), 'month')};"
        f" largest difference {kilograms(proof.largest_difference)} kg."
    )
    blocks: list[Block] = [Prose(verdict, "proof" if holds else "alert")]
    if figures.payer:
        blocks += [_checked(figures), _adds_up(figures)]
    else:
        blocks += [*_balances(figures), _ledger(figures)]
    lead = (
        "Every gram of the inventory ends at exactly one account. The ledger books what each step takes in and gives out, per cluster and"
        " measure; a difference other than zero stops the run before anything is published."
    )
    return Section("conservation", "Conservation proof", lead, blocks)


_BALANCE_COLUMNS = (
    Column("Measure"),
    Column("Inventory, kg CO₂e", "kg"),
    Column("Account rows, kg CO₂e", "kg"),
    Column("Difference, kg", "kg"),
)


def _balances(figures: Figures) -> list[Table]:
    """Inventory = accounts: the newest month in the open, every month folded."""
    proof = figures.proof

    def cells(balance: Balance) -> list[Cell]:
        return [MEASURE_LABELS[balance.measure], balance.inventory, balance.accounts, balance.difference]

    newest = [cells(balance) for balance in proof.balances if balance.period == proof.ledger_period]
    every: list[list[Cell]] = [[month_name(b.period), b.version, *cells(b)] for b in proof.balances]
    title = f"Inventory and account rows of {month_name(proof.ledger_period)}, both summed again for this page"
    return [
        Table(title, _BALANCE_COLUMNS, newest),
        Table(
            "Inventory and account rows of every month",
            (Column("Month"), Column("Version"), *_BALANCE_COLUMNS),
            every,
            summary="The same for every month",
        ),
    ]


def _ledger(figures: Figures) -> Table:
    rows: list[list[Cell]] = [
        [
            STEP_LABELS[line.step],
            MEASURE_LABELS[line.measure],
            line.taken_in,
            line.transferred_in,
            line.transferred_out,
            line.given_out,
            line.difference,
        ]
        for line in figures.proof.ledger
    ]
    return Table(
        f"Ledger of {month_name(figures.proof.ledger_period)}, worldwide",
        (
            Column("Step"),
            Column("Measure"),
            Column("In, kg CO₂e", "kg"),
            Column("Between clusters, in, kg", "kg"),
            Column("Between clusters, out, kg", "kg"),
            Column("Out, kg CO₂e", "kg"),
            Column("Difference, kg", "kg"),
        ),
        rows,
        summary="The ledger, step by step: in + transferred in − transferred out − out = difference",
    )


def _checked(figures: Figures) -> Table:
    rows: list[list[Cell]] = [
        [month_name(line.period), line.version, line.lines, line.largest_difference] for line in figures.proof.checked
    ]
    return Table(
        "Ledger by month",
        (
            Column("Month"),
            Column("Version"),
            Column("Equalities checked", "count"),
            Column("Largest difference, kg", "kg"),
        ),
        rows,
        summary="Month by month",
    )


def _adds_up(figures: Figures) -> Table:
    """The payer's own sums: the divisions of this page against its total."""
    total = figures.total.total(MBM)

    def line(name: str, parts: list[Decimal]) -> list[Cell]:
        return [name, exact_sum(parts), total, exact_difference(exact_sum(parts), total)]

    rows = [
        line("Months", [month.amounts.total(MBM) for month in figures.recent if month.amounts]),
        line("Regions", [item.amounts.total(MBM) for item in figures.regions.lines]),
    ]
    if figures.products.others is None:
        rows.append(line("Services", [item.amounts.total(MBM) for item in figures.products.lines]))
    if figures.components:
        rows.append(line("Components", [amounts.total(MBM) for amounts in figures.components.values()]))
    return Table(
        "Your own figures add up, market-based",
        (
            Column("Sum over"),
            Column("Sum, kg CO₂e", "kg"),
            Column("Total, kg CO₂e", "kg"),
            Column("Difference, kg", "kg"),
        ),
        rows,
    )


def _difference(change: Change, method: str) -> Cell:
    return (
        "no longer kept" if change.old is None else exact_difference(change.new.total(method), change.old.total(method))
    )


def _why(change: Change) -> str:
    item = change.replacement
    if item.old_version != item.new_version:
        return f"recast from {item.old_version} to {item.new_version}"
    return f"restated in {item.new_version}"


def changed(figures: Figures) -> Section:
    """What changed after it was first published."""
    lead = (
        "A published month changes only by a restatement with a reason, or when a newer methodology version recasts it."
    )
    if not figures.changes:
        return Section("changes", "What changed", lead, [Prose("No published month has changed.", "quiet")])
    reason = () if figures.payer else (Column("Reason"),)
    columns = (
        Column("Month"),
        Column("Published", "date"),
        Column("What"),
        Column("Before, market-based, kg", "kg"),
        Column("Now, market-based, kg", "kg"),
        Column("Change, market-based, kg", "kg"),
        Column("Change, location-based, kg", "kg"),
        *reason,
    )
    rows: list[list[Cell]] = []
    for change in figures.changes:
        item = change.replacement
        before: Cell = "no longer kept" if change.old is None else change.old.total(MBM)
        cells: list[Cell] = [
            month_name(item.period),
            f"{item.replaced_at:%Y-%m-%d}",
            _why(change),
            before,
            change.new.total(MBM),
            _difference(change, MBM),
            _difference(change, LBM),
        ]
        rows.append(cells if figures.payer else [*cells, item.reason or "–"])
    return Section("changes", "What changed", lead, [Table("Months that changed, newest change first", columns, rows)])
