"""AI tables as delivered, brought to the registry's columns: older layouts, optional columns and tables, defaults.

| delivered | becomes |
|---|---|
| `images` in `ai_token_usage` | `images_in` |
| no `ai_releases` | one release per model, under the id that its deployments name; expected tokens from `ai_models` where it has them |
| `disclosed_training_kg`, `disclosed_source` in `ai_models` | a disclosure of part `training`, method `lbm` |
| `pue` in `clusters` | `ai_clusters` |
| an optional table or nullable column that is not there | empty |
"""

from collections.abc import Mapping
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.schema.ai import AI_INPUTS, AI_REQUIRED
from ccft.schema.tables import Table, table

_RENAMED: Final = {"ai_token_usage": {"images": "images_in"}}
_EXPECTED: Final = "expected_lifetime_out_tokens"
_DISCLOSED: Final = "disclosed_training_kg"
_SOURCE: Final = "disclosed_source"


def missing(delivered: Mapping[str, DataFrame]) -> list[Problem]:
    """Required AI tables that are not there, though others are."""
    if not any(entry.name in delivered for entry in AI_INPUTS):
        return []
    return [Problem("CCFT-INPUT-MISSING-TABLE", {"table": name}) for name in AI_REQUIRED if name not in delivered]


def layout(delivered: Mapping[str, DataFrame], clusters: DataFrame | None) -> dict[str, DataFrame]:
    """All AI tables in the registry's columns, as far as they can be had; nothing when none is delivered.

    Parameters
    ----------
    delivered
        Raw frames of AI tables by name.
    clusters
        Raw frame of `clusters`.
    """
    if not delivered:
        return {}
    frames = {name: _renamed(frame, name) for name, frame in delivered.items()}
    models = frames.get("ai_models")
    if models is not None:
        frames.setdefault("ai_disclosures", _disclosures(models))
        if "ai_deployments" in frames:
            frames.setdefault("ai_releases", _releases(models, frames["ai_deployments"]))
        frames.setdefault("ai_model_quality", _empty(models, table("ai_model_quality")))
    if clusters is not None:
        frames.setdefault("ai_clusters", _clusters(clusters))
    return {name: _with_nullable(frame, table(name)) for name, frame in frames.items()}


def _names(frame: DataFrame) -> set[str]:
    return {name.lower() for name in frame.columns}


def _renamed(frame: DataFrame, name: str) -> DataFrame:
    wanted = {old: new for old, new in _RENAMED.get(name, {}).items() if new not in _names(frame)}
    return frame.withColumnsRenamed(wanted)


def _with_nullable(frame: DataFrame, registered: Table) -> DataFrame:
    """Nullable columns that are not delivered, empty."""
    absent = [c.name for c in registered.columns if c.nullable and c.name not in _names(frame)]
    return frame.withColumns({name: F.lit(None).cast("string") for name in absent})


def _text(frame: DataFrame, name: str) -> str:
    return f"CAST({name} AS STRING)" if name in _names(frame) else "CAST(NULL AS STRING)"


def _empty(frame: DataFrame, registered: Table) -> DataFrame:
    return frame.limit(0).selectExpr(*(f"CAST(NULL AS STRING) AS {column.name}" for column in registered.columns))


def _releases(models: DataFrame, deployments: DataFrame) -> DataFrame:
    """One release per model, from the month of its release date on."""
    if not {"model_id", "release_id"} <= _names(deployments) or not {"model_id", "release_date"} <= _names(models):
        return _empty(models, table("ai_releases"))
    named = deployments.where("release_id IS NOT NULL AND release_id <> ''").groupBy("model_id", "release_id")
    first = (
        named.agg(F.expr("min(CAST(valid_from AS STRING)) AS deployed_from"))
        if "valid_from" in _names(deployments)
        else named.agg(F.lit(None).alias("deployed_from"))
    )
    own = models.selectExpr(
        "model_id",
        f"{_text(models, _EXPECTED)} AS {_EXPECTED}",
        "substring(CAST(release_date AS STRING), 1, 7) AS released_from",
    )
    return own.join(first, "model_id", "left").selectExpr(
        "coalesce(release_id, model_id) AS release_id",
        "least(released_from, deployed_from) AS valid_from",
        "model_id",
        _EXPECTED,
        "CAST(NULL AS STRING) AS training_tokens",
        "CAST(NULL AS STRING) AS training_flop",
        "CAST(NULL AS STRING) AS retire_date",
    )


def _disclosures(models: DataFrame) -> DataFrame:
    """Disclosed training of an older layout."""
    if _DISCLOSED not in _names(models):
        return _empty(models, table("ai_disclosures"))
    known = models.where(f"{_DISCLOSED} IS NOT NULL AND CAST({_DISCLOSED} AS STRING) <> ''")
    return known.selectExpr(
        "model_id",
        "'training' AS part",
        f"CAST({_DISCLOSED} AS STRING) AS kg",
        "CAST(NULL AS STRING) AS kwh",
        "CAST(NULL AS STRING) AS accel_h",
        "CAST(NULL AS STRING) AS watts",
        "'lbm' AS method",
        f"coalesce({_text(models, _SOURCE)}, 'ai_models') AS source",
    )


def _clusters(clusters: DataFrame) -> DataFrame:
    if "cluster_id" not in _names(clusters):
        return clusters.limit(0).selectExpr("CAST(NULL AS STRING) AS cluster_id", "CAST(NULL AS STRING) AS pue")
    return clusters.selectExpr("cluster_id", f"{_text(clusters, 'pue')} AS pue")
