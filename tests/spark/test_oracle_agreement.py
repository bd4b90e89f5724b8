"""The engine against the oracle: 200 generated worlds in every methodology version, each row and each sum."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from ccft.lake.memory import settle
from ccft.methodology.model import Scope1Gaps, methodology
from tests.oracle.oracle import allocate
from tests.oracle.worlds import World, combine, make_world, write_folder
from tests.spark import engine
from tests.spark.agreement import compare

pytestmark = [pytest.mark.spark, pytest.mark.slow]

WORLDS = 200
VERSIONS = ("v1.0", "v2.0", "v3.0")
NOT_ZERO = {
    "inventory_emissions": "emissions_kg <> 0",
    "reconciliation": "difference_kg <> 0 OR cluster_id = 'worldwide'",
}
"""Clusters of other worlds have lines of 0 kg in every month; the oracle says nothing about them."""


@dataclass(frozen=True)
class Delivered:
    """Worlds, and their core tables in one set."""

    worlds: list[World]
    core: engine.Core

    @property
    def periods(self) -> list[str]:
        return [world.period for world in self.worlds]


@pytest.fixture(scope="module")
def delivered(spark, tmp_path_factory) -> Delivered:
    worlds = [make_world(seed, seed) for seed in range(WORLDS)]
    tables, _ = combine(worlds)
    folder = write_folder(tables, tmp_path_factory.mktemp("worlds") / "inputs", parquet=True)
    return Delivered(worlds, engine.core_tables(spark, folder))


@pytest.fixture(scope="module", params=VERSIONS)
def computed(spark, delivered, request) -> tuple[str, dict[str, engine.ByPeriod]]:
    """All worlds of one version: computed once, read by the tests below."""
    policy = methodology(request.param)
    wanted = {name: NOT_ZERO.get(name, "true") for name in engine.COMPARED}
    core = delivered.core
    if policy.scope_1_gaps is Scope1Gaps.NONE:
        # Worlds of earlier months need no fuel row then; without them there are far fewer lines of 0 kg.
        core = core | {"core_activity": settle(core["core_activity"].where("NOT endswith(site_id, '-idle')"))}
    return request.param, engine.results(spark, core, delivered.periods, policy, wanted)


def test_every_row_agrees(delivered, computed):
    """Rows within 1e-6 kg, inventory, certificates and totals exactly."""
    version, tables = computed
    found = {}
    for world in delivered.worlds:
        own = {name: rows[world.period] for name, rows in tables.items()}
        differences = compare(own, allocate(world.tables, world.period, version), methodology(version).measures)
        if differences:
            found[world.seed] = differences[:5]
    assert not found


def test_ledger_has_no_difference(delivered, computed):
    """0.000000000 kg in every cluster and step, and one worldwide line per step and measure."""
    _, tables = computed
    lines = [line for rows in tables["reconciliation"].values() for line in rows]
    assert [line for line in lines if line["difference_kg"] != 0] == []
    worldwide = {
        (line["usage_period"], line["step"], line["measure"]) for line in lines if line["cluster_id"] == "worldwide"
    }
    assert {step for _, step, _ in worldwide} == {
        "inventory", "rack_types", "overhead", "services", "interdependencies", "residuals", "accounts", "total"
    }  # fmt: skip
    assert {period for period, _, _ in worldwide} == set(delivered.periods)


def test_sums_are_equal_at_every_level(delivered, computed):
    """Inventory, rack types, services and accounts hold the same mass, to the last microgram."""
    version, tables = computed
    for period in delivered.periods:
        for measure in methodology(version).measures:
            levels = {
                name: sum((row[amount] for row in tables[name][period] if row["measure"] == measure), Decimal(0))
                for name, amount in (
                    ("inventory_emissions", "emissions_kg"),
                    ("rack_type_emissions", "emissions_kg"),
                    ("service_emissions", "net_kg"),
                )
            }
            levels["accounts"] = sum((row[f"{measure}_kg"] for row in tables["account_emissions"][period]), Decimal(0))
            assert len(set(levels.values())) == 1, (period, measure, levels)


def test_measures_out_of_scope_are_zero(computed):
    version, tables = computed
    absent = set(methodology("v3.0").measures) - set(methodology(version).measures)
    rows = [row for rows in tables["account_emissions"].values() for row in rows]
    assert rows
    assert {row[f"{measure}_kg"] for row in rows for measure in absent} <= {0}
