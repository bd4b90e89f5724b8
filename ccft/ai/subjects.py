"""What is compared: deployments, models and vendors, each with the figures that belong to it.

A deployment may serve several models. Its emissions are known per model; its hours are not, and go to models in proportion to the emissions of
its serving in use, so that deployments and models show the same energy in all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class _Here:
    """What belongs to one deployment."""

    deployment: Deployment
    masses: list[Mass] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    traffic: list[Traffic] = field(default_factory=list)

    def models(self) -> list[str]:
        """Models that it serves or develops, in order."""
        seen = {line.model_id for line in self.traffic}
        seen |= {mass.model_id for mass in self.masses if mass.model_id != UNATTRIBUTED}
        return sorted(seen or {self.deployment.model_id})

    def model_shares(self) -> dict[str, Fraction]:
        """Share of each model in its hours: by emissions in use, by output tokens without them, equal without both."""
        names = self.models()
        by_mass: dict[str, Fraction] = defaultdict(Fraction)
        by_tokens: dict[str, Fraction] = defaultdict(Fraction)
        for mass in self.masses:
            if mass.component == "in_use" and not mass.is_memo:
                by_mass[mass.model_id] += mass.quanta
        for line in self.traffic:
            by_tokens[line.model_id] += Fraction(line.out_tokens)
        for weights in (by_mass, by_tokens):
            whole = sum(weights[name] for name in names)
            if whole:
                return {name: weights[name] / whole for name in names}
        return {name: Fraction(1, len(names)) for name in names}


def _by_deployment(facts: Facts) -> dict[str, _Here]:
    """Figures by deployment; what belongs to one that is not known is nobody's."""
    found = {name: _Here(deployment) for name, deployment in facts.deployments.items()}
    for mass in facts.masses:
        if mass.deployment_id in found:
            found[mass.deployment_id].masses.append(mass)
    for work in facts.work:
        if work.deployment_id in found:
            found[work.deployment_id].works.append(work)
    for line in facts.traffic:
        if line.deployment_id in found:
            found[line.deployment_id].traffic.append(line)
    return found


def _serving(places: Iterable[_Here]) -> list[Deployment]:
    """Deployments that serve; all where none does."""
    found = [place.deployment for place in places]
    return [item for item in found if item.lifecycle_stage == SERVING] or found


def _coverage(deployments: list[Deployment]) -> Decimal | None:
    """Lowest coverage of the deployments; None where it is unknown for one."""
    known = [item.coverage for item in deployments if item.coverage is not None]
    return min(known) if known and len(known) == len(deployments) else None


def _task(facts: Facts, model_ids: set[str]) -> str:
    tasks = {facts.models[name].task for name in model_ids if name in facts.models}
    return tasks.pop() if len(tasks) == 1 else MIXED


Groups = dict[tuple[str, str], dict[str, dict[str, Fraction]]]
"""Per subject its deployments, and of each the models that count, with their share in its hours."""


def _groups(facts: Facts, places: Mapping[str, _Here]) -> Groups:
    groups: Groups = defaultdict(lambda: defaultdict(dict))
    for deployment_id, place in places.items():
        for model_id, share in place.model_shares().items():
            groups["deployment", deployment_id][deployment_id][model_id] = share
            groups["model", model_id][deployment_id][model_id] = share
            if model_id in facts.models:
                groups["vendor", facts.models[model_id].vendor][deployment_id][model_id] = share
    return groups


def subjects(facts: Facts) -> Iterator[Subject]:
    """Every deployment, model and vendor with its own figures, in order of kind and id."""
    places = _by_deployment(facts)
    groups = _groups(facts, places)
    for kind, subject_id in sorted(groups, key=lambda key: (KINDS.index(key[0]), key[1])):
        parts = groups[kind, subject_id]
        own = [places[name] for name in sorted(parts)]
        models = {name: set(shares) for name, shares in parts.items()}
        masses = tuple(m for place in own for m in place.masses if m.model_id in models[m.deployment_id])
        releases = {m.release_id for m in masses if not m.is_memo} | {place.deployment.release_id for place in own}
        serving = _serving(own)
        yield Subject(
            kind,
            subject_id,
            _task(facts, {model for names in models.values() for model in names}),
            masses,
            tuple(
                Part(work, sum(parts[work.deployment_id].values(), Fraction(0)), place.deployment.pue)
                for place in own
                for work in place.works
            ),
            tuple(line for place in own for line in place.traffic if line.model_id in models[line.deployment_id]),
            _coverage(serving),
            max(item.active_days for item in serving),
            tuple(sorted(releases)),
        )
