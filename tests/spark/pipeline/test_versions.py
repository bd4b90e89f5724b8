"""Several versions of the same months side by side: backfill, due periods, restatement, differences, a version made of policies alone."""

import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from deltalake import DeltaTable

from ccft.audit import published, restatement
from ccft.config import Settings
from ccft.demo import write_demo_world
from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology, methodology, parse
from ccft.pipeline import due as due_module
from ccft.pipeline import run_log
from ccft.pipeline.backfill import backfill
from ccft.pipeline.core import Identity
from ccft.pipeline.diff import Difference, Selector, diff
from ccft.pipeline.due import due, publish_due
from ccft.pipeline.ingest import ingest
from ccft.pipeline.run_log import Attempt
from ccft.pipeline.verify import verify
from ccft.schema.columns import MEASURES
from ccft.schema.tables import RESULTS
from tests.spark import engine

pytestmark = [pytest.mark.spark, pytest.mark.slow]

PERIODS = ["2024-12", "2025-01", "2025-02"]
MONTH = "2025-01"
SETTINGS = Settings()
V1, V2, V3 = (methodology(version) for version in ("v1.0", "v2.0", "v3.0"))
KEPT = parse(
    """
version = "v2.0-kept"
title = "v2.0, but unused capacity stays with the provider"
rank = 0
published_source = "nowhere: made for a test"
is_reconstruction = true
measures = ["scope_1", "scope_2_lbm", "scope_2_mbm"]
sources = ["generator_fuel", "electricity"]
scope_1_gaps = "historical_growth"
unused_capacity = "provider"
networking_racks = "users"
ramp_up = "worldwide"
internal_use = "list_price"
interdependencies = "solved"
"""
)
"""A fourth version, from policies alone."""
POLICIES = {policy.version: policy for policy in (V1, V2, V3, KEPT)}


@dataclass(frozen=True)
class World:
    """Inputs, and a lake into which they were ingested and nothing was published."""

    inputs: Path
    core: Path


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("world")
    write_demo_world(folder / "inputs", accounts=200, months=len(PERIODS), last_period=PERIODS[-1])
    ingest(spark, str(folder / "inputs"), Lake(spark, str(folder / "core")), SETTINGS)
    return World(folder / "inputs", folder / "core")


def copy_of(spark, world: World, folder: Path) -> Lake:
    shutil.copytree(world.core, folder)
    return Lake(spark, str(folder))


@pytest.fixture(scope="module")
def versions_lake(spark, world, tmp_path_factory) -> Lake:
    """v2.0 of all months in one plan; v1.0, v3.0 and the version made of policies beside it in one month."""
    lake = copy_of(spark, world, tmp_path_factory.mktemp("versions") / "lake")
    backfill(lake, SETTINGS, [(period, V2) for period in PERIODS])
    backfill(lake, SETTINGS, [(MONTH, policy) for policy in (V1, V3, KEPT)])
    return lake


def slice_rows(lake: Lake, name: str, period: str, version: str) -> list[dict]:
    """Published rows of a table."""
    line = published.newest(lake.rows("run_log"), version)[period]
    filters = [("usage_period", "=", period), ("methodology_version", "=", version)]
    return DeltaTable(lake.path(name), version=line.table_versions[name]).to_pyarrow_table(filters=filters).to_pylist()


def as_text(rows: list[dict]) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


def masses(rows: list[dict]) -> dict[tuple[str, str, str, str], Decimal]:
    """Account, service, region, measure -> kg."""
    found: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        for measure in MEASURES:
            found[row["account_id"], row["service_id"], row["region_code"], measure] += row[f"{measure}_kg"]
    return found


class Stopped(BaseException):
    """As good as a killed driver: nothing that handles errors sees it."""


