"""Months, versions and recipients of an export."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from ccft.errors import CcftError
from ccft.periods import period_range
from ccft.publish.data_exports.scope import (
    Slice,
    chosen,
    expected,
    first_months,
    payers_valid_in,
    window,
)


def published(period: str, version: str = "v2.0", *, is_current: bool = True) -> Slice:
    return Slice(period, version, f"run-{period}-{version}", datetime(2026, 1, 1, tzinfo=UTC), {}, is_current)


def accounts(*rows: tuple[str, str, str, str | None]) -> pa.Table:
    names = ["account_id", "payer_account_id", "valid_from", "valid_to"]
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows], schema=pa.schema([(name, pa.string()) for name in names])
    )


def test_the_window_is_38_months_inclusive():
    first, last = window("2026-03")
    assert (first, last) == ("2023-02", "2026-03")
    assert len(period_range(first, last)) == 38


def test_given_months_may_leave_the_window_and_must_not_be_empty():
    assert window("2026-03", "2020-01", "2020-12") == ("2020-01", "2020-12")
    assert window("2026-03", last="2027-01") == ("2023-02", "2027-01")
    with pytest.raises(CcftError, match="CCFT-USAGE-BAD-RANGE"):
        window("2026-03", "2025-02", "2025-01")


def test_current_versions_unless_told_otherwise():
    slices = [
        published("2025-09"),
        published("2025-10", is_current=False),
        published("2025-10", "v3.0"),
        published("2021-01"),
    ]
    bounds = window("2025-10")
    assert [item.key for item in chosen(slices, bounds)] == [("2025-09", "v2.0"), ("2025-10", "v3.0")]
    assert [item.key for item in chosen(slices, bounds, "v2.0")] == [("2025-09", "v2.0"), ("2025-10", "v2.0")]
    assert [item.key for item in chosen(slices, bounds, "all")] == [
        ("2025-09", "v2.0"),
        ("2025-10", "v2.0"),
        ("2025-10", "v3.0"),
    ]
    with pytest.raises(CcftError, match="CCFT-USAGE-UNKNOWN-METHODOLOGY"):
        chosen(slices, bounds, "v9.9")


def test_measures_that_a_version_lacks_are_named():
    assert published("2025-01").measures_not_computed == ("scope_3_fera_lbm", "scope_3_fera_mbm", "scope_3_embodied")
    assert published("2025-01", "v3.0").measures_not_computed == ()


def test_joining_and_leaving():
    """A pays for itself and for B, until B leaves for C; D left before the window; E is nobody's payer but its own later."""
    known = accounts(
        ("A", "A", "2024-01", None),
        ("B", "A", "2024-03", "2025-01"),
        ("B", "C", "2025-02", None),
        ("C", "C", "2025-01", None),
        ("D", "D", "2020-01", "2021-12"),
        ("E", "A", "2024-06", "2025-02"),
        ("E", "E", "2025-03", None),
    )
    first = first_months(known)
    assert first == {"A": "2024-01", "B": "2024-03", "C": "2025-01", "D": "2020-01", "E": "2024-06"}
    assert payers_valid_in(known, ("2024-12", "2025-02")) == {"A", "C"}
    assert payers_valid_in(known, ("2025-03", "2025-03")) == {"A", "C", "E"}
    assert payers_valid_in(known, ("2021-12", "2021-12")) == {"D"}


def test_months_without_rows_are_expected_from_the_first_month_on():
    slices = [published(period) for period in ("2024-12", "2025-01", "2025-02")]
    first = {"A": "2024-01", "C": "2025-01"}
    found = [(item.period, payer) for item, payer in expected(slices, ["C", "A", "Z"], first, {})]
    assert found == [("2024-12", "A"), ("2025-01", "A"), ("2025-01", "C"), ("2025-02", "A"), ("2025-02", "C")]
    # Published rows of a month before the first one of the reference table are delivered all the same.
    rows = {("2024-12", "v2.0", "C"): 3}
    assert ("2024-12", "C") in [(item.period, payer) for item, payer in expected(slices, ["A", "C"], first, rows)]
    # So is a delivery that was made before, whatever became of its rows.
    again = expected(slices, ["Z"], first, {}, {("2025-01", "v2.0", "Z")})
    assert [(item.period, payer) for item, payer in again] == [("2025-01", "Z")]
