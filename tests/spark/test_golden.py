"""Through ingest, run and Delta tables: the worked examples of the methodology page, and a few generated worlds."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from ccft.config import Settings
from ccft.inventory.embodied import rack_embodied
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.periods import period_range
from ccft.pipeline.ingest import ingest
from ccft.pipeline.run import run
from ccft.pipeline.stages import period_frame
from tests.oracle.oracle import allocate
from tests.oracle.worlds import World, make_world, write_folder
from tests.spark import engine
from tests.spark.agreement import compare
from tests.spark.deliveries import Delivery, merge, read_delivery, write_delivery

pytestmark = [pytest.mark.spark, pytest.mark.slow]

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
VERSIONS = ("v1.0", "v2.0", "v3.0")
SEEDS = {109: 200, 22: 201, 73: 202, 18: 203, 14: 204}
"""Worlds that between them have every event, basis and component, in slots after the months of the cases."""
EVENTS = {
    "closed-loop": "CLOSED-LOOP",
    "cluster-without-racks": "NO-RACKS",
    "historical-growth": "HISTORICAL-GROWTH",
    "negative-sum": "NEGATIVE-REVENUE",
    "no-list-price": "NO-PRICE",
    "no-mature-reference": "NO-MATURE-REFERENCE",
    "no-revenue": "NO-REVENUE",
    "rack-type-without-use": "UNUSED-RACK-TYPE",
    "service-without-customers": "NO-CUSTOMERS",
    "usage-instead-of-revenue": "USAGE-INSTEAD",
    "use-above-capacity": "USE-ABOVE-CAPACITY",
}
"""The oracle's words for the product's conditions that name cluster and subject."""
WITHOUT_SUBJECT = {
    "market-factor-fallback": "MARKET-FACTOR-FALLBACK",
    "residual-to-provider": "RESIDUAL-TO-PROVIDER",
    "residual-worldwide": "RESIDUAL-WORLDWIDE",
}
QUANTUM = Fraction(1, 10**9)
"""kg; what a published row may differ from an exact quotient."""
LARGEST_OF_THREE = 3 * QUANTUM
"""The largest row of a pool takes what the floors of all its rows leave over: flows of the cycle have three."""


@dataclass(frozen=True)
class Expected:
    """One file of expected rows: amounts by key."""

    table: str
    key: tuple[str, ...]
    amounts: tuple[str, ...]
    rows: dict[tuple[str, ...], dict[str, str]]


def is_amount(name: str) -> bool:
    return name.endswith(("_kg", "_mwh")) or name == "share"


def expected_rows(case: str) -> list[Expected]:
    """What a case expects."""
    found = []
    for file in sorted((GOLDEN / case / "expected").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        key = tuple(name for name in rows[0] if not is_amount(name))
        amounts = tuple(name for name in rows[0] if is_amount(name))
        by_key = {tuple(row[name] for name in key): row for row in rows}
        assert len(by_key) == len(rows), f"{file}: a key twice"
        found.append(Expected(file.name.split(".")[0], key, amounts, by_key))
    return found


def versions_of(case: str) -> dict[str, set[str]]:
    """Versions that a case is run in, with its months."""
    periods: dict[str, set[str]] = defaultdict(set)
    for expected in expected_rows(case):
        for row in expected.rows.values():
            periods[row["methodology_version"]].add(row["usage_period"])
    return periods


def summed(expected: Expected, rows: Iterable[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Fraction]]:
    """Published rows summed by the key of the expected ones; sums of 0 are left out."""
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: dict.fromkeys(expected.amounts, Fraction(0)))
    for row in rows:
        own = sums[tuple("" if row[name] is None else str(row[name]) for name in expected.key)]
        for name in expected.amounts:
            own[name] += Fraction(row[name])
    return {key: amounts for key, amounts in sums.items() if any(amounts.values())}


def unlike(expected: Expected, found: dict[tuple[str, ...], dict[str, Fraction]]) -> list[str]:
    """Amounts that differ: exactly given ones at all, quotients by more than a microgram."""
    nothing = dict.fromkeys(expected.amounts, Fraction(0))
    wrong = []
    for key in sorted(set(expected.rows) | set(found)):
        tolerance = LARGEST_OF_THREE if expected.table == "service_flows" else QUANTUM
        for name in expected.amounts:
            text = expected.rows.get(key, {}).get(name, "0")
            actual = found.get(key, nothing)[name]
            if abs(actual - Fraction(text)) > (tolerance if "/" in text else 0):
                wrong.append(f"{expected.table} {key} {name}: {float(actual):.9f} instead of {text}")
    return wrong


class Published:
    """A lake with all cases and worlds, read without Spark."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._rows: dict[str, engine.Rows] = {}

    def rows(self, table: str) -> engine.Rows:
        if table not in self._rows:
            self._rows[table] = DeltaTable(f"{self.root}/{table}").to_pyarrow_table().to_pylist()
        return self._rows[table]


@pytest.fixture(scope="module")
def cases() -> dict[str, Delivery]:
    return {name: read_delivery(GOLDEN / name / "inputs") for name in CASES}


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [make_world(seed, slot) for seed, slot in SEEDS.items()]


@pytest.fixture(scope="module")
def published(spark, tmp_path_factory, cases, worlds) -> Published:
    """One delivery of everything: ingested once, each version run once over the months that need it."""
    folder = tmp_path_factory.mktemp("golden")
    generated = [read_delivery(write_folder(world.tables, folder / str(world.slot))) for world in worlds]
    inputs = write_delivery(merge([*generated, *cases.values()]), folder / "inputs")
    lake = Lake(spark, str(folder / "lake"))
    report = ingest(spark, str(inputs), lake, Settings())
    assert report.rejected == {"account_usage": {}, "rack_usage": {}}
    for version in VERSIONS:
        months = {world.period for world in worlds}.union(*(versions_of(case).get(version, set()) for case in CASES))
        run(lake, Settings(), sorted(months), methodology(version))
    return Published(lake.root)


