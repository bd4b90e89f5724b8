"""What a delivery replaces, when it is unchanged, and that neither order, layout nor format matters."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.schema.tables import CORE, INPUTS, table
from tests.spark.conftest import rows_of

pytestmark = pytest.mark.spark

READ = {"string": str, "date": date.fromisoformat, "boolean": lambda text: text == "true", "int": int}
ARROW = {"string": pa.string(), "date": pa.date32(), "boolean": pa.bool_(), "int": pa.int32()}


def arrow(world, name):
    """Rows of a table of the world in the types of the registry."""
    columns = {}
    for position, column in enumerate(table(name).columns):
        texts = [row[position] or None for row in world.rows[name]]
        is_decimal = column.type.startswith("decimal")
        read = Decimal if is_decimal else READ[column.type]
        kind = pa.decimal128(18, int(column.type.split(",")[1][:-1])) if is_decimal else ARROW[column.type]
        columns[column.name] = pa.array([None if text is None else read(text) for text in texts], kind)
    return pa.table(columns)


def write_shuffled(spark, world, folder):
    """The same rows in another order, every table in another layout: Parquet and Delta, in one to seven files, in partitions."""
    folder.mkdir()
    for number, registered in enumerate(INPUTS):
        rows = arrow(world, registered.name)
        order = list(range(rows.num_rows))
        order = order[number % 5 :] + order[: number % 5][::-1]
        rows, path = rows.take(order), folder / registered.name
        files = (1, 3, 7)[number % 3]
        if registered.name == "account_usage":
            frame = spark.createDataFrame(rows)
            frame.repartition(files).write.partitionBy("cluster_id").parquet(str(path))
        elif registered.name in {"rack_usage", "services"}:
            spark.createDataFrame(rows).repartition(files).write.format("delta").save(str(path))
        else:
            path.mkdir()
            for part in range(files):
                pq.write_table(
                    rows.slice(
                        part * rows.num_rows // files,
                        (part + 1) * rows.num_rows // files - part * rows.num_rows // files,
                    ),
                    path / f"{part}.parquet",
                )
    return str(folder)


def contents(rows):
    return {registered.name: rows(registered.name) for registered in CORE}


def versions(lake):
    """Files of the Delta logs: what any write would change."""
    return sorted(str(path) for path in Path(lake.root).rglob("_delta_log/*.json"))


def test_order_layout_and_format_do_not_matter(spark, world, take, taken, lake, tmp_path):
    before = versions(lake)
    again = take(write_shuffled(spark, world, tmp_path / "shuffled"))
    assert again.unchanged
    assert again.rows == {}
    assert versions(lake) == before


def test_core_tables_are_equal_from_any_layout(spark, world, take, rows, sound_lake, tmp_path):
    take(write_shuffled(spark, world, tmp_path / "shuffled"))
    in_order = Lake(spark, sound_lake.root)
    assert contents(rows) == contents(lambda name: rows_of(in_order, name))


def test_what_a_delivery_replaces(world, take, taken, rows, lake, tmp_path, no_python_on_executors):
    first, second = taken.report, world
    second.drop("activity", "2025-03").drop("account_usage", "2025-03").drop("rack_usage", "2025-03").drop(
        "certificates", "2025"
    )
    second.add("activity", "2025-04|s1|r2|electricity||5|MWh|metered").add(
        "account_usage", "2025-04-02|000000000012|r1|vm|box|1||"
    )
    second.drop("facility_assets", "").add("emission_factors", "grid_losses|Z9||2030-01||2000.5|kg/MWh|odd|2030")
    report = take(second.csv(tmp_path / "second"))
    assert report.ingest_id != first.ingest_id
    assert set(report.rows) == {
        "core_activity",
        "core_emission_factors",
        "core_facility_assets",
        "core_account_usage",
        "core_rack_usage",
    } - {"core_rack_usage"}
    assert {row[0] for row in rows("core_activity")} == {"2025-03", "2025-04"}
    assert len(rows("core_activity")) == 6 + 2
    assert rows("core_facility_assets") == []
    assert len(rows("core_certificates")) == 2
    sums = {(row[0], row[4]): row[8] for row in rows("core_account_usage") if row[3] == "vm"}
    assert sums["2025-04", "000000000012"] == "10.000000"
    assert sums["2025-03", "000000000010"] == "7.000001"
    event = lake.read("data_quality_events").collect()
    assert [(e["usage_period"], e["condition"], e["message"]) for e in event] == [
        (
            "2030-01",
            "CCFT-EVENT-IMPLAUSIBLE-FACTOR",
            "grid_losses Z9: grid factor 2000.500000000 kg/MWh is outside 0 to 2000",
        )
    ]
    logged = {
        (row["table_name"], row["period"]): row for row in lake.read("ingest_log").orderBy("ingested_at").collect()
    }
    assert logged["account_usage", "2025-04"]["ingest_id"] == report.ingest_id
    assert logged["account_usage", "2025-04"]["row_count"] == 3
    assert logged["account_usage", "2025-03"]["ingest_id"] == first.ingest_id
    assert logged["clusters", None]["ingest_id"] == first.ingest_id
    assert not any(row["fingerprint"] == "pending" for row in logged.values())


def test_chosen_periods(world, take, taken, rows, tmp_path):
    folder = taken.inputs
    only = world.drop("account_usage", "2025-03").drop("rack_usage", "2025")
    only.add("account_usage", "2025-04-03|000000000099|r9|vm|box|1||", "2025-04-03|000000000012|r1|vm|box|1||")
    report = take(only.csv(tmp_path / "only"), ["2025-03"])
    assert report.periods == ("2025-03",)
    assert report.rejected["account_usage"] == {}
    for name in ("core_account_usage", "core_rack_usage"):
        assert {row[0] for row in rows(name)} == {"2025-04"}
    assert take(folder).periods == ("2025-03", "2025-04")
    assert {row[0] for row in rows("core_rack_usage")} == {"2025-03", "2025-04"}
    with pytest.raises(CcftError, match="CCFT-USAGE-BAD-PERIOD: '2025-3' is not a period"):
        take(folder, ["2025-03", "2025-3"])


def test_a_killed_ingest_is_healed_by_a_re_run(world, take, taken, rows, lake, tmp_path, monkeypatch):
    first, before = taken.inputs, contents(rows)
    second = world.add("services", "new|New|New|false|x").add("rack_usage", "2025-04-02|k1|vm|1")
    replace = lake.replace

    def die(name, frame, where):
        if name != "core_services":
            raise KeyboardInterrupt(name)
        return replace(name, frame, where)

    monkeypatch.setattr(lake, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        take(second.csv(tmp_path / "second"))
    monkeypatch.setattr(lake, "replace", replace)
    assert len(rows("core_services")) == 3
    # The first delivery is not what the lake holds, though it is the last one that was finished.
    assert not take(first).unchanged
    assert contents(rows) == before
    assert take(first).unchanged


def test_problems_of_layout_come_with_all_others(world, refused, lake, tmp_path):
    world.add("services", "SharedOverhead|x|x|true|x")
    folder = tmp_path / "in"
    world.csv(folder)
    (folder / "certificates.csv").unlink()
    (folder / "racks.csv").write_text("rack_id,cluster_id\nk1,r1\n")
    (folder / "accounts.csv").unlink()
    pq.write_table(
        pa.table(
            {
                "account_id": pa.array([1], pa.int64()),
                **{name: pa.array(["2025-01"]) for name in table("accounts").column_names[1:]},
            }
        ),
        folder / "accounts.parquet",
    )
    (folder / "account_usage").mkdir()
    (folder / "rack_usage.csv").write_text("usage_date,rack_id,service_id,used_units\n2025-03-01,k1,vm,1,\n")
    (folder / "activity.csv").write_bytes(
        (folder / "activity.csv").read_bytes() + b"2025-03,caf\xe9,r1,electricity,,1,MWh,metered\r\n2025-03,x\r\n"
    )
    (folder / "emission_factors.csv").unlink()
    (folder / "emission_factors.parquet").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    found = refused(str(folder))
    reading = [line for line in found if line.startswith("UNREADABLE-TABLE")]
    assert [line.partition(" cannot be read: ")[0] for line in reading] == ["UNREADABLE-TABLE: emission_factors:"]
    assert [line for line in found if line not in reading] == [
        "MISSING-TABLE: certificates: not in the input folder",
        *(f"MISSING-COLUMN: racks: column {name} is missing" for name in table("racks").column_names[2:]),
        "WRONG-TYPE: accounts (whole column): account_id = 'bigint' is not text: 12 digits",
        "WRONG-TYPE: activity 2025-03 caf\ufffd r1 electricity -: site_id = 'caf\ufffd' is not text",
        'WRONG-TYPE: activity {"period":"2025-03","site_id":"x"}: row = \'2025-03,x\' is not as many fields as the header',
        "RESERVED-PRODUCT: services SharedOverhead: service_id = SharedOverhead is reserved",
    ]
    assert not lake.exists("ingest_log")


def test_a_file_that_breaks_while_it_is_read_is_named(world, refused, tmp_path):
    folder = tmp_path / "in"
    world.csv(folder)
    (folder / "account_usage.csv").unlink()
    (folder / "account_usage").mkdir()
    for part, reverse in ((1, False), (2, True)):
        rows = arrow(world, "account_usage")
        names = rows.column_names[::-1] if reverse else rows.column_names
        text = "\n".join(
            [
                ",".join(names),
                *(",".join("" if v is None else str(v) for v in (row[n] for n in names)) for row in rows.to_pylist()),
            ]
        )
        (folder / "account_usage" / f"{part}.csv").write_text(text + "\n")
    found = refused(str(folder))
    assert len(found) == 1
    assert found[0].startswith(
        "UNREADABLE-TABLE: account_usage: cannot be read: CSV header does not conform to the schema"
    )


def test_duplicates_across_files_of_a_delivery(world, take, rows, lake, tmp_path):
    folder = tmp_path / "in"
    world.csv(folder)
    usage = (folder / "rack_usage.csv").read_text()
    (folder / "rack_usage.csv").unlink()
    (folder / "rack_usage").mkdir()
    for part in (1, 2):
        (folder / "rack_usage" / f"{part}.csv").write_text(usage)
    report = take(str(folder))
    assert [row[-1] for row in rows("core_rack_usage")] == [
        "21.500000",
        "12.000000",
        "1.000000",
        "13.000000",
        "14.000000",
        "15.000000",
    ]
    assert report.events == 2
    assert {(e["usage_period"], e["event_value"]) for e in lake.read("data_quality_events").collect()} == {
        ("2025-03", 6),
        ("2025-04", 1),
    }


def test_a_delivery_without_usage(world, take, rows, lake, tmp_path):
    world.drop("account_usage", "").drop("rack_usage", "")
    report = take(world.csv(tmp_path / "in"))
    assert report.periods == ()
    assert len(rows("core_racks")) == report.rows["core_racks"] == 5
    assert not lake.exists("core_account_usage")


@pytest.mark.slow
def test_real_month(real_month, spark, take, rows, lake):
    """The public month keeps every unit of its README."""
    report = take(str(real_month))
    assert report.periods == ("2022-09", "2022-10")
    assert set(report.rejected) == {"account_usage", "rack_usage", "ai_accelerator_usage", "ai_token_usage"}
    assert not any(report.rejected.values())
    assert {name: report.rows[f"core_{name}"] for name in ("clusters", "activity", "racks", "accounts")} == {
        "clusters": 5,
        "activity": 164,
        "racks": 823,
        "accounts": 3918,
    }
    totals = lake.read("core_account_usage").selectExpr(
        "sum(usage_units)", "sum(equivalent_revenue_usd)", "sum(allocated_cost_usd)"
    )
    assert [str(value) for value in totals.collect()[0]] == ["121159493.393742", "3316551.963047", "230.273354"]
    assert str(lake.read("core_rack_usage").selectExpr("sum(used_units)").collect()[0][0]) == "118068373.003763"
    expected = spark.sql(
        """
        SELECT date_format(u.usage_date, 'yyyy-MM') AS usage_period, r.cluster_id, r.rack_type,
               date_trunc('month', u.usage_date) < add_months(r.deployed_on, 12)
                 OR date_trunc('month', u.usage_date) < add_months(c.launched_on, 12) AS is_ramping,
               u.service_id, sum(u.used_units) AS used_units
        FROM {usage} u JOIN {racks} r USING (rack_id) JOIN {clusters} c ON r.cluster_id = c.cluster_id
        GROUP BY ALL""",
        usage=spark.read.parquet(f"{real_month}/rack_usage"),
        racks=lake.read("core_racks"),
        clusters=lake.read("core_clusters"),
    )
    ours = lake.read("core_rack_usage").select(expected.columns)
    assert sorted(map(tuple, ours.collect())) == sorted(map(tuple, expected.collect()))
    assert len(rows("core_account_usage")) == report.rows["core_account_usage"]
    files = lake.read("core_account_usage").inputFiles()
    assert len(files) == 10
