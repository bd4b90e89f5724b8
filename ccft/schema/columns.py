"""Every column of the product once: name, type, unit, meaning, allowed values."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from ccft.schema.ai_columns import AI_COLUMNS
from ccft.schema.column import Column as Column  # noqa: PLC0414 - columns are defined with it, and named from here
from ccft.schema.column import kg as _kg
from ccft.schema.column import text as _text
from ccft.schema.units import ROW_MASS, SHARE, F, Q

MEASURES: Final = (
    "scope_1",
    "scope_2_lbm",
    "scope_2_mbm",
    "scope_3_fera_lbm",
    "scope_3_fera_mbm",
    "scope_3_embodied",
)
COMPONENTS: Final = ("in_use", "unused_capacity", "network_overhead", "expansion_overhead", "residual")
EVIDENCE: Final = ("metered", "invoiced", "estimated", "forecast")
BASES: Final = ("usage", "revenue", "list_price", "cost", "retained")
STEPS: Final = (
    "inventory",
    "rack_types",
    "overhead",
    "services",
    "interdependencies",
    "residuals",
    "accounts",
    "total",
)
SOURCES: Final = (
    "generator_fuel",
    "natural_gas",
    "refrigerant",
    "electricity",
    "fuel_upstream",
    "electricity_upstream",
    "grid_losses",
    "rack_embodied",
    "facility_embodied",
)
ACTIVITIES: Final = ("electricity", "generator_fuel", "natural_gas", "refrigerant")
FACTOR_TYPES: Final = (
    "fuel_combustion",
    "fuel_upstream",
    "gwp",
    "grid_generation",
    "grid_upstream",
    "grid_losses",
    "market_generation",
    "market_upstream",
    "carbon_free_share",
)
INSTRUMENTS: Final = ("direct_contract", "supplier", "residual_mix")
"""Market instruments in the order of preference (methodology section 2)."""

GLOBAL_REGION: Final = "global"
GLOBAL_LOCATION: Final = "Global"
UNUSED_CAPACITY: Final = "UnusedCapacity"
SHARED_OVERHEAD: Final = "SharedOverhead"
RESERVED_PRODUCT_CODES: Final = (UNUSED_CAPACITY, SHARED_OVERHEAD)
UNASSIGNED: Final = "unassigned"
WORLDWIDE: Final = "worldwide"

_SUM: Final = "decimal(28,6)"
"""Quantities summed over many rows."""
_PERIOD_PATTERN: Final = r"[0-9]{4}-(0[1-9]|1[0-2])"
ACCOUNT_PATTERN: Final = r"[0-9]{12}"

_INPUT_COLUMNS: Final = (
    _text("cluster_id", "Cluster: a Region, or an edge cluster of the content delivery network"),
    _text("cluster_type", "Kind of cluster", values=("region", "edge")),
    _text("region_code", "Region that customers see; `global` for edge clusters"),
    _text("location", "Long name of the region; `Global` for edge clusters"),
    _text("grid_zone", "Electricity grid zone, key of grid emission factors"),
    _text("market_boundary", "Electricity market in which certificates count"),
    Column("launched_on", "date", "First day of service of the cluster"),
    _text("period", "Accounting month `YYYY-MM`", pattern=_PERIOD_PATTERN),
    _text("site_id", "Site (building, meter) of the cluster"),
    _text("activity", "Kind of activity", values=ACTIVITIES),
    _text("substance", "Fuel or refrigerant; empty for electricity"),
    Column("quantity", Q, "Amount of activity, in `unit`", unit="see unit", minimum=0),
    _text("unit", "Unit of the quantity or of the factor"),
    _text("evidence", "What the figure rests on", values=EVIDENCE),
    _text("factor_type", "Kind of emission factor", values=FACTOR_TYPES),
    _text("factor_key", "What the factor is for: substance, grid zone, market boundary or cluster"),
    _text("instrument", "Market instrument; market factors only", values=INSTRUMENTS),
    _text("valid_from", "First period in which the row is valid", pattern=_PERIOD_PATTERN),
    _text("valid_to", "Last period in which the row is valid, inclusive; empty = open", pattern=_PERIOD_PATTERN),
    Column("value", F, "Emission factor, kg CO2e per unit of activity (shares: 0 to 1)", unit="see unit"),
    _text("source", "Inventory lines: where the emissions come from; factors: the publication"),
    Column("vintage", "int", "Year the factor describes"),
    _text("certificate_id", "Energy attribute certificate"),
    Column("ef", F, "Emission factor of the certified energy", unit="kg CO2e/MWh", minimum=0),
    _text("status", "Certificate or run status"),
    _text("rack_id", "Rack"),
    _text("rack_type", "Rack type, e.g. `EC2.C5`; it has one usage unit of its own"),
    Column("is_network", "boolean", "Networking rack: no usage of its own"),
    Column("planned_power_kw", Q, "Expected average draw at peak usage; a planning figure", unit="kW", minimum=0),
    Column(
        "capacity_units_per_day", Q, "Units the rack can serve a day; 0 for networking", unit="units/day", minimum=0
    ),
    Column("deployed_on", "date", "First day of service of the rack"),
    Column("retired_on", "date", "First day out of service"),
    Column("embodied_kg", F, "Carbon embodied in the asset, whole life", unit="kg CO2e", minimum=0),
    Column("service_life_months", "int", "Amortisation time in calendar months", unit="months", minimum=1),
    _text("embodied_method", "How the embodied figure was found"),
    _text("asset_id", "Facility asset"),
    _text("asset_kind", "Kind of facility asset", values=("building", "equipment")),
    Column("in_service_on", "date", "First day of service of the asset"),
    _text("service_id", "Service"),
    _text("product_code", "Product that customers see for the service"),
    _text("service_name", "Name of the service"),
    Column("is_foundational", "boolean", "Has dedicated racks: allocated to accounts by usage"),
    _text("usage_unit", "Unit in which the usage of the service is counted"),
    _text("account_id", "Account, 12 digits", pattern=ACCOUNT_PATTERN),
    _text("payer_account_id", "Management account of the organisation in that month", pattern=ACCOUNT_PATTERN),
    _text("account_type", "Kind of account", values=("internal", "affiliate", "external")),
    _text("owner_service_id", "Service that the account's team runs; internal accounts only"),
    Column("usage_date", "date", "Day of usage (UTC)"),
    Column("used_units", Q, "Rack usage, unit of the rack type", unit="units of the rack type", minimum=0),
    _text("usage_type", "Kind of usage within the service"),
    Column("usage_units", Q, "Usage, unit of the service", unit="units of the service", minimum=0),
    Column(
        "equivalent_revenue_usd", Q, "Usage at list price, without discounts, credits, one-time charges", unit="USD"
    ),
    Column("allocated_cost_usd", Q, "Internal cost allocated to the account (internal accounts)", unit="USD"),
)

_CLASS_COLUMNS: Final = (
    Column("has_revenue", "boolean", "Equivalent revenue is recorded for the account in the month"),
    Column("has_cost", "boolean", "Cost is recorded for the account in the month"),
    Column("account_count", "bigint", "Number of account rows", unit="rows"),
    Column("revenue_usd", _SUM, "Equivalent revenue; negative monthly sums of an account count as zero", unit="USD"),
    Column("cost_usd", _SUM, "Allocated cost; negative monthly sums of an account count as zero", unit="USD"),
    Column("largest_usage_units", _SUM, "Largest usage of one account", unit="units of the service"),
    Column("largest_revenue_usd", _SUM, "Largest equivalent revenue of one account", unit="USD"),
    Column("largest_cost_usd", _SUM, "Largest allocated cost of one account", unit="USD"),
    Column("revenue_credits", "bigint", "Accounts whose equivalent revenue is negative in the month", unit="rows"),
    Column("cost_credits", "bigint", "Accounts whose allocated cost is negative in the month", unit="rows"),
    Column("revenue_below_zero_usd", _SUM, "Negative equivalent revenue that counts as zero", unit="USD"),
    Column("cost_below_zero_usd", _SUM, "Negative allocated cost that counts as zero", unit="USD"),
    Column("row_hash_high", "bigint", "Upper halves of the rows' 64-bit hashes, summed"),
    Column("row_hash_low", "bigint", "Lower halves of the rows' 64-bit hashes, summed"),
)

_RESULT_COLUMNS: Final = (
    _text("usage_period", "Accounting month `YYYY-MM`", pattern=_PERIOD_PATTERN),
    _text("methodology_version", "Version of the methodology that computed the row, e.g. `v2.0`"),
    _text("run_id", "Run that wrote the row; derived from inputs, policies and code"),
    Column("is_ramping", "boolean", "Rack or its cluster was younger than 12 months on the period's first day"),
    _text("measure", "GHG Protocol scope and method", values=MEASURES),
    _text("component", "Part of the emissions; the five are disjoint and sum to the total", values=COMPONENTS),
    _kg("emissions_kg", "Emissions"),
    _kg("metered_kg", "Part of emissions_kg that rests on metered data"),
    _kg("invoiced_kg", "Part of emissions_kg that rests on invoices"),
    _kg("estimated_kg", "Part of emissions_kg that rests on estimates"),
    _kg("forecast_kg", "Part of emissions_kg that rests on forecasts"),
    _text("factor_references", "Emission factors used: JSON list of type, key, instrument, validity, value, source"),
    _kg("direct_kg", "Emissions of the service's own use of racks"),
    _kg("received_kg", "Passed to the service by services it uses"),
    _kg("passed_on_kg", "Passed on to the services that use it"),
    _kg("residual_kg", "Received from residuals; negative where the service gives up what finds no user"),
    _kg("net_kg", "direct_kg + received_kg - passed_on_kg + residual_kg: what its customers bear"),
    _text("origin_service_id", "Service on whose racks the emissions arose"),
    _text("consumer_service_id", "Service whose team uses the provider service"),
    Column("share", SHARE, "Share of the provider's total weight that the consumer's team accounts have", unit="1"),
    Column(
        "weight",
        Q,
        "Allocation weight in the pool: an account's, or summed over a team's accounts; empty on retained rows",
        unit="units or USD",
    ),
    _kg("scope_1_kg", "Scope 1: direct emissions", ROW_MASS),
    _kg("scope_2_lbm_kg", "Scope 2, location-based", ROW_MASS),
    _kg("scope_2_mbm_kg", "Scope 2, market-based", ROW_MASS),
    _kg("scope_3_fera_lbm_kg", "Scope 3, fuel- and energy-related activities, location-based", ROW_MASS),
    _kg("scope_3_fera_mbm_kg", "Scope 3, fuel- and energy-related activities, market-based", ROW_MASS),
    _kg("scope_3_embodied_kg", "Scope 3, categories 2 and 4: racks and buildings, amortised", ROW_MASS),
    _text("allocation_basis", "What the weight is", values=BASES),
    _text("step", "Step of the allocation; `ai`: AI models, booked by `ccft ai run`", values=(*STEPS, "ai")),
    _kg("in_kg", "What the step took in"),
    _kg("transferred_in_kg", "Received from other clusters in this step"),
    _kg("transferred_out_kg", "Given to other clusters in this step"),
    _kg("out_kg", "What the step gave out"),
    _kg("difference_kg", "in + transferred in - transferred out - out: 0 or nothing is published"),
    Column("issued_mwh", "decimal(28,6)", "Certificates known for boundary and period", unit="MWh"),
    Column("used_for_load_mwh", "decimal(28,6)", "Certificates that cover load", unit="MWh"),
    Column("used_for_losses_mwh", "decimal(28,6)", "Certificates that cover grid losses", unit="MWh"),
    Column("unused_mwh", "decimal(28,6)", "Certificates left over", unit="MWh"),
    _text("input_fingerprint", "Content fingerprint of all inputs of the period"),
    _text("code_version", "Version of ccft"),
    _text("policy_hash", "SHA-256 of the policies of the methodology version"),
    _text("configuration_hash", "SHA-256 of the settings that change results"),
    Column("started_at", "timestamp", "Start of the run (UTC)"),
    Column("finished_at", "timestamp", "End of the run (UTC)"),
    _text("rows_written", "JSON: rows per result table"),
    _text("seconds_per_step", "JSON: seconds per step of the run"),
    _text("table_versions", "JSON: Delta version of every result table; readers open exactly these"),
    _text("code_hash", "SHA-256 of the source files of ccft that ran"),
    _text("input_versions", "JSON: Delta version of every core table that was read"),
    _text("message", "One readable sentence; of a failed run, its conditions"),
    _text("reason", "Why a published figure was changed, as stated by the operator"),
    _text("table_name", "Table of the registry"),
    _text("condition", "Stable condition code, e.g. `CCFT-INPUT-UNKNOWN-CLUSTER`"),
    _text("subject", "What the event is about: a rack type, service, account, market boundary ..."),
    Column("event_value", "decimal(38,9)", "Figure of the event, in the unit its message names", unit="see message"),
    _text("row_json", "The row as delivered, as JSON"),
    Column("row_count", "bigint", "Number of rows", unit="rows"),
    _text("fingerprint", "Order-independent content fingerprint of the rows"),
    _text("ingest_id", "Delivery that wrote the rows; derived from their content"),
    Column("ingested_at", "timestamp", "When the delivery was ingested (UTC)"),
    _kg("old_kg", "Worldwide total before the restatement"),
    _kg("new_kg", "Worldwide total after the restatement"),
    _text("old_run_id", "Run that was superseded"),
    _text("restated_by", "Operating system or platform user who restated"),
    Column("restated_at", "timestamp", "When it was restated (UTC)"),
)

COLUMNS: Final = {column.name: column for column in (*_INPUT_COLUMNS, *_CLASS_COLUMNS, *_RESULT_COLUMNS, *AI_COLUMNS)}


def columns(names: Iterable[str], known: Mapping[str, Column] = COLUMNS) -> tuple[Column, ...]:
    """Look columns up by name; a trailing `?` makes the column nullable in that table, `:type` gives it a wider type there.

    >>> [c.nullable for c in columns(["rack_type", "rack_type?"])]
    [False, True]
    >>> [c.type for c in columns(["weight", "weight:decimal(28,6)"])]
    ['decimal(18,6)', 'decimal(28,6)']
    """
    found = []
    for entry in names:
        name, _, kind = entry.rstrip("?").partition(":")
        column = known[name]
        found.append(replace(column, type=kind or column.type, nullable=entry.endswith("?")))
    return tuple(found)
