"""Disclosures of a model: model-card metadata, SCI-for-AI report, documentation of general-purpose AI models.

Every figure comes from published rows. Component scores sum to their total exactly: the total is rounded once, and divided over the components by
the kernel in its last digit.

Sources: Hugging Face model cards, `co2_eq_emissions`; Green Software Foundation, SCI for AI; Regulation (EU) 2024/1689, Annex XI, and the model
documentation form of its code of practice (training energy in MWh with at least two significant figures).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ccft.ai.facts import METHODS, SERVING_STAGES, quanta_of
from ccft.kernel.forms import apportioned
from ccft.kernel.quotients import Exact, half_up, quotient
from ccft.schema.ai_columns import DEVELOPMENT_STAGES
from ccft.schema.units import KG_PER_TONNE, QUANTA_PER_KG

Row = Mapping[str, Any]
_G_PER_KG: Final = 1000
_KWH_PER_MWH: Final = 1000
_TOKENS: Final = 1000
"""Output tokens of the consumer boundary's functional unit."""
_SCORE_PLACES: Final = 9
_FIGURES: Final = 3
"""Significant figures; the documentation form asks for at least two."""
_STEPS: Final = {
    "pretraining": "pre-training",
    "post_training": "fine-tuning",
}
"""What model cards call the stages of training."""


@dataclass(frozen=True)
class Score:
    """A part of a score."""

    name: str
    value: Decimal


@dataclass(frozen=True)
class Sci:
    """An SCI-for-AI score of one boundary: g CO2e per functional unit, and the components that sum to it."""

    boundary: str
    functional_unit: str
    score: Decimal | None
    components: tuple[Score, ...]


def _component(mass: Row) -> str:
    """Component of a score: embodied (M), or operational (O) by stage and part."""
    if mass["measure"] == "scope_3_embodied":
        return f"{mass['stage']}: embodied"
    return f"{mass['stage']}: operational, {mass['component']}"


def sci(boundary: str, functional_unit: str, masses: Iterable[Row], units: Exact | None) -> Sci:
    """Score of one boundary.

    Parameters
    ----------
    masses
        Rows of emissions of the boundary: `stage`, `component`, `measure`, `emissions_kg`.
    units
        Functional units; None or 0: no score.
    """
    sums: dict[str, int] = {}
    for mass in masses:
        name = _component(mass)
        sums[name] = sums.get(name, 0) + quanta_of(mass["emissions_kg"])
    names = sorted(name for name in sums if sums[name] > 0)
    whole = sum(sums[name] for name in names)
    if not units or not whole:
        return Sci(boundary, functional_unit, None, ())
    score = quotient(Fraction(whole * _G_PER_KG, QUANTA_PER_KG), units, _SCORE_PLACES)
    steps = int(score.scaleb(_SCORE_PLACES))
    shares = apportioned(steps, [sums[name] for name in names])
    parts = (Score(name, Decimal(share).scaleb(-_SCORE_PLACES)) for name, share in zip(names, shares, strict=True))
    return Sci(boundary, functional_unit, score, tuple(parts))


@dataclass(frozen=True)
class Subject:
    """Published rows of one model.

    Parameters
    ----------
    model, releases, deployments
        Its rows of the core tables; deployments name accelerators and clusters.
    masses
        Rows of `ai_emissions` of the month, summed over accounts.
    serving
        Its `ai_intensity` row, consumer view, location-based; None where it did not serve.
    training_kg
        Development emissions of all months so far, location-based; None: none published.
    training_facility_kwh, training_metered_kwh, training_kwh, training_h
        Development energy of all months so far: with PUE, metered part of IT energy, IT energy; accelerator-hours.
    """

    model: Row
    releases: Sequence[Row]
    deployments: Sequence[Row]
    locations: Sequence[str]
    masses: Sequence[Row]
    serving: Row | None
    training_kg: Decimal | None
    training_facility_kwh: Decimal
    training_metered_kwh: Decimal
    training_kwh: Decimal
    training_h: Decimal
    first_period: str
    period: str
    version: str

    def of(self, stages: Iterable[str], method: str = "lbm") -> list[Row]:
        """Rows of stages and an accounting method."""
        wanted = set(stages)
        return [
            mass
            for mass in self.masses
            if mass["stage"] in wanted and mass["measure"] in METHODS[method] and not mass["is_memo"]
        ]


def _hardware(subject: Subject, stages: Iterable[str] | None = None) -> str:
    wanted = set(stages) if stages is not None else None
    types = {d["accel_type"] for d in subject.deployments if wanted is None or d["lifecycle_stage"] in wanted}
    return ", ".join(sorted(types))


