"""Publishing a month: all or nothing, once, and only what balances."""

import json
from decimal import Decimal
from functools import reduce

import pytest
from deltalake import DeltaTable
from pyspark.sql import Column
from pyspark.sql import functions as F

from ccft.allocation import accounts, rack_types
from ccft.audit import published, verification
from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.reader import open_lake, run_log
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.pipeline.run import run
from ccft.pipeline.verify import verify
from ccft.schema.columns import MEASURES
from ccft.schema.tables import RESULTS, table
from tests.spark.demo_lakes import PERIOD, SETTINGS

pytestmark = [pytest.mark.spark, pytest.mark.slow]

NAMES = tuple(result.name for result in RESULTS)
QUANTUM = Decimal("0.000000001")


@pytest.fixture(scope="module")
def published_lake(demo_lakes, tmp_path_factory) -> Lake:
    """One month of v2.0, published."""
    return demo_lakes.copy(demo_lakes.published(), tmp_path_factory.mktemp("published"))


def rows(lake: Lake, name: str) -> list[str]:
    found = DeltaTable(lake.path(name)).to_pyarrow_table().to_pylist()
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in found)


def versions(lake: Lake) -> dict[str, int]:
    return {name: DeltaTable(lake.path(name)).version() for name in NAMES}


def published_lines(lake: Lake) -> list[str]:
    """What the log says is published; failed runs have lines too."""
    return [row for row in rows(lake, "run_log") if '"status": "published"' in row]


def test_plain_sql_without_a_jvm_finds_the_inventory_in_the_accounts(published_lake):
    database = open_lake(published_lake.root, published.lines(run_log(published_lake.root)))
    for measure in MEASURES[:3]:
        inventory = database.execute(
            "SELECT sum(emissions_kg) FROM inventory_emissions WHERE measure = ?", [measure]
        ).fetchone()[0]
        account_rows = database.execute(f"SELECT sum({measure}_kg) FROM account_emissions").fetchone()[0]
        assert inventory > 0
        assert inventory == account_rows


def test_verify_is_exact_and_finds_a_tampered_row(published_lake, spark):
    assert verify(published_lake).equalities > 100
    path = published_lake.path("account_emissions")
    before = DeltaTable(path).version()
    account = min(row["account_id"] for row in DeltaTable(path).to_pyarrow_table(columns=["account_id"]).to_pylist())
    spark.sql(f"UPDATE delta.`{path}` SET scope_1_kg = scope_1_kg + 0.000000001 WHERE account_id = '{account}'")
    line = published.lines(published_lake.rows("run_log"))[0]
    tampered = published.Line(
        line.period,
        line.methodology_version,
        line.run_id,
        line.finished_at,
        {**line.table_versions, "account_emissions": DeltaTable(path).version()},
    )
    tables = {name: published_lake.read(name, tampered.table_versions[name]) for name in NAMES}
    _, problems = verification.verify(tables, [PERIOD], "v2.0")
    assert {problem.code for problem in problems} == {"CCFT-RUN-VERIFICATION-FAILED"}
    assert verify(published_lake).equalities > 100  # readers open the published version
    published_lake.restore({"account_emissions": before})


def test_verify_names_every_equality_that_does_not_hold_and_by_how_much(published_lake):
    """A microgram more in one amount of each table."""
    versions = published.lines(published_lake.rows("run_log"))[0].table_versions
    tables = {name: published_lake.read(name, versions[name]) for name in NAMES}

    def one_more(name: str, amount: str, **of: str) -> dict[str, str]:
        """The first row of these values, after its amount in the table has grown."""
        found = published_lake.rows(name, versions[name]).to_pylist()
        row = next(row for row in found if all(row[column] == value for column, value in of.items()))
        keys = [F.col(column) == row[column] for column in table(name).key if row[column] is not None]
        grown = F.col(amount) + F.when(reduce(Column.__and__, keys), F.lit(QUANTUM)).otherwise(0)
        tables[name] = tables[name].withColumn(amount, grown.cast("decimal(28,9)"))
        return row

    one_more("inventory_emissions", "emissions_kg", measure="scope_1")
    one_more("rack_type_emissions", "emissions_kg", measure="scope_2_lbm")
    net = one_more("service_emissions", "net_kg", measure="scope_2_mbm")
    direct = one_more("service_emissions", "direct_kg", measure="scope_1")
    flow = one_more("service_flows", "emissions_kg", measure="scope_2_lbm")
    booked = one_more("reconciliation", "out_kg", measure="scope_1", step="accounts", cluster_id=net["cluster_id"])
    stored = one_more("reconciliation", "difference_kg", measure="scope_2_lbm", step="services")

    count, problems = verification.verify(tables, [PERIOD], "v2.0")
    assert count > 100
    found = {(p.values["check"], p.values["subject"], p.values["difference"] / QUANTUM) for p in problems}
    assert len(problems) == len(found)
    of_net, of_direct, of_origin, of_bearer = (
        f"{row['cluster_id']} {row[service]} {row['measure']}"
        for row, service in (
            (net, "service_id"),
            (direct, "service_id"),
            (flow, "origin_service_id"),
            (flow, "service_id"),
        )
    )
    assert found == {
        ("inventory = accounts", "worldwide scope_1", 1),
        ("inventory = rack types", "worldwide scope_1", 1),
        ("inventory = services", "worldwide scope_1", 1),
        ("inventory = rack types", "worldwide scope_2_lbm", -1),
        ("inventory = services", "worldwide scope_2_mbm", -1),
        ("service = its accounts", of_net, 1),
        ("borne = flows", of_net, 1),
        ("direct = flows", of_direct, 1),
        ("direct = flows", of_origin, -1),
        ("borne = flows", of_bearer, -1),
        ("accounts = ledger", f"{booked['cluster_id']} scope_1", -1),
        ("ledger accounts", f"{booked['cluster_id']} scope_1", -1),
        ("ledger services", f"{stored['cluster_id']} scope_2_lbm", 1),
    }


