"""Every table of the product once: columns, key, partitioning, checks (contract, sections 1 and 3)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccft.schema.columns import Column, columns


class Layer(StrEnum):
    """Where a table stands between raw inputs and published results."""

    INPUT = "input"
    CORE = "core"
    RESULT = "result"
    LOG = "log"


@dataclass(frozen=True)
class Table:
    """A table: its grain is its key.

    Parameters
    ----------
    name, layer, description
        What it is.
    columns
        In order.
    key
        Columns that identify a row; nulls compare equal.
    partition_by
        Partition columns of the Delta table; also the unit of replacement.
    checks
        Name -> SQL condition, kept by Delta as a CHECK constraint.
    is_large
        Grows with accounts or racks x days: bad rows are quarantined instead of rejecting the delivery.
    delivered_by
        Inputs only: column whose values a delivery replaces (`period`, `usage_date`); empty = the whole snapshot.
    statistics_on
        Columns on which Delta keeps data-skipping statistics.
    """

    name: str
    layer: Layer
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    is_large: bool = False
    delivered_by: str = ""
    statistics_on: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(column for column in self.columns if column.name == name)


def _input(name: str, description: str, names: str, key: str, *, large: bool = False, delivered_by: str = "") -> Table:
    return Table(
        name,
        Layer.INPUT,
        description,
        columns(names.split()),
        tuple(key.split()),
        is_large=large,
        delivered_by=delivered_by,
    )


INPUTS: Final = (
    _input(
        "clusters",
        "Regions and edge clusters",
        "cluster_id cluster_type region_code location grid_zone market_boundary launched_on",
        "cluster_id",
    ),
    _input(
        "activity",
        "Metered, invoiced, estimated or forecast activity of each site and month",
        "period site_id cluster_id activity substance? quantity unit evidence",
        "period site_id cluster_id activity substance",
        delivered_by="period",
    ),
    _input(
        "emission_factors",
        "Emission factors with validity, source and vintage",
        "factor_type factor_key instrument? valid_from valid_to? value unit source vintage",
        "factor_type factor_key instrument valid_from",
    ),
    _input(
        "certificates",
        "Energy attribute certificates per market boundary and month",
        "period market_boundary certificate_id quantity ef status",
        "period market_boundary certificate_id",
        delivered_by="period",
    ),
    _input(
        "racks",
        "Racks with planned power, capacity, life and embodied carbon",
        "rack_id cluster_id rack_type is_network planned_power_kw capacity_units_per_day deployed_on retired_on?"
        " embodied_kg service_life_months? embodied_method?",
        "rack_id",
    ),
    _input(
        "facility_assets",
        "Buildings and facility equipment with life and embodied carbon",
        "asset_id cluster_id asset_kind embodied_kg in_service_on service_life_months?",
        "asset_id",
    ),
    _input(
        "services",
        "Services and the products that customers see",
        "service_id product_code service_name is_foundational usage_unit",
        "service_id",
    ),
    _input(
        "accounts",
        "Accounts and their organisations, by validity in months",
        "account_id valid_from valid_to? payer_account_id account_type owner_service_id?",
        "account_id valid_from",
    ),
    _input(
        "rack_usage",
        "Daily usage of racks by the services that occupy them",
        "usage_date rack_id service_id used_units",
        "usage_date rack_id service_id",
        large=True,
        delivered_by="usage_date",
    ),
    _input(
        "account_usage",
        "Daily usage of services by accounts",
        "usage_date account_id cluster_id service_id usage_type usage_units equivalent_revenue_usd? allocated_cost_usd?",
        "usage_date account_id cluster_id service_id usage_type",
        large=True,
        delivered_by="usage_date",
    ),
)

_SMALL_INPUTS: Final = tuple(table for table in INPUTS if not table.is_large)


def _core_copy(table: Table) -> Table:
    """Core table of a small input: the same columns, validated; monthly deliveries are kept by period."""
    by_period = ("period",) if table.delivered_by else ()
    return Table(
        f"core_{table.name}",
        Layer.CORE,
        f"{table.description}; validated",
        table.columns,
        table.key,
        partition_by=by_period,
    )


CORE: Final = (
    *(_core_copy(table) for table in _SMALL_INPUTS),
    Table(
        "core_rack_usage",
        Layer.CORE,
        "Monthly usage of rack types by services, ramping and mature racks apart",
        columns("usage_period region_code cluster_id rack_type is_ramping service_id used_units".split()),
        ("usage_period", "region_code", "cluster_id", "rack_type", "is_ramping", "service_id"),
        partition_by=("usage_period", "region_code"),
        checks=(("used_units_not_negative", "used_units >= 0"),),
    ),
    Table(
        "core_account_usage",
        Layer.CORE,
        "Monthly usage of services by accounts, with the account's organisation in that month",
        columns(
            "usage_period region_code cluster_id service_id account_id payer_account_id account_type owner_service_id?"
            " usage_units equivalent_revenue_usd? allocated_cost_usd?".split()
        ),
        ("usage_period", "region_code", "cluster_id", "service_id", "account_id"),
        partition_by=("usage_period", "region_code"),
        checks=(("usage_units_not_negative", "usage_units >= 0"),),
        is_large=True,
        statistics_on=("cluster_id", "service_id", "account_id", "account_type"),
    ),
)

PARTITIONED: Final = ("usage_period", "region_code", "methodology_version")
WITHOUT_REGION: Final = ("usage_period", "methodology_version")


def _result(
    name: str,
    description: str,
    grain: str,
    amounts: str,
    *,
    partition_by: tuple[str, ...] = PARTITIONED,
    checks: tuple[tuple[str, str], ...] = (),
    large: bool = False,
    statistics_on: tuple[str, ...] = (),
) -> Table:
    key = (*partition_by, *(name.rstrip("?") for name in grain.split()))
    return Table(
        name,
        Layer.RESULT,
        description,
        columns((*partition_by, *grain.split(), *amounts.split(), "run_id")),
        key,
        partition_by=partition_by,
        checks=checks,
        is_large=large,
        statistics_on=statistics_on,
    )


RESULTS: Final = (
    _result(
        "inventory_emissions",
        "Emissions of clusters per measure and source: the inventory that everything sums to",
        "cluster_id rack_type? measure source",
        "emissions_kg metered_kg invoiced_kg estimated_kg forecast_kg instrument? factor_references",
        checks=(("evidence_sums", "metered_kg + invoiced_kg + estimated_kg + forecast_kg = emissions_kg"),),
    ),
    _result(
        "certificate_ledger",
        "Where each certificate's MWh went",
        "market_boundary",
        "issued_mwh used_for_load_mwh used_for_losses_mwh unused_mwh",
        partition_by=WITHOUT_REGION,
        checks=(("each_mwh_once", "used_for_load_mwh + used_for_losses_mwh + unused_mwh = issued_mwh"),),
    ),
    _result(
        "rack_type_emissions",
        "Emissions of rack types after overhead, ramp-up and unused capacity",
        "cluster_id rack_type measure component",
        "emissions_kg",
        checks=(("not_negative", "emissions_kg >= 0"),),
    ),
    _result(
        "service_emissions",
        "Emissions of services: direct, through the service graph, residual, net",
        "cluster_id service_id measure component",
        "direct_kg received_kg passed_on_kg residual_kg net_kg",
        checks=(("net_balances", "direct_kg + received_kg - passed_on_kg + residual_kg = net_kg"),),
    ),
    _result(
        "service_flows",
        "Which service bears what another emitted",
        "cluster_id origin_service_id service_id measure",
        "emissions_kg",
    ),
    _result(
        "service_shares",
        "How much of a provider service each consumer service's teams use",
        "cluster_id service_id consumer_service_id",
        "share pool_weight",
    ),
    _result(
        "reconciliation",
        "The ledger: every step conserves every measure in every cluster",
        "measure step cluster_id",
        "in_kg transferred_in_kg transferred_out_kg out_kg difference_kg",
        partition_by=WITHOUT_REGION,
        checks=(("conserved", "difference_kg = 0"),),
    ),
    _result(
        "data_quality_events",
        "What was accepted with a remark; methodology_version is `ingest` for remarks on the inputs",
        "condition cluster_id? subject?",
        "event_value? message",
        partition_by=WITHOUT_REGION,
    ),
    _result(
        "account_emissions",
        "Emissions of accounts: what customers get",
        "cluster_id service_id account_id",
        "scope_1_kg scope_2_lbm_kg scope_2_mbm_kg scope_3_fera_lbm_kg scope_3_fera_mbm_kg scope_3_embodied_kg"
        " allocation_basis weight? payer_account_id account_type product_code location",
        large=True,
        statistics_on=("cluster_id", "service_id", "account_id", "payer_account_id"),
    ),
)

LOGS: Final = (
    Table(
        "run_log",
        Layer.LOG,
        "One line per run; a period x version is published when its newest line says so",
        columns(
            "run_id usage_period methodology_version status input_fingerprint code_version policy_hash"
            " configuration_hash started_at finished_at rows_written seconds_per_step table_versions message".split()
        ),
        ("run_id", "started_at"),
    ),
    Table(
        "ingest_log",
        Layer.LOG,
        "Content fingerprint of each table and period of each delivery",
        columns("ingest_id table_name period? row_count fingerprint ingested_at".split()),
        ("ingest_id", "table_name", "period", "ingested_at"),
    ),
    Table(
        "rejected_rows",
        Layer.LOG,
        "Rows of large inputs that were set aside, as delivered, with the reason",
        columns("usage_period table_name row_json condition message run_id".split()),
        (),
        partition_by=("usage_period", "table_name"),
    ),
    Table(
        "restatements",
        Layer.LOG,
        "What changed in a published period: old and new totals per measure, who, when, why",
        columns(
            "usage_period methodology_version measure old_run_id run_id old_kg new_kg reason restated_by restated_at".split()
        ),
        ("run_id", "measure", "restated_at"),
    ),
)

TABLES: Final = {table.name: table for table in (*INPUTS, *CORE, *RESULTS, *LOGS)}


def table(name: str) -> Table:
    """The table called `name` (KeyError when the registry has none)."""
    return TABLES[name]
