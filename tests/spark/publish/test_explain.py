"""Explanations of real figures: every level sums to the figure in the table, and re-derives what the run computed."""

import json
import time
from decimal import Decimal

import pytest

import ccft
from ccft.audit import published
from ccft.audit.explain_cluster import NOT_REDERIVED, ClusterExplainer
from ccft.audit.explain_facts import AccountRow, account_rows, load
from ccft.audit.explanation import kilograms
from ccft.errors import CcftError
from ccft.lake.reader import run_log
from ccft.methodology.model import methodology
from ccft.pipeline import explain as explaining
from ccft.pipeline.explain import Question, explain
from ccft.schema.columns import MEASURES
from ccft.schema.view_columns import DERIVED

pytestmark = [pytest.mark.spark, pytest.mark.slow]
PERIOD = "2025-06"
SITUATIONS = {
    "largest": "true",
    "not foundational": "allocation_basis = 'revenue'",
    "internal": "account_type = 'internal' AND allocation_basis <> 'retained'",
    "edge": "region_code = 'global'",
    "residual": "(cluster_id, service_id) IN (SELECT (cluster_id, service_id) FROM service_emissions WHERE residual_kg > 0)",
    "expansion": "(cluster_id) IN (SELECT cluster_id FROM rack_type_emissions WHERE component = 'expansion_overhead')",
}


@pytest.fixture(scope="module")
def database(published_world):
    return ccft.open(published_world.root)


def account_of(database, version, where):
    found = database.execute(
        f"SELECT account_id FROM account_emissions WHERE methodology_version = ? AND {where}"
        " GROUP BY 1 ORDER BY sum(scope_2_lbm_kg) DESC, 1 LIMIT 1",
        [version],
    ).fetchone()
    return found and found[0]


def figure(database, account, version, measures):
    masses = " + ".join(f"{measure}_kg" for measure in measures)
    return database.execute(
        f"SELECT sum({masses}) FROM account_emissions WHERE account_id = ? AND methodology_version = ?",
        [account, version],
    ).fetchone()[0]


def lines_of(explanation):
    return [line for tree in explanation["clusters"] for level in tree["levels"] for line in level["lines"]]


