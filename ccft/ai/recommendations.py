"""Recommended actions with their savings, in the order in which they apply, each computed after those before.

Savings are location-based, per month like this one. The range is the uncertainty band of the deployment's figures at its lower end without giving
capacity back, and at its upper end with all freed accelerators given back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ccft.ai import actions
from ccft.ai.actions import Needs, Outcome, Policy, World
from ccft.ai.facts import SERVING, Facts
from ccft.ai.states import State, states
from ccft.kernel.quotients import half_up
from ccft.schema.units import MASS_SCALE, Q_SCALE, QUANTA_PER_KG

Action = Callable[[State, World], Outcome | Needs | None]


@dataclass(frozen=True)
class Kind:
    """An action: what it does, when it may be done, and what it excludes on the same deployment."""

    name: str
    title: str
    formula: str
    preconditions: tuple[str, ...]
    conflicts: tuple[str, ...]
    apply: Action | None = None
    needs: str = ""
    serving_only: bool = True


KINDS: Final = (
    Kind(
        "stop_waste",
        "Stop failed and cancelled work",
        "(scope_2_lbm + scope_3_fera_lbm of in_use, experimentation) x wasted_h / reserved_h x (1 - median_waste_share / waste_share)",
        ("failed and cancelled jobs can be prevented or stopped early",),
        (),
        actions.stop_waste,
    ),
    Kind(
        "consolidate",
        "Consolidate or scale to zero",
        "(scope_2_lbm + scope_3_fera_lbm of in_use, serving_idle) x (1 - busy_h x (1 / target_busy_share - 1) / idle_h)",
        (
            "latency targets hold at the target busy share",
            "upper end of the range: freed accelerators are given back",
        ),
        ("time_shift",),
        actions.consolidate,
    ),
    Kind(
        "smaller_model",
        "Serve a smaller model",
        "(scope_2_lbm + scope_3_fera_lbm of in_use, serving) x (1 - peer_kwh_per_million_out_tokens / kwh_per_million_out_tokens)",
        ("the shown loss of quality is acceptable", "the peer needs as many output tokens for the task"),
        ("prefix_cache",),
        actions.smaller_model,
    ),
    Kind(
        "region_shift",
        "Run where electricity is cleaner",
        "(scope_2_lbm + scope_3_fera_lbm of in_use) x"
        " (1 - destination_kg_per_mwh x destination_pue / (source_kg_per_mwh x source_pue))",
        ("free accelerators of the type at the destination", "data may be processed there", "latency to users holds"),
        ("time_shift",),
        actions.region_shift,
    ),
    Kind("batching", "Batch requests", "", (), (), needs="requests in flight per hour and the latency target"),
    Kind("prefix_cache", "Cache shared prefixes", "", (), ("smaller_model",), needs="prefixes that requests share"),
    Kind(
        "time_shift",
        "Run when electricity is cleaner",
        "",
        (),
        ("consolidate", "region_shift"),
        needs="hourly grid factors and deadlines of jobs",
        serving_only=False,
    ),
    Kind(
        "newer_hardware",
        "Move to newer accelerators",
        "",
        (),
        (),
        needs="throughput of the model on the newer type",
        serving_only=False,
    ),
)


@dataclass(frozen=True)
class Recommendation:
    """One row of `ai_recommendations`; savings are None where data is needed."""

    state: State
    kind: Kind
    rank: int
    saving_kg: Decimal | None = None
    saving_min_kg: Decimal | None = None
    saving_max_kg: Decimal | None = None
    saving_kwh: Decimal | None = None
    inputs: dict[str, object] = field(default_factory=dict)
    variant: str = ""
    needs: str = ""

    @property
    def action(self) -> str:
        """Name of the action."""
        return self.kind.name


@dataclass(frozen=True)
class Plan:
    """All recommendations, and the deployments after those that can be computed."""

    recommendations: tuple[Recommendation, ...]
    before: tuple[State, ...]
    after: tuple[State, ...]


def _kg(quanta: Fraction) -> Decimal:
    return half_up(quanta / QUANTA_PER_KG, MASS_SCALE)


def _recommendation(before: State, kind: Kind, rank: int, outcome: Outcome) -> Recommendation:
    pairs = list(zip(before.cells, outcome.after.cells, strict=True))
    return Recommendation(
        before,
        kind,
        rank,
        _kg(sum((old.central - new.central for old, new in pairs), Fraction(0))),
        _kg(sum((old.low - new.low for old, new in pairs), Fraction(0))),
        _kg(sum((old.high - new.high for old, new in pairs), Fraction(0))),
        half_up(before.facility_kwh - outcome.after.facility_kwh, Q_SCALE),
        outcome.inputs,
        outcome.variant,
    )


def _applied(
    kind: Kind, action: Action, rank: int, world: World, states_before: Sequence[State]
) -> tuple[list[Recommendation], list[State]]:
    """One action on every deployment; all see the same world."""
    rows, after = [], []
    for state in states_before:
        outcome = action(state, world)
        if isinstance(outcome, Needs):
            rows.append(Recommendation(state, kind, rank, needs=outcome.what))
        elif outcome is not None:
            rows.append(_recommendation(state, kind, rank, outcome))
        after.append(outcome.after if isinstance(outcome, Outcome) else state)
    return rows, after


def plan(facts: Facts, policy: Policy | None = None) -> Plan:
    """Recommendations for every deployment, in the order of actions.

    Parameters
    ----------
    policy
        What is aimed at; defaults where None.
    """
    before = states(facts)
    rows: list[Recommendation] = []
    current: Sequence[State] = before
    for rank, kind in enumerate(KINDS, start=1):
        if kind.apply is not None:
            found, current = _applied(kind, kind.apply, rank, World.of(facts, policy or Policy(), current), current)
            rows += found
            continue
        rows += [
            Recommendation(state, kind, rank, needs=kind.needs)
            for state in current
            if state.deployment.lifecycle_stage == SERVING or not kind.serving_only
        ]
    return Plan(tuple(rows), tuple(before), tuple(current))
