"""Exports end to end: what each organisation gets, from a small lake written by hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import jsonschema
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs
from pyspark.sql import DataFrame

from ccft.cli import main
from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.destination import Destination
from ccft.lake.lock_files import FOLDER as LOCK_FOLDER
from ccft.lake.tables import Lake, Slice
from ccft.pipeline.export import ExportReport, Request, export
from ccft.pipeline.export_tables import export_tables
from ccft.pipeline.reading import open_published
from ccft.publish.data_exports.pact import Company
from ccft.publish.data_exports.profiles import COLUMNS, definition_of
from ccft.schema.columns import MEASURES
from ccft.schema.spark import struct_type
from ccft.schema.tables import RESULTS, table
from tests.unit.publish.data_exports.test_pact import SCHEMA as PACT_SCHEMA

pytestmark = pytest.mark.spark

A, B, C, D, E = (f"{number:012d}" for number in (101, 102, 103, 104, 105))
PROVIDER = "000000000000"
SETTINGS = Settings()
NAMES = [column.name for column in COLUMNS]

ACCOUNTS = [
    (A, A, "2024-11", None),
    (B, A, "2024-11", "2025-01"),  # belongs to A, then to C
    (B, C, "2025-02", None),
    (C, C, "2025-01", None),
    (D, D, "2025-01", None),  # valid, without any use
    (E, E, "2024-11", "2025-01"),  # an organisation of its own, then part of A
    (E, A, "2025-02", None),
]
"""account, payer, valid from, valid to."""

JANUARY = [
    # account, payer, cluster, service, product, region, location, kg of every measure
    (A, A, "c1", "s1", "Storage", "eu-1", "Europe (One)", "1.0004"),
    (A, A, "c1", "s2", "Storage", "eu-1", "Europe (One)", "0.0001"),
    (A, A, "edge-1", "cdn", "Delivery", "global", "Global", "2"),
    (A, A, "edge-2", "cdn", "Delivery", "global", "Global", "3"),
    (B, A, "c1", "s1", "Storage", "eu-1", "Europe (One)", "0.000000001"),
    (C, C, "c1", "s1", "Storage", "eu-1", "Europe (One)", "0"),
    (E, E, "c1", "s1", "Storage", "eu-1", "Europe (One)", "7"),
    (PROVIDER, PROVIDER, "c1", "UnusedCapacity", "UnusedCapacity", "eu-1", "Europe (One)", "11"),
]
FEBRUARY = [
    (A, A, "c1", "s1", "Storage", "eu-1", "Europe (One)", "4"),
    (B, C, "c1", "s1", "Storage", "eu-1", "Europe (One)", "5"),
    (E, A, "c1", "s1", "Storage", "eu-1", "Europe (One)", "6"),
]


def frame(lake: Lake, name: str, records: list[dict]) -> DataFrame:
    """Rows of a registered table; columns that a record leaves out are empty."""
    empty = {"string": "", "timestamp": datetime(2025, 1, 1, tzinfo=UTC)}
    columns = table(name).columns
    rows = [tuple(r.get(c.name, None if c.nullable else empty.get(c.type)) for c in columns) for r in records]
    return lake.spark.createDataFrame(rows, struct_type(table(name)))


def publish(lake: Lake, period: str, version: str, rows: list[tuple], run_id: str, finished: datetime) -> None:
    """A published period x version with the given account rows."""
    names = ("account_id", "payer_account_id", "cluster_id", "service_id", "product_code", "region_code", "location")
    of_slice = {"usage_period": period, "methodology_version": version, "run_id": run_id}
    account_rows = [
        dict(zip(names, row, strict=False))
        | {f"{measure}_kg": Decimal(row[-1]) for measure in MEASURES}
        | {"allocation_basis": "usage", "weight": Decimal(1), "account_type": "external"}
        | of_slice
        for row in rows
    ]
    where = Slice({"usage_period": [period], "methodology_version": [version]})
    commit = lake.replace("account_emissions", frame(lake, "account_emissions", account_rows), where)
    versions = json.dumps({"account_emissions": commit.version})
    line = {"status": "published", "started_at": finished, "finished_at": finished, "table_versions": versions}
    lake.append("run_log", frame(lake, "run_log", [of_slice | line]))


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory) -> Lake:
    found = Lake(spark, str(tmp_path_factory.mktemp("exports") / "lake"))
    names = ("account_id", "payer_account_id", "valid_from", "valid_to")
    accounts = [dict(zip(names, row, strict=True)) | {"account_type": "external"} for row in ACCOUNTS]
    found.replace("core_accounts", frame(found, "core_accounts", accounts))
    publish(found, "2025-01", "v2.0", JANUARY, "run-january", datetime(2025, 2, 20, 3, 4, 5, 678_901, UTC))
    publish(found, "2025-02", "v2.0", FEBRUARY, "run-february", datetime(2025, 3, 20, tzinfo=UTC))
    return found


def deliver(lake: Lake, folder: Path, range_rows: int = 1_000, **options: object) -> ExportReport:
    asked = {name: options.pop(name) for name in ("form", "mode", "query", "profile", "company") if name in options}
    request = Request(*definition_of("carbon", **asked), **options)
    return export(lake, SETTINGS, request, Destination(str(folder)), range_rows=range_rows)


def manifests(folder: Path, payer: str) -> dict[str, dict]:
    """Manifests of a payer's current versions, by period."""
    found = [json.loads(path.read_text()) for path in (folder / payer).glob("carbon/metadata/*/*/carbon-Manifest.json")]
    return {manifest["usage_period"]: manifest for manifest in found if manifest["is_current_version"]}


