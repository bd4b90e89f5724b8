"""Result tables (contract, section 3)."""

from typing import Final

from ccft.schema.table import WITHOUT_REGION, result_table

RESULTS: Final = (
    result_table(
        "inventory_emissions",
        "Emissions of clusters per measure and source: the inventory that everything sums to",
        "cluster_id rack_type? measure source",
        "emissions_kg metered_kg invoiced_kg estimated_kg forecast_kg instrument? factor_references",
        checks=(("evidence_sums", "metered_kg + invoiced_kg + estimated_kg + forecast_kg = emissions_kg"),),
    ),
    result_table(
        "certificate_ledger",
        "Where each certificate's MWh went",
        "market_boundary",
        "issued_mwh used_for_load_mwh used_for_losses_mwh unused_mwh",
        partition_by=WITHOUT_REGION,
        checks=(("each_mwh_once", "used_for_load_mwh + used_for_losses_mwh + unused_mwh = issued_mwh"),),
    ),
    result_table(
        "rack_type_emissions",
        "Emissions of rack types after overhead, ramp-up and unused capacity",
        "cluster_id rack_type measure component",
        "emissions_kg",
        checks=(("not_negative", "emissions_kg >= 0"),),
    ),
    result_table(
        "service_emissions",
        "Emissions of services: direct, through the service graph, residual, net",
        "cluster_id service_id measure component",
        "direct_kg received_kg passed_on_kg residual_kg net_kg",
        checks=(("net_balances", "direct_kg + received_kg - passed_on_kg + residual_kg = net_kg"),),
    ),
    result_table(
        "service_flows",
        "Which service bears what another emitted",
        "cluster_id origin_service_id service_id measure",
        "emissions_kg",
    ),
    result_table(
        "service_shares",
        "How much of a provider service each consumer service's teams use",
        "cluster_id service_id consumer_service_id",
        "share weight:decimal(28,6)",
    ),
    result_table(
        "reconciliation",
        "The ledger: every step conserves every measure in every cluster",
        "measure step cluster_id",
        "in_kg transferred_in_kg transferred_out_kg out_kg difference_kg",
        partition_by=WITHOUT_REGION,
        checks=(("conserved", "difference_kg = 0"),),
    ),
    result_table(
        "data_quality_events",
        "What was accepted with a remark; methodology_version is `ingest` for remarks on the inputs",
        "condition cluster_id? subject?",
        "event_value? message",
        partition_by=WITHOUT_REGION,
    ),
    result_table(
        "account_emissions",
        "Emissions of accounts: what customers get",
        "cluster_id service_id account_id",
        "scope_1_kg scope_2_lbm_kg scope_2_mbm_kg scope_3_fera_lbm_kg scope_3_fera_mbm_kg scope_3_embodied_kg"
        " allocation_basis weight? payer_account_id account_type product_code location",
        large=True,
        statistics_on=("cluster_id", "service_id"),
    ),
)