def model_card(subject: Subject) -> dict[str, Any]:
    """Metadata `co2_eq_emissions` of a model card; emissions in grams, as the format wants them.

    Development emissions of all months so far, location-based, hardware included.
    """
    stages = [stage for stage in DEVELOPMENT_STAGES if subject.of([stage])]
    trainings = [_STEPS[stage] for stage in stages if stage in _STEPS]
    grams = None if subject.training_kg is None else half_up(Fraction(subject.training_kg) * _G_PER_KG, 0)
    return {
        "co2_eq_emissions": {
            "emissions": None if grams is None else int(grams),
            "source": f"ccft, methodology {subject.version}, location-based, {subject.first_period} to {subject.period}",
            "training_type": ", ".join(trainings) or None,
            "geographical_location": ", ".join(subject.locations) or None,
            "hardware_used": _hardware(subject) or None,
        }
    }


def _known_total(rows: Sequence[Row], name: str) -> Fraction | None:
    """Sum over releases; None where one does not say."""
    values = [row[name] for row in rows]
    return sum((Fraction(value) for value in values), Fraction(0)) if values and None not in values else None


def sci_report(subject: Subject) -> dict[str, Any]:
    """SCI-for-AI report: consumer boundary per 1,000 output tokens, provider boundary of the month per billion parameters."""
    tokens = None if subject.serving is None else Fraction(subject.serving["out_tokens"]) / _TOKENS
    params = subject.model["params_total_b"]
    scores = (
        sci("consumer", "1,000 output tokens", subject.of(SERVING_STAGES), tokens),
        sci(
            "provider",
            "billion parameters",
            subject.of(DEVELOPMENT_STAGES),
            None if params is None else Fraction(params),
        ),
    )
    return {
        "standard": "Green Software Foundation, SCI for AI; ISO/IEC 21031",
        "model_id": subject.model["model_id"],
        "period": subject.period,
        "methodology_version": subject.version,
        "unit": "g CO2e per functional unit",
        "scores": [
            {
                "boundary": score.boundary,
                "functional_unit": score.functional_unit,
                "score": None if score.score is None else f"{score.score:f}",
                "components": {part.name: f"{part.value:f}" for part in score.components},
            }
            for score in scores
        ],
        "not_covered": ["storage", "retirement", "network beyond the provider", "end-user devices", "water"],
    }


def figures(value: Decimal) -> str:
    """A figure with three significant digits, zeros at its end included.

    >>> [figures(Decimal(text)) for text in ("1.0049", "12345.678", "0.00051")]
    ['1.00', '12300', '0.000510']
    """
    places = _FIGURES - 1 - value.adjusted() if value else 0
    rounded = quotient(value, 1, places)
    return f"{rounded:f}"


def _mwh(kwh: Decimal) -> str | None:
    """Energy in MWh with enough significant figures; None for none."""
    return figures(quotient(kwh, _KWH_PER_MWH, _SCORE_PLACES)) if kwh else None


def documentation(subject: Subject) -> dict[str, Any]:
    """Documentation fields of a general-purpose AI model: parameters, compute, training time and energy."""
    flop = _known_total(subject.releases, "training_flop")
    tokens = _known_total(subject.releases, "training_tokens")
    metered = quotient(subject.training_metered_kwh, subject.training_kwh, 4) if subject.training_kwh else None
    return {
        "model_id": subject.model["model_id"],
        "version": subject.model["version"],
        "release_date": None if subject.model["release_date"] is None else subject.model["release_date"].isoformat(),
        "parameters_total_billion": _plain(subject.model["params_total_b"]),
        "parameters_active_billion": _plain(subject.model["params_active_b"]),
        "training_tokens": _plain(tokens),
        "training_compute_pflop": _plain(flop),
        "training_accelerator_hours": _plain(subject.training_h) if subject.training_h else None,
        "training_hardware": _hardware(subject, DEVELOPMENT_STAGES) or None,
        "training_energy_mwh": _mwh(subject.training_facility_kwh),
        "training_energy_method": (
            "accelerator and host energy, metered per hour or from power curves, times PUE; experiments, failed and cancelled runs included"
        ),
        "training_energy_metered_share": _plain(metered),
        "training_emissions_t_lbm": None
        if subject.training_kg is None
        else figures(quotient(subject.training_kg, KG_PER_TONNE, _SCORE_PLACES)),
        "inference_energy_wh_per_1k_output_tokens": _serving_wh(subject),
        "months": f"{subject.first_period} to {subject.period}",
        "methodology_version": subject.version,
    }


def _serving_wh(subject: Subject) -> str | None:
    value = None if subject.serving is None else subject.serving["wh_per_1k_out_tokens"]
    return None if value is None else figures(value)


def _plain(value: Exact | None) -> str | None:
    if value is None:
        return None
    text = f"{half_up(value, _SCORE_PLACES):f}"
    return text.rstrip("0").rstrip(".")


def model_card_yaml(card: Mapping[str, Any]) -> str:
    """Metadata of `model_card` as YAML front matter; texts are quoted."""
    lines = ["---", "co2_eq_emissions:"]
    lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in card["co2_eq_emissions"].items()]
    return "\n".join([*lines, "---", ""])
