"""What the total divides into: regions, products, accounts, components."""

from decimal import Decimal

from ccft.publish.report import charts
from ccft.publish.report.amounts import METHODS, add
from ccft.publish.report.blocks import Chart, Column, Section, Swatch, Term, Terms
from ccft.publish.report.figures import Figures
from ccft.publish.report.sections.tables import amounts_table, ranking_bars, recent_span
from ccft.publish.report.wording import COMPONENT_LABELS, COMPONENT_MEANINGS, METHOD_LABELS, percent
from ccft.schema.columns import COMPONENTS

MBM, LBM = METHODS
_COLOURS = {name: f"component-{position}" for position, name in enumerate(COMPONENTS, start=1)}


def regions(figures: Figures) -> Section:
    """By region."""
    bars = ranking_bars(
        figures.regions,
        f"Emissions by region, {recent_span(figures)}, t CO₂e.",
        (Column("Region"), Column("Code")),
        "regions",
    )
    lead = "Where the servers stand. Edge locations of the content delivery network are one region, Global."
    return Section("regions", "By region", lead, [bars])


def products(figures: Figures) -> Section:
    """By product."""
    bars = ranking_bars(
        figures.products, f"Emissions by service, {recent_span(figures)}, t CO₂e.", (Column("Service"),), "services"
    )
    lead = "Services as the bill names them. What one service uses of another is already counted at the one that customers use."
    return Section("services", "By service", lead, [bars])


def accounts(figures: Figures) -> Section:
    """The largest accounts."""
    names = (Column("Account", "code"), Column("Note" if figures.payer else "Organisation"))
    bars = ranking_bars(
        figures.accounts, f"Largest accounts, {recent_span(figures)}, t CO₂e.", names, "accounts", is_code=True
    )
    lead = (
        "Accounts of your organisation, by market-based total." if figures.payer else "Accounts by market-based total."
    )
    return Section("accounts", "Largest accounts", lead, [bars])


def components(figures: Figures) -> Section | None:
    """In use, unused capacity, overheads, residual."""
    parts = {name: figures.components[name] for name in COMPONENTS if name in figures.components}
    if not parts:
        return None
    series = [
        (COMPONENT_LABELS[name], _COLOURS[name], [amounts.total(method) for method in METHODS])
        for name, amounts in parts.items()
    ]
    whole = figures.total.total(MBM)
    used = parts["in_use"].total(MBM) if "in_use" in parts else Decimal(0)
    caption = f"Components of the total, {recent_span(figures)}, t CO₂e. {percent(used, whole)} of the market-based total is capacity in use."
    rows = [((COMPONENT_LABELS[name],), amounts) for name, amounts in parts.items()]
    chart = Chart(
        "chart-components",
        caption,
        charts.parts_of_whole([METHOD_LABELS[method] for method in METHODS], series),
        [Swatch(_COLOURS[name], COMPONENT_LABELS[name]) for name in parts],
        amounts_table("Components", (Column("Component"),), rows, add(parts.values())),
        height=200,
    )
    terms = Terms([Term(COMPONENT_LABELS[name], COMPONENT_MEANINGS[name]) for name in parts])
    lead = "Five parts, disjoint, that sum to the total: not only capacity at work, but what it takes to have it ready."
    return Section("components", "What the emissions are made of", lead, [chart, terms])
