"""Charts of single models as plotly figures: the steps of a lifecycle, and a trade-off of two figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from plotly import graph_objects as go

from ccft.publish.report.charts import INK, LINE, QUIET, Figure, drawn, hover, label, plain_figure, shared_layout

STEP_HEIGHT: Final = 44
_LABELLED: Final = 12
"""More points than these: only those on the frontier are named in the picture."""


@dataclass(frozen=True)
class Step:
    """A step of a waterfall: `kg` up from `start_kg`; a memo is not part of the total."""

    name: str
    start_kg: Decimal
    kg: Decimal
    is_memo: bool


@dataclass(frozen=True)
class Point:
    """A candidate of a trade-off; `words` is what pointing at it says."""

    name: str
    x: Decimal
    y: Decimal
    is_efficient: bool
    words: str


def waterfall(steps: Sequence[Step]) -> Figure:
    """Lying bars, each from where the one before ended."""
    bar = go.Bar(
        orientation="h",
        y=[step.name for step in steps],
        base=[drawn(step.start_kg) for step in steps],
        x=[drawn(step.kg) for step in steps],
        customdata=[hover(step.kg) for step in steps],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
        marker={"color": [f"var(--{step_colour(is_memo=step.is_memo)})" for step in steps], "line": {"width": 0}},
    )
    made = shared_layout(bargap=0.42, hovermode="closest", margin={"l": 8, "r": 8, "t": 8, "b": 8})
    made.yaxis.update(
        showgrid=False, autorange="reversed", nticks=None, tickfont={"color": INK, "size": 13}, ticklabelstandoff=8
    )
    made.xaxis.update(showgrid=True, gridcolor=LINE, nticks=5, linecolor="rgba(0,0,0,0)", ticks="", rangemode="tozero")
    return plain_figure(go.Figure(bar, made))


def step_colour(*, is_memo: bool) -> str:
    """Colour of the style sheet for a step."""
    return "component-5" if is_memo else "component-1"


def point_colour(*, is_efficient: bool) -> str:
    """Colour of the style sheet for a point."""
    return "component-1" if is_efficient else "component-5"


def trade_off(points: Sequence[Point], x_title: str, y_title: str) -> Figure:
    """Points with their names; those on the frontier are filled diamonds, the others rings."""
    half = max((point.x for point in points), default=Decimal(0)) / 2
    named = [point.name if len(points) <= _LABELLED or point.is_efficient else "" for point in points]
    dots = go.Scatter(
        mode="markers+text",
        x=[float(point.x) for point in points],
        y=[float(point.y) for point in points],
        text=[label(name) for name in named],
        textposition=["top left" if point.x > half else "top right" for point in points],
        textfont={"color": INK, "size": 12},
        cliponaxis=False,
        customdata=[escape(point.words, quote=False) for point in points],
        hovertemplate="%{customdata}<extra></extra>",
        marker={
            "color": [f"var(--{point_colour(is_efficient=point.is_efficient)})" for point in points],
            "symbol": ["diamond" if point.is_efficient else "circle-open" for point in points],
            "size": 11,
        },
    )
    made = shared_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 32, "b": 8})
    made.xaxis.update(rangemode="tozero", nticks=5, title={"text": x_title, "font": {"color": QUIET, "size": 12}})
    made.yaxis.update(rangemode="normal", title={"text": y_title, "font": {"color": QUIET, "size": 12}})
    return plain_figure(go.Figure(dots, made))
