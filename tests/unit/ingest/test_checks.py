"""Checks of ingest as data: each names a registered condition and fills its message."""

from decimal import Decimal
from string import Formatter

import pytest

from ccft.errors import CONDITIONS
from ccft.ingest import quarantine, remarks, small_checks, types, usage, validity
from ccft.ingest.findings import message_sql, problems
from ccft.ingest.fingerprint import PENDING, Content, Slice, changed, content, delivery_id, newest, periods_of
from ccft.ingest.quarantine import Tally, rejected_periods, set_aside, set_aside_in_all
from ccft.lake import inputs
from ccft.lake.inputs import Entry, Format, LayoutError, locate
from ccft.schema.tables import INPUTS, table

SMALL = [registered for registered in INPUTS if not registered.is_large]
SHOWN = {"table", "key", "column", "value", "first", "count", "type", "allowed", "locations", "second"}
"""What findings of small tables can show."""


def slots(code):
    return {name for _, name, _, _ in Formatter().parse(CONDITIONS[code].template) if name}


@pytest.mark.parametrize("registered", SMALL, ids=lambda t: t.name)
def test_checks_of_small_tables_fill_the_templates_of_their_conditions(registered):
    linked = small_checks.PARENTS.get(registered.name, {})
    found = small_checks.checks(registered, linked)
    for check in found:
        needed = slots(check.code)
        assert needed <= SHOWN
        assert "column" not in needed or check.column in registered.column_names
        assert not needed & {"type", "allowed", "locations", "second"} or check.detail != "NULL"
    codes = {check.code for check in found}
    assert {"CCFT-INPUT-WRONG-TYPE", "CCFT-INPUT-MISSING-VALUE", "CCFT-INPUT-DUPLICATE-KEY"} <= codes
    assert ("CCFT-INPUT-OVERLAPPING-VALIDITY" in codes) == validity.has_validity(registered)
    assert ("CCFT-INPUT-UNKNOWN-CLUSTER" in codes) == ("cluster_id" in registered.column_names[1:])


def test_conditions_of_rows_set_aside_are_registered_and_have_messages():
    for code in (*quarantine.CONDITIONS, quarantine.TOO_LARGE, *filter(None, usage.FLAWS)):
        assert slots(code) <= {"table", "key", "column", "value", "type", "count", "period"}
        assert f"'{code}'" in message_sql([code])


def test_activities_and_factors_all_have_units():
    assert set(small_checks.UNITS_OF_ACTIVITY) == set(table("activity").column("activity").values)
    assert set(small_checks.UNITS_OF_FACTOR) == set(table("emission_factors").column("factor_type").values)


def test_rooms_agree_on_the_column_of_malformed_lines():
    assert inputs.MALFORMED == types.MALFORMED


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], None),
        (["services.csv.bak", "racks_old.csv"], None),
        (["racks.csv"], Entry("racks.csv", Format.CSV)),
        (["racks.csv.gz"], Entry("racks.csv.gz", Format.CSV)),
        (["racks.parquet"], Entry("racks.parquet", Format.PARQUET)),
        (["racks.parquet/part-0.parquet"], Entry("racks.parquet", Format.PARQUET)),
        (["racks/a.parquet", "racks/b.parquet"], Entry("racks", Format.PARQUET)),
        (["racks/x=1/a.csv", "racks/x=2/y=3/a.csv.gz"], Entry("racks", Format.CSV)),
        (["racks/2025/a.csv"], Entry("racks", Format.CSV, is_recursive=True)),
        (["racks/_delta_log", "racks/a.parquet"], Entry("racks", Format.DELTA)),
    ],
)
def test_tables_are_found_in_any_layout(files, expected):
    assert locate(["README.md", *files], "racks") == expected


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["racks.csv", "racks.parquet"], r"delivered 2 times \(racks.csv, racks.parquet\), keep one"),
        (["racks/a.csv", "racks/a.parquet"], "CSV and Parquet are mixed"),
        (["racks/a.xlsx"], "holds no .csv"),
        (["racks/x=1/a.csv", "racks/2/a.csv"], "with and without name=value"),
    ],
)
def test_layouts_that_are_no_table(files, reason):
    with pytest.raises(LayoutError, match=reason):
        locate(files, "racks")


