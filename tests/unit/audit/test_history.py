"""Which result was current before, from the log of runs."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ccft.audit.history import replaced

START = datetime(2026, 1, 1, tzinfo=UTC)


def log(*entries):
    """A run log: period, version, run, status; one hour apart."""
    return pa.Table.from_pylist(
        [
            {
                "usage_period": period, "methodology_version": version, "run_id": run, "status": status,
                "finished_at": START + timedelta(hours=hour), "table_versions": json.dumps({"account_emissions": hour}), "input_fingerprint": "",
            }
            for hour, (period, version, run, status) in enumerate(entries)
        ]
    )  # fmt: skip


def pairs(table):
    return [(item.before.run_id, item.after.run_id) for item in replaced(table)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("2025-06", "v2.0", "a", "published")], []),
        ([("2025-06", "v2.0", "a", "published"), ("2025-06", "v2.0", "b", "published")], [("a", "b")]),
        ([("2025-06", "v2.0", "a", "published"), ("2025-06", "v3.0", "b", "published")], [("a", "b")]),
        # Beside the current version nothing changes for readers.
        ([("2025-06", "v3.0", "a", "published"), ("2025-06", "v2.0", "b", "published")], []),
        ([("2025-06", "v2.0", "a", "published"), ("2025-06", "v2.0", "b", "failed")], []),
        # The last change counts; going back to an earlier result is one.
        (
            [("2025-06", "v2.0", run, "published") for run in "aba"],
            [("b", "a")],
        ),
        (
            [("2025-06", "v2.0", "a", "published"), ("2025-06", "v2.0", "a", "published")],
            [],
        ),
        (
            [("2025-07", "v2.0", "x", "published"), ("2025-06", "v2.0", "a", "published"),
             ("2025-07", "v2.0", "y", "published"), ("2025-06", "v3.0", "b", "published")],
            [("a", "b"), ("x", "y")],
        ),
    ],
)  # fmt: skip
def test_last_replacement_of_each_period(entries, expected):
    assert pairs(log(*entries)) == expected


def test_delta_versions_are_those_of_the_earlier_run():
    (item,) = replaced(log(("2025-06", "v2.0", "a", "published"), ("2025-06", "v2.0", "b", "published")))
    assert (item.before.table_versions, item.after.table_versions) == (
        {"account_emissions": 0},
        {"account_emissions": 1},
    )
