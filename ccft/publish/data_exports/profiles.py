"""Layouts of an export by name: the contract's own columns, or those of another standard."""

from typing import Final

from ccft.errors import fail
from ccft.publish.data_exports.layout import Format, Mode
from ccft.publish.data_exports.query import Query, everything, parse
from ccft.publish.data_exports.shape import CarbonEmissions, Shape
from ccft.publish.data_exports.state import Definition
from ccft.schema.views import VIEWS

COLUMNS: Final = next(view for view in VIEWS if view.name == "carbon_emissions").columns
CARBON_EMISSIONS: Final = "carbon_emissions"


def definition_of(
    name: str,
    form: str | None = None,
    mode: str | None = None,
    query: str | None = None,
    profile: str | None = None,
) -> tuple[Definition, Query, Shape]:
    """Definition, query and shape of an export.

    Raises
    ------
    CcftError
        A refused query, or a format that the profile does not have.
    """
    parsed = parse(query, COLUMNS) if query is not None else everything(COLUMNS)
    chosen = Format(form or Format.PARQUET)
    shape = CarbonEmissions(parsed, {column.name: column for column in COLUMNS}, chosen)
    definition = Definition(name, chosen, Mode(mode or Mode.OVERWRITE), profile or CARBON_EMISSIONS, parsed.text)
    return definition, parsed, shape
