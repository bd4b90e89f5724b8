"""Service interdependencies and residuals (methodology, section 3, steps 2c and 4)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from tests.oracle.accounts import Pool, Pools
from tests.oracle.exact import ZERO, split, total
from tests.oracle.model import RETAINED, SHARED, Result
from tests.oracle.racks import Residual

Matrix = dict[str, dict[str, Fraction]]
WEIGHT_ERROR_KG = Fraction(1, 10**7)


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """Inverse of a regular matrix by Gauss and Jordan, in rationals (section 3, step 2c)."""
    size = len(matrix)
    rows = [list(row) + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        rows[column] = [value / head for value in rows[column]]
        for i in range(size):
            factor = rows[i][column]
            if i != column and factor:
                rows[i] = [x - factor * y if y else x for x, y in zip(rows[i], rows[column], strict=True)]
    return [row[size:] for row in rows]


def trapped_services(nodes: set[str], edges: Matrix, customers: set[str]) -> set[str]:
    """Services from which no customer can be reached along edges (section 3, step 2c)."""
    free = set(customers)
    while True:
        more = {p for p in nodes - free if any(share and c in free for c, share in edges.get(p, {}).items())}
        if not more:
            return nodes - free
        free |= more


def bearing_shares(nodes: list[str], edges: Matrix) -> tuple[Matrix, float]:
    """`N` of section 3, step 2c, for edges whose trapped rows are already zero; and its condition."""
    size = [[Fraction(int(p == c)) - edges.get(p, {}).get(c, ZERO) for c in nodes] for p in nodes]
    solved = inverse(size)
    ends = {s: 1 - total(edges.get(s, {}).values()) for s in nodes}
    shares = {
        p: {s: solved[i][j] * ends[s] for j, s in enumerate(nodes) if solved[i][j] * ends[s]}
        for i, p in enumerate(nodes)
    }
    return shares, float(max((total(row) for row in solved), default=ZERO))


class ServiceSteps:
    """Carries direct emissions to the services that bear them, and residuals to their receivers (2c and 4)."""

    def __init__(self, result: Result, pools: Pools) -> None:
        """Read who uses whom (section 3, step 2c)."""
        self.result, self.pools = result, pools
        self.edges: dict[str, Matrix] = defaultdict(lambda: defaultdict(dict))
        self.customers = {pool for pool in pools.entries if pools.customer_weight(pool)}
        self.borne: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        self._read_edges()

    def _read_edges(self) -> None:
        """`A[p, c]`: share of the provider's weight that belongs to accounts owned by the consumer (step 2c)."""
        for (cluster, provider), entries in self.pools.entries.items():
            whole = total(entry.weight for entry in entries.values())
            owned: dict[str, Fraction] = defaultdict(Fraction)
            for entry in entries.values():
                consumer = self.pools.team(entry)
                if consumer is not None and entry.weight:
                    owned[consumer] += entry.weight
            for consumer, weight in owned.items():
                self.edges[cluster][provider][consumer] = weight / whole
                self.result.shares[cluster, provider, consumer] = weight / whole, weight

    def run(self, residuals: list[Residual]) -> None:
        """Solve every cluster, then hand on what found no user (steps 2c and 4)."""
        direct: dict[str, list[tuple[str, str, str, Fraction]]] = defaultdict(list)
        for (cluster, service, measure, component), row in self.result.services.items():
            if service not in RETAINED.values():
                direct[cluster].append((service, measure, component, row.direct))
        stuck = [item for cluster, rows in direct.items() for item in self._solve(cluster, rows)]
        before = dict(self.borne)
        for residual in residuals + stuck:
            self._hand_on(residual, before)

    def _solve(self, cluster: str, rows: list[tuple[str, str, str, Fraction]]) -> list[Residual]:
        """One cluster's flows; trapped services give up what they bear (section 3, step 2c)."""
        edges = self.edges[cluster]
        nodes = {row[0] for row in rows} | set(edges) | {c for row in edges.values() for c in row}
        customers = {service for place, service in self.customers if place == cluster}
        trapped = trapped_services(nodes | customers, edges, customers)
        open_edges = {p: row for p, row in edges.items() if p not in trapped}
        shares, self.result.condition[cluster] = bearing_shares(sorted(nodes), open_edges)
        for service, measure, component, amount in rows:
            for bearer, share in shares[service].items():
                self._flow(cluster, service, bearer, (measure, component), amount * share)
        return self._give_up(cluster, trapped)

    def _flow(self, cluster: str, origin: str, bearer: str, label: tuple[str, str], amount: Fraction) -> None:
        """One origin's emissions borne by one service (section 3, step 2c)."""
        measure, component = label
        self.result.flows[cluster, origin, bearer, measure] += amount
        self.borne[cluster, bearer, measure] += amount
        if origin != bearer:
            self.result.services[cluster, bearer, measure, component].received += amount
            self.result.services[cluster, origin, measure, component].passed_on += amount

    def _give_up(self, cluster: str, trapped: set[str]) -> list[Residual]:
        """What trapped services bear leaves them as negative residual, component by component (step 2c)."""
        stuck: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for (place, service, measure, _), row in self.result.services.items():
            if place == cluster and service in trapped:
                stuck[service, measure] += row.net
                row.residual -= row.net
        for service, _ in stuck:
            label = "closed-loop" if self.edges[cluster].get(service) else "service-without-customers"
            self.result.events.add((label, cluster, service))
        return [Residual(cluster, name, measure, x, name) for (name, measure), x in stuck.items() if x]

    def _hand_on(self, residual: Residual, before: dict[tuple[str, str, str], Fraction]) -> None:
        """The first group of pools with net emissions of the measure receives the residual (section 4)."""
        here, service, measure = residual.cluster, residual.service, residual.measure
        groups: list[tuple[str, list[Pool]]] = [
            ("residual-to-service", [p for p in self.customers if service and p[1] == service and p[0] != here]),
            ("residual-to-cluster", [p for p in self.customers if p[0] == here]),
            ("residual-worldwide", list(self.customers)),
        ]
        for label, pools in groups:
            weights = {pool: before.get((*pool, measure), ZERO) for pool in pools}
            whole = total(weights.values())
            if whole:
                self.result.events.add((label, here, residual.subject))
                self._receive(residual, split(residual.amount, weights))
                self.result.slack[measure] += residual.amount * min(Fraction(1), WEIGHT_ERROR_KG / whole)
                return
        self.result.events.add(("residual-to-provider", here, residual.subject))
        self._receive(residual, {(here, SHARED): residual.amount})

    def _receive(self, residual: Residual, parts: dict[Pool, Fraction]) -> None:
        """Receivers carry the component `residual` (section 4)."""
        for (cluster, service), part in parts.items():
            if part:
                self.result.services[cluster, service, residual.measure, "residual"].residual += part