def test_a_backfill_that_was_stopped_and_started_again_has_the_rows_of_an_undisturbed_one(
    spark, world, versions_lake, tmp_path, monkeypatch
):
    """Stopped in the middle of the second batch, with some tables replaced and others not; the undisturbed one had all months in one batch."""
    lake = copy_of(spark, world, tmp_path / "lake")
    first, second = PERIODS[1:]
    wanted = [(first, V2), (second, V2)]
    original, writes = Lake.replace, []

    def replace(self, name, *arguments):
        writes.append(name)
        if len(writes) == len(RESULTS) + 5:
            raise Stopped
        return original(self, name, *arguments)

    monkeypatch.setattr(Lake, "replace", replace)
    with pytest.raises(Stopped):
        backfill(lake, SETTINGS, wanted, batch_months=1)
    monkeypatch.setattr(Lake, "replace", original)
    assert set(published.history(lake.rows("run_log"))) == {(first, "v2.0")}

    said = []
    reports = backfill(lake, SETTINGS, wanted, batch_months=1, progress=said.append)
    assert [list(report.unchanged) for report in reports if report.unchanged] == [[first]]
    assert [list(report.published) for report in reports if report.published] == [[second]]
    assert said[0] == "inputs"
    for table in RESULTS:
        for period in (first, second):
            rows = slice_rows(lake, table.name, period, "v2.0")
            assert as_text(rows) == as_text(slice_rows(versions_lake, table.name, period, "v2.0"))


def test_progress_says_how_far_it_is_and_how_long_it_will_take(spark, world, tmp_path, monkeypatch):
    """Two batches of two versions; what they compute is another test's subject."""
    import ccft.pipeline.backfill as module
    from ccft.pipeline.run import RunReport

    lake = copy_of(spark, world, tmp_path / "lake")
    monkeypatch.setattr(module, "publish", lambda *arguments, **named: RunReport("v2.0"))
    monkeypatch.setattr(module, "_basis", lambda *arguments: None)
    monkeypatch.setattr(module, "_check", lambda *arguments: None)
    said = []
    backfill(lake, SETTINGS, [(p, v) for v in (V1, V2) for p in PERIODS], batch_months=2, progress=said.append)
    told = [line for line in said if "period-versions" in line]
    assert [line.split(",")[0] for line in told] == [f"{done} of 6 period-versions" for done in (2, 4, 5, 6)]
    assert told[-1].endswith("about 0 min 0 s left")


def test_everything_that_is_missing_is_said_before_anything_is_computed(spark, world, tmp_path):
    """Fuel history for two months in one version, electricity in both: one error, one failed line per month and version, no results."""
    lake = copy_of(spark, world, tmp_path / "lake")
    activity = lake.path("core_activity")
    no_fuel = "'2024-01', '2024-02', '2025-01', '2025-02'"
    spark.sql(f"DELETE FROM delta.`{activity}` WHERE activity = 'generator_fuel' AND period IN ({no_fuel})")
    spark.sql(f"DELETE FROM delta.`{activity}` WHERE activity = 'electricity' AND period = '2024-12'")
    with pytest.raises(CcftError) as caught:
        backfill(lake, SETTINGS, [(period, policy) for policy in (V2, V3) for period in PERIODS])
    found = {(problem.code, problem.values["period"]) for problem in caught.value.problems}
    assert found == {
        ("CCFT-RUN-MISSING-FUEL-HISTORY", "2025-01"),
        ("CCFT-RUN-MISSING-FUEL-HISTORY", "2025-02"),
        ("CCFT-RUN-MISSING-ELECTRICITY", "2024-12"),
    }
    log = lake.rows("run_log").to_pylist()
    assert {(row["usage_period"], row["methodology_version"], row["status"]) for row in log} == {
        ("2024-12", "v2.0", "failed"),
        ("2025-01", "v2.0", "failed"),
        ("2025-02", "v2.0", "failed"),
        ("2024-12", "v3.0", "failed"),
    }
    assert not any(lake.exists(table.name) for table in RESULTS)


def test_months_before_a_recast_are_refused(versions_lake):
    with pytest.raises(CcftError, match=r"CCFT-USAGE-VERSION-UNAVAILABLE: methodology v3\.0 .* 2021-12"):
        backfill(versions_lake, SETTINGS, [("2021-12", V3), ("2022-01", V3)])


def publish_in_the_log(lake: Lake, period: str, policy: Methodology) -> None:
    """As if a month had been computed; what is due depends on the log alone."""
    attempt = Attempt(policy, SETTINGS, [Identity(period, "run", "inputs", 0)], datetime.now(UTC), {})
    run_log.append(lake, attempt.lines("published", "", rows={}, seconds={}, table_versions={}))


