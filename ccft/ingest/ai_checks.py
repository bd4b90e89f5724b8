"""What AI tables can be wrong about: parents, bounds, releases of other models, teams that deploy on a service they do not run."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.ingest.findings import findings_sql, key_sql
from ccft.ingest.validity import LAST_SQL
from ccft.schema.tables import table

PARENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ai_releases": {"model_id": "ai_models"},
    "ai_disclosures": {"model_id": "ai_models"},
    "ai_model_quality": {"model_id": "ai_models"},
    "ai_clusters": {"cluster_id": "clusters"},
    "ai_deployments": {
        "model_id": "ai_models",
        "cluster_id": "clusters",
        "service_id": "services",
        "accel_type": "accelerator_types",
    },
}
PARENT_KEY: Final = {"ai_models": "model_id", "accelerator_types": "accel_type"}
UNKNOWN: Final = {
    "ai_models": "CCFT-INPUT-UNKNOWN-MODEL",
    "accelerator_types": "CCFT-INPUT-UNKNOWN-ACCELERATOR",
}
PREDICATES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "ai_models": (
        ("CCFT-INPUT-UNKNOWN-VALUE", "parent_share > 1", "parent_share", "parent_share", "'0 to 1'"),
        ("CCFT-INPUT-MODEL-CYCLE", "parent_model_id = model_id", "parent_model_id", "model_id"),
    ),
    "accelerator_types": (
        ("CCFT-INPUT-BELOW-MINIMUM", "life_h <= 0", "life_h", "life_h", "'0.000001'"),
        (
            "CCFT-INPUT-BELOW-MINIMUM",
            "p_busy_serving_kw < p_idle_kw",
            "p_busy_serving_kw",
            "p_busy_serving_kw",
            "p_idle_kw",
        ),
        (
            "CCFT-INPUT-BELOW-MINIMUM",
            "p_busy_training_kw < p_idle_kw",
            "p_busy_training_kw",
            "p_busy_training_kw",
            "p_idle_kw",
        ),
    ),
}
"""Fields of `small_checks.Check`: code, predicate, column, value, detail."""


def unknown_parents(models: DataFrame) -> DataFrame:
    """Models whose parent is not in the table."""
    known = models.selectExpr("model_id AS parent_model_id").distinct()
    lost = models.where("parent_model_id IS NOT NULL").join(known, "parent_model_id", "left_anti")
    values = {"key": "model_id", "value": "parent_model_id"}
    return lost.selectExpr(*findings_sql(table("ai_models"), "'CCFT-INPUT-UNKNOWN-MODEL'", values))


def unknown_accounts(frame: DataFrame, name: str, column: str, accounts: DataFrame) -> DataFrame:
    """Rows that name an account that `accounts` lacks."""
    known = accounts.selectExpr(f"account_id AS {column}").distinct()
    lost = frame.where(f"{column} IS NOT NULL").join(known, column, "left_anti")
    values = {"key": key_sql(table(name).key), "value": column}
    return lost.selectExpr(*findings_sql(table(name), "'CCFT-INPUT-UNKNOWN-ACCOUNT'", values))


def foreign_releases(deployments: DataFrame, releases: DataFrame) -> DataFrame:
    """Deployments of a release that their model does not have."""
    known = releases.select("release_id", "model_id").distinct()
    lost = deployments.where("release_id IS NOT NULL").join(known, ["release_id", "model_id"], "left_anti")
    values = {"key": key_sql(table("ai_deployments").key), "value": "release_id"}
    return lost.selectExpr(*findings_sql(table("ai_deployments"), "'CCFT-INPUT-UNKNOWN-RELEASE'", values))


def foreign_owners(deployments: DataFrame, accounts: DataFrame) -> DataFrame:
    """Deployments of a team on a service that it does not run, in any month of both validities."""
    teams = accounts.where("owner_service_id IS NOT NULL").selectExpr(
        "account_id", "owner_service_id", "valid_from AS owned_from", f"{LAST_SQL} AS owned_to"
    )
    own = deployments.selectExpr("*", f"{LAST_SQL} AS last_month")
    overlap = F.expr("valid_from <= owned_to AND owned_from <= last_month AND owner_service_id <> service_id")
    wrong = own.join(teams, "account_id", "inner").where(overlap).dropDuplicates(list(table("ai_deployments").key))
    values = {"key": key_sql(table("ai_deployments").key), "value": "account_id", "allowed": "service_id"}
    return wrong.selectExpr(*findings_sql(table("ai_deployments"), "'CCFT-INPUT-DEPLOYMENT-OWNER'", values))


def cycles(models: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Models that descend from themselves over others; bounded by models."""
    parent = {row["model_id"]: row["parent_model_id"] for row in models}
    found = []
    for model in sorted(name for name in parent if name is not None):
        seen, current = {model}, parent[model]
        while current is not None and current not in seen:
            seen.add(current)
            current = parent.get(current)
        if current == model and parent[model] != model:
            found.append(Problem("CCFT-INPUT-MODEL-CYCLE", {"value": model}))
    return found
