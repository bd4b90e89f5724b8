"""Sections become one HTML page that needs nothing else: style, script and charts are inside, and nothing is fetched.

A content security policy allows exactly the two scripts of the page, by hash. Text is data: Jinja escapes it, and charts are handed over as JSON.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from ccft.publish.report.blocks import Block, Cell, Chart, Section
from ccft.publish.report.figures import Figures
from ccft.publish.report.sections import sections
from ccft.publish.report.wording import counted, kilograms, listed, month_span, tonnes

_STATIC: Final = resources.files("ccft.publish.report") / "static"
_READABLE_DECIMALS: Final = 3


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _cell(value: Cell, kind: str) -> tuple[str, str]:
    """A cell as its column words it, and its quiet end: micrograms, since grams are what the eye compares.

    Text in a column of numbers stands for a figure that is not there.
    """
    if isinstance(value, Decimal) and kind == "kg":
        text = kilograms(value)
        cut = text.index(".") + 1 + _READABLE_DECIMALS
        return text[:cut], text[cut:]
    if isinstance(value, Decimal):
        return tonnes(value), ""
    if isinstance(value, int):
        return f"{value:,}", ""
    return value or "", ""


def _charts(blocks: Sequence[Block]) -> list[Chart]:
    return [block for block in blocks if isinstance(block, Chart)]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ccft.publish.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tonnes"] = tonnes
    environment.globals["cell"] = _cell
    return environment


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _json(value: object) -> str:
    """JSON that may stand in a script element: no character of it can end the element or start a tag."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def render(figures: Figures, extra: Sequence[Section] = ()) -> str:
    """The page.

    Parameters
    ----------
    extra
        Sections of other rooms, after the page's own but before the notes on the method.
    """
    own = sections(figures)
    shown = [*own[:-1], *extra, own[-1]]
    library, script = get_plotlyjs(), _static("report.js")
    drawings = [
        {"anchor": chart.anchor, "data": chart.figure["data"], "layout": chart.figure["layout"]}
        for section in shown
        for chart in _charts(section.blocks)
    ]
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(script)}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            policy=policy,
            title=_title(figures),
            subject=figures.payer,
            facts=_facts(figures),
            sections=shown,
            style=_static("report.css"),
            library=library,
            script=script,
            drawings=_json(drawings),
        )
    )


def _title(figures: Figures) -> str:
    whose = f"organisation {figures.payer}" if figures.payer else "provider"
    return f"Carbon footprint, {whose}, {month_span(figures.recent[0].period, figures.recent[-1].period)}"


def _facts(figures: Figures) -> list[tuple[str, str]]:
    """What stands under the title."""
    published = figures.published
    versions = sorted({month.version for month in published})
    return [
        ("Window", f"{month_span(published[0].period, published[-1].period)}, {counted(len(published), 'month')}"),
        ("Methodology", listed(versions)),
        ("Published", f"{figures.published_at:%Y-%m-%d %H:%M} UTC"),
    ]
