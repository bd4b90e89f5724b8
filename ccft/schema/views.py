"""Views over the published results: what analysts query (publish page, section 2).

Described like tables; their one SQL text, which Spark and DuckDB both run, is in `ccft.publish.views`. Columns of the key identify a row.
"""

from typing import Final

from ccft.schema.columns import MEASURES, columns
from ccft.schema.results import RESULTS
from ccft.schema.table import Layer, Table
from ccft.schema.units import MASS
from ccft.schema.view_columns import ALL_COLUMNS, DERIVED, EXPORTED

SLICE: Final = "usage_period methodology_version"
_MEASURES: Final = " ".join(f"{name}_kg:{MASS}" for name in MEASURES)
_MASSES: Final = " ".join((_MEASURES, *(f"{name}_kg" for name in DERIVED)))
_EXPORT_COLUMNS: Final = " ".join(
    (
        "last_refresh_timestamp location? model_version payer_account_id product_code? region_code?",
        *(
            f"{name}_emissions_unit{mark} {name}_emissions_value{mark}"
            for name in EXPORTED
            for mark in ("?" if name in {"total_lbm", "total_mbm"} else "",)
        ),
        "usage_account_id usage_period_end usage_period_start",
    )
)
_EXPORT_KEY: Final = "usage_period_start usage_account_id product_code region_code model_version"


def _view(name: str, description: str, names: str, key: str) -> Table:
    return Table(name, Layer.VIEW, description, columns(names.split(), ALL_COLUMNS), tuple(key.split()))


_ACCOUNT_ROWS: Final = next(table for table in RESULTS if table.name == "account_emissions")
_ACCOUNT_NAMES: Final = " ".join(
    (
        *(f"{column.name}{'?' if column.nullable else ''}" for column in _ACCOUNT_ROWS.columns),
        *(f"{name}_kg" for name in DERIVED),
    )
)

PUBLISHED_SLICES: Final = _view(
    "published_slices",
    "What is published: one row per period and methodology version, and which version is current",
    f"{SLICE} period_start period_end rank is_current run_id finished_at",
    SLICE,
)

VIEWS: Final = (
    _view(
        "account_emissions_current",
        "Account rows of the current version of each period, with Scope 3 and totals",
        _ACCOUNT_NAMES,
        " ".join(_ACCOUNT_ROWS.key),
    ),
    _view(
        "account_emissions_all_versions",
        "Account rows of every published version, with Scope 3 and totals",
        f"{_ACCOUNT_NAMES} is_current",
        " ".join(_ACCOUNT_ROWS.key),
    ),
    _view(
        "carbon_emissions",
        "The columns of a Data Export for all organisations, current version of each period; services of one product and edge clusters are summed",
        _EXPORT_COLUMNS,
        _EXPORT_KEY,
    ),
    _view(
        "carbon_emissions_all_versions",
        "The columns of a Data Export for all organisations, every published version",
        _EXPORT_COLUMNS,
        _EXPORT_KEY,
    ),
    _view(
        "emissions_by_component",
        "Account rows of the current version, split over the components of their pool; the five of a row sum to it exactly",
        f"{SLICE} region_code cluster_id service_id account_id component payer_account_id account_type product_code location"
        f" {_MEASURES}",
        f"{SLICE} region_code cluster_id service_id account_id component",
    ),
    _view(
        "emissions_by_service",
        "Emissions per service, current version",
        f"{SLICE} service_id product_code account_count {_MASSES}",
        f"{SLICE} service_id",
    ),
    _view(
        "emissions_by_region",
        "Emissions per region, current version; edge clusters together are `global`",
        f"{SLICE} region_code location account_count {_MASSES}",
        f"{SLICE} region_code",
    ),
    _view(
        "organisation_emissions",
        "Emissions per organisation: the payer that each account had in the month, current version",
        f"{SLICE} payer_account_id account_count {_MASSES}",
        f"{SLICE} payer_account_id",
    ),
    _view(
        "reconciliation_summary",
        "The proof of conservation per measure, every published version: inventory against account rows, and the lines of the ledger",
        f"{SLICE} measure inventory_kg accounts_kg difference_kg ledger_line_count unbalanced_line_count is_current",
        f"{SLICE} measure",
    ),
    _view(
        "data_quality_summary",
        "How much of each account's month rests on metered or invoiced data, weighted by mass, current version; approximate where mass comes from other clusters",
        f"{SLICE} account_id payer_account_id total_lbm_kg metered_or_invoiced_lbm_kg metered_or_invoiced_lbm_share?"
        " approximate_lbm_share? total_mbm_kg metered_or_invoiced_mbm_kg metered_or_invoiced_mbm_share? approximate_mbm_share?",
        f"{SLICE} account_id",
    ),
)
