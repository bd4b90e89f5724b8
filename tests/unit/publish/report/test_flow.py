"""The flow picture: masses of every column sum to the same total, to the quantum; what no longer agrees is not drawn."""

from decimal import Decimal

import pytest

from ccft.publish.report import charts
from ccft.publish.report.amounts import exact_sum
from ccft.publish.report.flow import BEARERS, CLUSTERS, NO_USER, ORGANISATIONS, RESIDUAL, SERVICES, Node
from tests.unit.publish.report.world import LONER, OTHER, PAYER, World, many_months

MONTH, VERSION = "2025-06", "v2.0"


@pytest.fixture(scope="module")
def flow():
    return many_months().figures().flow


def into(flow, node_column):
    return exact_sum(link.mass for link in flow.links if link.target.column == node_column)


def out_of(flow, node_column):
    return exact_sum(link.mass for link in flow.links if link.source.column == node_column)


def test_every_column_has_the_same_total(flow):
    whole = out_of(flow, CLUSTERS)
    assert whole > 0
    assert into(flow, SERVICES) + into(flow, RESIDUAL) == into(flow, BEARERS) == into(flow, ORGANISATIONS) == whole


def test_organisations_have_their_totals(flow):
    world = many_months()
    for payer in (PAYER, OTHER, LONER):
        total = world.database.execute(
            "SELECT sum(total_lbm_kg) FROM account_emissions_current WHERE usage_period = '2026-03' AND payer_account_id = ?",
            [payer],
        ).fetchone()[0]
        assert exact_sum(link.mass for link in flow.links if link.target == Node(ORGANISATIONS, payer)) == total


def unbalanced(flow):
    """Nodes whose in and out differ, first and last columns left out."""
    nodes = {link.target for link in flow.links if link.target.column != ORGANISATIONS}
    return [
        node
        for node in nodes
        if exact_sum(link.mass for link in flow.links if link.target == node)
        != exact_sum(link.mass for link in flow.links if link.source == node)
    ]


def test_every_node_gives_what_it_gets(flow):
    assert unbalanced(flow) == []


@pytest.fixture
def shared():
    """One rack type used by two services 1:2, a service that gives up what it bears, a rack type nobody used."""
    world = World()
    world.row(MONTH, PAYER, PAYER, {"scope_1": "10"}, service="a")
    world.finish()
    for name in ("rack_type_emissions", "service_emissions", "service_flows", "core_rack_usage"):
        world.database.execute(f"DELETE FROM {name}")
    key = f"'{MONTH}' AS usage_period, '{VERSION}' AS methodology_version, 'r' AS region_code, 'c' AS cluster_id, 'scope_1' AS measure"
    for kind, mass in (("R", "0.000000010"), ("idle", "9.99999999")):
        world.database.execute(
            f"INSERT INTO rack_type_emissions BY NAME SELECT {key}, '{kind}' AS rack_type, 'in_use' AS component, {mass} AS emissions_kg"
        )
    for service, units in (("a", 1), ("b", 2)):
        world.database.execute(
            f"INSERT INTO core_rack_usage BY NAME SELECT '{MONTH}' AS usage_period, 'c' AS cluster_id, 'R' AS rack_type,"
            f" '{service}' AS service_id, {units} AS used_units"
        )
    rows = (("a", "in_use", "0.000000003", "0", "0.000000003"), ("b", "in_use", "0.000000007", "-0.000000007", "0"),
            ("a", "residual", "0", "9.999999997", "9.999999997"))  # fmt: skip
    for service, component, direct, residual, net in rows:
        world.database.execute(
            f"INSERT INTO service_emissions BY NAME SELECT {key}, '{service}' AS service_id, '{component}' AS component,"
            f" {direct} AS direct_kg, 0 AS received_kg, 0 AS passed_on_kg, {residual} AS residual_kg, {net} AS net_kg"
        )
    for service, mass in (("a", "0.000000003"), ("b", "0.000000007")):
        world.database.execute(
            f"INSERT INTO service_flows BY NAME SELECT {key}, '{service}' AS origin_service_id, '{service}' AS service_id,"
            f" {mass} AS emissions_kg"
        )
    return world


def test_kernel_shares_and_the_residual(shared):
    flow = shared.figures().flow
    assert flow.missing == ""
    masses = {
        (link.source.name, link.target.name): link.mass for link in flow.links if link.source.column in (1, 2, RESIDUAL)
    }
    assert masses == {
        ("R", "b"): Decimal("0.000000007"),
        ("R", "a"): Decimal("0.000000003"),
        ("idle", NO_USER): Decimal("9.999999990"),
        ("b", NO_USER): Decimal("0.000000007"),
        ("a", "a"): Decimal("0.000000003"),
        (NO_USER, "a"): Decimal("9.999999997"),
    }
    assert unbalanced(flow) == []


def test_usage_ingested_anew_is_no_picture(shared):
    shared.database.execute("UPDATE core_rack_usage SET used_units = 5 WHERE service_id = 'b'")
    flow = shared.figures().flow
    assert flow.links == ()
    assert flow.missing == "inputs have been ingested anew since the month was published"


def test_without_rack_usage_there_is_no_picture(shared):
    assert shared.figures(has_rack_usage=False).flow.missing == "the usage of racks is not in this lake"


def test_many_nodes_become_one(flow):
    world = World()
    for number in range(30):
        world.row(MONTH, f"{number:012d}", f"{number:012d}", {"scope_1": f"{number + 1}"}, service=f"s{number:02d}")
    flow = world.finish().figures().flow
    organisations = {link.target for link in flow.links if link.target.column == ORGANISATIONS}
    assert len(organisations) == 11
    assert Node(ORGANISATIONS, "20 others", is_collective=True) in organisations
    assert unbalanced(flow) == []


def test_nodes_stay_within_the_frame(flow):
    picture = charts.flow_picture(flow)["data"][0]["node"]
    assert all(0 < height < 1 for height in picture["y"])
    assert len(picture["label"]) == len(picture["x"]) == len(picture["y"]) == len(picture["color"])
