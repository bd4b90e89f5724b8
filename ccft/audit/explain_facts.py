"""What an explanation needs to know, read by SQL from the published slice and the core tables: bounded by clusters, racks types and services.

Only the account's own rows and sums over its pools come from the large table.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ccft.periods import month_end, month_start
from ccft.schema.columns import MEASURES
from ccft.schema.units import MICROS_PER_UNIT, QUANTA_PER_KG


class Database(Protocol):
    """What runs SQL over the published slice and the core tables (DuckDB)."""

    def execute(self, query: str, parameters: object = None) -> Any:  # noqa: ANN401 - DuckDB's own type varies
        """Run a query; the result has `fetchall`."""


@dataclass(frozen=True)
class AccountRow:
    """A row of `account_emissions`: weight in 1e-6 (None = retained), masses in quanta."""

    cluster_id: str
    region_code: str
    location: str
    service_id: str
    product_code: str
    basis: str
    weight: int | None
    masses: dict[str, int]


@dataclass(frozen=True)
class InventoryLine:
    """A line of a cluster's inventory, quanta, with the factors it used."""

    rack_type: str | None
    measure: str
    source: str
    quanta: int
    factors: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Activity:
    """A row of activity data; quantity in 1e-6."""

    site_id: str
    activity: str
    substance: str | None
    quantity: int
    unit: str
    evidence: str


@dataclass
class ClusterFacts:
    """One cluster in the period."""

    total_weights: dict[str, int] = field(default_factory=dict)
    """Per service: weights of all accounts of the pool, 1e-6."""
    nets: dict[tuple[str, str], int] = field(default_factory=dict)
    """Per service and measure."""
    residuals: dict[tuple[str, str], int] = field(default_factory=dict)
    direct: dict[tuple[str, str], int] = field(default_factory=dict)
    flows: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Per bearing service and measure: origin service -> quanta."""
    rack_types: dict[str, dict[tuple[str, str], int]] = field(default_factory=lambda: defaultdict(dict))
    """Per measure: (rack type, component) -> quanta."""
    usage: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Per rack type: service -> used units, 1e-6."""
    power: dict[str, int] = field(default_factory=dict)
    """Per rack type: rack-days x kW, 1e-6."""
    racks: dict[str, int] = field(default_factory=dict)
    inventory: list[InventoryLine] = field(default_factory=list)
    activity: list[Activity] = field(default_factory=list)


@dataclass
class Facts:
    """All that the explanation of one account needs."""

    rows: list[AccountRow]
    clusters: dict[str, ClusterFacts]
    networks: set[str]
    """Networking rack types."""
    world_pools: dict[tuple[str, str], int]
    """Per rack type and measure: the worldwide pool of expansion overhead."""
    world_use: dict[str, int]
    """Per rack type: used units of all clusters, 1e-6."""


def _quanta(column: str) -> str:
    return f"CAST(CAST({column} AS DECIMAL(28,9)) * {QUANTA_PER_KG} AS BIGINT)"


def _micros(column: str) -> str:
    return f"CAST(CAST({column} AS DECIMAL(28,6)) * {MICROS_PER_UNIT} AS HUGEINT)"


def _in(names: Iterable[str]) -> str:
    return ", ".join("?" for _ in names)


def account_rows(database: Database, account: str, service: str | None, region: str | None) -> list[AccountRow]:
    """The account's rows in the slice that the database shows.

    Parameters
    ----------
    service
        Service id or product code.
    region
        Region code or cluster.
    """
    masses = ", ".join(_quanta(f"{measure}_kg") for measure in MEASURES)
    where, values = "account_id = ?", [account]
    if service is not None:
        where, values = f"{where} AND ? IN (service_id, product_code)", [*values, service]
    if region is not None:
        where, values = f"{where} AND ? IN (region_code, cluster_id)", [*values, region]
    found = database.execute(
        f"SELECT cluster_id, region_code, location, service_id, product_code, allocation_basis, {_micros('weight')}, {masses}"
        f" FROM account_emissions WHERE {where} ORDER BY cluster_id, service_id",
        values,
    ).fetchall()
    return [
        AccountRow(
            cluster, code, place, service_id, product, basis, weight, dict(zip(MEASURES, masses_of, strict=True))
        )
        for cluster, code, place, service_id, product, basis, weight, *masses_of in found
    ]


def load(database: Database, rows: Sequence[AccountRow], period: str, measures: Sequence[str]) -> Facts:
    """Facts of the clusters in which the account has rows."""
    clusters = {row.cluster_id: ClusterFacts() for row in rows}
    facts = Facts(list(rows), clusters, set(), {}, {})
    _load_pools(database, facts)
    _load_results(database, facts, measures)
    _load_fleet(database, facts, period)
    _load_inventory(database, facts, period, measures)
    return facts


