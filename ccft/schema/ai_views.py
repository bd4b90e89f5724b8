"""Views over the published AI tables: key figures over time, what analysts chart (docs/ai-comparison.md).

Described like tables; their one SQL text, which Spark and DuckDB both run, is in `ccft.ai.kpis`. Columns of the key identify a row. Shares are
doubles made of exact sums in one row; they are shown, never summed.
"""

from dataclasses import replace
from typing import Final

from ccft.schema.column import Column, kg
from ccft.schema.columns import COLUMNS
from ccft.schema.table import Layer, Table


def _share(name: str, description: str) -> Column:
    return Column(name, "double", description, "1")


_OWN: Final = {
    column.name: column
    for column in (
        Column("place", "bigint", "Place in the task, least emissions per output token first; equal figures share it"),
        Column("trend", "double", "Change of the intensity against the month before, as a share of it", "1"),
        Column("lifecycle_g_per_1k_out_tokens", "decimal(38,15)", "With amortised training", "g CO2e"),
        _share("amortised_share", "Amortised training in the lifecycle emissions"),
        _share("fleet_idle_share", "serving_idle in the in-use emissions of serving, hardware in neither"),
        _share("fleet_experimentation_share", "Experiments, failed and cancelled work in the emissions of development"),
        _share("fleet_metered_share", "Metered energy in all energy"),
        _share("fleet_busy_ratio", "Busy accelerator-hours of serving in the reserved ones"),
        _share("unattributed_share", "What no deployment explains, in all emissions of the accounts that take part"),
        Column("fleet_g_per_1k_out_tokens", "double", "Serving emissions per 1,000 output tokens", "g CO2e"),
        Column("fleet_wh_per_1k_out_tokens", "double", "Facility energy of serving per 1,000 output tokens", "Wh"),
        Column("fleet_tokens_per_kg", "double", "Input and output tokens per kg of serving emissions", "tokens"),
        Column("serving_facility_kwh", "decimal(28,6)", "Facility energy of serving", "kWh"),
        kg("serving_kg", "Emissions of serving at work"),
        kg("serving_idle_kg", "Emissions of serving capacity without a request"),
        kg("development_kg", "Emissions of all development stages"),
        kg("experimentation_kg", "Of them experiments, failed and cancelled work"),
        kg("unattributed_kg", "What no deployment explains"),
        kg("amortised_training_kg", "Training amortised over the month's tokens (memo)"),
        kg("lbm_kg", "Scopes 1, 2 and 3, location-based"),
        kg("mbm_kg", "Scopes 1, 2 and 3, market-based"),
    )
}


def _view(name: str, description: str, names: str, key: str) -> Table:
    known = {**COLUMNS, **_OWN}
    found = tuple(replace(known[word.rstrip("?")], nullable=word.endswith("?")) for word in names.split())
    return Table(name, Layer.VIEW, description, found, tuple(key.split()))


_SLICE: Final = "usage_period methodology_version"

AI_VIEWS: Final = (
    _view(
        "ai_kpis",
        "Key figures of each model over time, current version",
        f"{_SLICE} model_id accounting_method task measures tier? coverage? is_provider_only out_tokens? emissions_kg?"
        " g_per_1k_out_tokens? lifecycle_g_per_1k_out_tokens? wh_per_1k_out_tokens? tokens_per_kg? busy_ratio? idle_share?"
        " metered_share? experimentation_share? amortised_share?",
        f"{_SLICE} model_id accounting_method",
    ),
    _view(
        "ai_kpis_total",
        "Key figures of all AI models of the provider together over time, current version",
        f"{_SLICE} accounting_method serving_kg serving_idle_kg development_kg experimentation_kg unattributed_kg"
        " amortised_training_kg serving_facility_kwh out_tokens? fleet_g_per_1k_out_tokens? fleet_wh_per_1k_out_tokens?"
        " fleet_tokens_per_kg? fleet_busy_ratio? fleet_idle_share? fleet_experimentation_share? amortised_share?"
        " fleet_metered_share? unattributed_share?",
        f"{_SLICE} accounting_method",
    ),
    _view(
        "ai_emissions_by_stage",
        "Emissions of models by stage of the lifecycle and component, current version; the memo of amortised training apart",
        f"{_SLICE} model_id? stage component? is_memo lbm_kg mbm_kg",
        f"{_SLICE} model_id stage component is_memo",
    ),
    _view(
        "ai_account_models",
        "What an account may see, current version: its own emissions per model, and the model's intensities where three customers or more"
        " stand behind them; nothing from which another's tokens follow",
        f"{_SLICE} account_id model_id lbm_kg mbm_kg g_per_1k_out_tokens? lifecycle_g_per_1k_out_tokens? wh_per_1k_out_tokens? tier?",
        f"{_SLICE} account_id model_id",
    ),
    _view(
        "ai_leaderboard",
        "Models of a task by location-based emissions per output token (consumer view), current version",
        f"{_SLICE} task place? model_id g_per_1k_out_tokens? wh_per_1k_out_tokens? grade? not_rated_because? tier? coverage?"
        " idle_share? trend? is_provider_only",
        f"{_SLICE} task model_id",
    ),
)
