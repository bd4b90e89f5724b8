"""Charts as plotly figures: exact masses become floats here, for drawing only; the numbers behind a chart are its table.

Colours are names of the style sheet (`var(--scope-1)`), which the page's script resolves for light, dark and print. Labels are data: plotly reads
a little HTML in text, so they are escaped.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from itertools import pairwise
from typing import Any, Final

from plotly import graph_objects as go

from ccft.publish.report.flow import BEARERS, CLUSTERS, ORGANISATIONS, RACK_TYPES, RESIDUAL, SERVICES, Flow, Node
from ccft.publish.report.wording import percent, short_month, tonnes

Figure = dict[str, Any]
_LABEL_LENGTH: Final = 26
_CLOSE: Final = 4
"""Months between two marks below which their names would touch: one of them is raised."""
INK, QUIET, LINE, PAPER = "var(--ink)", "var(--quiet)", "var(--line)", "var(--paper)"


def drawn(mass_kg: Decimal) -> float:
    """A mass as a length of the chart, t."""
    return float(mass_kg.scaleb(-3))


def label(text: str) -> str:
    """A name as plotly may show it: no markup, cut where it would cover the chart.

    >>> label("<b>bold</b>"), label("x" * 40)
    ('&lt;b&gt;bold&lt;/b&gt;', 'xxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    cut = text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"
    return escape(cut, quote=False)


def hover(mass: Decimal) -> str:
    """What pointing at a mass says."""
    return f"{tonnes(mass)} t CO₂e"


def shared_layout(**parts: object) -> go.Layout:
    """What all charts share: no frame, horizontal hairlines, the page's own fonts and colours."""
    axis = {"fixedrange": True, "zeroline": False, "tickfont": {"color": QUIET, "size": 12}, "automargin": True}
    shared = {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 13},
        "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": LINE, "font": {"color": INK, "size": 13}},
        "xaxis": {**axis, "showgrid": False, "linecolor": LINE, "ticks": "outside", "tickcolor": LINE, "ticklen": 4},
        "yaxis": {**axis, "gridcolor": LINE, "rangemode": "tozero", "nticks": 6},
    }
    return go.Layout({**shared, **parts})


def _months_axis(periods: Sequence[str]) -> dict[str, object]:
    """Months as categories: one month is as wide as one of thirty-eight, and plotly thins the labels as the width asks for it."""
    axis = dict(shared_layout().to_plotly_json()["xaxis"])
    names = [short_month(period) for period in periods]
    return axis | {"type": "category", "categoryorder": "array", "categoryarray": names, "tickangle": 0}


