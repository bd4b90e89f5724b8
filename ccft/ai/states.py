"""A deployment as the actions see it: what it emits, in three scenarios, and what drives that; each action turns it into another.

Emissions are location-based. Scenarios: `low` and `high` start from the ends of the uncertainty band, `high` also counts what falls away only when
the accelerators that become free are given back (unused capacity, embodied, overhead).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, Protocol, TypeVar

from ccft.ai.facts import SERVING_STAGES, Deployment, Facts, Work
from ccft.schema.ai_columns import SERVING_IDLE

ENERGY_MEASURES: Final = ("scope_2_lbm", "scope_3_fera_lbm")
"""What an inventory loses when a deployment uses less energy; Scope 1 and hardware do not follow the load of a month."""


@dataclass(frozen=True)
class Cell:
    """Emissions of a stage, component and measure, in quanta, in three scenarios."""

    stage: str
    component: str
    measure: str
    low: Fraction
    central: Fraction
    high: Fraction

    @property
    def follows_energy(self) -> bool:
        """Whether less energy is less of it, at once and by itself."""
        return self.component == "in_use" and self.measure in ENERGY_MEASURES

    @property
    def follows_capacity(self) -> bool:
        """Whether it falls with the accelerator-hours that are given back."""
        return self.component == "unused_capacity" or self.measure == "scope_3_embodied"

    def scaled(self, central: Fraction, high: Fraction) -> "Cell":
        """The cell with what an action leaves of it."""
        return replace(self, low=self.low * central, central=self.central * central, high=self.high * high)


@dataclass(frozen=True)
class Energy:
    """IT energy and accelerator-hours of one stage."""

    kwh: Fraction
    reserved_h: Fraction
    busy_h: Fraction
    wasted_h: Fraction


_NOTHING: Final = Energy(Fraction(0), Fraction(0), Fraction(0), Fraction(0))


@dataclass(frozen=True)
class State:
    """A deployment between two actions."""

    deployment: Deployment
    models: tuple[str, ...]
    tier: int | None
    cells: tuple[Cell, ...]
    energy: Mapping[str, Energy]
    out_tokens: Fraction
    cluster_id: str
    pue: Decimal

    def hours(self, stages: Iterable[str]) -> Energy:
        """Sum over stages."""
        found = [self.energy.get(stage, _NOTHING) for stage in stages]
        return Energy(
            sum((item.kwh for item in found), Fraction(0)),
            sum((item.reserved_h for item in found), Fraction(0)),
            sum((item.busy_h for item in found), Fraction(0)),
            sum((item.wasted_h for item in found), Fraction(0)),
        )

    @property
    def serving(self) -> Energy:
        """Hours and energy of serving, idle ones included."""
        return self.hours(SERVING_STAGES)

    @property
    def idle_kwh(self) -> Fraction:
        """IT energy without a request."""
        return self.energy.get(SERVING_IDLE, _NOTHING).kwh

    @property
    def facility_kwh(self) -> Fraction:
        """All energy, with PUE."""
        return self.hours(self.energy).kwh * Fraction(self.pue)

    def scaled(self, left: Callable[[Cell], tuple[Fraction, Fraction]]) -> tuple[Cell, ...]:
        """Cells after an action that leaves (central, high) of each."""
        return tuple(cell.scaled(*left(cell)) for cell in self.cells)


def _energy(works: Iterable[Work]) -> dict[str, Energy]:
    return {
        work.stage: Energy(
            Fraction(work.kwh), Fraction(work.reserved_h), Fraction(work.busy_h), Fraction(work.wasted_h)
        )
        for work in works
    }


class _OfDeployment(Protocol):
    """A row of a deployment."""

    @property
    def deployment_id(self) -> str:
        """Whose it is."""


Own = TypeVar("Own", bound=_OfDeployment)


def _grouped(rows: Iterable[Own]) -> dict[str, list[Own]]:
    """Rows by deployment."""
    found: dict[str, list[Own]] = defaultdict(list)
    for row in rows:
        found[row.deployment_id].append(row)
    return found


def states(facts: Facts) -> list[State]:
    """Every deployment of a period as it is, in order of id; without emissions nothing can be saved and it is left out."""
    measures, found = set(facts.measures_of("lbm")), []
    masses_of, works_of, lines_of = _grouped(facts.masses), _grouped(facts.work), _grouped(facts.traffic)
    for deployment_id in sorted(facts.deployments):
        deployment = facts.deployments[deployment_id]
        masses = [m for m in masses_of[deployment_id] if m.measure in measures and not m.is_memo]
        cells: dict[tuple[str, str, str], Cell] = {}
        for mass in masses:
            key = (mass.stage, mass.component, mass.measure)
            old = cells.get(key, Cell(*key, Fraction(0), Fraction(0), Fraction(0)))
            cells[key] = replace(
                old, low=old.low + mass.min_quanta, central=old.central + mass.quanta, high=old.high + mass.max_quanta
            )
        if not cells:
            continue
        lines = lines_of[deployment_id]
        found.append(
            State(
                deployment,
                tuple(sorted({line.model_id for line in lines} or {deployment.model_id})),
                max((mass.tier for mass in masses if mass.tier is not None), default=None),
                tuple(cells[key] for key in sorted(cells)),
                _energy(works_of[deployment_id]),
                sum((Fraction(line.out_tokens) for line in lines), Fraction(0)),
                deployment.cluster_id,
                deployment.pue,
            )
        )
    return found
