"""Parts of explanations: no microgram lost in odd pools, nothing of others for customers, activity rows with their factors."""

import pytest

from ccft.audit.explain import cluster_trees
from ccft.audit.explain_activity import MARKET_RULE, activity_lines
from ccft.audit.explain_cluster import CARRIED
from ccft.audit.explain_facts import AccountRow, Activity, ClusterFacts, Facts, InventoryLine
from ccft.audit.explanation import ClusterTree, Explanation, Level, Line, divide
from ccft.errors import CcftError
from ccft.methodology.model import methodology
from ccft.schema.columns import MEASURES

KG = 10**9


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (10, [-5, 1, 2], [0, 3, 7]),
        (10, [0, 0], [10, 0]),
        (10, [-1], [10]),
        (0, [3, 4], [0, 0]),
    ],
)
def test_a_division_loses_nothing(amount, weights, parts):
    assert divide(amount, weights) == parts


def test_a_level_that_misses_the_figure_is_refused():
    level = Level(1, "account <- service pools", "", (Line("vm", "scope_1", 4),))
    with pytest.raises(
        CcftError, match=r"CCFT-RUN-EXPLANATION-INEXACT: c1: .* 'account <- service pools' .* -0.000000001 kg"
    ):
        ClusterTree("c1", "eu-1", "Europe", 5, (level,))


def test_a_customer_sees_one_line_per_pool_and_its_own_weight_only():
    own = Line("vm", "scope_1", 4, "by usage", 100, 3, 75, "units", {"is_own_weight": True, "product_code": "P"})
    rest = Line("vm", "scope_1", 1, "remainder")
    activity = Line(
        "fuel", "scope_1", 5, pool=100, weight=1, total_weight=2, details={"quantity": "9 litre", "factor": "2.7"}
    )
    levels = (Level(1, "pools", "", (own, rest)), Level(6, "activity", "", (activity,)))
    tree = ClusterTree("c1", "eu-1", "Europe", 5, levels)
    safe = Explanation({"measure": "scope_1"}, (tree,)).for_customer().plain()
    [pool] = safe["clusters"][0]["levels"][0]["lines"]
    assert (pool["your_part_kg"], pool["weight"], pool["rule"]) == ("0.000000005", "0.000003", "by usage")
    [factor] = safe["clusters"][0]["levels"][1]["lines"]
    assert factor["details"] == {"factor": "2.7"}
    for line in (pool, factor):
        assert (line["pool_kg"], line["total_weight"], line["share"]) == (None, None, None)


def factor(kind, key, value, unit="kg/litre"):
    return {
        "factor_type": kind,
        "factor_key": key,
        "instrument": None,
        "value": value,
        "unit": unit,
        "source": "book",
        "vintage": 2022,
    }


def inventory_line(source, measure="scope_1", factors=()):
    line = InventoryLine(None, measure, source, 100 * KG, tuple(factors))
    return Line(source, measure, 100, details={"inventory": line})


def row(site, activity, substance, quantity, unit="litre"):
    return Activity(site, activity, substance, quantity * 10**6, unit, "metered")


def test_activity_weighs_by_quantity_times_its_own_factor():
    factors = [factor("gwp", "R-134a", "1430.0", "kg/kg"), factor("gwp", "R-32", "715.0", "kg/kg")]
    rows = [
        row("a", "refrigerant", "R-134a", 1, "kg"),
        row("b", "refrigerant", "R-32", 2, "kg"),
        row("c", "electricity", None, 5, "MWh"),
    ]
    lines = activity_lines(inventory_line("refrigerant", factors=factors), rows)
    assert [(line.label, line.part, line.details["factor"]) for line in lines] == [
        ("refrigerant: a R-134a", 50, "1430.0"), ("refrigerant: b R-32", 50, "715.0"),
    ]  # fmt: skip
    assert lines[0].details["quantity"] == "1.000000 kg"
    assert {line.rule for line in lines} == {"quantity x emission factor"}


def test_upstream_of_fuels_comes_from_both_fuels():
    factors = [factor("fuel_upstream", "diesel", "1.0"), factor("fuel_upstream", "natural_gas", "3.0", "kg/m3")]
    rows = [row("a", "generator_fuel", "diesel", 1), row("a", "natural_gas", "natural_gas", 1, "m3")]
    lines = activity_lines(inventory_line("fuel_upstream", "scope_3_fera_lbm", factors), rows)
    assert [line.part for line in lines] == [25, 75]


