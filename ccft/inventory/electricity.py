"""Scope 2 and its upstream: electricity by location and by market (methodology section 2; AWS eq 1-8).

Exact Python integers and rationals on the driver: one line per cluster and measure, rounded half up to 1e-9 kg once, on the cluster's summed load.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from ccft.errors import Problem
from ccft.inventory.certificates import Certificates, half_up, pool, share_out, uncovered
from ccft.inventory.factors import FactorBook
from ccft.inventory.lines import LINE_SCHEMA, Factor, references
from ccft.schema.columns import EVIDENCE
from ccft.schema.units import F_SCALE, Q_SCALE

_QUANTUM = Fraction(1, 10**Q_SCALE)
"""1e-6 MWh x 1e-9 kg/MWh = 1e-6 quanta."""


@dataclass(frozen=True)
class Grid:
    """Factors of one cluster in one period."""

    generation: Factor
    upstream: Factor | None
    losses: Factor | None
    market: Factor
    market_upstream: Factor | None
    carbon_free: Factor | None

    @property
    def instrument(self) -> str:
        """Which rung of the ladder the market-based method used."""
        return self.market.instrument or "grid_average"


@dataclass
class Load:
    """One cluster's electricity in a period: whole 1e-6 MWh by evidence."""

    period: str
    cluster_id: str
    market_boundary: str
    parts: dict[str, int]
    eac: int = 0
    eac_losses: int = 0

    @property
    def total(self) -> int:
        """Load, 1e-6 MWh."""
        return sum(self.parts.values())


@dataclass
class ElectricityResult:
    """Lines of the inventory, the certificate ledger, and remarks."""

    lines: list[dict[str, object]] = field(default_factory=list)
    ledger: list[dict[str, object]] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def lines_table(self) -> pa.Table:
        """Lines as Arrow."""
        return pa.Table.from_pylist(self.lines, schema=LINE_SCHEMA)


