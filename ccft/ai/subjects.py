"""What is compared: deployments, models and vendors, each with the figures that belong to it.

A deployment may serve several models. Its emissions are known per model; its hours are not, and go to models in proportion to the emissions of
its serving in use, so that deployments and models show the same energy in all.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ccft.ai.facts import SERVING, SERVING_STAGES, Deployment, Facts, Mass, Traffic, Work
from ccft.schema.ai_columns import UNATTRIBUTED

KINDS: Final = ("deployment", "model", "vendor")
MIXED: Final = "mixed"
"""Task of a vendor whose models do different things."""


@dataclass(frozen=True)
class Part:
    """A share of a deployment's hours and energy."""

    work: Work
    share: Fraction
    pue: Decimal

    @property
    def kwh(self) -> Fraction:
        """IT energy."""
        return Fraction(self.work.kwh) * self.share

    @property
    def facility_kwh(self) -> Fraction:
        """Energy with the data centre's overhead."""
        return self.kwh * Fraction(self.pue)


@dataclass(frozen=True)
class Subject:
    """A deployment, model or vendor in one period: its emissions, its hours, its traffic."""

    kind: str
    subject_id: str
    task: str
    masses: tuple[Mass, ...]
    parts: tuple[Part, ...]
    traffic: tuple[Traffic, ...]
    coverage: Decimal | None
    active_days: int
    release_ids: tuple[str, ...]

    @property
    def customers(self) -> int:
        """Customers of its best-used deployment: at least so many stand behind the figure."""
        return max((line.customers for line in self.traffic), default=0)

    @property
    def tier(self) -> int | None:
        """Worst tier of its serving; of anything where it does not serve."""
        serving = [mass.tier for mass in self.masses if mass.stage in SERVING_STAGES and mass.tier is not None]
        other = [mass.tier for mass in self.masses if mass.tier is not None]
        return max(serving or other, default=None)

    def parts_of(self, stages: tuple[str, ...]) -> tuple[Part, ...]:
        """Hours and energy of these stages."""
        return tuple(part for part in self.parts if part.work.stage in stages)


def _models_of(facts: Facts, deployment_id: str) -> list[str]:
    """Models that a deployment serves or develops, in order."""
    seen = {line.model_id for line in facts.traffic if line.deployment_id == deployment_id}
    seen |= {
        mass.model_id for mass in facts.masses if mass.deployment_id == deployment_id and mass.model_id != UNATTRIBUTED
    }
    return sorted(seen or {facts.deployments[deployment_id].model_id})


def _model_shares(facts: Facts, deployment_id: str) -> dict[str, Fraction]:
    """Share of each model in a deployment's hours: by emissions, by output tokens without them, equal without both."""
    names = _models_of(facts, deployment_id)
    by_mass: dict[str, Fraction] = defaultdict(Fraction)
    by_tokens: dict[str, Fraction] = defaultdict(Fraction)
    for mass in facts.masses:
        if mass.deployment_id == deployment_id and mass.component == "in_use" and not mass.is_memo:
            by_mass[mass.model_id] += mass.quanta
    for line in facts.traffic:
        if line.deployment_id == deployment_id:
            by_tokens[line.model_id] += Fraction(line.out_tokens)
    for weights in (by_mass, by_tokens):
        whole = sum(weights[name] for name in names)
        if whole:
            return {name: weights[name] / whole for name in names}
    return {name: Fraction(1, len(names)) for name in names}


def _serving(facts: Facts, deployment_ids: set[str]) -> list[Deployment]:
    """Deployments that serve; all where none does."""
    found = [facts.deployments[name] for name in sorted(deployment_ids)]
    return [item for item in found if item.lifecycle_stage == SERVING] or found


def _coverage(deployments: list[Deployment]) -> Decimal | None:
    """Lowest coverage of the deployments; None where it is unknown for one."""
    known = [item.coverage for item in deployments if item.coverage is not None]
    return min(known) if known and len(known) == len(deployments) else None


def _task(facts: Facts, model_ids: set[str]) -> str:
    tasks = {facts.models[name].task for name in model_ids if name in facts.models}
    return tasks.pop() if len(tasks) == 1 else MIXED


@dataclass
class _Pairs:
    """Deployment x model pairs of one subject, while they are collected."""

    pairs: set[tuple[str, str]]
    model_ids: set[str]


def _groups(facts: Facts) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Pairs of deployment and model per subject; what belongs to a deployment that is not known is nobody's."""
    groups: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for deployment_id in facts.deployments:
        for model_id in _models_of(facts, deployment_id):
            pair = (deployment_id, model_id)
            groups["deployment", deployment_id].add(pair)
            groups["model", model_id].add(pair)
            if model_id in facts.models:
                groups["vendor", facts.models[model_id].vendor].add(pair)
    return groups


def subjects(facts: Facts) -> Iterator[Subject]:
    """Every deployment, model and vendor with its own figures, in order of kind and id."""
    shares = {name: _model_shares(facts, name) for name in facts.deployments}
    groups = _groups(facts)
    for kind, subject_id in sorted(groups, key=lambda key: (KINDS.index(key[0]), key[1])):
        pairs = groups[kind, subject_id]
        deployment_ids = {deployment for deployment, _ in pairs}
        masses = tuple(mass for mass in facts.masses if (mass.deployment_id, mass.model_id) in pairs)
        shares_here: dict[str, Fraction] = defaultdict(Fraction)
        for deployment, model in pairs:
            shares_here[deployment] += shares[deployment][model]
        yield Subject(
            kind,
            subject_id,
            _task(facts, {model for _, model in pairs}),
            masses,
            tuple(
                Part(work, shares_here[work.deployment_id], facts.deployments[work.deployment_id].pue)
                for work in facts.work
                if shares_here.get(work.deployment_id)
            ),
            tuple(line for line in facts.traffic if (line.deployment_id, line.model_id) in pairs),
            _coverage(_serving(facts, deployment_ids)),
            max(item.active_days for item in _serving(facts, deployment_ids)),
            tuple(
                sorted({mass.release_id for mass in masses} | {facts.deployments[d].release_id for d in deployment_ids})
            ),
        )