@pytest.mark.parametrize("version", ["v1.0", "v2.0", "v3.0"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_level_sums_to_the_figure_in_the_table(published_world, database, version, situation):
    account = account_of(database, version, SITUATIONS[situation])
    if account is None:
        pytest.skip(f"{version} has no such account")
    for measure in ("total_lbm", "scope_2_mbm"):
        parts = DERIVED.get(measure, (measure,))
        told = explain(published_world.root, Question(account, PERIOD, measure, version=version)).plain()
        expected = figure(database, account, version, parts)
        assert Decimal(told["figure_kg"]) == expected
        assert sum(Decimal(tree["figure_kg"]) for tree in told["clusters"]) == expected
        for tree in told["clusters"]:
            assert [level["level"] for level in tree["levels"]] == [1, 2, 3, 4, 5, 6]
            for level in tree["levels"]:
                parts_sum = sum(Decimal(line["your_part_kg"]) for line in level["lines"])
                assert parts_sum == Decimal(level["sum_kg"]) == Decimal(tree["figure_kg"])
        assert not [line for line in lines_of(told) if line["rule"] == NOT_REDERIVED]


def test_a_measure_that_the_version_does_not_have_is_zero(published_world, database):
    account = account_of(database, "v2.0", "true")
    told = explain(published_world.root, Question(account, PERIOD, "scope_3_mbm", version="v2.0")).plain()
    assert told["figure_kg"] == "0.000000000"
    assert "not computed by this version, 0 in its rows: scope_3_fera_mbm, scope_3_embodied" in told["notes"]


def test_what_stays_with_the_provider_is_explained(published_world, database):
    for service in ("UnusedCapacity", "SharedOverhead"):
        told = explain(
            published_world.root, Question("000000000000", PERIOD, "scope_2_lbm", service, version="v1.0")
        ).plain()
        assert Decimal(told["figure_kg"]) > 0
        assert not [line for line in lines_of(told) if line["rule"] == NOT_REDERIVED]
        first = told["clusters"][0]["levels"][0]["lines"][0]
        assert first["rule"] == "stays with the provider"
        assert first["pool_kg"] == first["your_part_kg"]


def explainers(opened, line, measures, policy):
    """Explainers of every cluster, also of those without customers."""
    clusters = opened.execute("SELECT DISTINCT cluster_id FROM rack_type_emissions ORDER BY 1").fetchall()
    nobody = [
        AccountRow(cluster, "", "", "none", "", "usage", None, dict.fromkeys(MEASURES, 0)) for (cluster,) in clusters
    ]
    facts = load(opened, nobody, line.period, measures)
    for cluster, known in facts.clusters.items():
        for measure in measures:
            yield ClusterExplainer(facts, known, [row for row in nobody if row.cluster_id == cluster], measure, policy)


@pytest.mark.parametrize("version", ["v1.0", "v2.0", "v3.0"])
def test_levels_re_derive_what_the_run_computed(published_world, version):
    """Pools, direct emissions and rack types of every cluster follow from inputs and the rules; only ramp-up takes something away."""
    [line] = [x for x in published.lines(run_log(published_world.root)) if x.methodology_version == version]
    policy = methodology(version)
    opened, _ = explaining._open(published_world.root, line)
    measures = list(policy.measures)
    sent, came, checked = {}, {}, 0
    for explainer in explainers(opened, line, measures, policy):
        measure = explainer.measure
        for (service, of), amount in explainer.known.direct.items():
            if of == measure:
                assert sum(explainer.direct(service).values()) == amount
                checked += 1
        for rack_type in explainer.known.power:
            if rack_type in explainer.networks and version != "v1.0":
                continue
            before = explainer.by_power[rack_type] + explainer.embodied.get(rack_type, 0)
            difference = before - explainer.kept(rack_type)
            assert difference >= 0
            sent[rack_type, measure] = sent.get((rack_type, measure), 0) + difference
            came[rack_type, measure] = explainer.facts.world_pools.get((rack_type, measure), 0)
    assert checked > 100
    assert sent == came
    assert any(sent.values()) == (version != "v1.0")


def test_the_first_level_names_the_remainder(published_world, database):
    """Accounts with the largest weight of a pool take what the floors leave over."""
    cluster, service, account = database.execute(
        "SELECT cluster_id, service_id, account_id FROM account_emissions WHERE methodology_version = 'v2.0' AND weight IS NOT NULL"
        " QUALIFY row_number() OVER (PARTITION BY cluster_id, service_id ORDER BY weight DESC, account_id) = 1"
        " AND count(*) OVER (PARTITION BY cluster_id, service_id) > 3 ORDER BY scope_2_lbm_kg DESC LIMIT 1"
    ).fetchone()
    question = Question(account, PERIOD, "scope_2_lbm", service, cluster, "v2.0")
    pools = explain(published_world.root, question).plain()["clusters"][0]["levels"][0]["lines"]
    assert [line["rule"].partition(":")[0] for line in pools[1:]] == ["remainder of the pool"]
    assert abs(Decimal(pools[1]["your_part_kg"])) < Decimal("0.000001")


def test_a_customer_sees_no_pool(published_world, database):
    account = account_of(database, "v2.0", "true")
    question = Question(account, PERIOD, "total_mbm", version="v2.0")
    provider, customer = (
        explain(published_world.root, question),
        explain(published_world.root, question, for_customer=True),
    )
    assert customer.plain()["figure_kg"] == provider.plain()["figure_kg"]
    lines = lines_of(customer.plain())
    assert {(line["pool_kg"], line["total_weight"], line["share"]) for line in lines} == {(None, None, None)}
    text = json.dumps(customer.plain())
    parts = {line["your_part_kg"] for line in lines_of(provider.plain())} | {
        t["figure_kg"] for t in provider.plain()["clusters"]
    }
    hidden = {
        line[name] for line in lines_of(provider.plain()) for name in ("pool_kg", "total_weight") if line[name]
    } - parts
    assert len(hidden) > 20
    assert [value for value in hidden if f'"{value}"' in text] == []
    assert "MWh" not in text.replace("kg/MWh", "")
    for tree in customer.plain()["clusters"]:
        for level in tree["levels"]:
            assert sum(Decimal(line["your_part_kg"]) for line in level["lines"]) == Decimal(tree["figure_kg"])


def test_inputs_are_read_as_of_the_run_or_the_explanation_says_so(published_world, database):
    account = account_of(database, "v2.0", "true")
    [line] = [x for x in published.lines(run_log(published_world.root)) if x.methodology_version == "v2.0"]
    notes = explain(published_world.root, Question(account, PERIOD, version="v2.0")).plain()["notes"]
    assert any(note.startswith("inputs as of now") for note in notes) != bool(line.input_versions)
    assert any("scope_3_fera_lbm, scope_3_embodied" in note for note in notes)


def test_changed_inputs_are_named_and_nothing_is_lost(published_world):
    [line] = [x for x in published.lines(run_log(published_world.root)) if x.methodology_version == "v2.0"]
    opened, _ = explaining._open(published_world.root, line)
    rows = account_rows(opened, account_of(ccft.open(published_world.root), "v2.0", "true"), None, None)
    facts = load(opened, rows, line.period, ["scope_2_lbm"])
    cluster = max(rows, key=lambda row: row.masses["scope_2_lbm"]).cluster_id
    for users in facts.clusters[cluster].usage.values():
        users["aaa-other"] = max(users.values())
    tree = next(
        t for t in explaining.cluster_trees(facts, ["scope_2_lbm"], methodology("v2.0")) if t.cluster_id == cluster
    )
    assert {line.rule for line in tree.levels[2].lines} >= {NOT_REDERIVED}
    assert {sum(line.part for line in level.lines) for level in tree.levels} == {tree.figure}


def test_it_is_quick(published_world, database):
    account = account_of(database, "v3.0", "true")
    started = time.monotonic()
    explain(published_world.root, Question(account, PERIOD))
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (Question("999999999999", PERIOD), "CCFT-USAGE-NO-SUCH-ROW: account 999999999999 has no row in 2025-06 v3.0"),
        (Question("000000000000", PERIOD, service="nothing", region="nowhere"), "service nothing, region nowhere"),
        (Question("000000000000", "2031-01"), "CCFT-RUN-NOTHING-PUBLISHED: 2031-01"),
        (Question("000000000000", PERIOD, "scope_4"), "CCFT-USAGE-UNKNOWN-MEASURE: 'scope_4'"),
        (Question("000000000000", PERIOD, version="v9.9"), "CCFT-USAGE-UNKNOWN-METHODOLOGY"),
    ],
)
def test_what_cannot_be_explained_is_named(published_world, question, code):
    with pytest.raises(CcftError, match=code):
        explain(published_world.root, question)


def test_masses_are_exact_text():
    assert [kilograms(quanta) for quanta in (0, 5, -1, 10**18 + 1)] == [
        "0.000000000", "0.000000005", "-0.000000001", "1000000000.000000001",
    ]  # fmt: skip
    assert set(DERIVED["total_lbm"]) < set(MEASURES)
