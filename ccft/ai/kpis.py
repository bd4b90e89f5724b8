"""The views of `ccft.schema.ai_views`: one SQL text each, which Spark SQL and DuckDB run unchanged.

Every text reads the AI result tables by their names, at the published versions, and the relation `published_slices`, which says which version of a
period is current. Masses are decimals until a share is made of them, in one row, as a double.
"""

from collections.abc import Mapping
from typing import Final

from ccft.ai.facts import METHODS, SERVING_STAGES
from ccft.schema.ai_columns import AMORTISED, DEVELOPMENT_STAGES, SERVING_IDLE, UNATTRIBUTED
from ccft.schema.units import MASS

_COUNT: Final = "DECIMAL(28,6)"
_CURRENT: Final = (
    "JOIN published_slices AS p ON a.usage_period = p.usage_period"
    " AND a.methodology_version = p.methodology_version AND p.is_current"
)
_SLICE: Final = "a.usage_period, a.methodology_version"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _double(numerator: str, denominator: str) -> str:
    """Quotient of two exact figures as a double; null over 0."""
    return f"CAST({numerator} AS DOUBLE) / nullif(CAST({denominator} AS DOUBLE), 0)"


def _same(left: str, right: str, *names: str) -> str:
    keys = ("usage_period", "methodology_version", *names)
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in keys)


def _of_view(view: str) -> str:
    return f"SELECT a.* FROM ai_intensity AS a {_CURRENT} WHERE a.subject_kind = 'model' AND a.view = '{view}'"


def _kpis() -> str:
    key = ("subject_id", "accounting_method")
    served = (
        "g_per_1k_out_tokens",
        "wh_per_1k_out_tokens",
        "tokens_per_kg",
        "busy_ratio",
        "idle_share",
        "metered_share",
    )
    names = ", ".join(f"c.{name}" for name in served if name != "g_per_1k_out_tokens")
    return f"""WITH models AS (
  SELECT {_SLICE}, a.subject_id, a.accounting_method, max(a.task) AS task, max(a.measures) AS measures,
    max(a.tier) AS tier, min(a.coverage) AS coverage, min(CASE WHEN a.is_provider_only THEN 1 ELSE 0 END) = 1 AS is_provider_only
  FROM ai_intensity AS a {_CURRENT} WHERE a.subject_kind = 'model'
  GROUP BY {_SLICE}, a.subject_id, a.accounting_method
), consumer AS (
  {_of_view("consumer")}
), lifecycle AS (
  {_of_view("lifecycle")}
), provider AS (
  {_of_view("provider")}
)
SELECT
  m.usage_period,
  m.methodology_version,
  m.subject_id AS model_id,
  m.accounting_method,
  m.task,
  m.measures,
  m.tier,
  m.coverage,
  m.is_provider_only,
  c.out_tokens,
  c.emissions_kg,
  c.g_per_1k_out_tokens,
  l.g_per_1k_out_tokens AS lifecycle_g_per_1k_out_tokens,
  {names},
  v.experimentation_share,
  {_double("l.emissions_kg - c.emissions_kg", "l.emissions_kg")} AS amortised_share
FROM models AS m
LEFT JOIN consumer AS c ON {_same("c", "m", *key)}
LEFT JOIN lifecycle AS l ON {_same("l", "m", *key)}
LEFT JOIN provider AS v ON {_same("v", "m", *key)}"""


def _sum_where(condition: str, amount: str = "e.emissions_kg", kind: str = MASS) -> str:
    return f"CAST(sum(CASE WHEN {condition} THEN {amount} ELSE 0 END) AS {kind})"


def _masses_by_method() -> str:
    """Emissions with the accounting methods they belong to; a memo row names its method as the measure."""
    pairs = ", ".join(
        f"('{method}', '{measure}')" for method, measures in METHODS.items() for measure in (*measures, method)
    )
    return f"(VALUES {pairs}) AS k(accounting_method, measure)"


