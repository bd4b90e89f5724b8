"""The four actions whose saving follows from the tables: each a function from a deployment's state to the state after it, and why.

An action answers with an `Outcome`, or None where it does not apply. What it leaves of a cell: `central` counts what falls away at once with the
energy (Scope 2 and FERA in use), `high` also what falls away when freed accelerators are given back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Final

from ccft.ai.facts import ESTIMATED_TIER, EXPERIMENTATION, SERVING, SERVING_STAGES, Cluster, Facts, Quality
from ccft.ai.states import Cell, Energy, State
from ccft.kernel.quotients import half_up
from ccft.schema.ai_columns import DEVELOPMENT_STAGES, SERVING_IDLE

ONE: Final = Fraction(1)
_SHOWN_PLACES: Final = 9


@dataclass(frozen=True)
class Policy:
    """What an operator may aim at.

    Parameters
    ----------
    target_busy_share
        Busy in reserved accelerator-hours that consolidation aims at.
    """

    target_busy_share: Decimal = Decimal("0.7")


@dataclass(frozen=True)
class Outcome:
    """The state after an action, and the figures its formula used."""

    after: State
    inputs: dict[str, object]
    variant: str = ""


@dataclass(frozen=True)
class Needs:
    """An action that would apply if this were known."""

    what: str


@dataclass(frozen=True)
class PerToken:
    """IT energy and reserved hours per output token."""

    kwh: Fraction
    reserved_h: Fraction


@dataclass(frozen=True)
class World:
    """What actions look at beside the deployment itself: this month, and the other deployments after the actions before."""

    facts: Facts
    policy: Policy
    median_waste: Mapping[str, Fraction] = field(default_factory=dict)
    per_token: Mapping[str, "PerToken"] = field(default_factory=dict)
    """Measured models."""
    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Clusters that have an accelerator type."""

    @classmethod
    def of(cls, facts: Facts, policy: Policy, states: Sequence[State]) -> "World":
        """The world as the states have it."""
        places: dict[str, set[str]] = {}
        for deployment in facts.deployments.values():
            places.setdefault(deployment.accel_type, set()).add(deployment.cluster_id)
        by_model: dict[tuple[str, ...], list[State]] = {}
        for state in states:
            by_model.setdefault(state.models, []).append(state)
        measured = {models[0]: per_token(own) for models, own in by_model.items() if len(models) == 1}
        return cls(
            facts,
            policy,
            median_waste(states),
            {name: figures for name, figures in measured.items() if figures is not None},
            {name: frozenset(clusters) for name, clusters in places.items()},
        )


def _plain(value: Decimal | None) -> str:
    """A delivered figure as text."""
    return "" if value is None else shown(value)


def shown(value: Fraction | Decimal) -> str:
    """A figure of a formula as text."""
    text = f"{half_up(value, _SHOWN_PLACES):f}"
    return text.rstrip("0").rstrip(".")


def waste_share(state: State) -> Fraction | None:
    """Failed and cancelled hours in all development hours; None without development."""
    hours = state.hours(DEVELOPMENT_STAGES)
    return hours.wasted_h / hours.reserved_h if hours.reserved_h else None


def median_waste(states: Sequence[State]) -> dict[str, Fraction]:
    """Each account's own median share of wasted hours over its development deployments."""
    shares: dict[str, list[Fraction]] = {}
    for state in states:
        share = waste_share(state)
        if share is not None:
            shares.setdefault(state.deployment.account_id, []).append(share)
    return {account: median(values) for account, values in shares.items()}


