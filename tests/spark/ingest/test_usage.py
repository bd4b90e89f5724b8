"""Usage tables: monthly sums, identical copies, rows set aside, periods rejected."""

import json
from decimal import Decimal

import pytest

from ccft.schema.tables import table

pytestmark = pytest.mark.spark

RACK_USAGE = [
    ("2025-03", "eu-1", "r1", "C5", "False", "vm", "21.500000"),
    ("2025-03", "eu-1", "r1", "C5", "True", "vm", "12.000000"),
    ("2025-03", "eu-2", "r2", "C5", "True", "db", "1.000000"),
    ("2025-03", "eu-2", "r2", "C5", "True", "vm", "13.000000"),
    ("2025-03", "global", "e1", "CDN", "False", "vm", "14.000000"),
    ("2025-04", "eu-1", "r1", "C5", "False", "vm", "15.000000"),
]
A, B, C, OWN = "000000000010", "000000000011", "000000000012", "000000000000"
ACCOUNT_USAGE = [
    ("2025-03", "eu-1", "r1", "db", "000000000001", OWN, "internal", "vm", "5.000000", "None", "1.500000"),
    ("2025-03", "eu-1", "r1", "vm", A, A, "external", "None", "7.000001", "0.500000", "None"),
    ("2025-03", "eu-2", "r2", "db", B, B, "external", "None", "150.000000", "6.750000", "None"),
    ("2025-03", "global", "e1", "vm", B, B, "external", "None", "0.000000", "None", "None"),
    ("2025-04", "eu-1", "r1", "vm", A, B, "external", "None", "8.000000", "1.000000", "None"),
    ("2025-04", "eu-1", "r1", "vm", C, B, "affiliate", "None", "9.000000", "None", "None"),
]

BAD_ACCOUNT_USAGE = {
    "2025-03-01|000000000099|r1|vm|box|1||": "UNKNOWN-ACCOUNT: {key}: account '000000000099' is not in accounts",
    "2025-03-01|000000000012|r1|vm|box|1||": "INVALID-ACCOUNT: {key}: account '000000000012' is not valid in 2025-03",
    "2025-03-01|000000000010|r9|vm|box|1||": "UNKNOWN-CLUSTER: {key}: cluster 'r9' is not in clusters",
    "2025-03-01|000000000010|r1|xx|box|1||": "UNKNOWN-SERVICE: {key}: service 'xx' is not in services",
    "2025-03-01|000000000010|r1|db|box|-1||": "NEGATIVE-QUANTITY: {key}: usage_units = -1 is negative",
    "2025-03-01|000000000010|r1|db|cup|1|one|": "WRONG-TYPE: {key}: equivalent_revenue_usd = 'one' is not a number with at most 6 decimals",
    "2025-03-01|000000000010|r1|db|mug||1|": "MISSING-VALUE: {key}: usage_units is empty",
    "2025-03-09|000000000010|r1|vm|box|5||": "CONFLICTING-ROWS: {key}: 2 rows of one key with different values",
    "2025-03-09|000000000010|r1|vm|box|5|0|": "CONFLICTING-ROWS: {key}: 2 rows of one key with different values",
    "2025-02-30|000000000010|r1|vm|box|1||": "WRONG-TYPE: - 000000000010 r1 vm box: usage_date = '2025-02-30' is not a date (YYYY-MM-DD)",
}
BAD_RACK_USAGE = {
    "2025-03-01|k9|vm|1": "UNKNOWN-RACK: {key}: rack 'k9' is not in racks",
    "2025-03-01|n1|vm|1": "NETWORK-RACK-USAGE: {key}: rack 'n1' is a networking rack and has no usage",
    "2025-03-01|k1||1": "MISSING-VALUE: 2025-03-01 k1 -: service_id is empty",
    "2025-03-01|k1|xx|1": "UNKNOWN-SERVICE: {key}: service 'xx' is not in services",
    "2025-03-01|k2|vm|-1": "CONFLICTING-ROWS: {key}: 2 rows of one key with different values",
    "2025-03-01|k2|vm|1": "CONFLICTING-ROWS: {key}: 2 rows of one key with different values",
}


def key_of(name, line):
    return " ".join(line.split("|")[: len(table(name).key)])


def spoil(world):
    world.add("account_usage", *BAD_ACCOUNT_USAGE).add("rack_usage", *BAD_RACK_USAGE)
    # Three copies of a sound row, one in another notation, and two of a bad one.
    world.add(
        "account_usage",
        *["2025-03-06|000000000011|r2|db|calls|50|10|"] * 2,
        "2025-03-06|000000000011|r2|db|calls|50.0|1E1|",
    )
    return world.add("rack_usage", "2025-03-01|k9|vm|1", "2025-04-01|k1|vm|15")


def test_monthly_sums(world, take, rows, tmp_path):
    report = take(world.csv(tmp_path / "in"))
    assert rows("core_rack_usage") == RACK_USAGE
    assert rows("core_account_usage") == ACCOUNT_USAGE
    assert (report.unchanged, report.periods, report.events) == (False, ("2025-03", "2025-04"), 0)
    assert report.rows["core_account_usage"] == len(ACCOUNT_USAGE)
    assert report.rows["core_rack_usage"] == len(RACK_USAGE)
    assert report.rows["core_activity"] == 7
    assert report.rejected == {"account_usage": {}, "rack_usage": {}}
    assert rows("core_clusters")[2] == ("r2", "region", "eu-2", "Europe (Two)", "Z2", "M1", "2024-09-01")


