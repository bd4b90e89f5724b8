"""From clusters to rack types and on to services (methodology, section 3, steps 1, 2a and 2b)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.exact import ZERO, add_months, days_in_service, exact, first_day, period_of, split, total
from tests.oracle.model import RETAINED, UNASSIGNED, Result, Row, Tables, clusters_of

Place = tuple[str, str]
MATURE_MONTHS = 12


@dataclass
class Cohort:
    """Planned power, capacity and use of a set of racks in a period (section 3, step 2a)."""

    power: Fraction = ZERO
    capacity: Fraction = ZERO
    used: Fraction = ZERO

    def plus(self, other: Cohort) -> Cohort:
        """Both sets together (section 3, step 2a)."""
        return Cohort(self.power + other.power, self.capacity + other.capacity, self.used + other.used)


@dataclass
class RackType:
    """One rack type in one cluster (section 3, step 1)."""

    is_network: bool
    mature: Cohort = field(default_factory=Cohort)
    ramping: Cohort = field(default_factory=Cohort)
    used_by: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))

    @property
    def whole(self) -> Cohort:
        """Both cohorts together (section 3, step 2a)."""
        return self.mature.plus(self.ramping)


@dataclass(frozen=True)
class Residual:
    """An amount that found no user and has a cluster of origin (section 4)."""

    cluster: str
    subject: str
    measure: str
    amount: Fraction
    service: str | None = None


def is_ramping(rack: Row, cluster: Row, period: str) -> bool:
    """Fewer than 12 calendar months since deployment or launch on the period's first day (step 2a, 2)."""
    start = max(rack["deployed_on"], cluster["launched_on"])
    return add_months(start, MATURE_MONTHS) > first_day(period)


def rack_types(tables: Tables, period: str) -> dict[Place, RackType]:
    """Planned power, capacity and use of every rack type of every cluster (steps 1 and 2a)."""
    clusters = clusters_of(tables)
    found: dict[Place, RackType] = {}
    cohorts: dict[str, tuple[RackType, Cohort]] = {}
    for rack in tables["racks"]:
        place = rack["cluster_id"], rack["rack_type"]
        kind = found.setdefault(place, RackType(rack["is_network"]))
        cohort = kind.ramping if is_ramping(rack, clusters[rack["cluster_id"]], period) else kind.mature
        days = days_in_service(period, rack["deployed_on"], rack["retired_on"])
        cohort.power += days * exact(rack["planned_power_kw"])
        cohort.capacity += days * exact(rack["capacity_units_per_day"])
        cohorts[rack["rack_id"]] = kind, cohort
    for row in tables["rack_usage"]:
        if period_of(row["usage_date"]) == period:
            kind, cohort = cohorts[row["rack_id"]]
            cohort.used += exact(row["used_units"])
            kind.used_by[row["service_id"]] += exact(row["used_units"])
    return found


