"""Headline, trend and the two methods."""

from collections.abc import Sequence
from decimal import Decimal

from ccft.publish.report import charts
from ccft.publish.report.amounts import METHODS, Amounts
from ccft.publish.report.blocks import (
    METHOD_SWATCHES,
    SCOPE_SWATCHES,
    Block,
    Cell,
    Chart,
    Column,
    Headline,
    Prose,
    Section,
    Stat,
    Table,
)
from ccft.publish.report.figures import Figures
from ccft.publish.report.months import WINDOW_MONTHS, Month
from ccft.publish.report.sections.tables import AMOUNT_COLUMNS, amount_cells, amounts_table, recent_span
from ccft.publish.report.wording import METHOD_LABELS, NOT_COMPUTED, counted, listed, month_name, month_spans, tonnes

MBM, LBM = METHODS


def scope_3_note(months: Sequence[Month]) -> str:
    """What the reader must know of Scope 3 in a sum of months; empty where every month has it."""
    without = [month for month in months if month.version and not month.has_scope_3]
    if not without:
        return ""
    versions = listed(sorted({month.version for month in without}))
    if len(without) == len([month for month in months if month.version]):
        return f"Scope 3 is not computed in {versions}; that is not the same as zero."
    return (
        f"Scope 3, and with it every total, covers only part of these months: it is not computed in {versions}"
        f" ({month_spans([month.period for month in without])})."
    )


def _statement(amounts: Amounts) -> Table:
    def scope(title: str, mbm: Decimal | None, lbm: Decimal | None) -> list[Cell]:
        return [title, *(NOT_COMPUTED if mass is None else mass for mass in (mbm, lbm))]

    direct = amounts.measure("scope_1")
    return Table(
        "Emissions by scope, t CO₂e",
        (Column("Scope"), Column(METHOD_LABELS[MBM], "t"), Column(METHOD_LABELS[LBM], "t")),
        [
            scope("Scope 1", direct, direct),
            scope("Scope 2", amounts.measure("scope_2_mbm"), amounts.measure("scope_2_lbm")),
            scope("Scope 3", amounts.scope_3(MBM), amounts.scope_3(LBM)),
        ],
        ["Total", amounts.total(MBM), amounts.total(LBM)],
    )


def overview(figures: Figures) -> Section:
    """Totals of the latest twelve months, and of every calendar year."""
    total, newest = figures.total, figures.recent[-1]
    latest = newest.amounts or Amounts({})
    detail = f"{tonnes(latest.total(MBM))} t in {month_name(newest.period)}"
    detail_lbm = f"{tonnes(latest.total(LBM))} t in {month_name(newest.period)}"
    stats = (
        Stat(METHOD_LABELS[MBM], tonnes(total.total(MBM)), "t CO₂e", detail),
        Stat(METHOD_LABELS[LBM], tonnes(total.total(LBM)), "t CO₂e", detail_lbm),
    )
    note = scope_3_note(figures.recent)
    years = Table(
        "Calendar years",
        (Column("Year"), Column("Months", "count"), Column("With Scope 3", "count"), *AMOUNT_COLUMNS),
        [
            [year.year, len(year.months), sum(month.has_scope_3 for month in year.months), *amount_cells(year.amounts)]
            for year in figures.years
        ],
        summary="Calendar years and exact masses in kg",
    )
    whose = "your organisation" if figures.payer else "all accounts"
    lead = f"Emissions of {whose}, {recent_span(figures)}: {counted(figures.account_count, 'account')}."
    blocks: list[Block] = [Headline(stats, _statement(total)), *([Prose(note, "quiet")] if note else []), years]
    return Section("overview", "Overview", lead, blocks)


