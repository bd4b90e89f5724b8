"""Trade-off of quality, intensity and latency: which models no other beats, per task and benchmark.

A model is dominated if another is at least as good on all axes and better on one; equals both stay. Axes: the score by its sign, the location-based
consumer intensity, and the median latency where all candidates have one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ccft.ai.facts import Facts, Quality

Point = tuple[Decimal, ...]


@dataclass(frozen=True)
class Candidate:
    """One model on one benchmark: a row of `ai_pareto`."""

    task: str
    benchmark: str
    metric: str
    model_id: str
    score: Decimal
    g_per_1k_out_tokens: Decimal
    latency_p50_ms: Decimal | None
    axes: tuple[str, ...]
    dominated_by: str | None

    @property
    def is_efficient(self) -> bool:
        """On the frontier."""
        return self.dominated_by is None


def dominates(one: Point, other: Point) -> bool:
    """At least as good everywhere, better somewhere; lower is better on every axis.

    >>> two, three = Decimal(2), Decimal(3)
    >>> dominates((two, two), (two, three)), dominates((two, two), (two, two)), dominates((two, three), (three, two))
    (True, False, False)
    """
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def dominated_by(points: Mapping[str, Point]) -> dict[str, str | None]:
    """Per candidate the first (by id) that dominates it and is itself on the frontier; None on the frontier."""
    beaten = {name: any(dominates(other, point) for other in points.values()) for name, point in points.items()}
    frontier = sorted(name for name in points if not beaten[name])
    return {
        name: next((best for best in frontier if dominates(points[best], point)), None)
        for name, point in points.items()
    }


def _point(quality: Quality, intensity: Decimal, *, with_latency: bool) -> Point:
    cost = -quality.score if quality.higher_is_better else quality.score
    axes = (cost, intensity)
    return (*axes, quality.latency_p50_ms) if with_latency and quality.latency_p50_ms is not None else axes


def _ranked(group: Sequence[Quality], intensity: Mapping[str, Decimal], task: str) -> list[Candidate]:
    with_latency = all(quality.latency_p50_ms is not None for quality in group)
    axes = ("quality", "intensity", "latency") if with_latency else ("quality", "intensity")
    points = {
        quality.model_id: _point(quality, intensity[quality.model_id], with_latency=with_latency) for quality in group
    }
    beaten = dominated_by(points)
    return [
        Candidate(
            task,
            quality.benchmark,
            quality.metric,
            quality.model_id,
            quality.score,
            intensity[quality.model_id],
            quality.latency_p50_ms,
            axes,
            beaten[quality.model_id],
        )
        for quality in sorted(group, key=lambda quality: quality.model_id)
    ]


def candidates(facts: Facts, intensity: Mapping[str, Decimal]) -> list[Candidate]:
    """All candidates per task, benchmark and metric.

    Parameters
    ----------
    facts
        Models and their scores.
    intensity
        Location-based consumer g per 1,000 output tokens of the models that have one; others are no candidates.
    """
    groups: dict[tuple[str, str, str], list[Quality]] = defaultdict(list)
    for quality in facts.qualities:
        if quality.model_id in intensity and quality.model_id in facts.models:
            groups[facts.models[quality.model_id].task, quality.benchmark, quality.metric].append(quality)
    return [row for key in sorted(groups) for row in _ranked(groups[key], intensity, key[0])]