class RackSteps:
    """Carries every amount from the inventory of a cluster to its services (steps 1, 2a and 2b)."""

    def __init__(self, result: Result, tables: Tables, period: str) -> None:
        """Read racks and their use (contract, section 1)."""
        self.result, self.policy = result, result.policy
        self.types = rack_types(tables, period)
        self.residuals: list[Residual] = []

    def run(self) -> None:
        """All steps in the order of the page (section 3)."""
        emissions = self._share_clusters()
        networks = {place: mass for place, mass in emissions.items() if self._is_network(place)}
        others = {place: mass for place, mass in emissions.items() if not self._is_network(place)}
        for place, mass in networks.items():
            self._share_network(place, mass)
        kept = self._separate_expansion(others) if self.policy.ramp_up else others
        for place, mass in kept.items():
            self._divide_by_use(place, mass)
        self._to_services()

    def _is_network(self, place: Place) -> bool:
        return place[1] != UNASSIGNED and self.types[place].is_network

    def _add(self, place: Place, measure: str, component: str, amount: Fraction) -> None:
        if amount:
            self.result.rack_types[*place, measure, component] += amount

    def _to_residual(self, place: Place, measure: str, amount: Fraction) -> None:
        if amount:
            self.residuals.append(Residual(*place, measure, amount))

    def _share_clusters(self) -> dict[Place, dict[str, Fraction]]:
        """Step 1: shared emissions pro rata to planned power; rack embodied directly (equations 34 and 35)."""
        emissions: dict[Place, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        shared: dict[Place, Fraction] = defaultdict(Fraction)
        for (cluster, rack_type, measure, _), line in self.result.inventory.items():
            if rack_type is None:
                shared[cluster, measure] += line.kg
            else:
                emissions[cluster, rack_type][measure] += line.kg
        for (cluster, measure), amount in shared.items():
            power = {place: kind.whole.power for place, kind in self.types.items() if place[0] == cluster}
            if total(power.values()):
                for place, part in split(amount, power).items():
                    emissions[place][measure] += part
            elif amount:
                self.result.events.add(("cluster-without-racks", cluster, UNASSIGNED))
                self._add((cluster, UNASSIGNED), measure, "residual", amount)
                self._to_residual((cluster, UNASSIGNED), measure, amount)
        return emissions

    def _share_network(self, place: Place, mass: Mapping[str, Fraction]) -> None:
        """Step 2a, 1: networking racks to the cluster's other types, or retained by the provider."""
        power = {
            other: kind.whole.power
            for other, kind in self.types.items()
            if other[0] == place[0] and not kind.is_network
        }
        for measure, amount in mass.items():
            if self.policy.retains_overhead:
                self._add(place, measure, "network_overhead", amount)
            elif total(power.values()):
                for other, part in split(amount, power).items():
                    self._add(other, measure, "network_overhead", part)
            else:
                self._add(place, measure, "residual", amount)
                self._to_residual(place, measure, amount)

    def _separate_expansion(self, emissions: dict[Place, dict[str, Fraction]]) -> dict[Place, dict[str, Fraction]]:
        """Step 2a, 2: excess of ramping cohorts into a worldwide pool and back to the users of the type."""
        kept = {place: dict(mass) for place, mass in emissions.items()}
        pool: dict[Place, Fraction] = defaultdict(Fraction)
        for place, mass in emissions.items():
            kind = self.types[place]
            passed_on = 1 - self._kept_share(place)
            for measure, amount in mass.items():
                if passed_on:
                    excess = amount * kind.ramping.power / kind.whole.power * passed_on
                    kept[place][measure] -= excess
                    pool[place[1], measure] += excess
        for (rack_type, measure), amount in pool.items():
            used = {place: kind.whole.used for place, kind in self.types.items() if place[1] == rack_type}
            for place, part in split(amount, used).items():
                self._add(place, measure, "expansion_overhead", part)
        return kept

    def _kept_share(self, place: Place) -> Fraction:
        """Share of its emissions that a ramping cohort keeps: u / u_mature, at most all (step 2a, 2)."""
        cohort, mature = self.types[place].ramping, Cohort()
        if not cohort.power or not cohort.capacity:
            return Fraction(1)
        for other, kind in self.types.items():
            if other[1] == place[1]:
                mature = mature.plus(kind.mature)
        if not mature.capacity or not mature.used:
            self.result.events.add(("no-mature-reference", *place))
            return Fraction(1)
        return min(Fraction(1), (cohort.used / cohort.capacity) / (mature.used / mature.capacity))

    def _divide_by_use(self, place: Place, mass: Mapping[str, Fraction]) -> None:
        """Step 2a, 3: what is kept divides into use and unused capacity."""
        whole = self.types[place].whole
        if whole.used > whole.capacity:
            self.result.events.add(("use-above-capacity", *place))
        in_use = min(Fraction(1), whole.used / whole.capacity) if whole.capacity else Fraction(int(whole.used > 0))
        for measure, amount in mass.items():
            self._add(place, measure, "in_use", amount * in_use)
            self._add(place, measure, "unused_capacity", amount * (1 - in_use))

    def _to_services(self) -> None:
        """Step 2b: to services by use of the rack type; retained and unused amounts elsewhere (eq 36 to 39)."""
        for (cluster, rack_type, measure, component), amount in list(self.result.rack_types.items()):
            retained = self.policy.retains_overhead and component in ("unused_capacity", "network_overhead")
            if component == "residual":
                continue
            if retained:
                self._direct(cluster, RETAINED[component], measure, component, amount)
                continue
            used_by = self.types[cluster, rack_type].used_by
            if total(used_by.values()):
                for service, part in split(amount, used_by).items():
                    self._direct(cluster, service, measure, component, part)
            else:
                self.result.events.add(("rack-type-without-use", cluster, rack_type))
                self._to_residual((cluster, rack_type), measure, amount)

    def _direct(self, cluster: str, service: str, measure: str, component: str, amount: Fraction) -> None:
        if amount:
            self.result.services[cluster, service, measure, component].direct += amount