def _versions(periods: Sequence[str], changes: Mapping[str, str]) -> dict[str, object]:
    """A dotted line and a name where a methodology version begins, between two months."""
    shapes, notes = [], []
    last, raised = float(-_CLOSE), False
    for period, version in changes.items():
        place = periods.index(period) - 0.5
        raised = place - last < _CLOSE and not raised
        last = place
        line = {"color": QUIET, "width": 1, "dash": "dot"}
        shapes.append(
            {"type": "line", "xref": "x", "yref": "paper", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": line}
        )
        notes.append(
            {"x": place, "xref": "x", "y": 1, "yref": "paper", "text": escape(version), "showarrow": False, "xanchor": "left",
             "yanchor": "bottom", "xshift": -3, "yshift": 14 if raised else 0, "font": {"color": QUIET, "size": 12}}
        )  # fmt: skip
    return {"shapes": shapes, "annotations": notes}


def stacked_months(
    periods: Sequence[str], series: Sequence[tuple[str, str, Sequence[Decimal | None]]], changes: Mapping[str, str]
) -> Figure:
    """Bars per month, one colour per series, stacked.

    Parameters
    ----------
    series
        Name, colour and kg per month; None where there is no figure.
    changes
        First month of a methodology version -> its name.
    """
    bars = [
        go.Bar(
            name=name,
            x=[short_month(period) for period in periods],
            y=[None if mass is None else drawn(mass) for mass in masses],
            customdata=[None if mass is None else hover(mass) for mass in masses],
            hovertemplate="%{customdata}",
            marker={"color": f"var(--{colour})", "line": {"width": 0}},
        )
        for name, colour, masses in series
    ]
    layout = shared_layout(barmode="relative", bargap=0.28, xaxis=_months_axis(periods), **_versions(periods, changes))
    return plain_figure(go.Figure(bars, layout))


def month_lines(
    periods: Sequence[str], series: Sequence[tuple[str, str, Sequence[Decimal | None]]], changes: Mapping[str, str]
) -> Figure:
    """A line per series over months; it breaks where there is no figure, and where the method changes: the two sides are not like for like."""
    starts = [0, *(periods.index(period) for period in changes), len(periods)]
    dashes = ("solid", "dash")
    lines = [
        go.Scatter(
            name=name,
            x=[short_month(period) for period in periods[start:end]],
            y=[None if mass is None else drawn(mass) for mass in masses[start:end]],
            customdata=[None if mass is None else hover(mass) for mass in masses[start:end]],
            hovertemplate="%{customdata}",
            mode="lines+markers",
            connectgaps=False,
            line={"color": f"var(--{colour})", "width": 2.25, "dash": dash},
            marker={"color": f"var(--{colour})", "size": 6},
        )
        for (name, colour, masses), dash in zip(series, dashes, strict=False)
        for start, end in pairwise(starts)
    ]
    return plain_figure(go.Figure(lines, shared_layout(xaxis=_months_axis(periods), **_versions(periods, changes))))


def shares_by_month(
    periods: Sequence[str], series: Sequence[tuple[str, str, Sequence[Decimal]]], changes: Mapping[str, str]
) -> Figure:
    """Bars of 100 % per month, one colour per series."""
    totals = [sum(masses, Decimal(0)) for masses in zip(*(masses for _, _, masses in series), strict=True)]
    bars = [
        go.Bar(
            name=name,
            x=[short_month(period) for period in periods],
            y=[float(mass * 100 / whole) if whole else 0 for mass, whole in zip(masses, totals, strict=True)],
            customdata=[percent(mass, whole) for mass, whole in zip(masses, totals, strict=True)],
            hovertemplate="%{customdata}",
            marker={"color": f"var(--{colour})", "line": {"width": 0}},
        )
        for name, colour, masses in series
    ]
    layout = shared_layout(barmode="stack", bargap=0.28, xaxis=_months_axis(periods), **_versions(periods, changes))
    layout.yaxis.update(ticksuffix=" %", range=[0, 100])
    return plain_figure(go.Figure(bars, layout))


def parts_of_whole(rows: Sequence[str], series: Sequence[tuple[str, str, Sequence[Decimal]]]) -> Figure:
    """A lying bar per row, made of coloured parts.

    Parameters
    ----------
    series
        Name, colour and kg per row.
    """
    bars = [
        go.Bar(
            name=name,
            orientation="h",
            y=list(rows),
            x=[drawn(mass) for mass in masses],
            customdata=[f"{escape(name)}: {hover(mass)}" for mass in masses],
            hovertemplate="%{customdata}<extra></extra>",
            marker={"color": f"var(--{colour})", "line": {"width": 1, "color": PAPER}},
        )
        for name, colour, masses in series
    ]
    layout = shared_layout(barmode="relative", bargap=0.42, hovermode="closest")
    layout.yaxis.update(
        showgrid=False, autorange="reversed", nticks=None, tickfont={"color": INK, "size": 13}, ticklabelstandoff=8
    )
    layout.xaxis.update(showgrid=True, gridcolor=LINE, nticks=5, linecolor="rgba(0,0,0,0)", ticks="")
    return plain_figure(go.Figure(bars, layout))


FLOW_HEIGHT: Final = 640
_FLOW_MARGIN: Final = 12
_FLOW_GAP: Final = 14
"""Pixels: the picture, its margin above and below, the gap between nodes."""

_FLOW_PLACES: Final = {
    CLUSTERS: 0.001,
    RACK_TYPES: 0.25,
    SERVICES: 0.5,
    RESIDUAL: 0.62,
    BEARERS: 0.75,
    ORGANISATIONS: 0.999,
}
_FLOW_COLOURS: Final = {
    CLUSTERS: "flow-1",
    RACK_TYPES: "flow-2",
    SERVICES: "flow-3",
    RESIDUAL: "flow-residual",
    BEARERS: "flow-4",
    ORGANISATIONS: "flow-5",
}


def flow_picture(flow: Flow) -> Figure:
    """Masses flowing from column to column."""
    nodes = list(dict.fromkeys(node for link in flow.links for node in (link.source, link.target)))
    position = {node: place for place, node in enumerate(nodes)}
    sankey = go.Sankey(
        arrangement="snap",
        valueformat=",.4r",
        valuesuffix=" t CO₂e",
        node={
            "label": [label(node.name) for node in nodes],
            "x": [_FLOW_PLACES[node.column] for node in nodes],
            "y": _heights(flow, nodes),
            "color": [f"var(--{_FLOW_COLOURS[node.column]})" for node in nodes],
            "pad": _FLOW_GAP,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        link={
            "source": [position[link.source] for link in flow.links],
            "target": [position[link.target] for link in flow.links],
            "value": [drawn(link.mass) for link in flow.links],
            "color": "var(--flow-link)",
            "hovercolor": "var(--flow-hover)",
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
        textfont={"color": INK, "size": 12},
    )
    return plain_figure(
        go.Figure(
            sankey, shared_layout(hovermode="closest", margin={"l": 4, "r": 4, "t": _FLOW_MARGIN, "b": _FLOW_MARGIN})
        )
    )


def _heights(flow: Flow, nodes: Sequence[Node]) -> list[float]:
    """Vertical centres of the nodes, largest on top: as plotly scales them, so that every column fits its frame; the residual lies at the bottom."""
    through: dict[Node, float] = dict.fromkeys(nodes, 0.0)
    for link in flow.links:
        through[link.target] += drawn(link.mass)
        if link.source.column == CLUSTERS:
            through[link.source] += drawn(link.mass)
    columns = [[node for node in nodes if node.column == column] for column in _FLOW_PLACES]
    sums = [sum(through[node] for node in column) for column in columns]
    room = FLOW_HEIGHT - 2 * _FLOW_MARGIN
    scale = min(
        (room - _FLOW_GAP * (len(column) - 1)) / total for column, total in zip(columns, sums, strict=True) if total
    )
    places: dict[Node, float] = {}
    for column, total in zip(columns, sums, strict=True):
        column.sort(key=lambda node: (node.is_collective, -through[node], node.name))
        used = scale * total + _FLOW_GAP * (len(column) - 1)
        top = room - used if column and column[0].column == RESIDUAL else (room - used) / 2
        for node in column:
            height = scale * through[node]
            places[node] = min(max((top + height / 2) / room, 0.001), 0.999)
            top += height + _FLOW_GAP
    return [places[node] for node in nodes]


def plain_figure(figure: go.Figure) -> Figure:
    """Data and layout as plain values."""
    plain = figure.to_plotly_json()
    return {"data": plain["data"], "layout": plain["layout"]}
