"""Results as rows of the registry's tables: `ai_intensity`, `ai_labels`, `ai_pareto`, `ai_recommendations`."""

import json
from fractions import Fraction
from typing import Any

from ccft.ai.facts import Facts
from ccft.ai.intensity import Intensity
from ccft.ai.labels import Label
from ccft.ai.pareto import Candidate
from ccft.ai.recommendations import Recommendation
from ccft.kernel.quotients import half_up
from ccft.schema.units import MASS_SCALE, Q_SCALE, QUANTA_PER_KG

Row = dict[str, Any]


def _mass(quanta: int | None) -> Any:  # noqa: ANN401 - a cell: decimal or None
    return None if quanta is None else half_up(Fraction(quanta, QUANTA_PER_KG), MASS_SCALE)


def _subject_cells(facts: Facts, row: Intensity) -> Row:
    """Where a subject belongs; empty where it is in several places."""
    subject = row.subject
    if subject.kind == "deployment":
        deployment = facts.deployments[subject.subject_id]
        names = ("cluster_id", "service_id", "model_id", "release_id")
        return {name: getattr(deployment, name) for name in names}
    model_id = subject.subject_id if subject.kind == "model" else None
    return {"cluster_id": None, "service_id": None, "model_id": model_id, "release_id": None}


def _count_cells(row: Intensity) -> Row:
    """Traffic in the denominators of the emission rates."""
    counts = row.amounts.counts
    names = ("in_tokens", "out_tokens", "requests", "images", "audio_s")
    return {name: half_up(getattr(counts, name), Q_SCALE) for name in names}


def intensity_row(facts: Facts, row: Intensity) -> Row:
    """One row of `ai_intensity`."""
    subject, amounts = row.subject, row.amounts
    return {
        "subject_kind": subject.kind,
        "subject_id": subject.subject_id,
        "view": row.view,
        "accounting_method": row.accounting_method,
        "task": subject.task,
        "measures": ", ".join(facts.measures_of(row.accounting_method)),
        "tier": subject.tier,
        "coverage": subject.coverage,
        "active_days": subject.active_days,
        "customers": subject.customers,
        "is_provider_only": row.is_provider_only,
        "busy_ratio": row.busy_ratio,
        "idle_share": row.idle_share,
        "experimentation_share": row.experimentation_share,
        "metered_share": row.metered_share,
        "emissions_kg": _mass(amounts.quanta),
        "min_kg": _mass(amounts.min_quanta),
        "max_kg": _mass(amounts.max_quanta),
        "kwh": half_up(amounts.kwh, Q_SCALE),
        "facility_kwh": half_up(amounts.facility_kwh, Q_SCALE),
        **_subject_cells(facts, row),
        **_count_cells(row),
        **row.rates,
    }


def label_row(label: Label) -> Row:
    """One row of `ai_labels`."""
    return {
        "model_id": label.model_id,
        "label_kind": label.label_kind,
        "task": label.task,
        "grade": label.grade,
        "is_rated": label.is_rated,
        "not_rated_because": "; ".join(label.reasons) or None,
        "graded_value": label.graded_value,
        "in_out_ratio": label.in_out_ratio,
        "tier": label.tier,
        "coverage": label.coverage,
        "active_days": label.active_days,
        "peers": label.peers,
        "thresholds_version": label.thresholds_version,
    }


def pareto_row(candidate: Candidate) -> Row:
    """One row of `ai_pareto`."""
    return {
        "task": candidate.task,
        "benchmark": candidate.benchmark,
        "metric": candidate.metric,
        "model_id": candidate.model_id,
        "axes": ", ".join(candidate.axes),
        "score": candidate.score,
        "intensity_g_per_1k_out_tokens": candidate.g_per_1k_out_tokens,
        "latency_p50_ms": candidate.latency_p50_ms,
        "is_efficient": candidate.is_efficient,
        "dominated_by": candidate.dominated_by,
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def recommendation_row(row: Recommendation) -> Row:
    """One row of `ai_recommendations`."""
    deployment = row.state.deployment
    return {
        "deployment_id": deployment.deployment_id,
        "action": row.action,
        "action_rank": row.rank,
        "action_variant": row.variant or None,
        "account_id": deployment.account_id,
        "cluster_id": deployment.cluster_id,
        "service_id": deployment.service_id,
        "model_id": deployment.model_id,
        "saving_kg": row.saving_kg,
        "saving_min_kg": row.saving_min_kg,
        "saving_max_kg": row.saving_max_kg,
        "saving_kwh": row.saving_kwh,
        "formula": row.kind.formula or None,
        "formula_inputs": _json(row.inputs),
        "preconditions": _json(row.kind.preconditions),
        "conflicts": _json(row.kind.conflicts),
        "needs": row.needs or None,
    }
