"""`ccft restate log`: read without a JVM."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from ccft.cli import main

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.fixture
def lake(tmp_path) -> str:
    """Two months of v2.0, the second of them restated."""
    runs = [("run-1", "2025-01", "a"), ("run-2", "2025-02", "b"), ("run-3", "2025-02", "c")]
    log = [{"run_id": run, "usage_period": period, "input_fingerprint": print_} for run, period, print_ in runs]
    write_deltalake(str(tmp_path / "run_log"), pa.Table.from_pylist(log))
    return str(tmp_path)


def restate(lake: str) -> None:
    kg = pa.decimal128(28, 9)
    rows = [
        {
            "usage_period": "2025-02",
            "methodology_version": "v2.0",
            "measure": measure,
            "old_run_id": "run-2",
            "run_id": "run-3",
            "old_kg": Decimal(old),
            "new_kg": Decimal(new),
            "reason": "meter read again",
            "restated_by": "tester",
            "restated_at": WHEN,
        }
        for measure, old, new in [("scope_2_lbm", "10", "12.000000001"), ("scope_1", "0.5", "0.5")]
    ]
    table = pa.Table.from_pylist(rows)
    for name in ("old_kg", "new_kg"):
        position = table.schema.get_field_index(name)
        table = table.set_column(position, name, table[name].cast(kg))
    write_deltalake(f"{lake}/restatements", table)


def test_nothing_restated(lake, capsys):
    assert said(capsys, "restate", "log", "--lake", lake) == "nothing was restated\n"
    assert json.loads(said(capsys, "restate", "log", "--lake", lake, "--json")) == []


def test_who_changed_what_when_and_why(lake, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    restate(lake)
    text = said(capsys, "restate", "log", "--lake", lake)
    for word in (
        "2025-02 v2.0",
        "2026-03-01",
        "tester",
        "meter read again",
        "old run-2, inputs b",
        "new run-3, inputs c",
    ):
        assert word in text
    (line,) = [row for row in text.splitlines() if "scope_2_lbm" in row]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "scope_2_lbm",
        "10.000000000",
        "12.000000001",
        "+2.000000001",
    ]


def test_json_has_plain_digits_and_fingerprints(lake, capsys):
    restate(lake)
    first, second = json.loads(said(capsys, "restate", "log", "--lake", lake, "--period", "2025-02", "--json"))
    assert (first["measure"], second["measure"]) == ("scope_1", "scope_2_lbm")
    assert (second["old_kg"], second["new_kg"]) == ("10.000000000", "12.000000001")
    assert (second["old_input_fingerprint"], second["new_input_fingerprint"]) == ("b", "c")
    assert json.loads(said(capsys, "restate", "log", "--lake", lake, "--period", "2025-01", "--json")) == []


def test_a_folder_that_is_no_lake_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["restate", "log", "--lake", str(tmp_path)])
    assert stopped.value.code == 2
    assert "CCFT-USAGE-NO-LAKE" in capsys.readouterr().err
