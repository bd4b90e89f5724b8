"""AI tables: optional inputs, their core tables, results and the log of their publication (docs/ai.md)."""

from typing import Final

from ccft.schema.columns import columns
from ccft.schema.table import WITHOUT_REGION, Layer, Table, input_table, result_table

AI_INPUTS: Final = (
    input_table(
        "ai_models",
        "AI models: family, size, task, owner, expected life",
        "model_id family parent_model_id? parent_share? version params_total_b? params_active_b? datatype task"
        " owner_account_id release_date retire_date? expected_life_days",
        "model_id",
    ),
    input_table(
        "ai_releases",
        "Releases of models: what was trained together, and the tokens expected of it; default one per model",
        "release_id valid_from model_id expected_lifetime_out_tokens? training_tokens? training_flop? retire_date?",
        "release_id valid_from",
    ),
    input_table(
        "ai_disclosures",
        "Figures that makers disclosed about their models",
        "model_id part kg? kwh? accel_h? watts? method source",
        "model_id part",
    ),
    input_table(
        "accelerator_types",
        "Accelerators: power, embodied carbon, life, weight in unused capacity",
        "accel_type p_idle_kw p_busy_serving_kw p_busy_training_kw embodied_kg life_h capacity_weight source",
        "accel_type",
    ),
    input_table(
        "ai_deployments",
        "Deployments of models on accelerators, by validity in months",
        "deployment_id valid_from valid_to? account_id model_id release_id cluster_id service_id accel_type lifecycle_stage"
        " replicas accel_per_replica tags?",
        "deployment_id valid_from",
    ),
    input_table(
        "ai_clusters",
        "Power usage effectiveness of clusters; taken from the column `pue` of `clusters` where that has one",
        "cluster_id pue?",
        "cluster_id",
    ),
    input_table(
        "ai_model_quality",
        "Published quality scores of models",
        "model_id benchmark metric score higher_is_better latency_p50_ms? source as_of",
        "model_id benchmark metric",
    ),
    input_table(
        "ai_accelerator_usage",
        "Hourly accelerator-hours and metered energy of deployments",
        "hour deployment_id job_state reserved_accel_h busy_accel_h energy_kwh?",
        "hour deployment_id job_state",
        large=True,
        delivered_by="hour",
    ),
    input_table(
        "ai_token_usage",
        "Hourly requests and tokens of accounts on deployments",
        "hour deployment_id account_id model_id requests in_tokens cached_in_tokens? out_tokens images_in? images_out? audio_s?",
        "hour deployment_id account_id model_id",
        large=True,
        delivered_by="hour",
    ),
)
"""All optional: a delivery without them is complete."""

AI_REQUIRED: Final = ("ai_models", "accelerator_types", "ai_deployments", "ai_accelerator_usage", "ai_token_usage")
"""Where any AI input is delivered, these are."""

_TOKENS: Final = "requests in_tokens cached_in_tokens? out_tokens images_in? images_out? audio_s?"

AI_CORE: Final = (
    *(
        Table(f"core_{entry.name}", Layer.CORE, f"{entry.description}; validated", entry.columns, entry.key)
        for entry in AI_INPUTS
        if not entry.is_large
    ),
    Table(
        "core_ai_accelerator_usage",
        Layer.CORE,
        "Monthly accelerator-hours and energy of deployments",
        columns(
            "usage_period deployment_id job_state reserved_accel_h busy_accel_h metered_reserved_h metered_busy_h metered_kwh"
            " metered_idle_kwh active_days clipped_hours".split()
        ),
        ("usage_period", "deployment_id", "job_state"),
        partition_by=("usage_period",),
        checks=(("busy_within_reserved", "busy_accel_h <= reserved_accel_h"),),
    ),
    Table(
        "core_ai_token_usage",
        Layer.CORE,
        "Monthly requests and tokens of accounts on deployments",
        columns(f"usage_period deployment_id account_id model_id {_TOKENS}".split()),
        ("usage_period", "deployment_id", "account_id", "model_id"),
        partition_by=("usage_period",),
        is_large=True,
        statistics_on=("deployment_id", "account_id", "model_id"),
    ),
)