def test_an_unchanged_rerun_does_nothing(published_lake):
    before = versions(published_lake)
    report = run(published_lake, SETTINGS, [PERIOD], methodology("v2.0"))
    assert list(report.unchanged) == [PERIOD]
    assert not report.published
    assert versions(published_lake) == before


def test_the_same_inputs_give_the_same_rows_in_another_lake(
    published_lake, demo_lakes, tmp_path, no_python_on_executors
):
    """And no task needs Python where it runs."""
    lake = demo_lakes.copy(demo_lakes.core(), tmp_path)
    run(lake, SETTINGS, [PERIOD], methodology("v2.0"))
    for name in NAMES:
        assert rows(lake, name) == rows(published_lake, name)


def test_a_published_month_changes_only_as_a_restatement(published_lake):
    other = Settings(provider_account_id="000000000001")
    before = versions(published_lake)
    with pytest.raises(CcftError, match="CCFT-RUN-ALREADY-PUBLISHED"):
        run(published_lake, other, [PERIOD], methodology("v2.0"))
    assert versions(published_lake) == before
    run(published_lake, other, [PERIOD], methodology("v2.0"), restate_reason="own account named", restated_by="tester")
    restated = DeltaTable(published_lake.path("restatements")).to_pyarrow_table().to_pylist()
    assert {row["measure"] for row in restated} == set(MEASURES[:3])
    assert all(row["old_kg"] == row["new_kg"] > 0 and row["reason"] == "own account named" for row in restated)


def add_a_quantum(frame, amount):
    """One microgram more in one row."""
    first = frame.orderBy(*frame.columns).limit(1)
    return frame.unionByName(first.withColumn(amount, F.lit(1).cast("bigint")))


def test_a_run_that_loses_a_microgram_in_a_step_publishes_nothing(published_lake, monkeypatch):
    original = rack_types.allocate_to_rack_types
    monkeypatch.setattr(rack_types, "allocate_to_rack_types", lambda *a: add_a_quantum(original(*a), "quanta"))
    before, lines = versions(published_lake), published_lines(published_lake)
    with pytest.raises(CcftError, match=r"CCFT-RUN-NOT-CONSERVED: 2025-06 rack_types .* difference -1E-9 kg"):
        run(published_lake, SETTINGS, [PERIOD], methodology("v1.0"))
    assert versions(published_lake) == before
    assert published_lines(published_lake) == lines


def test_account_rows_that_do_not_match_the_ledger_are_taken_back(published_lake, monkeypatch):
    original = accounts.allocate_to_accounts

    def without_one_account(*arguments):
        found = original(*arguments)
        largest = found.where("scope_1_kg > 0").agg(F.max("account_id").alias("a")).collect()[0]["a"]
        return found.where(F.col("account_id") != largest)

    monkeypatch.setattr(accounts, "allocate_to_accounts", without_one_account)
    before, lines = {name: rows(published_lake, name) for name in NAMES}, published_lines(published_lake)
    with pytest.raises(CcftError, match="CCFT-RUN-VERIFICATION-FAILED"):
        run(published_lake, SETTINGS, [PERIOD], methodology("v1.0"))
    assert {name: rows(published_lake, name) for name in before} == before
    assert published_lines(published_lake) == lines


def test_account_rows_that_changed_behind_ingest_are_refused(published_lake, spark):
    """Shares of another total than the sum that ingest made would vanish in the remainder of their pool."""
    path = published_lake.path("core_account_usage")
    before = DeltaTable(path).version()
    spark.sql(f"UPDATE delta.`{path}` SET usage_units = usage_units + 1 WHERE account_type = 'external'")
    with pytest.raises(CcftError, match=r"CCFT-RUN-CORE-ALTERED: 2025-06 .* ingest the period again"):
        run(published_lake, SETTINGS, [PERIOD], methodology("v1.0"))
    published_lake.restore({"core_account_usage": before})


def test_a_month_that_was_never_ingested_is_refused(published_lake):
    with pytest.raises(CcftError, match="CCFT-RUN-NOT-INGESTED: 2031-01"):
        run(published_lake, SETTINGS, ["2031-01"], methodology("v2.0"))
