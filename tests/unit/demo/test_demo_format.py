"""The folder is what the data contract asks for: tables, types, keys, references; and it is reproducible."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccft.demo import DemoWorld, write_demo_world
from ccft.demo.files import AI_SCHEMAS, SCHEMAS
from ccft.periods import period_range

Ask = Callable[..., list[tuple[Any, ...]]]

KEYS = {
    "clusters": "cluster_id",
    "activity": "period, site_id, cluster_id, activity, substance",
    "emission_factors": "factor_type, factor_key, instrument, valid_from",
    "certificates": "period, market_boundary, certificate_id",
    "racks": "rack_id",
    "facility_assets": "asset_id",
    "services": "service_id",
    "accounts": "account_id, valid_from",
    "rack_usage": "usage_date, rack_id, service_id",
    "account_usage": "usage_date, account_id, cluster_id, service_id, usage_type",
}
SMALL: dict[str, Any] = {"accounts": 200, "months": 2}


def _csv_hashes(out: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("*.csv"))}


def test_every_table_is_written_once(world: DemoWorld) -> None:
    csv = {path.stem for path in world.out.glob("*.csv")}
    folders = {path.name for path in world.out.iterdir() if path.is_dir()}
    assert folders == {"rack_usage", "account_usage", "ai_accelerator_usage", "ai_token_usage"}
    assert csv | folders == set(SCHEMAS) | set(AI_SCHEMAS) == set(world.rows)
    assert not csv & folders


def test_periods_end_with_the_last_one(world: DemoWorld) -> None:
    assert world.periods == tuple(period_range("2024-04", "2025-06"))


@pytest.mark.parametrize("table", ["rack_usage", "account_usage"])
def test_parquet_has_exact_types_and_one_file_per_month(world: DemoWorld, table: str) -> None:
    files = sorted((world.out / table).iterdir())
    assert [file.name for file in files] == [f"part-{period}-000.parquet" for period in world.periods]
    assert all(pq.read_schema(file).equals(SCHEMAS[table]) for file in files)


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique_and_counts_are_true(world: DemoWorld, ask: Ask, table: str) -> None:
    ((rows, distinct),) = ask(f"SELECT count(*), count(DISTINCT ({KEYS[table]})) FROM {table}")
    assert rows == distinct == world.rows[table] > 0


def test_csv_headers_match_the_contract(world: DemoWorld) -> None:
    for name in set(SCHEMAS) - {"rack_usage", "account_usage"}:
        header = (world.out / f"{name}.csv").read_text(encoding="utf-8").split("\n", 1)[0]
        assert header == ",".join(SCHEMAS[name].names)


@pytest.mark.parametrize(
    ("child", "column", "parent", "key"),
    [
        ("activity", "cluster_id", "clusters", "cluster_id"),
        ("racks", "cluster_id", "clusters", "cluster_id"),
        ("facility_assets", "cluster_id", "clusters", "cluster_id"),
        ("accounts", "payer_account_id", "accounts", "account_id"),
        ("accounts", "owner_service_id", "services", "service_id"),
        ("rack_usage", "rack_id", "racks", "rack_id"),
        ("rack_usage", "service_id", "services", "service_id"),
        ("account_usage", "account_id", "accounts", "account_id"),
        ("account_usage", "cluster_id", "clusters", "cluster_id"),
        ("account_usage", "service_id", "services", "service_id"),
        ("certificates", "market_boundary", "clusters", "market_boundary"),
    ],
)
def test_references_hold(ask: Ask, child: str, column: str, parent: str, key: str) -> None:
    orphans = ask(f"SELECT DISTINCT {column} FROM {child} WHERE {column} NOT IN (SELECT {key} FROM {parent})")
    assert orphans == []


def test_account_ids_have_twelve_digits_and_leading_zeros(ask: Ask) -> None:
    assert ask("SELECT count(*) FROM accounts WHERE NOT regexp_full_match(account_id, '0[0-9]{11}')") == [(0,)]


def test_usage_belongs_to_an_account_valid_in_the_month(ask: Ask) -> None:
    strays = """SELECT count(*) FROM account_usage u WHERE NOT EXISTS (
        SELECT 1 FROM accounts a WHERE a.account_id = u.account_id
        AND u.period BETWEEN a.valid_from AND coalesce(a.valid_to, '9999-12'))"""
    assert ask(strays) == [(0,)]


def test_validity_never_overlaps_and_payers_are_valid(ask: Ask) -> None:
    overlaps = """SELECT count(*) FROM accounts a JOIN accounts b USING (account_id)
        WHERE a.valid_from < b.valid_from AND coalesce(a.valid_to, '9999-12') >= b.valid_from"""
    assert ask(overlaps) == [(0,)]
    assert ask("SELECT count(*) FROM accounts WHERE valid_to < valid_from") == [(0,)]
    payers = """SELECT count(*) FROM accounts a WHERE a.valid_from >= '2024-01' AND NOT EXISTS (
        SELECT 1 FROM accounts p WHERE p.account_id = a.payer_account_id AND p.valid_from <= a.valid_from
        AND coalesce(p.valid_to, '9999-12') >= a.valid_from)"""
    assert ask(payers) == [(0,)]


def test_owners_are_internal_and_locations_agree(ask: Ask) -> None:
    owners = "SELECT DISTINCT account_type FROM accounts WHERE owner_service_id IS NOT NULL"
    assert ask(owners) == [("internal",)]
    assert ask("SELECT region_code FROM clusters GROUP BY 1 HAVING count(DISTINCT location) > 1") == []
    assert ask("SELECT DISTINCT cluster_type, location FROM clusters WHERE region_code = 'global'") == [
        ("edge", "Global")
    ]
    reserved = "SELECT count(*) FROM services WHERE product_code IN ('UnusedCapacity', 'SharedOverhead')"
    assert ask(reserved) == [(0,)]


def test_factor_validity_never_overlaps(ask: Ask) -> None:
    overlaps = """SELECT a.factor_type, a.factor_key FROM emission_factors a JOIN emission_factors b
        ON a.factor_type = b.factor_type AND a.factor_key = b.factor_key
        AND a.instrument IS NOT DISTINCT FROM b.instrument AND a.valid_from < b.valid_from
        AND coalesce(a.valid_to, '9999-12') >= b.valid_from"""
    assert ask(overlaps) == []


def test_same_arguments_same_world(tmp_path: Path) -> None:
    first, second = (write_demo_world(tmp_path / name, **SMALL) for name in ("a", "b"))
    assert first.rows == second.rows
    assert _csv_hashes(first.out) == _csv_hashes(second.out)
    for file in sorted(first.out.glob("*/*.parquet")):
        assert pq.read_table(file).equals(pq.read_table(second.out / file.relative_to(first.out)))


def test_another_seed_another_world(tmp_path: Path) -> None:
    first, second = (write_demo_world(tmp_path / str(seed), seed=seed, **SMALL) for seed in (1, 2))
    part = Path("account_usage") / "part-2025-06-000.parquet"
    assert not pq.read_table(first.out / part).equals(pq.read_table(second.out / part))


def test_a_smaller_world_replaces_a_larger_one(tmp_path: Path) -> None:
    write_demo_world(tmp_path, accounts=200, months=3)
    again = write_demo_world(tmp_path, accounts=200, months=1)
    assert [file.name for file in (tmp_path / "rack_usage").iterdir()] == ["part-2025-06-000.parquet"]
    assert (
        sum(pq.read_metadata(file).num_rows for file in (tmp_path / "account_usage").iterdir())
        == (again.rows["account_usage"])
    )


def test_large_months_are_split_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccft.demo.files.ROWS_PER_FILE", 3000)
    monkeypatch.setattr("ccft.demo.account_usage.CHUNK", 200)
    split = write_demo_world(tmp_path, accounts=1000, months=1)
    parts = sorted((tmp_path / "account_usage").iterdir())
    assert [part.name for part in parts] == [f"part-2025-06-{n:03d}.parquet" for n in range(len(parts))]
    assert len(parts) > 1
    assert sum(pq.read_metadata(part).num_rows for part in parts) == split.rows["account_usage"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"accounts": 199}, "accounts must be at least 200"),
        ({"months": 0}, "months must be at least 1"),
        ({"last_period": "2025-13"}, "YYYY-MM"),
        ({"months": 15, "last_period": "2021-01"}, "must not lie before 2020-01"),
        ({"last_period": "2019-12"}, "must not lie before 2020-01"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_demo_world(tmp_path / "none", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "none").exists()
