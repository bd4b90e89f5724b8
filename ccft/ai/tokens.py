"""Work of tokens: what each account had a deployment do, in equivalents of an output token (docs/ai.md, "Drivers")."""

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.config import TokenWeights

ROW_KEY: Final = ("account_id", "cluster_id", "service_id")
"""An account row of one period and version."""
_TOKENS: Final = "decimal(24,6)"
_WEIGHT: Final = "decimal(10,6)"
EQUIVALENTS: Final = "decimal(38,12)"


def _weight(name: str, default: TokenWeights, by_model: Mapping[str, TokenWeights]) -> Column:
    """Weight of a kind of token by model."""
    value = F.lit(getattr(default, name)).cast(_WEIGHT)
    for model, own in sorted(by_model.items()):
        value = F.when(F.col("model_id") == model, F.lit(getattr(own, name)).cast(_WEIGHT)).otherwise(value)
    return value


def with_equivalents(tokens: DataFrame, default: TokenWeights, by_model: Mapping[str, TokenWeights]) -> DataFrame:
    """Add `tokens_eq` to monthly token usage, exact; cached tokens that are not known count as none."""
    cached = F.coalesce(F.col("cached_in_tokens"), F.lit(0)).cast(_TOKENS)
    fresh = (F.col("in_tokens").cast(_TOKENS) - cached).cast(_TOKENS)
    parts = [
        (amount * _weight(name, default, by_model)).cast("decimal(36,12)")
        for name, amount in (("input", fresh), ("cached", cached), ("output", F.col("out_tokens").cast(_TOKENS)))
    ]
    return tokens.withColumn("tokens_eq", (parts[0] + parts[1] + parts[2]).cast(EQUIVALENTS))


def placed(tokens: DataFrame, deployments: DataFrame) -> DataFrame:
    """Tokens with `cluster_id`, `service_id`, `is_team_run` of their deployment; one row per deployment, account and model."""
    return tokens.join(F.broadcast(deployments), "deployment_id", "inner")


def of_customers(tokens: DataFrame, rows: DataFrame) -> DataFrame:
    """Tokens on team-run deployments of accounts that have a row in the pool: they bear it.

    Parameters
    ----------
    tokens
        Of `placed`.
    rows
        Account rows of the pools, one per `ROW_KEY`.
    """
    return tokens.where("is_team_run").join(rows.select(*ROW_KEY), list(ROW_KEY), "left_semi")


def stray(tokens: DataFrame, rows: DataFrame, teams: Sequence[str]) -> DataFrame:
    """Tokens of accounts that are no team's and have no row in the pool, summed per deployment: `tokens`, `accounts`."""
    outside = tokens.where(F.col("is_team_run") & ~F.col("account_id").isin(*teams))
    lost = outside.join(rows.select(*ROW_KEY), list(ROW_KEY), "left_anti")
    return lost.groupBy("deployment_id", "cluster_id").agg(
        F.expr("sum(CAST(in_tokens AS decimal(28,6)) + out_tokens) AS tokens"),
        F.countDistinct("account_id").alias("accounts"),
    )


def totals(tokens: DataFrame, by: Sequence[str]) -> DataFrame:
    """Counts summed over accounts: bounded by deployments and models."""
    names = (
        "tokens_eq",
        "requests",
        "in_tokens",
        "cached_in_tokens",
        "out_tokens",
        "images_in",
        "images_out",
        "audio_s",
    )
    return tokens.groupBy(*by).agg(
        *(F.sum(name).alias(name) for name in names), F.countDistinct("account_id").alias("accounts")
    )