def stop_waste(state: State, world: World) -> Outcome | Needs | None:
    """Failed and cancelled work above the account's own median share does not happen."""
    share = waste_share(state)
    usual = world.median_waste.get(state.deployment.account_id)
    hours = state.energy.get(EXPERIMENTATION)
    if share is None or usual is None or share <= usual or hours is None or not hours.reserved_h:
        return None
    avoided = (share - usual) / share * hours.wasted_h / hours.reserved_h

    def left(cell: Cell) -> tuple[Fraction, Fraction]:
        high = ONE - avoided if cell.stage == EXPERIMENTATION else ONE
        return (high if cell.follows_energy else ONE), high

    kept = Energy(*(value * (ONE - avoided) for value in (hours.kwh, hours.reserved_h, hours.busy_h, hours.wasted_h)))
    after = replace(state, cells=state.scaled(left), energy={**state.energy, EXPERIMENTATION: kept})
    return Outcome(
        after, {"waste_share": shown(share), "median_waste_share": shown(usual), "wasted_h": shown(hours.wasted_h)}
    )


def consolidate(state: State, world: World) -> Outcome | Needs | None:
    """Idle accelerators down to the target busy share; to none where nothing was served."""
    hours, target = state.serving, Fraction(world.policy.target_busy_share)
    idle_h = hours.reserved_h - hours.busy_h
    target_idle_h = hours.busy_h * (ONE - target) / target
    if idle_h <= target_idle_h or not state.idle_kwh:
        return None
    idle_left = target_idle_h / idle_h
    capacity_left = (hours.busy_h + target_idle_h) / hours.reserved_h
    energy_left = ONE - state.idle_kwh * (ONE - idle_left) / hours.kwh

    def left(cell: Cell) -> tuple[Fraction, Fraction]:
        if cell.stage not in SERVING_STAGES:
            return ONE, ONE
        if cell.follows_capacity:
            return ONE, capacity_left
        if cell.stage == SERVING_IDLE:
            return (idle_left if cell.follows_energy else ONE), idle_left
        return ONE, (ONE if cell.component == "in_use" else energy_left)

    idle, active = state.energy[SERVING_IDLE], state.energy.get(SERVING)
    energy = {**state.energy, SERVING_IDLE: replace(idle, kwh=idle.kwh * idle_left)}
    released = idle_h - target_idle_h
    holder = SERVING_IDLE if idle.reserved_h >= released or active is None else SERVING
    energy[holder] = replace(energy[holder], reserved_h=energy[holder].reserved_h - released)
    return Outcome(
        replace(state, cells=state.scaled(left), energy=energy),
        {
            "idle_kwh": shown(state.idle_kwh),
            "idle_h": shown(idle_h),
            "busy_h": shown(hours.busy_h),
            "target_busy_share": str(world.policy.target_busy_share),
        },
        variant="" if hours.busy_h else "scale_to_zero",
    )


def per_token(states: Sequence[State]) -> PerToken | None:
    """Figures of deployments that serve one model; None where they are not measured."""
    own = [state for state in states if state.out_tokens and state.serving.kwh]
    if not own or any(state.tier is None or state.tier >= ESTIMATED_TIER for state in own):
        return None
    tokens = sum((state.out_tokens for state in own), Fraction(0))
    kwh = sum((state.serving.kwh for state in own), Fraction(0))
    return PerToken(kwh / tokens, sum((state.serving.reserved_h for state in own), Fraction(0)) / tokens)


def quality_losses(qualities: Sequence[Quality], model_id: str, peer_id: str) -> dict[str, Fraction]:
    """Relative loss per benchmark that both were scored on; negative where the peer is better."""
    scores = {(q.benchmark, q.metric): q for q in qualities if q.model_id == model_id}
    losses = {}
    for quality in qualities:
        own = scores.get((quality.benchmark, quality.metric))
        if quality.model_id == peer_id and own is not None and own.score:
            loss = (Fraction(own.score) - Fraction(quality.score)) / abs(Fraction(own.score))
            losses[f"{quality.benchmark} {quality.metric}"] = loss if quality.higher_is_better else -loss
    return losses


