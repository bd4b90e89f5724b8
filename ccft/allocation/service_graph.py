"""Step 2c: service interdependencies, solved (methodology section 3, "Step 2c").

`A[p, c]` is the share of provider p's total weight that belongs to accounts owned by service c. Of what p emits, the fraction that ends at the
customers of s is `N[p, s] = ((I - A)^-1)[p, s] * (1 - sum_c A[s, c])`.

`systems` and `solve` run on the driver, from and to small Arrow tables: they are bounded by clusters x services^2. They yield shares only, in whole
1e-15; `flows` spreads masses by the kernel, so nothing is lost to floating point.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu

from ccft.schema.units import SHARES_PER_ONE

NOTABLE_ERROR = 1e-6
"""Relative; smaller ones are rounding, or concern nobody."""
WHOLE_WITHIN = 1e-12
"""How far shares of a service may sum from one before the sparse solve is not believed."""
BEARING_SCHEMA = pa.schema(
    [
        ("usage_period", pa.string()),
        ("cluster_id", pa.string()),
        ("origin_service_id", pa.string()),
        ("service_id", pa.string()),
        ("weight", pa.int64()),
        ("total_weight", pa.int64()),
        ("takes_rest", pa.bool_()),
    ]
)


@dataclass
class _Graph:
    """One cluster's graph in a period: customer weight of each service, and weights of its consumers."""

    customers: dict[str, int] = field(default_factory=dict)
    consumers: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def services(self) -> list[str]:
        """All services that provide or consume, in order of their ids."""
        consumers = {name for row in self.consumers.values() for name in row}
        return sorted(set(self.customers) | set(self.consumers) | consumers)


def _graphs(pools: pa.Table, edges: pa.Table) -> dict[tuple[str, str], _Graph]:
    graphs: dict[tuple[str, str], _Graph] = defaultdict(_Graph)
    for row in pools.select(["usage_period", "cluster_id", "service_id", "customer_weight"]).to_pylist():
        graphs[row["usage_period"], row["cluster_id"]].customers[row["service_id"]] = row["customer_weight"]
    for row in edges.to_pylist():
        graph = graphs[row["usage_period"], row["cluster_id"]]
        graph.consumers[row["service_id"]][row["consumer_service_id"]] = row["weight"]
    return graphs


def trapped_services(customers: dict[str, int], consumers: dict[str, dict[str, int]], services: list[str]) -> set[str]:
    """Services whose emissions can never reach a customer: no service with customers can be reached from them.

    Decided on integer weights, so rounding plays no part.
    """
    providers: dict[str, list[str]] = defaultdict(list)
    for provider, row in consumers.items():
        for consumer in row:
            providers[consumer].append(provider)
    reached = {name for name in services if customers.get(name, 0) > 0}
    frontier = list(reached)
    while frontier:
        found = [p for p in providers[frontier.pop()] if p not in reached]
        reached.update(found)
        frontier.extend(found)
    return set(services) - reached


@dataclass(frozen=True)
class TwoRounds:
    """The service whose figure two rounds of propagation would miss by most: `error` is relative, 0.029 = 2.9 % too much."""

    usage_period: str
    cluster_id: str
    service_id: str
    error: float


@dataclass(frozen=True)
class System:
    """The equations of one cluster's graph in a period.

    Parameters
    ----------
    services
        In order of their ids.
    shares
        A, a trapped service's row counting as 0.
    leaves
        What stays with a service's own customers.
    """

    usage_period: str
    cluster_id: str
    services: list[str]
    shares: csc_array
    leaves: np.ndarray

    @cached_property
    def bearing(self) -> np.ndarray:
        """N in whole 1e-15, services x services."""
        shares = _solved(self)
        if shares is None:
            shares = _eliminated(self)
        return np.floor(shares * SHARES_PER_ONE + 0.5).astype(np.int64)


def systems(pools: pa.Table, edges: pa.Table) -> list[System]:
    """Equations of each cluster with edges.

    Parameters
    ----------
    pools
        `usage_period, cluster_id, service_id, customer_weight` (int64).
    edges
        `usage_period, cluster_id, service_id, consumer_service_id, weight` (int64, above 0).
    """
    return [_system(*place, graph) for place, graph in sorted(_graphs(pools, edges).items()) if graph.consumers]


def _system(usage_period: str, cluster_id: str, graph: _Graph) -> System:
    services = graph.services()
    index = {name: i for i, name in enumerate(services)}
    trapped = trapped_services(graph.customers, graph.consumers, services)
    totals = {name: graph.customers.get(name, 0) + sum(graph.consumers.get(name, {}).values()) for name in services}
    links = [
        (index[p], index[c], w / totals[p])
        for p, row in graph.consumers.items()
        if p not in trapped
        for c, w in row.items()
    ]
    rows, columns, values = zip(*links, strict=True) if links else ((), (), ())
    shares = csc_array((values, (rows, columns)), shape=(len(services), len(services)))
    # A trapped service passes nothing on: what reaches it stays with it.
    leaves = [1.0 if name in trapped else graph.customers.get(name, 0) / totals[name] for name in services]
    return System(usage_period, cluster_id, services, shares, np.array(leaves))