def _load_pools(database: Database, facts: Facts) -> None:
    names = list(facts.clusters)
    services = sorted({row.service_id for row in facts.rows})
    sums = database.execute(
        f"SELECT cluster_id, service_id, sum({_micros('weight')}) FROM account_emissions"
        f" WHERE cluster_id IN ({_in(names)}) AND service_id IN ({_in(services)}) AND weight IS NOT NULL GROUP BY ALL",
        [*names, *services],
    ).fetchall()
    for cluster, service, weight in sums:
        facts.clusters[cluster].total_weights[service] = int(weight)


def _load_results(database: Database, facts: Facts, measures: Sequence[str]) -> None:
    names = list(facts.clusters)
    where, values = f"cluster_id IN ({_in(names)}) AND measure IN ({_in(measures)})", [*names, *measures]
    services = database.execute(
        f"SELECT cluster_id, service_id, measure, sum({_quanta('net_kg')}), sum({_quanta('residual_kg')}),"
        f" sum({_quanta('direct_kg')}) FROM service_emissions WHERE {where} GROUP BY ALL",
        values,
    ).fetchall()
    for cluster, service, measure, net, residual, direct in services:
        known = facts.clusters[cluster]
        known.nets[service, measure] = int(net)
        known.residuals[service, measure] = int(residual)
        known.direct[service, measure] = int(direct)
    flows = database.execute(
        f"SELECT cluster_id, service_id, measure, origin_service_id, {_quanta('emissions_kg')} FROM service_flows"
        f" WHERE {where} ORDER BY ALL",
        values,
    ).fetchall()
    for cluster, service, measure, origin, amount in flows:
        facts.clusters[cluster].flows[service, measure][origin] = amount
    types = database.execute(
        f"SELECT cluster_id, measure, rack_type, component, {_quanta('emissions_kg')} FROM rack_type_emissions"
        f" WHERE {where} ORDER BY ALL",
        values,
    ).fetchall()
    for cluster, measure, rack_type, component, amount in types:
        facts.clusters[cluster].rack_types[measure][rack_type, component] = amount
    world = database.execute(
        f"SELECT rack_type, measure, sum({_quanta('emissions_kg')}) FROM rack_type_emissions"
        f" WHERE component = 'expansion_overhead' AND measure IN ({_in(measures)}) GROUP BY ALL",
        list(measures),
    ).fetchall()
    facts.world_pools = {(rack_type, measure): int(amount) for rack_type, measure, amount in world}


def _load_fleet(database: Database, facts: Facts, period: str) -> None:
    """Use of rack types, and their planned power by the rule of step 1."""
    facts.networks = {
        name for (name,) in database.execute("SELECT DISTINCT rack_type FROM core_racks WHERE is_network").fetchall()
    }
    use = database.execute(
        f"SELECT cluster_id, rack_type, service_id, sum({_micros('used_units')}) FROM core_rack_usage"
        " WHERE usage_period = ? GROUP BY ALL ORDER BY ALL",
        [period],
    ).fetchall()
    for cluster, rack_type, service, used in use:
        facts.world_use[rack_type] = facts.world_use.get(rack_type, 0) + int(used)
        if cluster in facts.clusters and used > 0:
            facts.clusters[cluster].usage[rack_type][service] = int(used)
    names = list(facts.clusters)
    days = "date_diff('day', greatest(deployed_on, ?), least(coalesce(retired_on, ?), ?))"
    begin, end = month_start(period), month_end(period)
    fleet = database.execute(
        f"SELECT cluster_id, rack_type, sum(days * {_micros('planned_power_kw')}), count(*)"
        f" FROM (SELECT *, {days} AS days FROM core_racks WHERE cluster_id IN ({_in(names)})) WHERE days > 0 GROUP BY ALL",
        [begin, end, end, *names],
    ).fetchall()
    for cluster, rack_type, weight, racks in fleet:
        facts.clusters[cluster].power[rack_type] = int(weight)
        facts.clusters[cluster].racks[rack_type] = racks


def _load_inventory(database: Database, facts: Facts, period: str, measures: Sequence[str]) -> None:
    names = list(facts.clusters)
    lines = database.execute(
        f"SELECT cluster_id, rack_type, measure, source, {_quanta('emissions_kg')}, factor_references FROM inventory_emissions"
        f" WHERE cluster_id IN ({_in(names)}) AND measure IN ({_in(measures)}) ORDER BY ALL",
        [*names, *measures],
    ).fetchall()
    for cluster, rack_type, measure, source, amount, factors in lines:
        line = InventoryLine(rack_type, measure, source, amount, tuple(json.loads(factors or "[]")))
        facts.clusters[cluster].inventory.append(line)
    activity = database.execute(
        f"SELECT cluster_id, site_id, activity, substance, {_micros('quantity')}, unit, evidence FROM core_activity"
        f" WHERE period = ? AND cluster_id IN ({_in(names)}) ORDER BY ALL",
        [period, *names],
    ).fetchall()
    for cluster, *row in activity:
        facts.clusters[cluster].activity.append(Activity(*row))