def split(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split a line over kinds of evidence: floors, the remainder to the largest weight, ties to the first kind."""
    total = sum(weights.values())
    if total == 0:
        return {name: amount if name == next(iter(weights)) else 0 for name in weights}
    shares = {name: amount * weight // total for name, weight in weights.items()}
    largest = max(weights, key=lambda name: weights[name])
    shares[largest] += amount - sum(shares.values())
    return shares


class Electricity:
    """Computes the electricity lines of all clusters and periods of a run.

    Parameters
    ----------
    clusters
        Rows of `core_clusters`.
    book
        Factors valid in the periods.
    sources
        Sources of the methodology version.
    """

    def __init__(self, clusters: Iterable[Mapping[str, str]], book: FactorBook, sources: Sequence[str]) -> None:
        self._clusters = {row["cluster_id"]: row for row in clusters}
        self._book = book
        self._sources = sources
        self._has_scope_3 = "grid_losses" in sources

    def compute(self, activity: pa.Table, certificates: pa.Table) -> ElectricityResult:
        """Lines, ledger, events and missing factors.

        Parameters
        ----------
        activity
            `period, cluster_id, evidence, quantity` (MWh) of electricity.
        certificates
            `period, market_boundary, quantity` (MWh), `ef` (kg/MWh), `status`.
        """
        result = ElectricityResult()
        pools = _certificate_pools(certificates)
        by_boundary: dict[tuple[str, str], list[Load]] = defaultdict(list)
        for load in self._loads(activity):
            by_boundary[load.period, load.market_boundary].append(load)
        for key in sorted(set(pools) | set(by_boundary)):
            self._boundary(key, by_boundary.get(key, []), pools.get(key, Certificates()), result)
        return result

    def _loads(self, activity: pa.Table) -> list[Load]:
        parts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(EVIDENCE, 0))
        for row in activity.to_pylist():
            parts[row["period"], row["cluster_id"]][row["evidence"]] += _scaled(row["quantity"], Q_SCALE)
        return [
            Load(period, cluster, self._clusters[cluster]["market_boundary"], evidence)
            for (period, cluster), evidence in sorted(parts.items())
        ]

    def _boundary(
        self, key: tuple[str, str], loads: list[Load], certificates: Certificates, result: ElectricityResult
    ) -> None:
        """All clusters of one market boundary in one period: certificates first, then lines."""
        grids = {load.cluster_id: self._grid(load, certificates.issued > 0, result) for load in loads}
        complete = {cluster: grid for cluster, grid in grids.items() if grid is not None}
        if len(complete) < len(loads):
            return
        self._cover(loads, complete, certificates)
        used, losses = sum(load.eac for load in loads), sum(load.eac_losses for load in loads)
        if certificates.issued:
            result.ledger.append(_ledger_row(key, certificates.issued, used, losses))
        for load in loads:
            self._lines(load, complete[load.cluster_id], certificates, result)

    def _grid(self, load: Load, needs_carbon_free: bool, result: ElectricityResult) -> Grid | None:  # noqa: FBT001 - private
        """Factors of a cluster; each one that the version needs and that is missing becomes a problem."""
        zone, period = self._clusters[load.cluster_id]["grid_zone"], load.period
        keys = (load.cluster_id, zone, load.market_boundary)
        generation = self._book.find("grid_generation", zone, period)
        upstream = self._book.find("grid_upstream", zone, period)
        losses = self._book.find("grid_losses", zone, period)
        carbon_free = self._book.find("carbon_free_share", zone, period)
        needed = {"grid_generation": generation}
        if self._has_scope_3:
            needed |= {"grid_upstream": upstream, "grid_losses": losses}
        if needs_carbon_free:
            needed["carbon_free_share"] = carbon_free
        missing = [name for name, factor in needed.items() if factor is None]
        result.problems.extend(
            Problem(
                "CCFT-RUN-MISSING-FACTOR",
                {"period": period, "cluster": load.cluster_id, "factor_type": name, "key": zone},
            )
            for name in missing
        )
        if missing or generation is None:
            return None
        market = self._book.market("market_generation", keys, period)
        if market is None:
            result.events.append(_event("CCFT-EVENT-MARKET-FACTOR-FALLBACK", load, load.market_boundary))
            return Grid(generation, upstream, losses, generation, upstream, carbon_free)
        same = self._book.find("market_upstream", market.factor_key, period, market.instrument)
        return Grid(generation, upstream, losses, market, same or upstream, carbon_free)

    def _cover(self, loads: list[Load], grids: Mapping[str, Grid], certificates: Certificates) -> None:
        """Allocate certificates to loads, then what is left to grid losses (versions with Scope 3 only)."""
        if not certificates.issued:
            return
        shares = share_out(
            certificates.issued, {x.cluster_id: uncovered(x.total, _share(grids[x.cluster_id])) for x in loads}
        )
        for load in loads:
            load.eac = shares[load.cluster_id]
        if not self._has_scope_3:
            return
        losses = {
            x.cluster_id: uncovered(_td_load(x.total, grids[x.cluster_id]), _share(grids[x.cluster_id])) for x in loads
        }
        shares = share_out(certificates.issued - sum(shares.values()), losses)
        for load in loads:
            load.eac_losses = shares[load.cluster_id]

    def _lines(self, load: Load, grid: Grid, certificates: Certificates, result: ElectricityResult) -> None:
        line = _LineMaker(load, grid, certificates, result.lines)
        generation, market = grid.generation.value, grid.market.value
        line.add("scope_2_lbm", "electricity", load.total * generation, [grid.generation])
        covered = load.eac * certificates.factor
        line.add("scope_2_mbm", "electricity", (load.total - load.eac) * market, [grid.market], covered)
        if not self._has_scope_3 or grid.upstream is None or grid.losses is None:
            return
        market_up = grid.market_upstream or grid.upstream
        line.add("scope_3_fera_lbm", "electricity_upstream", load.total * grid.upstream.value, [grid.upstream])
        line.add("scope_3_fera_mbm", "electricity_upstream", (load.total - load.eac) * market_up.value, [market_up])
        lost = load.total * grid.losses.value
        line.add("scope_3_fera_lbm", "grid_losses", lost, [grid.losses])
        saved = load.eac_losses * (generation + grid.upstream.value)
        line.add("scope_3_fera_mbm", "grid_losses", lost - saved, [grid.losses, grid.generation, grid.upstream])


@dataclass
class _LineMaker:
    """Rounds a line once and splits it by the evidence of the load; certified energy by the state of its certificates."""

    load: Load
    grid: Grid
    certificates: Certificates
    lines: list[dict[str, object]]

    def add(self, measure: str, source: str, product: int, factors: list[Factor], covered: int = 0) -> None:
        """Add a line; `product` and `covered` in 1e-6 MWh x 1e-9 kg/MWh."""
        quanta = half_up((product + covered) * _QUANTUM)
        certified = half_up(covered * _QUANTUM)
        parts = split(quanta - certified, self.load.parts)
        status = split(certified, {"invoiced": self.certificates.procured, "estimated": self.certificates.expected})
        for evidence, part in status.items():
            parts[evidence] += part
        is_market = measure in ("scope_2_mbm", "scope_3_fera_mbm")
        self.lines.append(
            {
                "usage_period": self.load.period,
                "cluster_id": self.load.cluster_id,
                "rack_type": None,
                "measure": measure,
                "source": source,
                "quanta": quanta,
                **parts,
                "instrument": self.grid.instrument if is_market else None,
                "factor_references": references(factors),
            }
        )


def _td_load(load: int, grid: Grid) -> Fraction:
    """Energy lost on the way, 1e-6 MWh: load / (1 - td_ratio) - load (eq 6, 7), which is load x td / (gen + up)."""
    if grid.losses is None or grid.upstream is None or grid.generation.value + grid.upstream.value == 0:
        return Fraction(0)
    return Fraction(load * grid.losses.value, grid.generation.value + grid.upstream.value)


def _share(grid: Grid) -> int:
    return grid.carbon_free.value if grid.carbon_free else 0


def _scaled(value: Decimal, scale: int) -> int:
    return int(value.scaleb(scale))


def _certificate_pools(certificates: pa.Table) -> dict[tuple[str, str], Certificates]:
    rows: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for row in certificates.to_pylist():
        scaled = {
            "quantity": _scaled(row["quantity"], Q_SCALE),
            "ef": _scaled(row["ef"], F_SCALE),
            "status": row["status"],
        }
        rows[row["period"], row["market_boundary"]].append(scaled)
    return {key: pool(group) for key, group in rows.items()}


def _ledger_row(key: tuple[str, str], issued: int, used: int, losses: int) -> dict[str, object]:
    return {
        "usage_period": key[0],
        "market_boundary": key[1],
        "issued": issued,
        "used_for_load": used,
        "used_for_losses": losses,
        "unused": issued - used - losses,
    }


def _event(condition: str, load: Load, subject: str) -> dict[str, object]:
    return {"usage_period": load.period, "condition": condition, "cluster_id": load.cluster_id, "subject": subject}
