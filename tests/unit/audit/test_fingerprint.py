"""What changes the identity of a month, and what does not."""

from datetime import date

import pyarrow as pa
import pytest

from ccft.audit.fingerprint import fingerprints, usage_contents

PERIODS = ["2025-03", "2025-04"]
RACK = {"rack_id": "k1", "cluster_id": "c", "deployed_on": date(2020, 1, 1), "retired_on": None}
FACTOR = {"factor_type": "gwp", "valid_from": "2020-01", "valid_to": None, "value": 1}
SERVICE = {"service_id": "vm", "product_code": "VM"}
USAGE = {"usage_period": "2025-03", "service_id": "vm", "account_count": 5, "row_hash_high": 7, "row_hash_low": 9}
RACK_USAGE = {"usage_period": "2025-03", "service_id": "vm", "used_units": 3}


def prints(
    *, racks=(RACK,), factors=(FACTOR,), services=(SERVICE,), usage=(USAGE,), rack_usage=(RACK_USAGE,)
) -> dict[str, str]:
    reference = {"core_racks": racks, "core_emission_factors": factors, "core_services": services}
    tables = {name: pa.Table.from_pylist(list(rows)) for name, rows in reference.items()}
    contents = usage_contents(pa.Table.from_pylist(list(usage)), pa.Table.from_pylist(list(rack_usage)))
    return fingerprints(tables, contents, PERIODS)


BASE = prints()


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"racks": ({**RACK, "retired_on": date(2025, 4, 1)},)}, ["2025-04"]),
        ({"racks": ({**RACK, "retired_on": date(2025, 5, 1)},)}, []),
        ({"racks": (RACK, {**RACK, "rack_id": "k2", "deployed_on": date(2025, 4, 30)})}, ["2025-04"]),
        ({"racks": (RACK, {**RACK, "rack_id": "k2", "deployed_on": date(2025, 5, 1)})}, []),
        ({"racks": (RACK, RACK)}, PERIODS),
        ({"factors": ({**FACTOR, "valid_to": "2025-03"},)}, ["2025-04"]),
        ({"factors": ({**FACTOR, "valid_to": "2025-04"},)}, []),
        ({"factors": ({**FACTOR, "value": 2},)}, PERIODS),
        ({"services": (SERVICE, {"service_id": "new", "product_code": "N"})}, []),
        ({"services": ({**SERVICE, "product_code": "X"},)}, ["2025-03"]),
        ({"usage": ({**USAGE, "row_hash_low": 10},)}, ["2025-03"]),
        ({"usage": ({**USAGE, "account_count": 6},)}, ["2025-03"]),
        ({"rack_usage": ({**RACK_USAGE, "used_units": 4},)}, ["2025-03"]),
    ],
)
def test_months_that_a_change_concerns(changes, changed):
    found = prints(**changes)
    assert [period for period in PERIODS if found[period] != BASE[period]] == changed


def test_classes_of_a_month_add_up():
    """How account rows fall into classes is no content: counts and hashes are summed."""
    halves = (
        {**USAGE, "account_count": 2, "row_hash_high": 3, "row_hash_low": 2},
        {**USAGE, "account_count": 3, "row_hash_high": 4, "row_hash_low": 7},
    )
    assert prints(usage=halves) == BASE