def rows_of(folder: Path, payer: str) -> list[tuple]:
    """Rows of a payer, as a reader that starts from the manifests gets them."""
    files = [
        str(folder / payer / "carbon" / file["path"])
        for manifest in manifests(folder, payer).values()
        for file in manifest["files"]
    ]
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    return database.execute("SELECT * FROM read_parquet(?, hive_partitioning = false)", [files]).fetchall()


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if "/data/" in str(path) and path.is_file()
    }


@pytest.fixture(scope="module")
def everything(lake, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("all")
    report = deliver(lake, folder)
    assert (report.delivered, report.unchanged, report.payers) == (10, 0, 5)
    return folder


def test_every_organisation_gets_its_rows_of_the_view_and_nothing_else(everything, lake):
    view = open_published(lake.root)
    assert {path.name for path in everything.iterdir() if path.is_dir()} == {A, C, D, E, PROVIDER}
    for payer in (A, C, D, E, PROVIDER):
        expected = view.execute(
            "SELECT * FROM carbon_emissions WHERE payer_account_id = $1 OR usage_account_id = $1"
            " ORDER BY usage_period_start, usage_account_id, product_code, region_code",
            [payer],
        )
        assert [column[0] for column in expected.description] == NAMES
        found = rows_of(everything, payer)
        assert sorted(found, key=str) == sorted(expected.fetchall(), key=str)
        for row in found:
            assert payer in (row[NAMES.index("payer_account_id")], row[NAMES.index("usage_account_id")])


def test_joining_leaving_and_empty_months(everything):
    accounts = {
        payer: [
            (period, manifest["row_count"], len(manifest["files"]))
            for period, manifest in sorted(manifests(everything, payer).items())
        ]
        for payer in (A, C, D, E, PROVIDER)
    }
    assert accounts == {
        # Two Storage services are one row, two edge clusters are one row; B in January, E in February.
        A: [("2025-01", 3, 1), ("2025-02", 2, 1)],
        C: [("2025-01", 1, 1), ("2025-02", 1, 1)],
        D: [("2025-01", 0, 1), ("2025-02", 0, 1)],
        # E is its own payer in January; in February its own rows are still its own, though A pays.
        E: [("2025-01", 1, 1), ("2025-02", 1, 1)],
        # The provider is in no reference table, and an organisation all the same.
        PROVIDER: [("2025-01", 1, 1), ("2025-02", 0, 1)],
    }
    payers = {
        row[NAMES.index("usage_period_start")].month: row[NAMES.index("payer_account_id")]
        for row in rows_of(everything, E)
    }
    assert payers == {1: E, 2: A}


def test_values_are_rounded_once_and_totals_are_exact(everything):
    (storage,) = [
        dict(zip(NAMES, row, strict=True))
        for row in rows_of(everything, A)
        if (row[NAMES.index("usage_account_id")], row[NAMES.index("product_code")]) == (A, "Storage")
        and row[NAMES.index("usage_period_start")].month == 1
    ]
    # 1.0005 kg per measure: half up to 1001 g; four of them are 4.002 kg exactly, not 4 x 1001 g.
    assert storage["total_scope_1_emissions_value"] == 0.001001
    assert storage["total_lbm_emissions_value"] == 0.004002
    assert storage["total_scope_3_mbm_emissions_value"] == 0.002001
    assert storage["last_refresh_timestamp"] == datetime(2025, 2, 20, 3, 4, 5, 678_901, UTC)
    manifest = manifests(everything, A)["2025-01"]
    totals = {total["column"]: total for total in manifest["totals"]}
    assert totals["total_scope_1_emissions_value"]["exact_kg"] == "6.000500001"
    assert Decimal(totals["total_scope_1_emissions_value"]["delivered"]) == Decimal("0.006001")
    assert manifest["measures_not_computed"] == ["scope_3_fera_lbm", "scope_3_fera_mbm", "scope_3_embodied"]


def test_nothing_changes_nothing_is_delivered(everything, lake):
    before = {path: path.stat().st_mtime_ns for path in everything.rglob("*") if path.is_file()}
    report = deliver(lake, everything)
    assert (report.delivered, report.unchanged) == (0, 10)
    assert before == {path: path.stat().st_mtime_ns for path in everything.rglob("*") if path.is_file()}


def test_bytes_depend_neither_on_ranges_nor_on_who_asks(everything, lake, tmp_path):
    """One account row per range, and one organisation at a time: the same files under the same names."""
    deliver(lake, tmp_path / "ranges", range_rows=1)
    assert bytes_below(tmp_path / "ranges") == bytes_below(everything)
    for payer in (A, E):
        deliver(lake, tmp_path / "one", payer=payer)
    one = bytes_below(tmp_path / "one")
    assert one == {path: content for path, content in bytes_below(everything).items() if path[:12] in (A, E)}
    # An account that pays for nobody gets what is its own, and no more.
    deliver(lake, tmp_path / "member", payer=B)
    assert {row[NAMES.index("usage_account_id")] for row in rows_of(tmp_path / "member", B)} == {B}


def test_a_query_is_applied_to_values_as_delivered(lake, tmp_path):
    query = (
        "SELECT usage_account_id AS account, total_scope_1_emissions_value AS scope_1 FROM CARBON_EMISSIONS"
        " WHERE (0.001 < total_scope_1_emissions_value AND NOT region_code IN ('global'))"
        " OR usage_period_start >= TIMESTAMP '2025-02-01'"
    )
    deliver(lake, tmp_path, payer=A, query=query, form="csv")
    january, february = (manifests(tmp_path, A)[period] for period in ("2025-01", "2025-02"))
    frames = [
        pd.read_csv(tmp_path / A / "carbon" / manifest["files"][0]["path"], dtype={"account": str})
        for manifest in (january, february)
    ]
    assert [list(frame.itertuples(index=False, name=None)) for frame in frames] == [
        [(A, 0.001001)],
        [(A, 0.004), (E, 0.006)],
    ]
    assert [column["name"] for column in january["columns"]] == ["account", "scope_1"]
    with pytest.raises(CcftError, match="CCFT-USAGE-EXPORT-CHANGED"):
        deliver(lake, tmp_path, payer=A, form="csv")


@pytest.mark.parametrize(
    "condition",
    [
        f"payer_account_id = '{C}' OR usage_account_id IN ('{C}', '{D}', '{E}')",
        f"NOT payer_account_id = '{A}'",
    ],
)
def test_no_condition_reaches_another_organisation(lake, tmp_path, condition):
    query = f"SELECT payer_account_id, usage_account_id FROM CARBON_EMISSIONS WHERE {condition}"
    deliver(lake, tmp_path, payer=A, query=query, first="2025-01", last="2025-01")
    assert all(payer == A for payer, _ in rows_of(tmp_path, A))
    assert [path.name for path in tmp_path.iterdir()] == [A]


@pytest.mark.parametrize("payer", ["000000000999", A[:-1], "*", "%", f"{A}/../{C}", f"{A}' OR '1'='1"])
def test_unknown_and_hostile_payers_are_refused(lake, tmp_path, payer):
    arguments = ["export", "--lake", lake.root, "--dest", str(tmp_path / "out"), "--name", "carbon", "--payer", payer]
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path for path in written if path.parent.name != LOCK_FOLDER] == []


