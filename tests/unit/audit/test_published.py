"""What counts as published."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from ccft.audit import published
from ccft.audit.software import code_hash

START = datetime(2026, 1, 1, tzinfo=UTC)


def line(number: int, **values: object) -> dict[str, object]:
    plain = {
        "usage_period": "2025-01",
        "methodology_version": "v2.0",
        "run_id": f"run-{number}",
        "status": "published",
        "input_fingerprint": f"inputs-{number}",
        "policy_hash": "policies",
        "configuration_hash": "settings",
        "finished_at": START + timedelta(hours=number),
        "table_versions": json.dumps({"account_emissions": number}),
    }
    return plain | values


def test_publications_of_a_period_are_numbered_by_time_and_the_newest_counts():
    log = pa.Table.from_pylist([line(3), line(1), line(2), line(9, status="failed"), line(4, usage_period="2025-02")])
    history = published.history(log)
    assert [item.run_id for item in history["2025-01", "v2.0"]] == ["run-1", "run-2", "run-3"]
    assert [item.run_id for item in published.lines(log)] == ["run-3", "run-4"]
    assert published.newest(log, "v2.0")["2025-01"].table_versions == {"account_emissions": 3}


def test_lines_of_earlier_software_have_no_input_versions():
    (found,) = published.lines(pa.Table.from_pylist([line(1)]))
    assert found.input_versions == {}
    assert found.software == ("None", "policies", "settings")


def test_lines_carry_what_was_read_and_what_computed():
    recorded = {"code_hash": code_hash(), "input_versions": json.dumps({"core_racks": 7})}
    (found,) = published.lines(pa.Table.from_pylist([line(1, **recorded)]))
    assert found.input_versions == {"core_racks": 7}
    assert found.software == (code_hash(), "policies", "settings")
    assert found.input_fingerprint == "inputs-1"


def test_the_code_hash_is_one_of_the_sources_in_place():
    assert len(code_hash()) == 64
    assert code_hash() == code_hash()
