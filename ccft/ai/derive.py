"""Intensities, labels, trade-offs and recommendations of one period: from small published AI tables to the four tables that follow from them."""

from collections.abc import Mapping

import pyarrow as pa

from ccft.ai.actions import Policy
from ccft.ai.facts import Facts
from ccft.ai.intensity import intensities, model_intensities
from ccft.ai.labels import labels
from ccft.ai.pareto import candidates
from ccft.ai.read import facts_of
from ccft.ai.recommendations import plan
from ccft.ai.rows import intensity_row, label_row, pareto_row, recommendation_row, stamped
from ccft.schema.arrow import arrow_table
from ccft.schema.tables import table

DERIVED = ("ai_intensity", "ai_labels", "ai_pareto", "ai_recommendations")


def derive(
    period: str,
    version: str,
    run_id: str,
    measures: tuple[str, ...],
    tables: Mapping[str, pa.Table],
    policy: Policy | None = None,
) -> dict[str, pa.Table]:
    """The four derived tables of one period and methodology version.

    Parameters
    ----------
    measures
        Measures that the version computes.
    tables
        What `read.facts_of` names: `ai_emissions` summed over accounts, `ai_activity`, the ledger, and the core tables of models.
    policy
        What recommendations aim at.

    Returns
    -------
    dict
        Tables of `DERIVED` with the registry's columns.
    """
    return derived(facts_of(period, version, measures, tables), run_id, policy)


def derived(facts: Facts, run_id: str, policy: Policy | None = None) -> dict[str, pa.Table]:
    """`derive` from facts."""
    rows = list(intensities(facts))
    frontier = candidates(facts, model_intensities(rows))
    found = {
        "ai_intensity": [intensity_row(facts, row) for row in rows],
        "ai_labels": [label_row(label) for label in labels(facts, rows)],
        "ai_pareto": [pareto_row(candidate) for candidate in frontier],
        "ai_recommendations": [recommendation_row(row) for row in plan(facts, policy).recommendations],
    }
    stamp = {"usage_period": facts.period, "methodology_version": facts.version, "run_id": run_id}
    return {name: arrow_table(table(name), stamped(found[name], stamp)) for name in DERIVED}
