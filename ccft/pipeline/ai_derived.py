"""The last step of an AI run: intensities, labels, trade-offs and recommendations, from what it has split."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ai import tokens
from ccft.ai.actions import Policy
from ccft.ai.derive import derive, without_accounts
from ccft.ai.read import facts_of
from ccft.ai.reports import COUNTS
from ccft.audit.published import Line
from ccft.config import Settings
from ccft.kernel.quotients import half_up
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.pipeline.ai_core import AiCore
from ccft.pipeline.ai_pools import account_rows
from ccft.schema.spark import local_frame
from ccft.schema.units import F_SCALE

Row = dict[str, Any]
LEDGER: Final = "ai_training_ledger"
_OPEN: Final = "9999-12"
_SMALL: Final = ("core_ai_models", "core_ai_releases", "core_ai_model_quality")


def traffic(lake: Lake, core: AiCore, rows: DataFrame) -> list[Row]:
    """What deployments served per model: of team-run ones to customers alone, who have an account row in the pool.

    Parameters
    ----------
    rows
        Account rows of the month.
    """
    places = [(d.deployment_id, d.cluster_id, d.service_id, d.is_team_run) for d in core.deployments]
    schema = "deployment_id string, cluster_id string, service_id string, is_team_run boolean"
    usage = tokens.placed(core.tokens, local_frame(lake.spark, places, schema))
    served = usage.where("NOT is_team_run").unionByName(tokens.of_customers(usage, rows))
    sums = served.groupBy("deployment_id", "model_id").agg(
        *(F.sum(name).alias(name) for name in COUNTS), F.countDistinct("account_id").alias("customers")
    )
    return sorted(
        (row.asDict() for row in sums.collect()), key=lambda row: (str(row["deployment_id"]), str(row["model_id"]))
    )


def clusters(lake: Lake, core: AiCore, default_pue: Decimal) -> list[Row]:
    """PUE and grid factor of every cluster in the month; a factor that is not known is null."""
    factors = {
        row["factor_key"]: row["value"]
        for row in lake.rows("core_emission_factors").to_pylist()
        if row["factor_type"] == "grid_generation" and row["valid_from"] <= core.period <= (row["valid_to"] or _OPEN)
    }
    return [
        {
            "cluster_id": row["cluster_id"],
            "pue": half_up(core.pue.get(row["cluster_id"], default_pue), F_SCALE),
            "grid_kg_per_mwh": factors.get(row["grid_zone"]),
        }
        for row in lake.rows("core_clusters").to_pylist()
    ]


def _ledger(lake: Lake, period: str, version: str, lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Ledger of the version up to the month, whose lines are given."""
    earlier = lake.read(LEDGER).where((F.col("methodology_version") == version) & (F.col("usage_period") < period))
    rows: list[Row] = earlier.toArrow().to_pylist()
    return [*rows, *({**line, "usage_period": period} for line in lines)]


def derived(
    lake: Lake,
    core: AiCore,
    base: Line,
    policy: Methodology,
    settings: Settings,
    emissions: DataFrame,
    activity: Sequence[Mapping[str, Any]],
    ledger: Sequence[Mapping[str, Any]],
) -> dict[str, list[Row]]:
    """Rows of the derived tables of a month, without run columns.

    Parameters
    ----------
    emissions
        The month's rows of `ai_emissions`, memo rows included.
    activity, ledger
        Its rows of `ai_activity` and of the training ledger.
    """
    small = {name: lake.rows(name).to_pylist() for name in _SMALL}
    tables = {
        **small,
        "ai_emissions": without_accounts(emissions).toArrow().to_pylist(),
        "ai_activity": activity,
        "ai_traffic": traffic(lake, core, account_rows(lake, base, policy, core.period)),
        LEDGER: _ledger(lake, core.period, policy.version, ledger),
        "ai_clusters": clusters(lake, core, settings.ai.default_pue),
    }
    measures = tuple(str(measure) for measure in policy.measures)
    facts = facts_of(core.period, policy.version, measures, tables)
    return derive(facts, Policy(settings.ai.target_busy_share))
