"""Inventory: activity data to emissions of a cluster (methodology, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.certificates import Cover, Holding, cover, holdings
from tests.oracle.exact import MICRO, ZERO, amortised_kg, exact, half_up, month_end, shift, to_quanta, total, valid_in
from tests.oracle.model import Policy, Result, Row, RunStopsError, Tables, clusters_of

INSTRUMENTS = ("direct_contract", "supplier", "residual_mix")
FUELS = ("generator_fuel", "natural_gas")
RACK_LIFE_MONTHS, BUILDING_LIFE_MONTHS = 72, 600


class Factors:
    """Emission factors valid in one period (section 2)."""

    def __init__(self, rows: Iterable[Row], period: str) -> None:
        """Keep the factors valid in the period (contract, section 1)."""
        self._values: dict[tuple[str, str, str | None], Fraction] = {}
        for row in rows:
            if valid_in(period, row["valid_from"], row["valid_to"]):
                key = (row["factor_type"], row["factor_key"], row["instrument"])
                self._values[key] = Fraction(row["value"])

    def get(self, kind: str, key: str, instrument: str | None = None) -> Fraction | None:
        """A factor, or nothing (section 2)."""
        return self._values.get((kind, key, instrument))

    def need(self, kind: str, key: str) -> Fraction:
        """A factor the run cannot do without: not available is never zero (section 2)."""
        value = self.get(kind, key)
        if value is None:
            raise RunStopsError(f"{kind} of {key}")
        return value


@dataclass(frozen=True)
class Load:
    """Electricity of one cluster, its grid factors and its certificates (section 2)."""

    cluster: Row
    mwh: Fraction
    by_evidence: dict[str, Fraction]
    generation: Fraction
    upstream: Fraction = ZERO
    losses: Fraction = ZERO

    @property
    def losses_mwh(self) -> Fraction:
        """Equations 6 and 7 in one exact quotient; zero where nothing could be covered (section 2)."""
        source = self.generation + self.upstream
        return self.mwh * self.losses / source if source else ZERO


def add_inventory(result: Result, tables: Tables, period: str) -> None:
    """Write every line of the inventory of a period (section 2)."""
    factors = Factors(tables["emission_factors"], period)
    for row in fuel_activity(result, tables, period):
        _add_activity(result, row, factors)
    loads = _loads(tables, period, factors, result.policy)
    covers = _covers(loads, holdings(tables["certificates"], period), factors, result.policy)
    result.certificates.update({boundary: item.ledger for boundary, item in covers.items()})
    for load in loads:
        _add_electricity(result, load, covers.get(load.cluster["market_boundary"]), factors)
    if result.policy.has_scope_3:
        _add_embodied(result, tables, period)


def fuel_activity(result: Result, tables: Tables, period: str) -> list[Row]:
    """Scope 1 activity of a period, gaps of generator fuel filled where the version does so (section 2)."""
    kinds = result.policy.scope_1
    rows: list[Row] = [row for row in tables["activity"] if row["period"] == period and row["activity"] in kinds]
    if not result.policy.historical_growth:
        return rows
    known = {row["cluster_id"] for row in rows}
    for cluster, attributes in sorted(clusters_of(tables).items()):
        if cluster not in known and attributes["launched_on"] < month_end(period):
            estimates = _estimates(tables, cluster, period)
            rows += estimates
            result.events |= {("historical-growth", cluster, str(row["substance"])) for row in estimates}
    return rows


def _estimates(tables: Tables, cluster: str, period: str) -> list[Row]:
    """Generator fuel of a cluster from the same month last year times yearly growth (section 2)."""
    history: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for row in tables["activity"]:
        if row["cluster_id"] == cluster and row["activity"] == "generator_fuel":
            history[row["substance"], row["period"]] += exact(row["quantity"])
    last_month, year = shift(period, -12), int(period[:4])
    substances = sorted(substance for substance, month in history if month == last_month)
    if not substances:
        raise RunStopsError(f"generator_fuel of {cluster} in {last_month}")

    def yearly(substance: str, wanted: int) -> Fraction:
        return total(q for (name, month), q in history.items() if name == substance and int(month[:4]) == wanted)

    rows: list[Row] = []
    for substance in substances:
        before = yearly(substance, year - 2)
        growth = yearly(substance, year - 1) / before if before else Fraction(1)
        quantity = half_up(history[substance, last_month] * growth, 6)
        rows.append({"cluster_id": cluster, "activity": "generator_fuel", "substance": substance,
                     "quantity": quantity, "evidence": "estimated"})  # fmt: skip
    return rows


def _add_activity(result: Result, row: Row, factors: Factors) -> None:
    """Scope 1 of an activity row and what lies upstream of its fuel, rounded per row (sections 2 and 2.1)."""
    cluster, source, substance = row["cluster_id"], row["activity"], row["substance"]
    quantity, parts = exact(row["quantity"]), {row["evidence"]: Fraction(1)}
    kind = "gwp" if source == "refrigerant" else "fuel_combustion"
    result.inventory[cluster, None, "scope_1", source].add(to_quanta(quantity * factors.need(kind, substance)), parts)
    if result.policy.has_scope_3 and source in FUELS:
        mass = to_quanta(quantity * factors.need("fuel_upstream", substance))
        for measure in ("scope_3_fera_lbm", "scope_3_fera_mbm"):
            result.inventory[cluster, None, measure, "fuel_upstream"].add(mass, parts)


def _loads(tables: Tables, period: str, factors: Factors, policy: Policy) -> list[Load]:
    """Electricity of every cluster that reports any, with its grid factors (section 2)."""
    evidence: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for row in tables["activity"]:
        if row["period"] == period and row["activity"] == "electricity":
            evidence[row["cluster_id"]][row["evidence"]] += exact(row["quantity"])
    clusters, loads = clusters_of(tables), []
    for name, parts in sorted(evidence.items()):
        zone, mwh = clusters[name]["grid_zone"], total(parts.values())
        if mwh:
            extra = ("grid_upstream", "grid_losses") if policy.has_scope_3 else ()
            values = [factors.need(kind, zone) for kind in ("grid_generation", *extra)]
            loads.append(Load(clusters[name], mwh, dict(parts), *values))
    return loads


def _covers(loads: list[Load], held: dict[str, Holding], factors: Factors, policy: Policy) -> dict[str, Cover]:
    """Certificates of each boundary to the load, then to the losses, of its clusters (section 2)."""
    covers: dict[str, Cover] = {}
    for boundary, holding in held.items():
        inside = [load for load in loads if load.cluster["market_boundary"] == boundary]
        fossil = {load.cluster["cluster_id"]: 1 - factors.need("carbon_free_share", load.cluster["grid_zone"])
                  for load in inside}  # fmt: skip
        item = covers[boundary] = Cover(holding)
        item.load = cover(holding.quanta, {name: x.mwh * fossil[name] for name, x in _named(inside)})
        if policy.has_scope_3:
            left = holding.quanta - sum(item.load.values())
            item.losses = cover(left, {name: x.losses_mwh * fossil[name] for name, x in _named(inside)})
    return covers


def _named(loads: list[Load]) -> list[tuple[str, Load]]:
    """Loads with the id of their cluster (section 2)."""
    return [(load.cluster["cluster_id"], load) for load in loads]


def market_instrument(cluster: Row, factors: Factors) -> tuple[str, str | None]:
    """Instrument and key of the market-based factor: best instrument, then most specific key (section 2)."""
    for instrument in INSTRUMENTS:
        for key in (cluster["cluster_id"], cluster["grid_zone"], cluster["market_boundary"]):
            if factors.get("market_generation", key, instrument) is not None:
                return instrument, key
    return "grid_average", None


def _add_electricity(result: Result, load: Load, covered: Cover | None, factors: Factors) -> None:
    """Scope 2 of a cluster in both methods, and its upstream and losses, rounded once each (equations 1 to 8)."""
    name = load.cluster["cluster_id"]
    instrument, key = result.market_factors[name] = market_instrument(load.cluster, factors)
    if key is None:
        result.events.add(("market-factor-fallback", name, instrument))
    market = factors.get("market_generation", key, instrument) if key else load.generation
    assert market is not None
    eac = Fraction(covered.load.get(name, 0), MICRO) if covered else ZERO
    rest, certified = (load.mwh - eac) * market, eac * covered.holding.factor if covered else ZERO
    parts = {evidence: rest * q / load.mwh for evidence, q in load.by_evidence.items()}
    if covered and eac:
        held = total(covered.holding.by_evidence.values())
        for evidence, q in covered.holding.by_evidence.items():
            parts[evidence] = parts.get(evidence, ZERO) + certified * q / held
    lbm = to_quanta(load.mwh * load.generation)
    result.inventory[name, None, "scope_2_lbm", "electricity"].add(lbm, load.by_evidence)
    result.inventory[name, None, "scope_2_mbm", "electricity"].add(to_quanta(rest + certified), parts)
    if result.policy.has_scope_3:
        upstream = factors.get("market_upstream", key, instrument) if key else None
        _add_upstream(result, load, eac, covered, load.upstream if upstream is None else upstream)


def _add_upstream(result: Result, load: Load, eac: Fraction, covered: Cover | None, market: Fraction) -> None:
    """Upstream of generation and grid losses (equations 3 to 8)."""
    name, lost = load.cluster["cluster_id"], load.mwh * load.losses
    eac_losses = Fraction(covered.losses.get(name, 0), MICRO) if covered else ZERO
    masses = {
        ("scope_3_fera_lbm", "electricity_upstream"): load.mwh * load.upstream,
        ("scope_3_fera_mbm", "electricity_upstream"): (load.mwh - eac) * market,
        ("scope_3_fera_lbm", "grid_losses"): lost,
        ("scope_3_fera_mbm", "grid_losses"): lost - eac_losses * (load.generation + load.upstream),
    }
    for (measure, source), mass in masses.items():
        result.inventory[name, None, measure, source].add(to_quanta(mass), load.by_evidence)


def _add_embodied(result: Result, tables: Tables, period: str) -> None:
    """Embodied carbon of racks, which belongs to their type, and of facilities (section 2.2)."""
    estimated = {"estimated": Fraction(1)}
    for row in tables["racks"]:
        life = row["service_life_months"] or RACK_LIFE_MONTHS
        mass = amortised_kg(row["embodied_kg"], row["deployed_on"], life, period)
        key = row["cluster_id"], row["rack_type"], "scope_3_embodied", "rack_embodied"
        if mass:
            result.inventory[key].add(mass, estimated)
    for row in tables["facility_assets"]:
        life = row["service_life_months"] or BUILDING_LIFE_MONTHS
        mass = amortised_kg(row["embodied_kg"], row["in_service_on"], life, period)
        if mass:
            line = result.inventory[row["cluster_id"], None, "scope_3_embodied", "facility_embodied"]
            line.add(mass, estimated)