def test_what_is_due_is_what_is_complete_and_lacks_the_version_in_effect(spark, world, tmp_path, monkeypatch):
    lake = copy_of(spark, world, tmp_path / "lake")
    for period, policy in [("2024-12", V2), ("2025-01", V2)]:
        publish_in_the_log(lake, period, policy)
    activity = lake.path("core_activity")
    spark.sql(f"DELETE FROM delta.`{activity}` WHERE activity = 'electricity' AND period = '2025-02'")
    found = due(lake, SETTINGS)
    assert [(period, policy.version) for period, policy in found.ready] == [("2024-12", "v1.0")]
    assert list(found.waiting) == ["2025-02"]
    assert all("CCFT-RUN-MISSING-ELECTRICITY: 2025-02" in problem for problem in found.waiting["2025-02"])

    asked = []
    monkeypatch.setattr(due_module, "backfill", lambda _lake, _settings, wanted, **_: asked.append(wanted) or [])
    publish_due(lake, SETTINGS, lambda _line: None)
    assert asked == [found.ready]
    publish_in_the_log(lake, "2024-12", V1)
    publish_due(lake, SETTINGS, lambda _line: None)
    assert asked == [found.ready]


def test_a_version_made_of_policies_alone_is_exact_and_keeps_unused_capacity(versions_lake):
    report = verify(versions_lake, [MONTH])
    assert {version for _, version in report.slices} == {"v1.0", "v2.0", "v3.0", "v2.0-kept"}
    retained = {
        version: {row["product_code"] for row in slice_rows(versions_lake, "account_emissions", MONTH, version)}
        & {"UnusedCapacity", "SharedOverhead"}
        for version in POLICIES
    }
    assert retained["v1.0"] == {"UnusedCapacity", "SharedOverhead"}
    assert retained["v2.0-kept"] == {"UnusedCapacity"}
    assert retained["v2.0"] == retained["v3.0"] == set()


def assert_upstream_differs_by_electricity(inventory: list[dict]) -> Decimal:
    """What location- and market-based FERA differ by in all."""
    by_source: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in inventory:
        by_source[row["source"]][row["measure"]] += row["emissions_kg"]
    differences = {source: sums["scope_3_fera_lbm"] - sums["scope_3_fera_mbm"] for source, sums in by_source.items()}
    assert {source for source, amount in differences.items() if amount} == {"electricity_upstream", "grid_losses"}
    return sum(differences.values(), Decimal(0))


def test_market_and_location_based_upstream_differ_by_electricity_alone(versions_lake):
    expected = assert_upstream_differs_by_electricity(slice_rows(versions_lake, "inventory_emissions", MONTH, "v3.0"))
    accounts = slice_rows(versions_lake, "account_emissions", MONTH, "v3.0")
    assert sum(row["scope_3_fera_lbm_kg"] - row["scope_3_fera_mbm_kg"] for row in accounts) == expected


def compare(lake: Lake, left: str, right: str, **more: str) -> Difference:
    sides = (Selector.parse(left), Selector.parse(right))
    return diff(lake, SETTINGS, MONTH, *sides, policies=POLICIES, **more)


def causes_by_account(found: Difference) -> dict[tuple[str, str, str], Decimal]:
    """Service, region, measure -> sum of the causes."""
    return {
        (row["service_id"], row["region_code"], row["measure"]): sum(row["causes_kg"].values()) for row in found.rows
    }


def largest_account(lake: Lake) -> str:
    rows = slice_rows(lake, "account_emissions", MONTH, "v2.0")
    return max(rows, key=lambda row: row["scope_2_lbm_kg"])["account_id"]


@pytest.mark.parametrize(
    ("left", "right", "causes"),
    [
        ("v1.0", "v2.0", ["unused_capacity", "shared_overhead", "expansion", "interdependencies", "internal_use"]),
        ("v2.0", "v3.0", ["scope_boundary", "scope_1_method", "internal_use"]),
        ("v2.0", "v2.0-kept", ["unused_capacity"]),
    ],
)
def test_causes_sum_to_the_difference_of_every_row_to_the_quantum(versions_lake, left, right, causes):
    account = largest_account(versions_lake)
    found = compare(versions_lake, left, right, account=account)
    assert found.no_causes == ""
    assert found.causes == causes
    before, after = (
        masses(slice_rows(versions_lake, "account_emissions", MONTH, version)) for version in (left, right)
    )
    expected = {key: after[key] - before[key] for key in {*before, *after}}
    own = {key[1:]: change for key, change in expected.items() if key[0] == account and change}
    assert own
    assert {key: change for key, change in causes_by_account(found).items() if change} == own
    for row in (*found.rows, *found.by_kind):
        assert sum(row["causes_kg"].values()) == row["difference_kg"]
    for total in found.totals:
        kinds = [row for row in found.by_kind if row["measure"] == total["measure"]]
        assert sum(row["difference_kg"] for row in kinds) == total["difference_kg"]
        assert total["difference_kg"] == sum(x for (*_, measure), x in expected.items() if measure == total["measure"])