def tallies():
    return [
        Tally("a", "2025-01", None, 9989, 3, 100),
        Tally("a", "2025-01", "X", 6, 0, 1),
        Tally("a", None, "Y", 5, 0, 1),
        Tally("a", "2025-02", None, 1, 0, 1),
        Tally("b", "2025-01", "X", 100, 0, 1),
    ]


def test_rows_without_a_date_count_in_every_period():
    assert set_aside(tallies(), "a", "2025-01") == {"X": 6, "Y": 5}
    assert set_aside(tallies(), "a", "2025-02") == {"Y": 5}
    assert set_aside_in_all(tallies(), "a") == {"X": 6, "Y": 5}


def test_a_period_is_rejected_above_both_limits():
    def periods(share, rows):
        return [
            p.values["period"] for p in rejected_periods(tallies(), "a", ["2025-01", "2025-02"], Decimal(share), rows)
        ]

    assert periods("0.001", 10) == ["2025-01"]
    assert periods("0.001", 11) == []
    assert periods("0.0011", 10) == []
    assert periods("0.001", 4) == ["2025-01", "2025-02"]
    (problem,) = rejected_periods(tallies(), "a", ["2025-01"], Decimal("0.001"), 10)
    assert problem.message == "a 2025-01: 11 of 10000 rows rejected (6 X, 5 Y): above 0.1 % of the rows and 10 rows"


def test_remarks_on_usage():
    found = remarks.on_usage([*tallies(), Tally("a", "2025-01", "CCFT-INPUT-WRONG-TYPE", 2, 0, 1)], "a", "2025-01")
    assert [event[:4] for event in found] == [
        ("2025-01", remarks.COPIES, "a", 3),
        ("2025-01", remarks.REJECTED, "a CCFT-INPUT-WRONG-TYPE", 2),
        ("2025-01", remarks.REJECTED, "a X", 6),
        ("2025-01", remarks.REJECTED, "a Y", 5),
    ]
    assert found[0][4] == "a: 3 identical copies of rows counted once"
    assert found[1][4] == "a: 2 rows set aside as CCFT-INPUT-WRONG-TYPE"


def test_fingerprints_tell_tables_counts_and_content_apart():
    prints = {
        content(*case).fingerprint
        for case in [("a", 1, 2, 3), ("b", 1, 2, 3), ("a", 2, 2, 3), ("a", 1, 3, 3), ("a", 1, 2, 4)]
    }
    assert len(prints) == 5
    assert content("a", 2, 1, 2**32 + 5) == content("a", 2, 2, 5)
    assert content("a", 2, -1, 5) != content("a", 2, 1, 5)


def test_deliveries_are_named_by_content():
    one, two = Slice("a", ""), Slice("b", "2025-01")
    contents = {one: Content(1, "x"), two: Content(1, "y")}
    assert delivery_id(contents) == delivery_id(dict(reversed(contents.items())))
    assert delivery_id(contents) != delivery_id({one: Content(1, "y"), two: Content(1, "x")})
    assert changed(contents, {one: "x", two: PENDING}) == {two}
    assert periods_of([*contents, Slice("b", "")], "b") == ["2025-01"]


def test_the_newest_line_of_the_log_counts():
    lines = [
        {"table_name": "a", "period": None, "fingerprint": "new", "ingested_at": 2},
        {"table_name": "a", "period": None, "fingerprint": "old", "ingested_at": 1},
        {"table_name": "b", "period": "2025-01", "fingerprint": "x", "ingested_at": 1},
    ]
    assert newest(lines) == {Slice("a", ""): "new", Slice("b", "2025-01"): "x"}


def test_problems_are_cut_with_the_number_of_the_others():
    rows = [{"table_name": "t", "condition": "C", "rank": rank, "values": {"key": str(rank)}} for rank in (3, 1, 2)]
    listed = problems(rows, {("t", "C"): 9}, limit=2)
    assert [problem.code for problem in listed] == ["C", "C", "CCFT-INPUT-MORE-PROBLEMS"]
    assert listed[-1].message == "t: ... and 7 more of C"
