"""Labels of models: energy grade, carbon grade, stars among peers, or why a model is not rated.

Boundary: facility energy and location-based emissions of serving and idle serving capacity of one month. The carbon grade takes Scope 1, Scope 2 and
FERA of the components in use, overheads and residual: what the grid and the load decide, without hardware and unused capacity.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ccft.ai import grades
from ccft.ai.facts import ESTIMATED_TIER, Facts, Mass
from ccft.ai.intensity import MOST_RATE, RATE_PLACES, Intensity, amounts_of, grams, masses_of, rate
from ccft.ai.subjects import Subject
from ccft.kernel.quotients import quotient, ratio

KINDS: Final = ("energy", "carbon", "stars_equal_width", "stars_quantile")
TEXT_TASKS: Final = ("text-generation", "code-generation", "reasoning", "image-text-to-text")
"""Tasks whose product is text: the only ones with absolute bounds."""
MIN_COVERAGE: Final = Decimal("0.8")
MIN_DAYS: Final = 7
MAX_IN_OUT_RATIO: Final = Decimal(10)
OUTSIDE_SCOPE: Final = "outside label scope"
_CARBON_MEASURES: Final = ("scope_1", "scope_2_lbm", "scope_3_fera_lbm")
_CARBON_COMPONENTS: Final = ("in_use", "network_overhead", "expansion_overhead", "residual")
_MOST_RATIO: Final = Decimal(MOST_RATE - 1)
_THOUSAND: Final = 1000


@dataclass(frozen=True)
class Label:
    """One row of `ai_labels`."""

    model_id: str
    label_kind: str
    task: str
    grade: str | None
    reasons: tuple[str, ...]
    graded_value: Decimal | None
    in_out_ratio: Decimal | None
    tier: int | None
    coverage: Decimal | None
    active_days: int
    peers: int | None = None
    thresholds_version: str = grades.THRESHOLDS_VERSION

    @property
    def is_rated(self) -> bool:
        """All rules for a rating are met."""
        return not self.reasons

    @property
    def is_estimated(self) -> bool:
        """Rests on an estimate from the model's size."""
        return self.tier is not None and self.tier >= ESTIMATED_TIER


