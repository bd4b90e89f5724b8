"""How the figures were made: the flow picture, the version of each month, and notes on the method."""

from collections.abc import Sequence
from itertools import groupby

from ccft.methodology.model import Bearer, Interdependencies, Methodology, RampUp, Scope1Gaps, methodology
from ccft.publish.report import charts
from ccft.publish.report.blocks import (
    Band,
    Block,
    Cell,
    Chart,
    Column,
    Prose,
    Section,
    Segment,
    Swatch,
    Table,
    Term,
    Terms,
)
from ccft.publish.report.figures import Figures
from ccft.publish.report.flow import COLUMNS, RESIDUAL
from ccft.publish.report.months import Month
from ccft.publish.report.wording import NOT_COMPUTED, counted, listed, month_name, month_span, month_spans

_FLOW_SWATCHES = [
    Swatch("flow-1", "Clusters"),
    Swatch("flow-2", "Rack types"),
    Swatch("flow-3", "Services on the racks"),
    Swatch("flow-4", "Services that bear"),
    Swatch("flow-5", "Organisations"),
    Swatch("flow-residual", "Residual"),
]


def flow_picture(figures: Figures) -> Section | None:
    """From clusters to organisations; the provider's page only."""
    if figures.flow is None:
        return None
    flow = figures.flow
    lead = (
        "From the clusters' inventory, after shared overhead, over rack types and the services on them, through what services use of each other,"
        " to the organisations that bear it."
    )
    if flow.missing:
        return Section(
            "flow",
            "Where it flows",
            lead,
            [Prose(f"No picture of {month_name(flow.period)}: {flow.missing}.", "quiet")],
        )
    rows: list[list[Cell]] = [
        [_place(link.source.column), link.source.name, _place(link.target.column), link.target.name, link.mass]
        for link in flow.links
    ]
    table = Table(
        "Flows",
        (Column("From"), Column("Name"), Column("To"), Column("Name"), Column("Location-based, kg CO₂e", "kg")),
        rows,
        summary="The numbers behind it, exact in kg",
    )
    caption = f"Flow of the emissions of {month_name(flow.period)}, location-based, t CO₂e, left to right. The largest are named."
    chart = Chart(
        "chart-flow",
        caption,
        charts.flow_picture(flow),
        _FLOW_SWATCHES,
        table,
        height=charts.FLOW_HEIGHT,
        min_width=860,
    )
    return Section("flow", "Where it flows", lead, [chart])


def _place(column: int) -> str:
    return "Residual" if column == RESIDUAL else COLUMNS[column]


def _segments(months: Sequence[Month]) -> list[Segment]:
    versions = sorted({month.version for month in months if month.version}, key=lambda name: methodology(name).rank)
    segments = []
    for version, run in groupby(months, key=lambda month: month.version):
        found = list(run)
        span = month_span(found[0].period, found[-1].period)
        colour = f"version-{(versions.index(version) % 3) + 1}" if version else "version-none"
        segments.append(
            Segment(len(found), colour, version or "Not published", f"{span}, {counted(len(found), 'month')}")
        )
    return segments


def methodology_by_month(figures: Figures) -> Section:
    """Which version each month has."""
    starts = [f"{version} from {month_name(period)} on" for period, version in figures.version_starts.items()]
    blocks: list[Block] = [Band("Methodology version of each month", _segments(figures.months))]
    if starts:
        blocks.append(
            Prose(
                f"The method changes within the window: {listed(starts)}. Figures before and after are not like for like.",
                "quiet",
            )
        )
    rows: list[list[Cell]] = [
        [month_name(m.period), m.version or "not published", ", ".join(m.other_versions) or "–", _mark(figures, m)]
        for m in figures.months
    ]
    columns = (Column("Month"), Column("Version shown"), Column("Also published"), Column("Change"))
    blocks.append(Table("Methodology version by month", columns, rows, summary="Month by month"))
    lead = "Each month is shown in its published version of highest rank."
    return Section("methodology", "Methodology by month", lead, blocks)


def _mark(figures: Figures, month: Month) -> str | None:
    return f"first month of {month.version}" if month.period in figures.version_starts else None


def method_notes(figures: Figures) -> Section:
    """What each version covers, what is a reconstruction, how to read the page."""
    versions: dict[str, list[str]] = {}
    for month in figures.published:
        versions.setdefault(month.version, []).append(month.period)
    terms = []
    for version, periods in sorted(versions.items(), key=lambda item: methodology(item[0]).rank):
        policy = methodology(version)
        terms.append(Term(f"{version}: {month_spans(periods)}", _describe(policy)))
    reading = [
        Term(
            "Units",
            "t CO₂e in text and charts, exact kg CO₂e in tables; 1 t = 1,000 kg. All greenhouse gases, as carbon dioxide equivalents.",
        ),
        Term(
            "Rounding",
            "None inside. Masses are whole micrograms from the inventory to the account row; only what is read as tonnes is rounded, half up.",
        ),
        Term("Months", "Calendar months in UTC. An account belongs to the organisation that it had in that month."),
    ]
    sources = sorted({methodology(version).published_source for version in versions})
    return Section(
        "method",
        "Method notes",
        "Cluster, rack types, services and their interdependencies, accounts: each step divides exactly what the one before gave it.",
        [Terms(terms), Terms(reading), Prose(f"Published method: {'; '.join(sources)}.", "quiet")],
    )


def _describe(policy: Methodology) -> str:
    scopes = ["Scope 1", "Scope 2 by both methods"]
    has_scope_3 = any(name.startswith("scope_3") for name in policy.measures)
    if has_scope_3:
        scopes.append("Scope 3 (fuel- and energy-related activities, embodied carbon of racks and buildings)")
    sentences = [policy.title.rstrip(".") + ".", f"Covers {listed(scopes)}."]
    if not has_scope_3:
        sentences.append(f"Scope 3: {NOT_COMPUTED} in {policy.version}.")
    if policy.scope_1_gaps is Scope1Gaps.HISTORICAL_GROWTH:
        sentences.append("Generator fuel not yet reported is estimated from the year before.")
    provider = policy.unused_capacity is Bearer.PROVIDER
    sentences.append(
        "Unused capacity stays with the provider."
        if provider
        else "Unused capacity is borne by those who use the racks."
    )
    if policy.ramp_up is RampUp.WORLDWIDE:
        sentences.append("The excess of young racks and clusters is shared worldwide.")
    if policy.interdependencies is Interdependencies.SOLVED:
        sentences.append("What services use of each other is solved as one system per cluster.")
    if policy.is_reconstruction:
        sentences.append("Reconstruction: the method of this version was published only in outline.")
    return " ".join(sentences)