def months_table(figures: Figures, title: str) -> Table:
    """Every month of the window in exact kg, with its version."""
    absent = len(AMOUNT_COLUMNS)

    def cells(month: Month) -> list[Cell]:
        if not month.version:
            return ["not published"] * absent
        return amount_cells(month.amounts) if month.amounts else ["no usage"] * absent

    rows = [[month_name(month.period), month.version or "–", *cells(month)] for month in figures.months]
    return Table(
        title,
        (Column("Month"), Column("Version"), *AMOUNT_COLUMNS),
        rows,
        summary="The numbers behind it, exact in kg",
    )


def _extremes(figures: Figures, method: str) -> str:
    with_mass = [(month.amounts.total(method), month.period) for month in figures.months if month.amounts]
    if len(with_mass) < 2:
        return ""
    high, low = max(with_mass), min(with_mass)
    return (
        f" Highest in {month_name(high[1])} ({tonnes(high[0])} t), lowest in {month_name(low[1])} ({tonnes(low[0])} t)."
    )


def _version_sentence(figures: Figures) -> str:
    starts = [f"{version} from {month_name(period)}" for period, version in figures.version_starts.items()]
    return f" Dotted lines mark a new methodology version: {listed(starts)}." if starts else ""


def trend(figures: Figures) -> Section:
    """Scopes month by month, market-based."""
    periods = [month.period for month in figures.months]

    def masses(name: str) -> list[Decimal | None]:
        return [month.amounts.measure(name) if month.amounts else None for month in figures.months]

    scope_3 = [month.amounts.scope_3(MBM) if month.amounts else None for month in figures.months]
    series = [
        ("Scope 1", "scope-1", masses("scope_1")),
        ("Scope 2", "scope-2", masses("scope_2_mbm")),
        ("Scope 3", "scope-3", scope_3),
    ]
    present = [part for part in series if any(mass is not None for mass in part[2])]
    caption = (
        f"Emissions per month by scope, market-based, t CO₂e.{_extremes(figures, MBM)}{_version_sentence(figures)}"
    )
    chart = Chart(
        "chart-trend",
        caption,
        charts.stacked_months(periods, present, figures.version_starts),
        SCOPE_SWATCHES[: len(present)],
        months_table(figures, "Emissions per month"),
        height=340,
    )
    gaps = [month.period for month in figures.months if not month.version]
    idle = [month.period for month in figures.published if month.amounts is None]
    blocks: list[Block] = [chart]
    blocks += [Prose(f"Not published: {month_spans(gaps)}.", "quiet")] if gaps else []
    blocks += [Prose(f"Without usage, so without emissions: {month_spans(idle)}.", "quiet")] if idle else []
    lead = f"{counted(len(figures.published), 'published month')}; the window holds up to {WINDOW_MONTHS}."
    return Section("trend", "Month by month", lead, blocks)


def two_methods(figures: Figures) -> Section:
    """Location-based against market-based."""
    periods = [month.period for month in figures.months]
    series = [
        (METHOD_LABELS[m], m, [month.amounts.total(m) if month.amounts else None for month in figures.months])
        for m in METHODS
    ]
    rows = [([month_name(month.period)], month.amounts) for month in figures.months if month.amounts is not None]
    difference = figures.total.total(LBM) - figures.total.total(MBM)
    side = "below" if difference > 0 else "above"
    lead = (
        "The location-based method counts the grid that supplied the electricity; the market-based method counts what was bought,"
        " contracts and certificates included."
    )
    compared = (
        f"Over {recent_span(figures)} the market-based total is {tonnes(abs(difference))} t {side} the location-based one."
        if difference
        else f"Over {recent_span(figures)} both methods give the same total."
    )
    chart = Chart(
        "chart-methods",
        f"Total emissions per month by both methods, t CO₂e. {compared}",
        charts.month_lines(periods, series, figures.version_starts),
        [METHOD_SWATCHES[0], METHOD_SWATCHES[1]],
        amounts_table("Totals per month by both methods", (Column("Month"),), rows, None),
    )
    return Section("methods", "Location and market", lead, [chart])
