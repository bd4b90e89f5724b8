"""An explanation in its plain form, for tests of how it is shown."""

from ccft.publish.explanation_page import SHOWN_LINES


def line(label, part, **more):
    plain = {
        "label": label,
        "measure": "scope_1",
        "your_part_kg": part,
        "part_of_figure": None,
        "pool_kg": None,
        "weight": None,
    }
    return plain | {"total_weight": None, "weight_unit": "", "share": None, "rule": "rule", "details": {}} | more


def sample():
    """Two levels of one cluster, with everything that has to be escaped or folded."""
    activity = {
        "quantity": "12.500000 litre", "evidence": "metered", "factor": "2.709675672", "unit": "kg/litre",
        "factor_type": "fuel_combustion", "factor_key": "diesel", "source": "a <b>source</b>", "vintage": 2009,
    }  # fmt: skip
    lines = [line(f"line {n}", "0.100000000") for n in range(SHOWN_LINES + 2)]
    shared = line(
        "vm",
        "1.000000000",
        pool_kg="4000.000000000",
        weight="1.000000",
        total_weight="4.000000",
        weight_unit="units",
        share="0.250000000",
    )
    return {
        "account_id": "000000000001", "period": "2025-06", "methodology_version": "v2.0", "run_id": "run-1", "measure": "scope_1",
        "service": "vm", "region": None, "audience": "provider", "figure_kg": "1.000000000", "notes": ["inputs as of now"],
        "clusters": [{
            "cluster_id": "c<1>", "region_code": "eu-1", "location": "Europe", "figure_kg": "1.000000000",
            "levels": [
                {"level": 1, "title": "account <- service pools", "rule": "r", "sum_kg": "1.000000000", "lines": [shared]},
                {"level": 6, "title": "activity", "rule": "r", "sum_kg": "1.000000000", "lines": [line("fuel", "1.000000000", details=activity), *lines]},
            ],
        }],
    }  # fmt: skip
