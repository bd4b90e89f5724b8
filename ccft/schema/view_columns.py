"""Columns that only views have (publish page, sections 1 and 2): derived totals, shares of evidence, the 23 columns of a Data Export."""

from typing import Final

from ccft.schema.columns import ACCOUNT_PATTERN, COLUMNS, Column
from ccft.schema.units import MASS

EXPORT_UNIT: Final = "MTCO2e"
"""Unit of exports and of `carbon_emissions`, written in every row."""

EXPORTED: Final = {
    "total_lbm": "Scopes 1, 2 and 3, location-based",
    "total_mbm": "Scopes 1, 2 and 3, market-based",
    "total_scope_1": "Scope 1",
    "total_scope_2_lbm": "Scope 2, location-based",
    "total_scope_2_mbm": "Scope 2, market-based",
    "total_scope_3_lbm": "Scope 3 (fuel- and energy-related activities, embodied), location-based",
    "total_scope_3_mbm": "Scope 3 (fuel- and energy-related activities, embodied), market-based",
}
"""What a Data Export gives a value and a unit each, in the order of its columns."""

DERIVED: Final = {
    "scope_3_lbm": ("scope_3_fera_lbm", "scope_3_embodied"),
    "scope_3_mbm": ("scope_3_fera_mbm", "scope_3_embodied"),
    "total_lbm": ("scope_1", "scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied"),
    "total_mbm": ("scope_1", "scope_2_mbm", "scope_3_fera_mbm", "scope_3_embodied"),
}
"""Derived measures: sums of the exact masses of measures (methodology section 1)."""


def _kg(name: str, description: str) -> Column:
    return Column(name, MASS, description, unit="kg CO2e")


def _count(name: str, description: str, unit: str) -> Column:
    return Column(name, "bigint", description, unit=unit)


def _exported() -> tuple[Column, ...]:
    """Unit and value of each exported measure; totals may be empty by contract, and never are."""
    columns: list[Column] = []
    for name, meaning in EXPORTED.items():
        nullable = name in {"total_lbm", "total_mbm"}
        columns += [
            Column(f"{name}_emissions_unit", "string", "Unit of the value", values=(EXPORT_UNIT,), nullable=nullable),
            Column(
                f"{name}_emissions_value",
                "double",
                f"{meaning}: exact mass of the row, half up to whole grams",
                unit=EXPORT_UNIT,
                nullable=nullable,
            ),
        ]
    return tuple(columns)


_COLUMNS: Final = (
    Column("period_start", "timestamp", "First instant of the period (UTC)"),
    Column("period_end", "timestamp", "First instant of the next month (UTC)"),
    Column("rank", "int", "Rank of the methodology version; 0 for one that this software does not know", unit="1"),
    Column("is_current", "boolean", "Published version of highest rank of its period"),
    _count("account_count", "Accounts that have rows", "accounts"),
    _kg("scope_3_lbm_kg", "Scope 3, location-based: scope_3_fera_lbm_kg + scope_3_embodied_kg"),
    _kg("scope_3_mbm_kg", "Scope 3, market-based: scope_3_fera_mbm_kg + scope_3_embodied_kg"),
    _kg("total_lbm_kg", "Scopes 1, 2 and 3, location-based"),
    _kg("total_mbm_kg", "Scopes 1, 2 and 3, market-based"),
    _kg("inventory_kg", "Sum of the inventory"),
    _kg("accounts_kg", "Sum of the account rows, the provider's own included"),
    _count("ledger_line_count", "Lines of the ledger: one per step and cluster, and worldwide", "lines"),
    _count("unbalanced_line_count", "Lines of the ledger whose difference is not 0", "lines"),
    _kg("metered_or_invoiced_lbm_kg", "Part of total_lbm_kg that rests on metered or invoiced data"),
    _kg("metered_or_invoiced_mbm_kg", "Part of total_mbm_kg that rests on metered or invoiced data"),
    Column("metered_or_invoiced_lbm_share", "double", "The same as a share of total_lbm_kg", unit="1"),
    Column("metered_or_invoiced_mbm_share", "double", "The same as a share of total_mbm_kg", unit="1"),
    Column(
        "approximate_lbm_share",
        "double",
        "Share of total_lbm_kg that may come from other clusters (expansion overhead, residual): its evidence is taken to be that of the row's own"
        " cluster, so the metered or invoiced share is approximate to this extent",
        unit="1",
    ),
    Column("approximate_mbm_share", "double", "The same for total_mbm_kg", unit="1"),
    Column("last_refresh_timestamp", "timestamp", "When the published run finished (UTC)"),
    Column("model_version", "string", "Methodology version, e.g. `v2.0`"),
    *_exported(),
    Column("usage_account_id", "string", "Account that used the service, 12 digits", pattern=ACCOUNT_PATTERN),
    Column("usage_period_end", "timestamp", "First instant of the next month (UTC)"),
    Column("usage_period_start", "timestamp", "First instant of the month (UTC)"),
)

VIEW_COLUMNS: Final = {column.name: column for column in _COLUMNS}

ALL_COLUMNS: Final = COLUMNS | VIEW_COLUMNS
"""Columns of tables and views by name."""