def _kpis_total() -> str:
    serving = f"e.stage IN ({_listed(SERVING_STAGES)}) AND NOT e.is_memo"
    in_use = f"{serving} AND e.component = 'in_use' AND e.measure <> 'scope_3_embodied'"
    sums = {
        "serving_kg": f"{serving} AND e.stage <> '{SERVING_IDLE}'",
        "serving_idle_kg": f"{serving} AND e.stage = '{SERVING_IDLE}'",
        "development_kg": f"e.stage IN ({_listed(DEVELOPMENT_STAGES)}) AND NOT e.is_memo",
        "experimentation_kg": "e.stage = 'experimentation' AND NOT e.is_memo",
        "unattributed_kg": f"e.deployment_id = '{UNATTRIBUTED}' AND NOT e.is_memo",
        "amortised_training_kg": f"e.stage = '{AMORTISED}' AND e.is_memo",
        "serving_in_use_kg": in_use,
        "all_kg": "NOT e.is_memo",
    }
    masses = ",\n    ".join(f"{_sum_where(condition)} AS {name}" for name, condition in sums.items())
    at_work = f"a.stage IN ({_listed(SERVING_STAGES)})"
    served = f"{_SLICE}, a.accounting_method, CAST(sum(a.out_tokens) AS {_COUNT}) AS out_tokens"
    consumed = "m.serving_kg + m.serving_idle_kg"
    return f"""WITH masses AS (
  SELECT e.usage_period, e.methodology_version, k.accounting_method,
    {masses}
  FROM ai_emissions AS e
  JOIN published_slices AS p ON {_same("e", "p")} AND p.is_current
  JOIN {_masses_by_method()} ON e.measure = k.measure
  GROUP BY e.usage_period, e.methodology_version, k.accounting_method
), hours AS (
  SELECT {_SLICE},
    {_sum_where(at_work, "a.facility_kwh", _COUNT)} AS serving_facility_kwh,
    {_sum_where(at_work, "a.reserved_h", _COUNT)} AS reserved_h,
    {_sum_where(at_work, "a.busy_h", _COUNT)} AS busy_h,
    CAST(sum(a.kwh) AS {_COUNT}) AS kwh,
    CAST(sum(a.metered_kwh) AS {_COUNT}) AS metered_kwh
  FROM ai_activity AS a {_CURRENT} GROUP BY {_SLICE}
), served AS (
  SELECT {served}, CAST(sum(a.in_tokens) AS {_COUNT}) AS in_tokens
  FROM ai_intensity AS a {_CURRENT} WHERE a.subject_kind = 'model' AND a.view = 'consumer'
  GROUP BY {_SLICE}, a.accounting_method
)
SELECT
  m.usage_period,
  m.methodology_version,
  m.accounting_method,
  m.serving_kg,
  m.serving_idle_kg,
  m.development_kg,
  m.experimentation_kg,
  m.unattributed_kg,
  m.amortised_training_kg,
  coalesce(h.serving_facility_kwh, CAST(0 AS {_COUNT})) AS serving_facility_kwh,
  s.out_tokens,
  {_double(f"({consumed}) * 1000000", "s.out_tokens")} AS fleet_g_per_1k_out_tokens,
  {_double("h.serving_facility_kwh * 1000000", "s.out_tokens")} AS fleet_wh_per_1k_out_tokens,
  {_double("s.in_tokens + s.out_tokens", consumed)} AS fleet_tokens_per_kg,
  {_double("h.busy_h", "h.reserved_h")} AS fleet_busy_ratio,
  {_double("m.serving_idle_kg", "m.serving_in_use_kg")} AS fleet_idle_share,
  {_double("m.experimentation_kg", "m.development_kg")} AS fleet_experimentation_share,
  {_double("m.amortised_training_kg", f"{consumed} + m.amortised_training_kg")} AS amortised_share,
  {_double("h.metered_kwh", "h.kwh")} AS fleet_metered_share,
  {_double("m.unattributed_kg", "m.all_kg")} AS unattributed_share
FROM masses AS m
LEFT JOIN hours AS h ON {_same("h", "m")}
LEFT JOIN served AS s ON {_same("s", "m", "accounting_method")}"""


