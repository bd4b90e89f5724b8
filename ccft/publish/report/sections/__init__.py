"""The sections of the page, in order: figures become words, tables and charts. This list is where a new section is added."""

from collections.abc import Callable
from typing import Final

from ccft.publish.report.blocks import Section
from ccft.publish.report.figures import Figures
from ccft.publish.report.sections.evidence import changed, conservation, quality
from ccft.publish.report.sections.masses import overview, trend, two_methods
from ccft.publish.report.sections.method import flow_picture, method_notes, methodology_by_month
from ccft.publish.report.sections.parts import accounts, components, products, regions

SECTIONS: Final[tuple[Callable[[Figures], Section | None], ...]] = (
    overview,
    trend,
    two_methods,
    regions,
    products,
    accounts,
    components,
    flow_picture,
    methodology_by_month,
    quality,
    conservation,
    changed,
    method_notes,
)
"""Each makes its section, or None where the reader has none."""


def sections(figures: Figures) -> list[Section]:
    """All sections that this reader gets."""
    return [section for make in SECTIONS if (section := make(figures)) is not None]
