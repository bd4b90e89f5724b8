"""Random worlds keep the contract, cover the rules and do not disturb each other (contract, section 1)."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle.accounts import Pools
from tests.oracle.exact import add_months, first_day, period_of, shift, valid_in
from tests.oracle.folder import COLUMNS, LARGE, write_folder
from tests.oracle.model import EVIDENCE, MEASURES, POLICIES, Result
from tests.oracle.oracle import allocate
from tests.oracle.worlds import World, by_trait, combine, make_world, place

KEYS = {
    "clusters": 1, "activity": 5, "emission_factors": 4, "certificates": 3, "racks": 1, "facility_assets": 1,
    "services": 1, "accounts": 2, "rack_usage": 3, "account_usage": 5,
}  # fmt: skip
EVENTS = {
    "closed-loop", "cluster-without-racks", "historical-growth", "market-factor-fallback", "negative-sum",
    "no-list-price", "no-mature-reference", "no-revenue", "rack-type-without-use", "residual-to-cluster",
    "residual-to-provider", "residual-to-service", "residual-worldwide", "service-without-customers",
    "usage-instead-of-revenue", "use-above-capacity",
}  # fmt: skip
WORLDS = [make_world(seed) for seed in range(120)]


def check_types(table: str, row: dict[str, object]) -> None:
    """Values have their column's type and places."""
    types = {"id": str, "date": date, "q": Decimal, "f": Decimal, "bool": bool, "int": int}
    for name, kind in COLUMNS[table].items():
        value = row[name]
        assert value is None or isinstance(value, types[kind]), (table, name, value)
        if isinstance(value, Decimal):
            assert -value.as_tuple().exponent <= (6 if kind == "q" else 9)  # type: ignore[operator]
            assert abs(value) < (10**12 if kind == "q" else 10**9)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world.seed))
def test_worlds_keep_the_contract(world: World) -> None:
    """Types, keys, parents and signs of a world are what ingest accepts."""
    tables = world.tables
    for table, rows in tables.items():
        for row in rows:
            check_types(table, row)
        keys = [tuple(row[name] for name in list(COLUMNS[table])[: KEYS[table]]) for row in rows]
        assert len(set(keys)) == len(keys), table
    clusters = {row["cluster_id"]: row for row in tables["clusters"]}
    services = {row["service_id"] for row in tables["services"]}
    for table in ("racks", "activity", "facility_assets", "account_usage"):
        assert {row["cluster_id"] for row in tables[table]} <= set(clusters)
    assert {row["service_id"] for table in LARGE for row in tables[table]} <= services
    check_racks(world)
    check_accounts(world)


def check_racks(world: World) -> None:
    """Racks are out of service by the month's end, used only in service and never when networking."""
    racks = {row["rack_id"]: row for row in world.tables["racks"]}
    assert len({(row["rack_type"], row["is_network"]) for row in racks.values()}) == len(
        {row["rack_type"] for row in racks.values()}
    )
    end = add_months(first_day(world.period), 1)
    for row in racks.values():
        assert row["deployed_on"] < row["retired_on"] <= end
        assert add_months(row["deployed_on"], row["service_life_months"]) < first_day(shift(world.period, 31))
    for row in world.tables["rack_usage"]:
        rack = racks[row["rack_id"]]
        assert not rack["is_network"]
        assert rack["deployed_on"] <= row["usage_date"] < rack["retired_on"]
        assert row["used_units"] >= 0


def check_accounts(world: World) -> None:
    """Usage is of accounts that are valid in the month, costs of internal ones; payers have rows of their own."""
    rows = [r for r in world.tables["accounts"] if valid_in(world.period, r["valid_from"], r["valid_to"])]
    accounts = {row["account_id"]: row for row in rows}
    assert len(accounts) == len(rows)
    for row in world.tables["accounts"]:
        assert len(row["account_id"]) == 12
        assert row["payer_account_id"] in accounts
        assert row["owner_service_id"] is None or row["account_type"] == "internal"
    for row in world.tables["account_usage"]:
        assert period_of(row["usage_date"]) == world.period
        assert row["allocated_cost_usd"] is None or accounts[row["account_id"]]["account_type"] == "internal"
        assert row["usage_units"] >= 0


def test_amounts_are_within_the_representable_range() -> None:
    """No pool exceeds 9.2e12 units, no mass 1e9 kg (section 3, apportioning)."""
    for world in WORLDS:
        result = allocate(world.tables, world.period, "v3.0")
        assert all(result.inventory_total(measure) < 9 * 10**8 for measure in MEASURES)
        pools = Pools(Result(POLICIES["v2.0"]), world.tables, world.period)
        for entries in pools.entries.values():
            assert sum(entry.weight for entry in entries.values()) < 9 * 10**11


def test_inventory_evidence_adds_up() -> None:
    """The parts of a line by evidence sum to the line (section 2)."""
    for world in WORLDS:
        for line in allocate(world.tables, world.period, "v3.0").inventory.values():
            assert set(line.parts) <= set(EVIDENCE)
            assert not line.kg or sum(line.parts.values()) == line.kg


def test_worlds_cover_the_rules() -> None:
    """Every event and component occurs in several worlds."""
    events: Counter[str] = Counter()
    components: Counter[str] = Counter()
    for world in WORLDS:
        result = allocate(world.tables, world.period, "v2.0")
        events.update({event[0] for event in result.events})
        components.update({key[3] for key, mass in result.rack_types.items() if mass})
    assert set(events) == EVENTS
    assert set(components) == {"in_use", "unused_capacity", "network_overhead", "expansion_overhead", "residual"}
    assert min(components.values()) >= 5
    assert len(by_trait(WORLDS)) > 40


def plain(result: Result) -> tuple[object, ...]:
    """A result without its zero lines."""
    inventory = {key: line.kg for key, line in result.inventory.items() if line.kg}
    accounts = {key: (row.mass, row.weight, row.basis) for key, row in result.accounts.items()}
    return inventory, dict(result.rack_types), dict(result.flows), accounts, result.events, result.shares


@pytest.mark.parametrize("version", list(POLICIES))
def test_worlds_of_a_batch_do_not_touch(version: str) -> None:
    """A period of the batch comes to the same as its world alone."""
    worlds = WORLDS[:12]
    tables, runs = combine(worlds)
    assert len({period for period, _ in runs}) == len(worlds)
    for slot, (period, seed) in enumerate(runs):
        alone = place(make_world(seed), slot)
        assert alone.period == period
        assert plain(allocate(tables, period, version)) == plain(allocate(alone.tables, period, version))


def test_worlds_are_deterministic() -> None:
    """The same seed and slot make the same world."""
    assert make_world(7, 3) == make_world(7, 3)
    assert make_world(7, 3).tables != make_world(8, 3).tables


@pytest.mark.parametrize("parquet", [False, True])
def test_folder_has_every_table(tmp_path: Path, parquet: bool) -> None:
    """One file per table, decimals without loss (contract, section 1)."""
    if parquet:
        pytest.importorskip("pyarrow")
    tables, _ = combine([world for world in WORLDS[:20] if len(world.tables["racks"]) > 8])
    folder = write_folder(tables, tmp_path / "inputs", parquet)
    assert {file.stem for file in folder.iterdir()} == set(COLUMNS)
    with (folder / "racks.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [Decimal(row["embodied_kg"]) for row in rows] == [row["embodied_kg"] for row in tables["racks"]]
    assert "" in {row["retired_on"] for row in rows}