def test_bad_rows_are_set_aside_and_copies_count_once(world, take, rows, lake, tmp_path):
    report = take(spoil(world).csv(tmp_path / "in"))
    assert rows("core_rack_usage") == RACK_USAGE
    assert rows("core_account_usage") == ACCOUNT_USAGE
    found = lake.read("rejected_rows").collect()
    expected = []
    for name, cases in (("account_usage", BAD_ACCOUNT_USAGE), ("rack_usage", BAD_RACK_USAGE)):
        for line, text in cases.items():
            condition, _, message = text.format(key=key_of(name, line)).partition(": ")
            periods = ["2025-03", "2025-04"] if line.startswith("2025-02-30") else ["2025-03"]
            copies = 2 if line == "2025-03-01|k9|vm|1" else 1
            expected += copies * [(period, name, f"CCFT-INPUT-{condition}", f"{name} {message}") for period in periods]
    assert sorted((r["usage_period"], r["table_name"], r["condition"], r["message"]) for r in found) == sorted(expected)
    assert {r["run_id"] for r in found} == {report.ingest_id}
    for name, cases in (("account_usage", BAD_ACCOUNT_USAGE), ("rack_usage", BAD_RACK_USAGE)):
        delivered = [dict(zip(table(name).column_names, line.split("|"), strict=True)) for line in cases]
        kept = [json.loads(r["row_json"]) for r in found if r["table_name"] == name]
        assert all({k: v for k, v in row.items() if v} in kept for row in delivered)
    assert report.rejected["rack_usage"] == {
        "CCFT-INPUT-CONFLICTING-ROWS": 2,
        "CCFT-INPUT-MISSING-VALUE": 1,
        "CCFT-INPUT-NETWORK-RACK-USAGE": 1,
        "CCFT-INPUT-UNKNOWN-RACK": 2,
        "CCFT-INPUT-UNKNOWN-SERVICE": 1,
    }
    events = {(e["usage_period"], e["subject"]): e for e in lake.read("data_quality_events").collect()}
    assert {e["methodology_version"] for e in events.values()} == {"ingest"}
    assert len(events) == report.events == 17
    copies = events["2025-03", "account_usage"]
    assert (copies["condition"], copies["event_value"]) == ("CCFT-EVENT-IDENTICAL-DUPLICATES", Decimal(3))
    assert copies["message"] == "account_usage: 3 identical copies of rows counted once"
    assert events["2025-04", "rack_usage"]["event_value"] == 1
    unread = events["2025-04", "account_usage CCFT-INPUT-WRONG-TYPE"]
    assert unread["message"] == "account_usage: 1 rows set aside as CCFT-INPUT-WRONG-TYPE"

    mended = type(world)()
    again = take(mended.csv(tmp_path / "mended"))
    assert not again.unchanged
    assert again.rejected == {"account_usage": {}, "rack_usage": {}}
    assert lake.read("rejected_rows").count() == lake.read("data_quality_events").count() == 0
    assert rows("core_account_usage") == ACCOUNT_USAGE


def test_too_many_rejected_rows_and_amounts_reject_everything(world, refused, lake, tmp_path):
    spoil(world)
    world.add("account_usage", "2025-04-02|000000000010|r1|vm|box|1000000000000||")
    world.add("rack_usage", *["2025-04-03|k1|vm|600000000000"], "2025-04-04|k1|vm|600000000000")
    found = refused(world.csv(tmp_path / "in"), rejected_rows_limit=9)
    assert (
        "AMOUNT-TOO-LARGE: account_usage 2025-04-02 000000000010 r1 vm box: usage_units = 1000000000000 is above the representable range"
        in found
    )
    assert (
        "AMOUNT-TOO-LARGE: rack_usage 2025-04 r1 C5 false vm: sum of used_units = 1200000000015.000000 is above the representable range"
        in found
    )
    too_many = [line for line in found if line.startswith("TOO-MANY")]
    assert "".join(too_many) == (
        "TOO-MANY-REJECTED: account_usage 2025-03: 10 of 20 rows rejected (2 CCFT-INPUT-CONFLICTING-ROWS, 1 CCFT-INPUT-INVALID-ACCOUNT,"
        " 1 CCFT-INPUT-MISSING-VALUE, 1 CCFT-INPUT-NEGATIVE-QUANTITY, 1 CCFT-INPUT-UNKNOWN-ACCOUNT, 1 CCFT-INPUT-UNKNOWN-CLUSTER,"
        " 1 CCFT-INPUT-UNKNOWN-SERVICE, 2 CCFT-INPUT-WRONG-TYPE): above 0.1 % of the rows and 9 rows"
    )
    examples = [line for line in found if not line.startswith(("TOO-MANY", "AMOUNT"))]
    assert len(examples) == 10
    assert (
        "NEGATIVE-QUANTITY: account_usage 2025-03-01 000000000010 r1 db box: usage_units = -1 is negative" in examples
    )
    assert not lake.exists("core_clusters")


def test_rows_without_any_readable_date_are_not_dropped(world, refused, tmp_path):
    world.rows["rack_usage"] = [["03/01/2025", "k1", "vm", "1"]]
    found = refused(world.csv(tmp_path / "in"))
    assert found == [
        "TOO-MANY-REJECTED: rack_usage (no readable date): 1 of 1 rows rejected (1 CCFT-INPUT-WRONG-TYPE): above 0.1 % of the rows and 10 rows",
        "WRONG-TYPE: rack_usage - k1 vm: usage_date = '03/01/2025' is not a date (YYYY-MM-DD)",
    ]