def test_keeping_unused_capacity_relieves_every_user_and_burdens_the_provider(versions_lake):
    found = compare(versions_lake, "v2.0", "v2.0-kept")
    changes = {row["accounts_of"]: row["difference_kg"] for row in found.by_kind if row["measure"] == "scope_2_lbm"}
    assert changes.pop("provider") > 0
    assert all(change < 0 for change in changes.values())
    first, *others = found.movers["unused_capacity"]
    assert (first["account_id"], first["accounts_of"]) == (SETTINGS.provider_account_id, "provider")
    assert all(row["difference_kg"] < 0 for row in others)


def test_an_account_without_rows_is_named(versions_lake):
    with pytest.raises(CcftError, match="CCFT-USAGE-NO-ACCOUNT-ROWS: account 999999999999"):
        compare(versions_lake, "v2.0", "v2.0-kept", account="999999999999")


def test_a_side_that_was_never_published_is_named(versions_lake):
    with pytest.raises(CcftError, match=r"CCFT-RUN-NOTHING-PUBLISHED: 2025-01 v2\.0@2"):
        compare(versions_lake, "v2.0@1", "v2.0@2")


LATE = PERIODS[1:]


@pytest.fixture(scope="module")
def restated_lake(spark, world, versions_lake, tmp_path_factory) -> Lake:
    """Electricity of two months in a row comes late."""
    folder = tmp_path_factory.mktemp("restated")
    shutil.copytree(world.inputs, folder / "inputs")
    path = folder / "inputs" / "activity.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    fields = header.split(",")
    late = []
    for row in rows:
        values = dict(zip(fields, row.split(","), strict=True))
        if values["activity"] == "electricity" and values["period"] in LATE:
            values["quantity"] = str(Decimal(values["quantity"]) + 1)
        late.append(",".join(values.values()))
    path.write_text("\n".join([header, *late]) + "\n", encoding="utf-8")
    shutil.copytree(versions_lake.root, folder / "lake")
    lake = Lake(spark, str(folder / "lake"))
    ingest(spark, str(folder / "inputs"), lake, SETTINGS)
    return lake


def test_late_data_restates_only_the_months_it_is_for(restated_lake):
    wanted = [(period, V2) for period in PERIODS]
    with pytest.raises(CcftError) as caught:
        backfill(restated_lake, SETTINGS, wanted)
    refused = [(problem.code, problem.values["period"]) for problem in caught.value.problems]
    assert refused == [("CCFT-RUN-ALREADY-PUBLISHED", period) for period in LATE]

    reason = "meters read again"
    reports = backfill(restated_lake, SETTINGS, wanted, restate_reason=reason, restated_by="tester")
    assert sorted(period for report in reports for period in report.published) == LATE
    log = restatement.log(restated_lake.rows("restatements"), restated_lake.rows("run_log"))
    assert {row["usage_period"] for row in log} == set(LATE)
    assert {(row["reason"], row["restated_by"]) for row in log} == {(reason, "tester")}
    by_measure = {row["measure"]: row for row in log if row["usage_period"] == MONTH}
    assert by_measure["scope_1"]["old_kg"] == by_measure["scope_1"]["new_kg"] > 0
    assert by_measure["scope_2_lbm"]["new_kg"] > by_measure["scope_2_lbm"]["old_kg"] > 0
    first, second = published.history(restated_lake.rows("run_log"))[MONTH, "v2.0"]
    assert by_measure["scope_1"]["old_input_fingerprint"] == first.input_fingerprint
    assert by_measure["scope_1"]["new_input_fingerprint"] == second.input_fingerprint != first.input_fingerprint


def test_superseded_rows_stay_readable_and_the_difference_is_the_data(restated_lake, versions_lake):
    first = published.history(restated_lake.rows("run_log"))[MONTH, "v2.0"][0]
    table = DeltaTable(restated_lake.path("account_emissions"), version=first.table_versions["account_emissions"])
    filters = [("usage_period", "=", MONTH), ("methodology_version", "=", "v2.0")]
    superseded = table.to_pyarrow_table(filters=filters).to_pylist()
    assert as_text(superseded) == as_text(slice_rows(versions_lake, "account_emissions", MONTH, "v2.0"))

    found = compare(restated_lake, "v2.0@1", "v2.0@2")
    assert found.no_causes == ""
    assert found.causes == ["data"]
    after = masses(slice_rows(restated_lake, "account_emissions", MONTH, "v2.0"))
    total = {measure: sum(kg for key, kg in after.items() if key[3] == measure) for measure in MEASURES}
    assert {row["measure"]: row["right_kg"] for row in found.totals} == total
    assert sum(row["causes_kg"]["data"] for row in found.by_kind if row["measure"] == "scope_2_lbm") > 0


