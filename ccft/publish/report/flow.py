"""The flow picture of a month: cluster -> rack types -> services on the racks -> services that bear -> organisations (provider's page only).

Tables hold every column of the picture but one: which service used which rack type. That is shared out again from the usage in the core tables by
the kernel, and held against the published direct emissions of every service: when inputs have been ingested anew since, the two differ and there
is no picture rather than a wrong one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ccft.kernel.forms import apportioned
from ccft.methodology.model import Bearer, Methodology, methodology
from ccft.publish.report.amounts import TOTAL_OF
from ccft.publish.report.months import Month
from ccft.publish.report.rows import Database
from ccft.schema.columns import SHARED_OVERHEAD, UNUSED_CAPACITY
from ccft.schema.units import MASS_SCALE, MICROS_PER_UNIT

METHOD: Final = "lbm"
"""The picture follows electricity, so it is location-based."""

CLUSTERS: Final = 0
RACK_TYPES: Final = 1
SERVICES: Final = 2
BEARERS: Final = 3
ORGANISATIONS: Final = 4
RESIDUAL: Final = 5
"""The residual stands between rack types and bearing services."""

COLUMNS: Final = ("Cluster", "Rack type", "Service on the racks", "Service that bears", "Organisation", "Residual")
NO_USER: Final = "Residual: no user"
LARGEST: Final = (12, 12, 12, 12, 10, 1)
"""Nodes per column that keep their name; the rest are one node."""

_SLICE: Final = "usage_period = ? AND methodology_version = ?"
Mass = dict[tuple[str, ...], int]
"""Key -> quanta."""


@dataclass(frozen=True)
class Node:
    """A node: its column of `COLUMNS` and its name; collective nodes stand for all that are not among the largest."""

    column: int
    name: str
    is_collective: bool = False


@dataclass(frozen=True)
class Link:
    """A flow between two nodes, kg."""

    source: Node
    target: Node
    mass: Decimal


@dataclass(frozen=True)
class Step:
    """All flows from one column to another, quanta by names of source and target."""

    source: int
    target: int
    masses: Mass


@dataclass(frozen=True)
class Flow:
    """The picture of a month; without links where `missing` says why."""

    period: str
    links: tuple[Link, ...] = ()
    missing: str = ""


def flow_of(database: Database, month: Month, *, has_rack_usage: bool) -> Flow:
    """Flow picture of a published month, location-based total.

    Parameters
    ----------
    has_rack_usage
        Whether the relation `core_rack_usage` is there.
    """
    if not has_rack_usage:
        return Flow(month.period, missing="the usage of racks is not in this lake")
    policy = methodology(month.version)
    racks = _rack_types(database, month)
    usage = _usage(database, month)
    direct, unused = _to_services(racks, usage, policy)
    if not _agrees(database, month, direct):
        return Flow(month.period, missing="inputs have been ingested anew since the month was published")
    given_up, passed_on, taken = _bearing(database, month)
    steps = [
        Step(CLUSTERS, RACK_TYPES, _summed(racks, (0, 1))),
        Step(RACK_TYPES, SERVICES, _summed(direct, (1, 2))),
        Step(RACK_TYPES, RESIDUAL, {(kind, NO_USER): mass for (kind,), mass in _summed(unused, (1,)).items()}),
        Step(SERVICES, RESIDUAL, given_up),
        Step(SERVICES, BEARERS, passed_on),
        Step(RESIDUAL, BEARERS, taken),
        Step(BEARERS, ORGANISATIONS, _to_organisations(database, month)),
    ]
    return Flow(month.period, _links(steps))


def _quanta(mass: Decimal) -> int:
    return int(mass.scaleb(MASS_SCALE))


def _measures() -> str:
    return ", ".join(f"'{name}'" for name in TOTAL_OF[METHOD])


def _rack_types(database: Database, month: Month) -> Mass:
    """Cluster, rack type, measure, component -> quanta."""
    rows = database.execute(
        "SELECT cluster_id, rack_type, measure, component, emissions_kg FROM rack_type_emissions"
        f" WHERE {_SLICE} AND measure IN ({_measures()})",
        [month.period, month.version],
    ).fetchall()
    return {tuple(row[:4]): _quanta(row[4]) for row in rows}


def _usage(database: Database, month: Month) -> Mapping[tuple[str, str], dict[str, int]]:
    """Cluster, rack type -> service -> used units (1e-6), services in ascending order."""
    rows = database.execute(
        "SELECT cluster_id, rack_type, service_id, sum(used_units) FROM core_rack_usage WHERE usage_period = ?"
        " GROUP BY cluster_id, rack_type, service_id HAVING sum(used_units) > 0 ORDER BY service_id",
        [month.period],
    ).fetchall()
    usage: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for cluster, kind, service, units in rows:
        usage[cluster, kind][service] = int(units * MICROS_PER_UNIT)
    return usage


def _retained_by(component: str, policy: Methodology) -> str:
    """Reserved service that keeps the component with the provider; empty where users bear it."""
    if component == "unused_capacity" and policy.unused_capacity is Bearer.PROVIDER:
        return UNUSED_CAPACITY
    if component == "network_overhead" and policy.networking_racks is Bearer.PROVIDER:
        return SHARED_OVERHEAD
    return ""


def _to_services(
    racks: Mass, usage: Mapping[tuple[str, str], Mapping[str, int]], policy: Methodology
) -> tuple[Mass, Mass]:
    """Step 2b again. Direct: cluster, rack type, service, measure, component; unused: cluster, rack type, measure, component."""
    direct: Mass = {}
    unused: Mass = {}
    for (cluster, kind, measure, component), mass in racks.items():
        keeper = _retained_by(component, policy)
        users = usage.get((cluster, kind), {})
        if keeper:
            direct[cluster, kind, keeper, measure, component] = mass
        elif users and component != "residual":
            for service, share in zip(users, apportioned(mass, list(users.values())), strict=True):
                direct[cluster, kind, service, measure, component] = share
        else:
            unused[cluster, kind, measure, component] = mass
    return direct, unused


def _agrees(database: Database, month: Month, direct: Mass) -> bool:
    """Whether the shares are the published direct emissions, service by service, to the last quantum."""
    rows = database.execute(
        "SELECT cluster_id, service_id, measure, component, direct_kg FROM service_emissions"
        f" WHERE {_SLICE} AND measure IN ({_measures()}) AND direct_kg <> 0",
        [month.period, month.version],
    ).fetchall()
    published = {tuple(row[:4]): _quanta(row[4]) for row in rows}
    return published == {key: mass for key, mass in _summed(direct, (0, 2, 3, 4)).items() if mass}


def _bearing(database: Database, month: Month) -> tuple[Mass, Mass, Mass]:
    """Origin service -> bearing service; what a bearer gives up goes to the residual, and comes back to those that take it."""
    rows = database.execute(
        f"""
        SELECT f.origin_service_id, CASE WHEN r.residual_kg < 0 THEN '' ELSE f.service_id END, sum(f.emissions_kg)
        FROM service_flows f
        LEFT JOIN (
            SELECT cluster_id, service_id, measure, sum(residual_kg) AS residual_kg FROM service_emissions
            WHERE {_SLICE} GROUP BY cluster_id, service_id, measure
        ) r ON r.cluster_id = f.cluster_id AND r.service_id = f.service_id AND r.measure = f.measure
        WHERE f.usage_period = ? AND f.methodology_version = ? AND f.measure IN ({_measures()})
        GROUP BY ALL ORDER BY ALL
        """,
        [month.period, month.version] * 2,
    ).fetchall()
    taken = database.execute(
        "SELECT service_id, sum(residual_kg) FROM service_emissions"
        f" WHERE {_SLICE} AND measure IN ({_measures()}) AND residual_kg > 0 GROUP BY ALL ORDER BY ALL",
        [month.period, month.version],
    ).fetchall()
    given_up: Mass = {(origin, NO_USER): _quanta(mass) for origin, bearer, mass in rows if not bearer}
    passed_on: Mass = {(origin, bearer): _quanta(mass) for origin, bearer, mass in rows if bearer}
    return given_up, passed_on, {(NO_USER, service): _quanta(mass) for service, mass in taken}


def _to_organisations(database: Database, month: Month) -> Mass:
    total = " + ".join(f"sum({name}_kg)" for name in TOTAL_OF[METHOD])
    rows = database.execute(
        f"SELECT service_id, payer_account_id, {total} FROM account_emissions WHERE {_SLICE} GROUP BY ALL ORDER BY ALL",
        [month.period, month.version],
    ).fetchall()
    return {(service, payer): _quanta(mass) for service, payer, mass in rows}


def _summed(masses: Mass, positions: Sequence[int]) -> Mass:
    sums: Mass = defaultdict(int)
    for key, mass in masses.items():
        sums[tuple(key[position] for position in positions)] += mass
    return dict(sums)


def _kept(steps: Sequence[Step]) -> dict[Node, Node]:
    """Every node -> itself when it is among the largest of its column, else the column's collective node."""
    through: dict[Node, int] = defaultdict(int)
    for step in steps:
        for (source, target), mass in step.masses.items():
            through[Node(step.target, target)] += mass
            if step.source == CLUSTERS:
                through[Node(step.source, source)] += mass
    kept: dict[Node, Node] = {}
    for column in {node.column for node in through}:
        ranked = sorted((node for node in through if node.column == column), key=lambda n: (-through[n], n.name))
        limit = LARGEST[column]
        # One node too many is shown by name: "1 other" would take the same room.
        cut = len(ranked) if len(ranked) <= limit + 1 else limit
        collective = Node(column, f"{len(ranked) - cut:,} others", is_collective=True)
        kept |= {node: node if position < cut else collective for position, node in enumerate(ranked)}
    return kept


def _links(steps: Sequence[Step]) -> tuple[Link, ...]:
    """Links between the nodes that are kept, in the order of the columns, largest first."""
    kept = _kept(steps)
    links = []
    for step in steps:
        sums: dict[tuple[Node, Node], int] = defaultdict(int)
        for (source, target), mass in step.masses.items():
            origin = Node(step.source, source)
            sums[kept.get(origin, origin), kept[Node(step.target, target)]] += mass
        ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0][0].name, item[0][1].name))
        links += [Link(*ends, Decimal(mass).scaleb(-MASS_SCALE)) for ends, mass in ordered if mass]
    return tuple(links)