AI_RESULTS: Final = (
    result_table(
        "ai_emissions",
        "Account rows divided over deployments and stages; rows without `is_memo` add up to the account rows exactly",
        "cluster_id service_id account_id deployment_id model_id? release_id? stage component? measure is_memo",
        "emissions_kg min_kg max_kg tier",
        large=True,
        statistics_on=("cluster_id", "service_id", "account_id", "deployment_id"),
    ),
    result_table(
        "ai_activity",
        "Energy, accelerator-hours and tokens of deployments per stage",
        "cluster_id service_id deployment_id stage",
        "account_id model_id release_id? accel_type task? tier? kwh? idle_kwh? metered_kwh? pue? facility_kwh? reserved_h? busy_h?"
        " failed_h? cancelled_h? active_days? coverage? customers tokens? in_tokens? cached_in_tokens? out_tokens? requests?"
        " images_in? images_out? audio_s?",
    ),
    result_table(
        "ai_training_ledger",
        "Training of releases, amortised over what they serve (memo)",
        "release_id accounting_method",
        "model_id policy opening_kg added_kg amortised_kg written_off_kg closing_kg out_tokens remaining_out_tokens?"
        " remaining_days? rate_g_per_1k_out_tokens inherited_g_per_1k_out_tokens",
        partition_by=WITHOUT_REGION,
        checks=(("rolls_forward", "opening_kg + added_kg - amortised_kg - written_off_kg = closing_kg"),),
    ),
    result_table(
        "ai_intensity",
        "Intensities of deployments, models and vendors per view and accounting method",
        "subject_kind subject_id view accounting_method",
        "task cluster_id? service_id? model_id? release_id? measures tier? coverage? active_days customers is_provider_only"
        " busy_ratio? idle_share? experimentation_share? metered_share? emissions_kg? min_kg? max_kg? kwh facility_kwh"
        " in_tokens out_tokens requests images audio_s g_per_1k_out_tokens? wh_per_1k_out_tokens? g_per_1k_tokens?"
        " wh_per_1k_tokens? g_per_request? wh_per_request? g_per_image? wh_per_image? g_per_audio_s? wh_per_audio_s?"
        " kwh_per_million_tokens? tokens_per_kg? g_per_training_pflop? g_per_1k_training_tokens? kg_per_b_params?",
        partition_by=WITHOUT_REGION,
    ),
    result_table(
        "ai_labels",
        "Labels of models",
        "model_id label_kind",
        "task grade? is_rated not_rated_because? graded_value? in_out_ratio? tier? coverage? active_days peers?"
        " thresholds_version",
        partition_by=WITHOUT_REGION,
    ),
    result_table(
        "ai_pareto",
        "Trade-off of quality, intensity and latency per task and benchmark",
        "task benchmark metric model_id",
        "axes score intensity_g_per_1k_out_tokens latency_p50_ms? is_efficient dominated_by?",
        partition_by=WITHOUT_REGION,
    ),
    result_table(
        "ai_recommendations",
        "Actions with their savings, in the order in which they apply",
        "deployment_id action",
        "action_rank action_variant? account_id cluster_id service_id model_id saving_kg? saving_min_kg? saving_max_kg?"
        " saving_kwh? formula? formula_inputs preconditions conflicts needs?",
        partition_by=WITHOUT_REGION,
    ),
)

AI_LOGS: Final = (
    Table(
        "ai_run_log",
        Layer.LOG,
        "One line per AI run; its tables count at the Delta versions of its newest published line, while `base_run_id` is published",
        columns(
            "run_id usage_period methodology_version base_run_id status input_fingerprint code_version policy_hash"
            " configuration_hash started_at finished_at rows_written seconds_per_step table_versions message".split()
        ),
        ("run_id", "started_at"),
    ),
)