def test_restatement_create_new_and_a_new_current_version(spark, lake, tmp_path):
    own = Lake(spark, str(tmp_path / "lake"))
    own.replace("core_accounts", lake.read("core_accounts"))
    publish(own, "2025-01", "v2.0", JANUARY, "run-1", datetime(2025, 2, 20, tzinfo=UTC))
    publish(own, "2025-02", "v2.0", FEBRUARY, "run-2", datetime(2025, 3, 20, tzinfo=UTC))
    over, new = tmp_path / "over", tmp_path / "new"
    deliver(own, over)
    deliver(own, new, mode="create-new")
    first = bytes_below(new)
    # C loses all its rows in a restatement of January.
    rows = [row for row in JANUARY if row[0] != C]
    publish(own, "2025-01", "v2.0", rows, "run-3", datetime(2025, 4, 20, tzinfo=UTC))
    change = {
        "usage_period": "2025-01",
        "methodology_version": "v2.0",
        "measure": "scope_1",
        "old_run_id": "run-1",
        "run_id": "run-3",
        "old_kg": Decimal(1),
        "new_kg": Decimal(2),
        "reason": f"{B} was wrong",
        "restated_at": datetime(2025, 4, 20, tzinfo=UTC),
    }
    own.append("restatements", frame(own, "restatements", [change]))
    assert deliver(own, over).delivered == 5
    assert deliver(own, new, mode="create-new").delivered == 5
    restated = manifests(over, C)["2025-01"]
    assert (restated["row_count"], restated["run_id"], len(restated["files"])) == (0, "run-3", 1)
    assert restated["restatement"] == {"previous_run_id": "run-1", "restated_at": "2025-04-20T00:00:00Z"}
    assert B not in json.dumps(restated), "the reason may name others"
    assert len(list((over / C).glob("carbon/data/*/usage_period=2025-01/*"))) == 1
    after = bytes_below(new)
    assert first.items() < after.items()
    # v3.0 of January becomes current: delivered beside v2.0, whose manifest loses its mark and whose data stay.
    publish(own, "2025-01", "v3.0", JANUARY, "run-4", datetime(2025, 5, 20, tzinfo=UTC))
    assert deliver(own, over).delivered == 5
    marks = {
        manifest["methodology_version"]: manifest["is_current_version"]
        for path in (over / A).glob("carbon/metadata/*/usage_period=2025-01/*.json")
        for manifest in [json.loads(path.read_text())]
    }
    assert marks == {"v2.0": False, "v3.0": True}
    assert deliver(own, over).delivered == 0