def _by_stage() -> str:
    sums = ",\n  ".join(
        _sum_where(f"a.measure IN ({_listed((*measures, method))})", "a.emissions_kg") + f" AS {method}_kg"
        for method, measures in METHODS.items()
    )
    key = f"{_SLICE}, a.model_id, a.stage, a.component, a.is_memo"
    return f"SELECT\n  {key},\n  {sums}\nFROM ai_emissions AS a {_CURRENT}\nGROUP BY {key}"


def _account_models() -> str:
    sums = ",\n    ".join(
        _sum_where(f"a.measure IN ({_listed(measures)})", "a.emissions_kg") + f" AS {method}_kg"
        for method, measures in METHODS.items()
    )
    key = f"{_SLICE}, a.account_id, a.model_id"
    visible = "a.accounting_method = 'lbm' AND NOT a.is_provider_only"
    same = _same("{0}", "o") + " AND {0}.subject_id = o.model_id"
    return f"""WITH own AS (
  SELECT {key},
    {sums}
  FROM ai_emissions AS a {_CURRENT}
  WHERE NOT a.is_memo AND a.deployment_id <> '{UNATTRIBUTED}'
  GROUP BY {key}
), consumer AS (
  {_of_view("consumer")} AND {visible}
), lifecycle AS (
  {_of_view("lifecycle")} AND {visible}
)
SELECT
  o.usage_period,
  o.methodology_version,
  o.account_id,
  o.model_id,
  o.lbm_kg,
  o.mbm_kg,
  c.g_per_1k_out_tokens,
  l.g_per_1k_out_tokens AS lifecycle_g_per_1k_out_tokens,
  c.wh_per_1k_out_tokens,
  c.tier
FROM own AS o
LEFT JOIN consumer AS c ON {same.format("c")}
LEFT JOIN lifecycle AS l ON {same.format("l")}"""


def _leaderboard() -> str:
    is_compared = "a.subject_kind = 'model' AND a.view = 'consumer' AND a.accounting_method = 'lbm'"
    value, before = "a.g_per_1k_out_tokens", "b.g_per_1k_out_tokens"
    month = "CAST(substr({0}.usage_period, 1, 4) AS INT) * 12 + CAST(substr({0}.usage_period, 6, 2) AS INT)"
    return f"""SELECT
  {_SLICE},
  a.task,
  CASE WHEN {value} IS NOT NULL THEN
    rank() OVER (PARTITION BY {_SLICE}, a.task ORDER BY coalesce({value}, 1e20)) END AS place,
  a.subject_id AS model_id,
  {value},
  a.wh_per_1k_out_tokens,
  l.grade,
  l.not_rated_because,
  a.tier,
  a.coverage,
  a.idle_share,
  {_double(f"{value} - {before}", before)} AS trend,
  a.is_provider_only
FROM ai_intensity AS a {_CURRENT}
LEFT JOIN ai_labels AS l ON {_same("l", "a")} AND l.model_id = a.subject_id AND l.label_kind = 'energy'
LEFT JOIN ai_intensity AS b ON b.methodology_version = a.methodology_version AND b.subject_id = a.subject_id
  AND b.subject_kind = a.subject_kind AND b.view = a.view AND b.accounting_method = a.accounting_method
  AND {month.format("b")} + 1 = {month.format("a")}
WHERE {is_compared}"""


AI_VIEW_SQL: Final[Mapping[str, str]] = {
    "ai_kpis": _kpis(),
    "ai_kpis_total": _kpis_total(),
    "ai_emissions_by_stage": _by_stage(),
    "ai_account_models": _account_models(),
    "ai_leaderboard": _leaderboard(),
}
"""SQL text of every AI view, in the order of the registry; the same in Spark and DuckDB."""
