"""Shares of deployments in an account row, per kind of emissions: exact, half up to 15 decimals (docs/ai.md, "What is split").

| kind | emissions of the row | weight of a deployment's stage |
|---|---|---|
| `in_use` | in use, all measures but embodied | energy; of serving, the idle part is stage `serving_idle` |
| `energy` | overheads | energy |
| `residual`, `residual_embodied` | residual | energy, hardware; of a service that trains where it has no customers: of those deployments alone |
| `capacity` | unused capacity | reserved hours x capacity weight |
| `embodied` | embodied carbon of every other component | reserved hours x embodied carbon per hour |
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ccft.ai.drivers import SERVING, UNKNOWN, Month, Work
from ccft.kernel.quotients import half_up
from ccft.schema.ai_columns import SERVING_IDLE, UNATTRIBUTED
from ccft.schema.units import SHARE_SCALE, SHARES_PER_ONE

IN_USE, ENERGY, RESIDUAL, CAPACITY = "in_use", "energy", "residual", "capacity"
EMBODIED, RESIDUAL_EMBODIED = "embodied", "residual_embodied"
KINDS: Final = (IN_USE, ENERGY, RESIDUAL, CAPACITY, EMBODIED, RESIDUAL_EMBODIED)
RESIDUALS: Final = (RESIDUAL, RESIDUAL_EMBODIED)
BANDED: Final = (IN_USE, ENERGY, RESIDUAL)
"""Kinds whose weight is an energy, and so uncertain; hours are not."""

Pool = tuple[str, str, str]
"""account_id, cluster_id, service_id: one account row."""


@dataclass(frozen=True)
class Weight:
    """Weight of a deployment's stage (and model) in one kind of emissions."""

    kind: str
    deployment_id: str
    stage: str
    model_id: str
    release_id: str | None
    weight: Fraction
    tier: int


@dataclass(frozen=True)
class Share:
    """Share of a row, and at both ends of the band, in whole 1e-15."""

    kind: str
    deployment_id: str
    stage: str
    model_id: str | None
    release_id: str | None
    share: int
    min_share: int
    max_share: int
    tier: int


def _stages(work: Work, kind: str) -> list[tuple[str, Fraction]]:
    """Stages that a kind of emissions of some work has, with their weights."""
    if kind == CAPACITY:
        return [(work.stage, work.capacity)]
    if kind in {EMBODIED, RESIDUAL_EMBODIED}:
        return [(work.stage, work.hardware)]
    if kind == IN_USE and work.stage == SERVING:
        return [(SERVING, work.energy - work.idle_energy), (SERVING_IDLE, work.idle_energy)]
    return [(work.stage, work.energy)]


def weights(
    month: Month, kinds: Sequence[str], models: Mapping[str, Fraction], releases: Mapping[str, str | None]
) -> list[Weight]:
    """Weights of a deployment in kinds of emissions.

    Parameters
    ----------
    month
        Its work.
    models
        Parts of its serving per model, summing to one; without any, its own model has all of it.
    releases
        Release per model.
    """
    own = month.deployment
    found = []
    for work in month.works:
        parts = models if models and work.stage == SERVING else {own.model_id: Fraction(1)}
        found += [
            Weight(kind, own.deployment_id, stage, model, releases.get(model), weight * part, month.tier)
            for kind in kinds
            for stage, weight in _stages(work, kind)
            for model, part in parts.items()
            if weight * part > 0
        ]
    return found


def _rounded(share: Fraction) -> int:
    return int(half_up(share, SHARE_SCALE) * SHARES_PER_ONE)


def unattributed(kind: str, share: int) -> Share:
    """The part of a row that no deployment explains."""
    return Share(kind, UNATTRIBUTED, UNATTRIBUTED, None, None, share, share, share, UNKNOWN)


def shares(lines: Iterable[Weight], coverage: Fraction, bands: Sequence[Fraction]) -> list[Share]:
    """Shares of one account row in every kind that has weight; what coverage leaves is `_unattributed`.

    Parameters
    ----------
    lines
        Weights of the row's deployments.
    coverage
        Part of the row that they explain, 0 to 1.
    bands
        Half width of the band of tiers 1, 2, 3.
    """
    found: list[Share] = []
    by_kind: dict[str, list[Weight]] = {}
    for line in lines:
        by_kind.setdefault(line.kind, []).append(line)
    for kind, own in by_kind.items():
        total = sum((line.weight for line in own), Fraction(0))
        if not total or not coverage:
            continue
        found += [_share(line, own, total, coverage, bands) for line in own]
        rest = _rounded(1 - coverage)
        found += [unattributed(kind, rest)] if rest else []
    return found


def _share(
    line: Weight, lines: Sequence[Weight], total: Fraction, coverage: Fraction, bands: Sequence[Fraction]
) -> Share:
    """One share, and what it would be with its deployment's energy at either end of the band."""
    central = _rounded(coverage * line.weight / total)
    low = high = central
    if line.kind in BANDED:
        band = bands[line.tier - 1]
        own = sum((other.weight for other in lines if other.deployment_id == line.deployment_id), Fraction(0))
        low = _rounded(coverage * line.weight * (1 - band) / (total - band * own))
        high = _rounded(coverage * line.weight * (1 + band) / (total + band * own))
    return Share(
        line.kind, line.deployment_id, line.stage, line.model_id, line.release_id, central, low, high, line.tier
    )