def test_to_s3_the_same_files_as_to_a_folder(everything, lake, monkeypatch):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        files = fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
        files.create_dir("exports")
        destination = Destination("s3a://exports/carbon")
        request = Request(*definition_of("carbon"))
        assert export(lake, SETTINGS, request, destination).delivered == 10
        assert export(lake, SETTINGS, request, destination).delivered == 0
        found = {
            f"{payer}/{path}": destination.read(f"{payer}/{path}")
            for payer in destination.folders()
            for path in destination.files(payer)
            if "/data/" in path
        }
        assert found == bytes_below(everything)
    finally:
        server.stop()


def test_footprints_of_a_month_with_scope_3(spark, lake, tmp_path):
    own = Lake(spark, str(tmp_path / "lake"))
    own.replace("core_accounts", lake.read("core_accounts"))
    publish(own, "2025-01", "v3.0", JANUARY, "run-1", datetime(2025, 2, 20, tzinfo=UTC))
    company = Company("Example Cloud", "cloud.example", PROVIDER, "AR6")
    deliver(own, tmp_path / "out", payer=A, profile="pact", company=company)
    (file,) = (tmp_path / "out" / A).rglob("data/**/*.json")
    document = json.loads(file.read_text())
    jsonschema.validate(document, PACT_SCHEMA)
    # Market-based: four measures of 1.0005 kg and one quantum of B; of 5 kg at the edge.
    assert {found["productNameCompany"]: found["pcf"]["fossilGhgEmissions"] for found in document["data"]} == {
        "Storage": "4.002000004",
        "Delivery": "20.000000000",
    }


def test_tables_are_for_the_provider(lake, tmp_path):
    report = export_tables(lake, str(tmp_path), "copies", ["account_emissions"], ("", "", ""))
    assert report.tables == {"account_emissions": len(JANUARY) + len(FEBRUARY)}
    again = export_tables(lake, str(tmp_path), "copies", ["account_emissions"], ("2025-02", "", ""))
    root = tmp_path / "provider" / "copies"
    manifest = json.loads((root / "metadata" / "account_emissions-Manifest.json").read_text())
    assert manifest["folder"].endswith(again.execution_id)
    copies = duckdb.sql(
        f"SELECT usage_period, region_code, count(*) FROM read_parquet('{root}/data/**/*.parquet', hive_partitioning = true) GROUP BY ALL"
    ).fetchall()
    assert copies == [("2025-02", "eu-1", len(FEBRUARY))]
    with pytest.raises(CcftError, match="CCFT-USAGE-EXPORT-TABLE"):
        export_tables(lake, str(tmp_path), "copies", ["core_accounts", "../x"], ("", "", ""))
    assert "account_emissions" in [registered.name for registered in RESULTS]
