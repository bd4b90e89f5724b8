"""Input tables (contract, section 1)."""

from typing import Final

from ccft.schema.table import input_table

INPUTS: Final = (
    input_table(
        "clusters",
        "Regions and edge clusters",
        "cluster_id cluster_type region_code location grid_zone market_boundary launched_on",
        "cluster_id",
    ),
    input_table(
        "activity",
        "Metered, invoiced, estimated or forecast activity of each site and month",
        "period site_id cluster_id activity substance? quantity unit evidence",
        "period site_id cluster_id activity substance",
        delivered_by="period",
    ),
    input_table(
        "emission_factors",
        "Emission factors with validity, source and vintage",
        "factor_type factor_key instrument? valid_from valid_to? value unit source vintage",
        "factor_type factor_key instrument valid_from",
    ),
    input_table(
        "certificates",
        "Energy attribute certificates per market boundary and month",
        "period market_boundary certificate_id quantity ef status",
        "period market_boundary certificate_id",
        delivered_by="period",
    ),
    input_table(
        "racks",
        "Racks with planned power, capacity, life and embodied carbon",
        "rack_id cluster_id rack_type is_network planned_power_kw capacity_units_per_day deployed_on retired_on?"
        " embodied_kg service_life_months? embodied_method?",
        "rack_id",
    ),
    input_table(
        "facility_assets",
        "Buildings and facility equipment with life and embodied carbon",
        "asset_id cluster_id asset_kind embodied_kg in_service_on service_life_months?",
        "asset_id",
    ),
    input_table(
        "services",
        "Services and the products that customers see",
        "service_id product_code service_name is_foundational usage_unit",
        "service_id",
    ),
    input_table(
        "accounts",
        "Accounts and their organisations, by validity in months",
        "account_id valid_from valid_to? payer_account_id account_type owner_service_id?",
        "account_id valid_from",
    ),
    input_table(
        "rack_usage",
        "Daily usage of racks by the services that occupy them",
        "usage_date rack_id service_id used_units",
        "usage_date rack_id service_id",
        large=True,
        delivered_by="usage_date",
    ),
    input_table(
        "account_usage",
        "Daily usage of services by accounts",
        "usage_date account_id cluster_id service_id usage_type usage_units equivalent_revenue_usd? allocated_cost_usd?",
        "usage_date account_id cluster_id service_id usage_type",
        large=True,
        delivered_by="usage_date",
    ),
)
