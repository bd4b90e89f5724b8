"""What a deployment did in a month, and what that weighs: energy, capacity, hardware (docs/ai.md, "Drivers").

Bounded by deployments and stages, so it runs on the driver in exact rationals: no weight is rounded before it becomes a share.

| symbol | here |
|---|---|
| R, A, I = R - A | reserved, busy, idle accelerator-hours, summed over hours |
| E_idle = P_idle x I, E_act = P_busy x A | unmetered hours: power curve, tier 2 |
| E = energy_kwh, E_idle = min(energy_kwh, P_idle x I) per hour | metered hours: tier 1 |
| R x capacity_weight | unused capacity |
| R x embodied_kg / life_h | embodied carbon |
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ccft.schema.ai_columns import DEVELOPMENT_STAGES

SERVING: Final = "serving"
EXPERIMENTATION: Final = "experimentation"
WASTED: Final = ("failed", "cancelled")
_SERVING_POWER: Final = (SERVING, "evaluation")
METERED, POWER_CURVE, ESTIMATED, UNKNOWN = 1, 2, 3, 4
"""Tiers: the evidence that a split rests on."""


@dataclass(frozen=True)
class Accelerator:
    """An accelerator type: power in kW, weight of an hour in unused capacity and in embodied carbon."""

    p_idle_kw: Decimal
    p_busy_serving_kw: Decimal
    p_busy_training_kw: Decimal
    capacity_weight: Decimal
    embodied_kg: Decimal
    life_h: Decimal

    def busy_kw(self, stage: str) -> Fraction:
        """Power of an accelerator at work in a stage."""
        return Fraction(self.p_busy_serving_kw if stage in _SERVING_POWER else self.p_busy_training_kw)


@dataclass(frozen=True)
class Deployment:
    """A deployment in one month; `is_team_run`: its account's team runs the service, so that customers bear it."""

    deployment_id: str
    account_id: str
    model_id: str
    release_id: str
    cluster_id: str
    service_id: str
    accel_type: str
    lifecycle_stage: str
    is_team_run: bool
    accelerator: Accelerator

    @property
    def is_development(self) -> bool:
        """Makes models; does not serve them."""
        return self.lifecycle_stage in DEVELOPMENT_STAGES


@dataclass(frozen=True)
class Work:
    """What a deployment did in one stage of a month: energy in kWh, accelerator-hours."""

    deployment: Deployment
    stage: str
    energy: Fraction
    idle_energy: Fraction
    metered_energy: Fraction
    metered_idle: Fraction
    reserved: Fraction
    busy: Fraction
    failed: Fraction = Fraction(0)
    cancelled: Fraction = Fraction(0)
    active_days: int = 0

    @property
    def capacity(self) -> Fraction:
        """Weight in unused capacity."""
        return self.reserved * Fraction(self.deployment.accelerator.capacity_weight)

    @property
    def hardware(self) -> Fraction:
        """Weight in embodied carbon: kg of the accelerators' life that the hours take."""
        accelerator = self.deployment.accelerator
        return self.reserved * Fraction(accelerator.embodied_kg) / Fraction(accelerator.life_h)


@dataclass(frozen=True)
class Month:
    """A deployment's month: work per stage, and the worst tier that any of it rests on."""

    deployment: Deployment
    works: tuple[Work, ...]
    tier: int
    clipped_hours: int = 0

    @property
    def reserved(self) -> Fraction:
        """Reserved accelerator-hours of all stages."""
        return sum((work.reserved for work in self.works), Fraction(0))


@dataclass
class _Sum:
    """Sums of one stage while they are collected."""

    amounts: dict[str, Fraction] = field(default_factory=dict)
    active_days: int = 0

    def add(self, **amounts: Fraction) -> None:
        for name, amount in amounts.items():
            self.amounts[name] = self.amounts.get(name, Fraction(0)) + amount


def stage_of(deployment: Deployment, job_state: str) -> str:
    """Stage of hours: what failed or was cancelled in any development stage is experimentation."""
    wasted = job_state in WASTED and deployment.is_development
    return EXPERIMENTATION if wasted else deployment.lifecycle_stage


def _hours(row: Mapping[str, Any], deployment: Deployment, stage: str) -> dict[str, Fraction]:
    """Energy and hours of one line of monthly usage (one job state)."""
    power = deployment.accelerator
    reserved, busy = Fraction(row["reserved_accel_h"]), Fraction(row["busy_accel_h"])
    curve_reserved = reserved - Fraction(row["metered_reserved_h"])
    curve_busy = busy - Fraction(row["metered_busy_h"])
    idle = Fraction(power.p_idle_kw) * (curve_reserved - curve_busy)
    metered = Fraction(row["metered_kwh"])
    return {
        "energy": idle + power.busy_kw(stage) * curve_busy + metered,
        "idle_energy": idle + Fraction(row["metered_idle_kwh"]),
        "metered_energy": metered,
        "metered_idle": Fraction(row["metered_idle_kwh"]),
        "reserved": reserved,
        "busy": busy,
        **{name: reserved for name in WASTED if row["job_state"] == name},
    }


def _estimated(deployment: Deployment, kwh: Fraction) -> Work:
    nothing = Fraction(0)
    return Work(deployment, deployment.lifecycle_stage, kwh, nothing, nothing, nothing, nothing, nothing)


def months(
    deployments: Iterable[Deployment],
    usage: Iterable[Mapping[str, Any]],
    estimate: Callable[[Deployment], Fraction | None],
) -> dict[str, Month]:
    """Work of every deployment, by its id.

    Parameters
    ----------
    deployments
        Valid in the month.
    usage
        Rows of `core_ai_accelerator_usage` of the month.
    estimate
        Energy (kWh) from tokens and model size, for deployments without any hours; None where parameters are unknown.
    """
    by_deployment: dict[str, list[Mapping[str, Any]]] = {}
    for row in usage:
        by_deployment.setdefault(row["deployment_id"], []).append(row)
    return {
        item.deployment_id: _month(item, by_deployment.get(item.deployment_id, []), estimate) for item in deployments
    }


def _month(
    deployment: Deployment, rows: list[Mapping[str, Any]], estimate: Callable[[Deployment], Fraction | None]
) -> Month:
    rows = [row for row in rows if row["reserved_accel_h"] > 0 or row["metered_kwh"] > 0]
    if not rows:
        kwh = estimate(deployment)
        if not kwh:
            return Month(deployment, (), UNKNOWN)
        return Month(deployment, (_estimated(deployment, kwh),), ESTIMATED)
    sums: dict[str, _Sum] = {}
    for row in rows:
        stage = stage_of(deployment, row["job_state"])
        own = sums.setdefault(stage, _Sum())
        own.add(**_hours(row, deployment, stage))
        own.active_days = max(own.active_days, row["active_days"])
    unmetered = any(row["reserved_accel_h"] > row["metered_reserved_h"] for row in rows)
    works = tuple(
        Work(deployment, stage, active_days=own.active_days, **own.amounts) for stage, own in sorted(sums.items())
    )
    return Month(deployment, works, POWER_CURVE if unmetered else METERED, sum(row["clipped_hours"] for row in rows))