def test_another_version_of_old_inputs_splits_into_data_and_policies(restated_lake):
    """One version rests on the first delivery, the other on the second."""
    found = compare(restated_lake, "v2.0-kept", "v2.0", account=largest_account(restated_lake))
    assert found.causes == ["data", "unused_capacity"]
    assert all(sum(row["causes_kg"].values()) == row["difference_kg"] for row in (*found.rows, *found.by_kind))
    assert any(row["causes_kg"]["data"] for row in found.rows)
    assert any(row["causes_kg"]["unused_capacity"] for row in found.rows)


def test_without_the_old_inputs_there_are_totals_and_a_reason(restated_lake, spark, tmp_path):
    """What VACUUM leaves when history is kept too short: the newest files."""
    shutil.copytree(restated_lake.root, tmp_path / "lake")
    lake = Lake(spark, str(tmp_path / "lake"))
    # Other software than today's computed the left side, so that its inputs are needed.
    other = Settings(provider_account_id="000000000001")
    vacuum(lake, "core_activity")
    sides = (Selector("v2.0", 1), Selector("v2.0", 2))
    found = diff(lake, other, MONTH, *sides, policies=POLICIES)
    assert found.causes == []
    assert "are no longer kept" in found.no_causes
    logged = {row["measure"]: row for row in lake.rows("restatements").to_pylist() if row["usage_period"] == MONTH}
    for total in found.totals:
        if total["measure"] in logged:
            row = logged[total["measure"]]
            assert (total["left_kg"], total["right_kg"]) == (row["old_kg"], row["new_kg"])

    vacuum(lake, "account_emissions")
    gone = diff(lake, SETTINGS, MONTH, *sides, policies=POLICIES)
    assert "account rows" in gone.no_causes
    assert gone.totals == found.totals


def vacuum(lake: Lake, name: str) -> None:
    """Remove every file that the newest version does not need."""
    table = DeltaTable(lake.path(name))
    kept = {Path(uri.removeprefix("file://")).resolve() for uri in table.file_uris()}
    for file in Path(lake.path(name)).rglob("*.parquet"):
        if "_delta_log" not in file.parts and file.resolve() not in kept:
            file.unlink()


def test_history_is_kept_as_long_as_the_setting_says(spark, world, tmp_path):
    lake = copy_of(spark, world, tmp_path / "lake")
    assert retention(lake, "core_racks") == {"interval 1200 days"}
    shorter = Lake(spark, lake.root, history_days=400)
    shorter.ensure("core_racks")
    assert retention(lake, "core_racks") == {"interval 400 days"}
    shorter.ensure("certificate_ledger")
    assert retention(lake, "certificate_ledger") == {"interval 400 days"}


def retention(lake: Lake, name: str) -> set[str]:
    properties = DeltaTable(lake.path(name)).metadata().configuration
    return {properties["delta.deletedFileRetentionDuration"], properties["delta.logRetentionDuration"]}


def test_real_months_are_exact_in_all_three_versions(spark, real_month):
    """Every line of the ledger, and what accounts get against the inventory."""
    core = engine.core_tables(spark, real_month)
    periods = sorted(row["usage_period"] for row in core["core_rack_usage"].select("usage_period").distinct().collect())
    assert periods == ["2022-09", "2022-10"]
    for policy in (V1, V2, V3):
        found = engine.results(spark, core, periods, policy)
        for period in periods:
            assert {row["difference_kg"] for row in found["reconciliation"][period]} == {Decimal(0)}
            inventory: dict[str, Decimal] = defaultdict(Decimal)
            for row in found["inventory_emissions"][period]:
                inventory[row["measure"]] += row["emissions_kg"]
            for measure in policy.measures:
                shares = sum(row[f"{measure}_kg"] for row in found["account_emissions"][period])
                assert shares == inventory[measure] > 0
            if policy is V3:
                assert_upstream_differs_by_electricity(found["inventory_emissions"][period])