def test_certificates_are_named_where_the_market_decides():
    rows = [row("a", "electricity", None, 1, "MWh"), row("b", "electricity", None, 3, "MWh")]
    market = activity_lines(
        inventory_line("electricity", "scope_2_mbm", [factor("market_generation", "EU", "200")]), rows
    )
    assert [(line.part, line.rule) for line in market] == [(25, MARKET_RULE), (75, MARKET_RULE)]
    [*grid] = activity_lines(
        inventory_line("electricity", "scope_2_lbm", [factor("grid_generation", "EU", "200")]), rows
    )
    assert {line.rule for line in grid} == {"quantity x emission factor"}


def test_an_estimate_from_last_year_has_no_activity_row():
    [line] = activity_lines(inventory_line("generator_fuel", factors=[factor("fuel_combustion", "diesel", "2.7")]), [])
    assert line.part == 100
    assert line.rule.startswith("estimated from last year's activity")
    assert (line.details["factor"], line.details["evidence"]) == ("2.7", "estimated")


def small_world():
    """A cluster with one rack type and one networking rack type; the account is the only customer of the service."""
    masses = dict.fromkeys(MEASURES, 0) | {"scope_1": 90, "scope_3_embodied": 40}
    known = ClusterFacts(
        total_weights={"vm": 2},
        nets={("vm", "scope_1"): 90, ("vm", "scope_3_embodied"): 40},
        residuals={("vm", "scope_1"): 10},
        direct={("vm", "scope_1"): 80, ("vm", "scope_3_embodied"): 40},
        power={"C5": 3, "NET": 1},
        racks={"C5": 2, "NET": 1},
        inventory=[
            InventoryLine(None, "scope_1", "generator_fuel", 60, ()),
            InventoryLine("C5", "scope_3_embodied", "rack_embodied", 30, ()),
            InventoryLine("NET", "scope_3_embodied", "rack_embodied", 10, ()),
        ],
        activity=[row("a", "generator_fuel", "diesel", 1)],
    )
    known.flows["vm", "scope_1"] = {"vm": 80}
    known.flows["vm", "scope_3_embodied"] = {"vm": 40}
    known.usage["C5"] = {"vm": 5}
    parts = {
        ("C5", "in_use"): 30,
        ("C5", "unused_capacity"): 15,
        ("C5", "network_overhead"): 15,
        ("C5", "expansion_overhead"): 20,
    }
    known.rack_types["scope_1"] = parts
    known.rack_types["scope_3_embodied"] = {("C5", "in_use"): 30, ("C5", "network_overhead"): 10}
    account = AccountRow("c1", "eu-1", "Europe", "vm", "P", "usage", 2, masses)
    return Facts([account], {"c1": known}, {"NET"}, {("C5", "scope_1"): 20}, {"C5": 5})


def test_residual_worldwide_network_and_embodied_lines_are_explicit():
    [tree] = cluster_trees(small_world(), ["scope_1", "scope_3_embodied"], methodology("v3.0"))
    parts = [{line.label: line.part for line in level.lines} for level in tree.levels]
    assert tree.figure == 130
    assert parts[1] == {"vm": 40, "residual borne by vm": 10} | {"vm": 40}
    assert {line.part for line in tree.levels[1].lines if line.label == "vm"} == {80, 40}
    assert parts[3] == {
        "C5: planned power": 45,
        "C5: rack embodied": 30,
        "C5: networking racks (NET)": 15,
        "C5: networking racks, embodied (NET)": 10,
        "worldwide pool of C5: expansion overhead": 20,
        "residual borne by vm": 10,
    }
    assert parts[5] == {
        "generator_fuel: a diesel": 60,
        "rack_embodied of C5": 30,
        "rack_embodied of NET": 10,
        "worldwide pool of C5: expansion overhead": 20,
        "residual borne by vm": 10,
    }
    assert {line.label for line in tree.levels[5].lines if line.rule == CARRIED} == {
        "worldwide pool of C5: expansion overhead", "residual borne by vm",
    }  # fmt: skip
