"""Every table of the product once: inputs, their core tables, results, logs (contract, sections 1 and 3)."""

from typing import Final

from ccft.schema.ai import AI_CORE, AI_INPUTS, AI_LOGS, AI_RESULTS
from ccft.schema.columns import columns
from ccft.schema.inputs import INPUTS
from ccft.schema.results import RESULTS
from ccft.schema.table import Layer, Table

__all__ = [
    "AI_CORE",
    "AI_INPUTS",
    "AI_LOGS",
    "AI_RESULTS",
    "CORE",
    "INPUTS",
    "LOGS",
    "RESULTS",
    "TABLES",
    "Layer",
    "Table",
    "table",
]

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
        statistics_on=("cluster_id", "service_id"),
    ),
    Table(
        "core_usage_classes",
        Layer.CORE,
        "Account usage summed by what decides an account's weight: pool totals of every methodology version, and the rows' fingerprint",
        columns(
            "usage_period region_code cluster_id service_id account_type owner_service_id? has_revenue has_cost account_count"
            " usage_units:decimal(28,6) revenue_usd cost_usd largest_usage_units largest_revenue_usd largest_cost_usd"
            " revenue_credits cost_credits revenue_below_zero_usd cost_below_zero_usd row_hash_high row_hash_low".split()
        ),
        (
            "usage_period",
            "region_code",
            "cluster_id",
            "service_id",
            "account_type",
            "owner_service_id",
            "has_revenue",
            "has_cost",
        ),
        partition_by=("usage_period", "region_code"),
    ),
)

LOGS: Final = (
    Table(
        "run_log",
        Layer.LOG,
        "One line per period of a run; a period x version is published by its newest line that says so",
        columns(
            "run_id usage_period methodology_version status input_fingerprint code_version policy_hash"
            " configuration_hash started_at finished_at rows_written seconds_per_step table_versions message code_hash?"
            " input_versions?".split()
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

_AI: Final = (*AI_INPUTS, *AI_CORE, *AI_RESULTS, *AI_LOGS)
"""Apart from the others: everything about AI models is optional, and published on its own."""

TABLES: Final = {table.name: table for table in (*INPUTS, *CORE, *RESULTS, *LOGS, *_AI)}


def table(name: str) -> Table:
    """The table called `name` (KeyError when the registry has none)."""
    return TABLES[name]