def _peer(state: State, world: World) -> tuple[str, dict[str, Fraction]] | Needs | None:
    """The measured model of the task that needs less energy per token and loses least quality."""
    model_id = state.models[0]
    own, models = world.per_token.get(model_id), world.facts.models
    if own is None or model_id not in models:
        return None
    frugal = [
        (theirs.kwh, peer_id, quality_losses(world.facts.qualities, model_id, peer_id))
        for peer_id, theirs in sorted(world.per_token.items())
        if peer_id in models and models[peer_id].task == models[model_id].task and theirs.kwh < own.kwh
    ]
    scored = [(max(losses.values()), kwh, peer_id, losses) for kwh, peer_id, losses in frugal if losses]
    if not scored:
        return Needs("quality scores of this model and a peer on one benchmark (ai_model_quality)") if frugal else None
    _, _, peer_id, losses = min(scored, key=lambda candidate: candidate[:3])
    return peer_id, losses


def _served_by(state: State, peer_id: str, losses: Mapping[str, Fraction], world: World) -> Outcome | None:
    """The state when a peer serves its tokens; None where the deployment itself already needs less than the peer."""
    own, theirs = per_token([state]), world.per_token[peer_id]
    if own is None or theirs.kwh >= own.kwh:
        return None
    energy_left = theirs.kwh / own.kwh
    capacity_left = min(ONE, theirs.reserved_h / own.reserved_h) if own.reserved_h else ONE

    def left(cell: Cell) -> tuple[Fraction, Fraction]:
        if cell.stage not in SERVING_STAGES:
            return ONE, ONE
        if cell.follows_capacity:
            return ONE, capacity_left
        return (energy_left if cell.follows_energy else ONE), energy_left

    energy = {
        stage: replace(item, kwh=item.kwh * energy_left) if stage in SERVING_STAGES else item
        for stage, item in state.energy.items()
    }
    return Outcome(
        replace(state, cells=state.scaled(left), energy=energy),
        {
            "peer_model_id": peer_id,
            "kwh_per_million_out_tokens": shown(own.kwh * 10**6),
            "peer_kwh_per_million_out_tokens": shown(theirs.kwh * 10**6),
            "relative_quality_loss": {name: shown(loss) for name, loss in sorted(losses.items())},
        },
    )


def smaller_model(state: State, world: World) -> Outcome | Needs | None:
    """The same output tokens from the measured peer of the task that loses least quality for less energy."""
    if len(state.models) != 1 or not state.out_tokens or not state.serving.kwh:
        return None
    peer = _peer(state, world)
    if peer is None or isinstance(peer, Needs):
        return peer
    return _served_by(state, *peer, world)


def _facility_intensity(cluster: Cluster) -> Fraction | None:
    """Grid factor x PUE: kg per MWh of IT energy."""
    return None if cluster.grid_kg_per_mwh is None else Fraction(cluster.grid_kg_per_mwh) * Fraction(cluster.pue)


def region_shift(state: State, world: World) -> Outcome | Needs | None:
    """The same work where electricity is cleanest among the clusters that have the accelerators."""
    clusters = world.facts.clusters
    source = _facility_intensity(clusters[state.cluster_id]) if state.cluster_id in clusters else None
    if not source:
        return Needs("a grid factor of the cluster") if source is None else None
    having = world.places.get(state.deployment.accel_type, frozenset())
    options = []
    for cluster_id in sorted(having & clusters.keys()):
        intensity = _facility_intensity(clusters[cluster_id])
        if intensity is not None and intensity < source:
            options.append((intensity, cluster_id))
    if not options:
        return None
    intensity, cluster_id = min(options)
    share = intensity / source

    def left(cell: Cell) -> tuple[Fraction, Fraction]:
        return (share, share) if cell.follows_energy else (ONE, ONE)

    target = clusters[cluster_id]
    after = replace(state, cells=state.scaled(left), cluster_id=cluster_id, pue=target.pue)
    return Outcome(
        after,
        {
            "source": state.cluster_id,
            "destination": cluster_id,
            "source_kg_per_mwh": _plain(clusters[state.cluster_id].grid_kg_per_mwh),
            "source_pue": _plain(state.pue),
            "destination_kg_per_mwh": _plain(target.grid_kg_per_mwh),
            "destination_pue": _plain(target.pue),
        },
    )
