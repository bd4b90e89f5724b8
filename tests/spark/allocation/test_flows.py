"""Flows between services: the kernel's rule row by row, sums exact by origin and component, balances, and a plan that moves no flow."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from ccft.allocation.flows import POOL_NUMBER, flow_pools, flow_rests, flows, service_balances
from ccft.allocation.service_graph import solve, systems
from ccft.kernel.forms import apportioned
from ccft.lake.memory import compiled_plans, on_driver, settle, short_plans
from ccft.schema.columns import COMPONENTS

pytestmark = pytest.mark.spark

PERIOD, OTHER, CLUSTER, ALONE = "2025-06", "2025-07", "c", "a cluster whose services use only themselves"
MEASURES = ("scope_1", "scope_2_lbm")
SERVICES = [f"s{number:02d}" for number in range(12)]
Quanta = dict[tuple[str, ...], int]
"""Amounts above zero by what they are for."""


def random_graph(period: str, seed: int) -> tuple[list[dict], list[dict]]:
    """Customer weights and team weights; ties, services without customers, a service that nobody else uses."""
    rng = np.random.default_rng(seed)
    place = {"usage_period": period, "cluster_id": CLUSTER}
    pools = [{**place, "service_id": name, "customer_weight": int(rng.choice([0, 1, 1, 5000]))} for name in SERVICES]
    edges = [
        {**place, "service_id": provider, "consumer_service_id": consumer, "weight": int(rng.choice([1, 1, 3, 10**9]))}
        for provider in SERVICES[:-1]
        for consumer in SERVICES[:-1]
        if rng.random() < 0.5
    ]
    return pools, edges


def random_direct(seed: int) -> Quanta:
    """Some components of some services; the last service is in no graph."""
    rng = np.random.default_rng(seed)
    sizes = (0, 1, 7, 10**9 + 7, 2**53 + 12345, 10**16 - 1)
    drawn = {
        (period, cluster, service, measure, component): int(rng.choice(sizes))
        for period, cluster in ((PERIOD, CLUSTER), (OTHER, CLUSTER), (PERIOD, ALONE))
        for service in [*SERVICES, "outside"]
        for measure in MEASURES
        for component in COMPONENTS[:4]
    }
    return {key: quanta for key, quanta in drawn.items() if quanta}


def solved_graphs() -> pa.Table:
    (pools, edges), (more_pools, more_edges) = random_graph(PERIOD, 1), random_graph(OTHER, 2)
    return solve(systems(pa.Table.from_pylist(pools + more_pools), pa.Table.from_pylist(edges + more_edges)))


BEARING = solved_graphs()
DIRECT = random_direct(3)


def expected_flows() -> Quanta:
    """The rule on the driver: shares of each pool in the order of its bearers."""
    bearers: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for row in BEARING.to_pylist():
        origin = (row["usage_period"], row["cluster_id"], row["origin_service_id"])
        bearers.setdefault(origin, []).append((row["service_id"], row["weight"]))
    found = {}
    for (period, cluster, origin, measure, component), quanta in DIRECT.items():
        rows = sorted(bearers.get((period, cluster, origin), [(origin, 1)]))
        shares = apportioned(quanta, [weight for _, weight in rows])
        for (bearer, _), share in zip(rows, shares, strict=True):
            found[period, cluster, origin, bearer, measure, component] = share
    return {key: share for key, share in found.items() if share}


@pytest.fixture(scope="module", params=[short_plans, compiled_plans], ids=["interpreted", "compiled"])
def frames(spark, request):
    """Direct emissions and their flows."""
    names = ("usage_period", "cluster_id", "service_id", "measure", "component", "quanta")
    rows = [dict(zip(names, (*key, quanta), strict=True)) for key, quanta in DIRECT.items()]
    direct, bearing = on_driver(spark, pa.Table.from_pylist(rows)), spark.createDataFrame(BEARING).repartition(3)
    with request.param(spark):
        pools = settle(flow_pools(direct), number=POOL_NUMBER)
        yield direct, flows(settle(flow_rests(pools, bearing)), bearing)


def test_every_flow_is_the_kernels_share(frames):
    """Equal to the last quantum, and nothing else: a flow of nothing has no row, a service in no graph bears its own."""
    _, spread = frames
    rows = spread.toArrow().to_pylist()
    key = ("usage_period", "cluster_id", "origin_service_id", "service_id", "measure")
    found = {(*(row[name] for name in key), part): row[part] for row in rows for part in COMPONENTS if row[part]}
    expected = expected_flows()
    assert len({key[2:4] for key in expected}) > 2 * len(SERVICES)
    assert found == expected
    assert len(rows) == len({key[:5] for key in expected})

    sums: Counter[tuple[str, ...]] = Counter()
    for (period, cluster, origin, _, measure, component), quanta in found.items():
        sums[period, cluster, origin, measure, component] += quanta
    assert dict(sums) == DIRECT


def test_balances_are_the_sums_of_the_flows(frames):
    direct, passed, received = Counter(DIRECT), Counter(), Counter()
    for (period, cluster, origin, bearer, measure, component), quanta in expected_flows().items():
        if origin != bearer:
            passed[period, cluster, origin, measure, component] += quanta
            received[period, cluster, bearer, measure, component] += quanta
    rows = service_balances(*frames).toArrow().to_pylist()
    key = ("usage_period", "cluster_id", "service_id", "measure", "component")
    found = {tuple(row[name] for name in key): (row["direct"], row["received"], row["passed_on"]) for row in rows}
    assert len(found) == len(rows)
    assert found == {one: (direct[one], received[one], passed[one]) for one in {*direct, *received}}


def test_flows_are_neither_shuffled_nor_sorted(spark, frames):
    """Also where pools are too many to be broadcast unasked."""
    _, spread = frames
    name = "spark.sql.autoBroadcastJoinThreshold"
    before = spark.conf.get(name)
    spark.conf.set(name, "-1")
    plan = spread.select("*")._jdf.queryExecution().executedPlan().toString()
    spark.conf.set(name, before)
    assert "BroadcastHashJoin" in plan
    # The only exchange beside broadcasts is the test's own repartition of the shares.
    moved = [line for line in plan.splitlines() if "Exchange" in line and "BroadcastExchange" not in line]
    assert all("REPARTITION_BY_NUM" in line for line in moved), moved
    assert not [word for word in ("Sort", "Window") if word in plan]
