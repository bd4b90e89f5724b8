"""What a section of the page is made of. A section is an anchor, a title and blocks; the template knows each kind of block and nothing else.

Cells of tables and bars hold exact values, not text: the template words them by the kind of their column. All text is data and is escaped when
rendered.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Cell = Decimal | int | str | None
"""An exact value, or text that stands in its place ("not computed"); None is an empty cell."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    kind
        `text`, `code` (ids), `date`, `kg` (exact, nine decimals), `t` (tonnes, rounded for reading), `count`, or `percent` and
        `figure` (numbers that are already worded).
    """

    title: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        """Whether the column is set flush right."""
        return self.kind in ("kg", "t", "count", "percent", "figure")


@dataclass(frozen=True)
class Table:
    """A table; its first column names the row.

    Parameters
    ----------
    title
        Caption.
    total
        Closing row.
    summary
        Text of the control that opens it; empty = always open.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    summary: str = ""
    block: str = field(default="table", init=False)


@dataclass(frozen=True)
class Prose:
    """A paragraph; `tone` is `plain`, `quiet` or `alert`."""

    text: str
    tone: str = "plain"
    block: str = field(default="prose", init=False)


@dataclass(frozen=True)
class Term:
    """A term with its meaning."""

    term: str
    meaning: str


@dataclass(frozen=True)
class Terms:
    """A list of terms."""

    terms: Sequence[Term]
    block: str = field(default="terms", init=False)


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend: a colour of the style sheet (`scope-1`) and what it stands for."""

    colour: str
    label: str
    is_line: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart with its caption and the numbers behind it.

    Parameters
    ----------
    anchor
        Id of the element, unique on the page.
    caption
        What the chart says, in a sentence: also what a screen reader gets.
    figure
        `data` and `layout` of plotly; colours as `var(--name)` of the style sheet.
    table
        The numbers behind it.
    height, min_width
        Pixels; a chart that needs more width than there is scrolls inside its frame.
    """

    anchor: str
    caption: str
    figure: Mapping[str, Any]
    legend: Sequence[Swatch]
    table: Table
    height: int = 300
    min_width: int = 0
    block: str = field(default="chart", init=False)


@dataclass(frozen=True)
class Bar:
    """A row of a ranking: one mass in kg and one width in per cent per series; the rest of the ranking has no bar."""

    label: str
    note: str
    masses: Sequence[Decimal]
    widths: Sequence[str]
    share: str
    is_rest: bool = False


@dataclass(frozen=True)
class Bars:
    """A ranking drawn as bars: two series, one row each, largest first.

    Parameters
    ----------
    series
        Legend: colour and label of each mass.
    """

    caption: str
    series: Sequence[Swatch]
    bars: Sequence[Bar]
    table: Table
    is_code: bool = False
    block: str = field(default="bars", init=False)


@dataclass(frozen=True)
class Segment:
    """A stretch of a band: relative width, colour of the style sheet, words."""

    weight: int
    colour: str
    label: str
    note: str


@dataclass(frozen=True)
class Band:
    """Stretches side by side, such as months by methodology version."""

    caption: str
    segments: Sequence[Segment]
    block: str = field(default="band", init=False)


@dataclass(frozen=True)
class Stat:
    """A large figure with its label; `detail` is a smaller line below."""

    label: str
    value: str
    unit: str
    detail: str = ""


@dataclass(frozen=True)
class Headline:
    """Large figures beside the statement that they come from."""

    stats: Sequence[Stat]
    statement: Table
    block: str = field(default="headline", init=False)


@dataclass(frozen=True)
class Picture:
    """A drawing that is made elsewhere.

    Parameters
    ----------
    svg
        A whole SVG document; shown as an image, so that nothing in it can run or be fetched.
    text
        What it says, for those who do not see it.
    """

    svg: str
    text: str

    @property
    def address(self) -> str:
        """The drawing as a `data:` address."""
        return f"data:image/svg+xml;base64,{b64encode(self.svg.encode()).decode()}"


@dataclass(frozen=True)
class Pictures:
    """Drawings side by side with the values on them."""

    caption: str
    pictures: Sequence[Picture]
    table: Table
    block: str = field(default="pictures", init=False)


Block = Prose | Table | Terms | Chart | Bars | Band | Headline | Pictures


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    anchor, title
        Target of the link in the contents; heading and link text.
    lead
        First paragraph.
    """

    anchor: str
    title: str
    lead: str
    blocks: Sequence[Block]


SCOPE_SWATCHES: Final = (
    Swatch("scope-1", "Scope 1"),
    Swatch("scope-2", "Scope 2"),
    Swatch("scope-3", "Scope 3"),
)
METHOD_SWATCHES: Final = (Swatch("mbm", "Market-based"), Swatch("lbm", "Location-based"))