def _solved(system: System) -> np.ndarray | None:
    """N by one sparse solve with a refinement step; None where the equations are too close to singular for it.

    That is so where services use almost nothing but each other. What a service emits ends somewhere, so a row that does not sum to one says it.
    """
    size = len(system.services)
    equations = csc_array(eye_array(size, format="csc") - system.shares)
    bearers = np.flatnonzero(system.leaves)
    units = np.zeros((size, bearers.size))
    units[bearers, np.arange(bearers.size)] = 1.0
    try:
        factors = splu(equations)
    except RuntimeError:  # exactly singular
        return None
    shares = np.zeros((size, size))
    with np.errstate(over="ignore", invalid="ignore"):
        solution = factors.solve(units)
        solution += factors.solve(units - equations @ solution)
        shares[:, bearers] = np.clip(solution * system.leaves[bearers], 0.0, None)
        is_whole = np.abs(shares.sum(axis=1) - 1.0) <= WHOLE_WITHIN
    return shares if is_whole.all() else None


def _eliminated(system: System) -> np.ndarray:
    """N by eliminating one service after the other without a subtraction (Grassmann, Taksar, Heyman 1985), so that nothing cancels.

    Dense, however few services use each other.
    """
    size = len(system.services)
    passed = system.shares.toarray()
    borne = np.diag(system.leaves)
    for last in range(size - 1, -1, -1):
        # What a service passes to itself comes back; the rest, summed and not taken from one, is all that leaves it.
        leaving = passed[last, :last].sum() + borne[last].sum()
        passed[last, :last] /= leaving
        borne[last] /= leaving
        passed[:last, :last] += np.outer(passed[:last, last], passed[last, :last])
        borne[:last] += np.outer(passed[:last, last], borne[last])
    for service in range(1, size):
        borne[service] += passed[service, :service] @ borne[:service]
    return borne


def solve(graphs: Iterable[System]) -> pa.Table:
    """Shares by which each origin service's emissions end at the services that bear them.

    Returns
    -------
    pyarrow.Table
        `usage_period, cluster_id, origin_service_id, service_id, weight` (N in whole 1e-15, above 0), `total_weight` of the origin, `takes_rest`
        (the largest weight of the origin, ties the smallest service). Only clusters with edges: elsewhere every service bears its own.
    """
    parts: list[pa.Table] = []
    for system in graphs:
        matrix = system.bearing
        origins, bearers = np.nonzero(matrix)
        names = np.array(system.services, dtype=object)
        parts.append(
            pa.table(
                {
                    "usage_period": pa.array([system.usage_period] * origins.size, pa.string()),
                    "cluster_id": pa.array([system.cluster_id] * origins.size, pa.string()),
                    "origin_service_id": pa.array(names[origins], pa.string()),
                    "service_id": pa.array(names[bearers], pa.string()),
                    "weight": pa.array(matrix[origins, bearers], pa.int64()),
                    "total_weight": pa.array(matrix.sum(axis=1)[origins], pa.int64()),
                    # Services are in order of their ids: the first of several maxima is the smallest.
                    "takes_rest": pa.array(matrix.argmax(axis=1)[origins] == bearers, pa.bool_()),
                },
                schema=BEARING_SCHEMA,
            )
        )
    return pa.concat_tables(parts) if parts else BEARING_SCHEMA.empty_table()


def two_rounds(graphs: Iterable[System], direct: pa.Table) -> list[TwoRounds]:
    """What two rounds of propagation, which peers stop at, would miss: pass on twice, keep the third wave where it arrives.

    A remark beside the result, so doubles are enough.

    Parameters
    ----------
    direct
        `usage_period, cluster_id, service_id, measure, component, quanta`.

    Returns
    -------
    list of TwoRounds
        Per cluster with edges, the service that would be furthest off, over all measures; none where two rounds are enough.
    """
    emitted: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for row in direct.to_pylist():
        emitted[row["usage_period"], row["cluster_id"]][row["measure"], row["service_id"]] += row["quanta"]
    found = []
    for system in graphs:
        place = (system.usage_period, system.cluster_id)
        worst = _furthest_off(system, emitted[place])
        found += [TwoRounds(*place, *worst)] if worst else []
    return found


def _furthest_off(system: System, emitted: Mapping[tuple[str, str], int]) -> tuple[str, float] | None:
    """Service and relative error; None where nothing is off by more than rounding."""
    measures = sorted({measure for measure, _ in emitted})
    direct = np.array([[float(emitted.get((m, s), 0)) for s in system.services] for m in measures])
    if not direct.any():
        return None
    exact = direct @ (system.bearing.astype(float) / SHARES_PER_ONE)
    first = direct @ system.shares
    second = first @ system.shares
    approximate = (direct + first) * system.leaves + second
    errors = np.divide(approximate - exact, exact, out=np.zeros_like(exact), where=exact > 1.0)
    column = int(np.abs(errors).max(axis=0).argmax())
    error = float(errors[np.abs(errors[:, column]).argmax(), column])
    return (system.services[column], error) if abs(error) >= NOTABLE_ERROR else None
