"""Layouts of an export by name: the contract's own columns, or those of another standard."""

from typing import Final

from ccft.errors import fail
from ccft.publish.data_exports.layout import Format, Mode
from ccft.publish.data_exports.manifest import Profile
from ccft.publish.data_exports.other_layouts import focus, google
from ccft.publish.data_exports.pact import Company, Footprints
from ccft.publish.data_exports.query import Query, everything, parse
from ccft.publish.data_exports.shape import CarbonEmissions, Shape
from ccft.publish.data_exports.state import Definition
from ccft.schema.views import VIEWS

COLUMNS: Final = next(view for view in VIEWS if view.name == "carbon_emissions").columns

FORMATS: Final = {
    Profile.CARBON_EMISSIONS: (Format.PARQUET, Format.CSV),
    Profile.GOOGLE: (Format.PARQUET,),  # records in records
    Profile.FOCUS: (Format.PARQUET, Format.CSV),
    Profile.PACT: (Format.JSON,),
}
"""Formats of each profile, its default first."""


def definition_of(
    name: str,
    form: str | None = None,
    mode: str | None = None,
    query: str | None = None,
    profile: str | None = None,
    company: Company | None = None,
) -> tuple[Definition, Query, Shape]:
    """Definition, query and shape of an export.

    Parameters
    ----------
    name
        Checked before.
    company
        Who declares footprints; profile `pact` only.

    Raises
    ------
    CcftError
        A refused query, or a format that the profile does not have.
    """
    chosen_profile = Profile(profile or Profile.CARBON_EMISSIONS)
    formats = FORMATS[chosen_profile]
    if form is not None and form not in formats:
        raise fail("CCFT-USAGE-EXPORT-FORM", first=f"--profile {chosen_profile}", second=f"--format {form}")
    chosen = Format(form or formats[0])
    parsed = parse(query, COLUMNS) if query is not None else everything(COLUMNS)
    shape = _shape(chosen_profile, parsed, chosen, company)
    return Definition(name, chosen, Mode(mode or Mode.OVERWRITE), chosen_profile, parsed.text), parsed, shape


def _shape(profile: Profile, query: Query, form: Format, company: Company | None) -> Shape:
    match profile:
        case Profile.GOOGLE:
            return google(form)
        case Profile.FOCUS:
            return focus(form)
        case Profile.PACT:
            if company is None or not (company.name and company.domain):
                raise fail(
                    "CCFT-USAGE-BAD-SETTING",
                    name="provider_name, provider_domain",
                    reason="not given: a product footprint names the company that declares it",
                )
            return Footprints(company)
        case Profile.CARBON_EMISSIONS:
            return CarbonEmissions(query, {column.name: column for column in COLUMNS}, form)
