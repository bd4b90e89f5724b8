"""Intensities, labels, trade-offs and recommendations of one period: from facts to rows of the four tables that follow from them."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ai.actions import Policy
from ccft.ai.facts import Facts
from ccft.ai.intensity import intensities, model_intensities
from ccft.ai.labels import labels
from ccft.ai.pareto import candidates
from ccft.ai.recommendations import plan
from ccft.ai.rows import Row, intensity_row, label_row, pareto_row, recommendation_row
from ccft.schema.ai_columns import UNATTRIBUTED

DERIVED: Final = ("ai_intensity", "ai_labels", "ai_pareto", "ai_recommendations")
_GROUP: Final = ("deployment_id", "model_id", "release_id", "stage", "component", "measure", "is_memo")


def without_accounts(emissions: DataFrame) -> DataFrame:
    """`ai_emissions` of one period and version, summed over accounts, clusters and services: bounded by deployments and models.

    What no deployment explains is left out: it belongs to no model.
    """
    masses = (F.sum(name).cast("decimal(28,9)").alias(name) for name in ("emissions_kg", "min_kg", "max_kg"))
    known = emissions.where(F.col("deployment_id") != UNATTRIBUTED)
    return known.groupBy(*_GROUP).agg(*masses, F.max("tier").alias("tier"))


def derive(facts: Facts, policy: Policy | None = None) -> dict[str, list[Row]]:
    """Rows of the tables of `DERIVED`, without period, version and run.

    Parameters
    ----------
    policy
        What recommendations aim at.
    """
    rows = list(intensities(facts))
    return {
        "ai_intensity": [intensity_row(facts, row) for row in rows],
        "ai_labels": [label_row(label) for label in labels(facts, rows)],
        "ai_pareto": [pareto_row(candidate) for candidate in candidates(facts, model_intensities(rows))],
        "ai_recommendations": [recommendation_row(row) for row in plan(facts, policy).recommendations],
    }