@pytest.mark.parametrize("case", CASES)
def test_worked_example(published, cases, case):
    periods = versions_of(case)
    wrong = []
    for expected in expected_rows(case):
        own = [
            row
            for row in published.rows(expected.table)
            if cases[case].owns(row) and row["usage_period"] in periods.get(row["methodology_version"], set())
        ]
        wrong += unlike(expected, summed(expected, own))
    assert wrong == []


def test_every_month_of_a_life_sums_to_the_embodied_carbon(spark):
    """The rack of the amortisation case: 73 months with a share, 72,000 kg in all."""
    rack = read_delivery(GOLDEN / "amortisation" / "inputs").tables["racks"][0]
    columns = (
        "cluster_id string, rack_type string, embodied_kg decimal(18,9), deployed_on date, service_life_months int"
    )
    values = (
        rack["cluster_id"],
        rack["rack_type"],
        Decimal(rack["embodied_kg"]),
        date.fromisoformat(rack["deployed_on"]),
        None,
    )
    racks = spark.createDataFrame([values], columns)
    months = period_frame(spark, period_range("2023-12", "2031-12"))
    quanta = {row["usage_period"]: row["quanta"] for row in rack_embodied(racks, months).collect()}
    assert sum(quanta.values()) == 72_000 * 10**9
    assert sorted(quanta) == period_range("2024-02", "2030-02")
    assert len(quanta) == 73


@pytest.mark.parametrize("version", VERSIONS)
def test_generated_worlds_agree_with_the_oracle(published, worlds, version):
    """What was written and read back, row by row."""
    found = {}
    for world in worlds:
        own = {
            name: [
                row
                for row in published.rows(name)
                if row["usage_period"] == world.period and row["methodology_version"] == version
            ]
            for name in engine.COMPARED
        }
        differences = compare(own, allocate(world.tables, world.period, version), methodology(version).measures)
        if differences:
            found[world.seed] = differences[:5]
    assert not found


@pytest.mark.parametrize("version", VERSIONS)
def test_events_are_those_of_the_oracle(published, worlds, version):
    """Every remark of contract section 2 that a run makes: the oracle sees the same cases, no more and no fewer."""
    known = {f"CCFT-EVENT-{name}" for name in (*EVENTS.values(), *WITHOUT_SUBJECT.values())}
    seen = set()
    for world in worlds:
        expected, clusters = set(), {row["cluster_id"] for row in world.tables["clusters"]}
        oracle = allocate(world.tables, world.period, version)
        # Networking racks with nothing to serve are residual like types nobody used, and remarked alike.
        network = {(row["cluster_id"], row["rack_type"]) for row in world.tables["racks"] if row["is_network"]}
        for cluster, rack_type, _, component in oracle.rack_types:
            if component == "residual" and (cluster, rack_type) in network:
                expected.add(("CCFT-EVENT-UNUSED-RACK-TYPE", cluster, rack_type))
        for label, cluster, subject in oracle.events:
            if label in EVENTS:
                expected.add((f"CCFT-EVENT-{EVENTS[label]}", cluster, subject))
            if label in WITHOUT_SUBJECT:
                expected.add((f"CCFT-EVENT-{WITHOUT_SUBJECT[label]}", cluster, None))
        own = {
            (row["condition"], row["cluster_id"], row["subject"] if row["condition"] in with_subject() else None)
            for row in published.rows("data_quality_events")
            if (row["usage_period"], row["methodology_version"]) == (world.period, version)
            and row["condition"] in known
            and row["cluster_id"] in clusters
        }
        assert own == expected, world.seed
        seen |= {condition for condition, _, _ in own}
    assert len(seen) >= 8


def with_subject() -> set[str]:
    return {f"CCFT-EVENT-{name}" for name in EVENTS.values()}


def test_the_cycle_says_what_two_rounds_would_miss(published, cases):
    """Methodology section 5: off by up to 2.9 %."""
    rows = [row for row in published.rows("data_quality_events") if row["condition"] == "CCFT-EVENT-TWO-ROUNDS"]
    own = [row for row in rows if cases["cycle"].owns(row) and row["usage_period"] in versions_of("cycle")["v2.0"]]
    assert {(row["methodology_version"], row["subject"], row["event_value"]) for row in own} == {
        (version, "cycle-s3", Decimal("-2.8673")) for version in ("v2.0", "v3.0")
    }


def test_provider_keeps_unused_capacity_and_networking_in_v1(published):
    """Retained rows: the provider's own account, in the cluster of origin, without a weight."""
    rows = [row for row in published.rows("account_emissions") if row["allocation_basis"] == "retained"]
    early = [row for row in rows if row["methodology_version"] == "v1.0"]
    assert {row["service_id"] for row in early} == {"UnusedCapacity", "SharedOverhead"}
    assert {row["account_id"] for row in rows} == {"000000000000"}
    assert all(row["weight"] is None and row["product_code"] == row["service_id"] for row in rows)
    later = {row["service_id"] for row in rows if row["methodology_version"] != "v1.0"}
    assert later <= {"SharedOverhead"}


def test_ledger_is_published_without_a_difference(published):
    lines = published.rows("reconciliation")
    assert {line["methodology_version"] for line in lines} == set(VERSIONS)
    assert [line for line in lines if line["difference_kg"] != 0] == []