def plain(value: Decimal) -> str:
    """A decimal without an exponent or trailing zeros.

    >>> plain(Decimal("0.500")), plain(Decimal("1E+2"))
    ('0.5', '100')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _beside(value: Decimal, bound: Decimal) -> str:
    """A value with two decimals, with all where two would make it equal to the bound that it misses.

    >>> _beside(Decimal("0.5234"), Decimal("0.8")), _beside(Decimal("0.7999"), Decimal("0.8"))
    ('0.52', '0.7999')
    """
    short = quotient(value, 1, 2)
    return plain(value if short == bound else short)


def not_rated_because(subject: Subject, in_out_ratio: Decimal | None) -> tuple[str, ...]:
    """Rules that any label needs and the subject does not meet, with the figures."""
    out_tokens = sum(line.out_tokens for line in subject.traffic)
    reasons = []
    if not out_tokens:
        reasons.append("no output tokens")
    if subject.coverage is None:
        reasons.append("coverage unknown")
    elif subject.coverage < MIN_COVERAGE:
        reasons.append(f"coverage {_beside(subject.coverage, MIN_COVERAGE)} below {MIN_COVERAGE}")
    if subject.active_days < MIN_DAYS:
        reasons.append(f"{subject.active_days} days of hours, {MIN_DAYS} needed")
    if in_out_ratio is not None and in_out_ratio > MAX_IN_OUT_RATIO:
        reasons.append(
            f"{OUTSIDE_SCOPE}: {_beside(in_out_ratio, MAX_IN_OUT_RATIO)} input tokens per output token, at most {MAX_IN_OUT_RATIO}"
        )
    return tuple(reasons)


def carbon_g_per_1k_out_tokens(subject: Subject, measures: Iterable[str]) -> Decimal | None:
    """What the carbon grade is on; None without emissions or output tokens."""
    wanted = [measure for measure in measures if measure in _CARBON_MEASURES]

    def counts(mass: Mass) -> bool:
        return mass.component in _CARBON_COMPONENTS

    masses = list(filter(counts, masses_of(subject, "consumer", wanted)))
    out_tokens = amounts_of(subject, "consumer", wanted).counts.out_tokens
    return rate(grams(sum(mass.quanta for mass in masses)), out_tokens / _THOUSAND) if masses else None


def _ratio_of(subject: Subject) -> Decimal | None:
    counts = sum(line.in_tokens for line in subject.traffic), sum(line.out_tokens for line in subject.traffic)
    value = ratio(counts[0], counts[1], RATE_PLACES)
    return None if value is None else min(value, _MOST_RATIO)


@dataclass(frozen=True)
class _Rated:
    """A model before its labels."""

    intensity: Intensity
    energy: Decimal | None
    carbon: Decimal | None
    in_out_ratio: Decimal | None
    reasons: tuple[str, ...]

    def label(
        self, kind: str, value: Decimal | None, given: str | None, reasons: tuple[str, ...], peers: int | None = None
    ) -> Label:
        """A label of one kind; the grade is shown only when nothing speaks against it."""
        subject = self.intensity.subject
        return Label(
            subject.subject_id,
            kind,
            subject.task,
            None if reasons else given,
            reasons,
            value,
            self.in_out_ratio,
            subject.tier,
            subject.coverage,
            subject.active_days,
            peers,
        )


def _rated(facts: Facts, intensity: Intensity) -> _Rated:
    subject = intensity.subject
    in_out = _ratio_of(subject)
    carbon = carbon_g_per_1k_out_tokens(subject, facts.measures_of("lbm"))
    return _Rated(
        intensity, intensity.rates["wh_per_1k_out_tokens"], carbon, in_out, not_rated_because(subject, in_out)
    )


def _absolute(model: _Rated, kind: str, value: Decimal | None, bounds: Sequence[tuple[str, Decimal]]) -> Label:
    reasons = list(model.reasons)
    if model.intensity.subject.task not in TEXT_TASKS:
        reasons.append(f"no bounds for task {model.intensity.subject.task}")
    if value is None and not reasons:
        reasons.append("energy unknown" if kind == "energy" else "emissions unknown")
    return model.label(kind, value, None if value is None else grades.grade(value, bounds), tuple(reasons))


def _is_peer(model: _Rated) -> bool:
    """Whether a model counts among the peers of its task: measured, and rated itself."""
    tier = model.intensity.subject.tier
    return not model.reasons and model.energy is not None and tier is not None and tier < ESTIMATED_TIER


def _stars(
    model: _Rated,
    kind: str,
    method: Callable[[Decimal, Sequence[Decimal]], int],
    peers: Mapping[str, Sequence[Decimal]],
) -> Label:
    values = peers.get(model.intensity.subject.task, ())
    reasons = list(model.reasons)
    if not reasons and not _is_peer(model):
        reasons.append("energy unknown" if model.energy is None else "estimated, not measured")
    if len(values) < grades.MIN_PEERS:
        reasons.append(f"{len(values)} measured peers of the task, {grades.MIN_PEERS} needed")
    given = str(method(model.energy, values)) if model.energy is not None and not reasons else None
    return model.label(kind, model.energy, given, tuple(reasons), len(values))


def labels(facts: Facts, intensities: Iterable[Intensity]) -> list[Label]:
    """Four labels per serving model, rated or not, in order of model and kind."""
    models = [
        _rated(facts, row)
        for row in intensities
        if (row.subject.kind, row.view, row.accounting_method) == ("model", "consumer", "lbm")
    ]
    peers: dict[str, list[Decimal]] = {}
    for model in models:
        if _is_peer(model) and model.energy is not None:
            peers.setdefault(model.intensity.subject.task, []).append(model.energy)
    rows = []
    for model in models:
        rows += [
            _absolute(model, "energy", model.energy, grades.ENERGY_BOUNDS),
            _absolute(model, "carbon", model.carbon, grades.CARBON_BOUNDS),
            _stars(model, "stars_equal_width", grades.stars_equal_width, peers),
            _stars(model, "stars_quantile", grades.stars_quantile, peers),
        ]
    return rows
