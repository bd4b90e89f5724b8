"""A world small enough to turn by hand: deployments with hours, a grid, and emissions that follow from them by the rules of the method.

Written against the method's text, not against the product: energy-driven emissions by E, capacity-driven ones by R, idle energy as a stage of its own.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from ccft.ai.facts import Cluster, Deployment, Facts, Mass, Model, Quality, Traffic, Work

_EMBODIED_KG_PER_H = Fraction(1, 20)
_UNUSED_KG_PER_H = Fraction(1, 10)
_FERA = Fraction(15, 100)
_BAND = Fraction(15, 100)


@dataclass(frozen=True)
class Served:
    """A serving deployment of a model, whose hours follow from its tokens."""

    name: str
    model: str
    cluster: str
    busy_h: int
    reserved_h: int
    p_idle: Fraction = Fraction(2, 10)
    p_busy: Fraction = Fraction(65, 100)
    out_tokens: int = 10**9

    @property
    def idle_kwh(self) -> Fraction:
        return self.p_idle * (self.reserved_h - self.busy_h)

    @property
    def active_kwh(self) -> Fraction:
        return self.p_busy * self.busy_h


@dataclass(frozen=True)
class World:
    """Deployments and clusters: name -> (kg per MWh, PUE); `overhead_kg` is there whatever runs."""

    deployments: tuple[Served, ...]
    clusters: dict[str, tuple[int, Fraction]]
    scores: dict[str, int]
    overhead_kg: int = 100

    def changed(self, name: str, **changes) -> "World":
        return replace(
            self, deployments=tuple(replace(d, **changes) if d.name == name else d for d in self.deployments)
        )

    def overhead_of(self, deployment: Served) -> Fraction:
        here = [d for d in self.deployments if d.cluster == deployment.cluster]
        whole = sum(d.idle_kwh + d.active_kwh for d in here)
        return self.overhead_kg * (deployment.idle_kwh + deployment.active_kwh) / whole

    def kg(self, deployment: Served) -> dict[tuple[str, str, str], Fraction]:
        grid, pue = self.clusters[deployment.cluster]
        per_kwh = Fraction(grid, 1000) * pue
        cells = {}
        for stage, kwh in (("serving", deployment.active_kwh), ("serving_idle", deployment.idle_kwh)):
            cells[stage, "in_use", "scope_2_lbm"] = kwh * per_kwh
            cells[stage, "in_use", "scope_3_fera_lbm"] = kwh * per_kwh * _FERA
        cells["serving", "unused_capacity", "scope_2_lbm"] = deployment.reserved_h * _UNUSED_KG_PER_H
        cells["serving", "network_overhead", "scope_2_lbm"] = self.overhead_of(deployment)
        cells["serving", "in_use", "scope_3_embodied"] = deployment.reserved_h * _EMBODIED_KG_PER_H
        return cells

    def total(self, name: str) -> Fraction:
        return sum(self.kg(next(d for d in self.deployments if d.name == name)).values())

    def _masses(self, deployment: Served):
        for (stage, component, measure), kg in self.kg(deployment).items():
            quanta = round(kg * 10**9)
            banded = component != "unused_capacity" and measure != "scope_3_embodied"
            band = int(quanta * _BAND) if banded else 0
            yield Mass(
                deployment.name,
                deployment.model,
                "r",
                stage,
                component,
                measure,
                quanta,
                quanta - band,
                quanta + band,
                2,
            )

    def facts(self) -> Facts:
        work = []
        for d in self.deployments:
            work.append(
                Work(d.name, "serving", _decimal(d.active_kwh), reserved_h=Decimal(d.busy_h), busy_h=Decimal(d.busy_h))
            )
            work.append(Work(d.name, "serving_idle", _decimal(d.idle_kwh), reserved_h=Decimal(d.reserved_h - d.busy_h)))
        return Facts(
            "2025-01",
            "v3.0",
            ("scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied"),
            tuple(mass for d in self.deployments for mass in self._masses(d)),
            tuple(work),
            tuple(Traffic(d.name, d.model, Decimal(0), None, Decimal(d.out_tokens)) for d in self.deployments),
            {
                d.name: Deployment(
                    d.name, "000000000001", d.model, "r", d.cluster, "gpu", "H100", "serving",
                    _decimal(self.clusters[d.cluster][1]), Decimal(1), 30,
                )
                for d in self.deployments
            },
            {name: Cluster(name, _decimal(pue), Decimal(grid)) for name, (grid, pue) in self.clusters.items()},
            {d.model: Model(d.model, "text-generation", "v") for d in self.deployments},
            qualities=tuple(Quality(name, "mmlu", "accuracy", Decimal(score), True) for name, score in self.scores.items()),
        )  # fmt: skip


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
