"""The worked example of docs/ai.md as a delivery: one account, one cluster, four deployments; a second month with another expectation."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.ai_worlds import NEXT, PERIOD, Tables

ACCOUNT = "777700000001"
CLUSTER = "ex"
SERVICE = "ex-gpu"
PARTS = 32
"""Hours of each deployment, spread over the month."""
_STARTS = {PERIOD: datetime(2025, 6, 1, tzinfo=UTC), NEXT: datetime(2025, 7, 1, tzinfo=UTC)}
RESERVED = {"d1": 5760, "d2": 1440, "d3": 1280, "d4": 1600}
BUSY = {"d1": "0.40", "d2": "0.60", "d3": "0.95", "d4": "0.70"}
MODEL = {"d1": "chat-70b", "d2": "chat-8b", "d3": "chat-70b", "d4": "chat-70b"}
STAGE = {"d1": "serving", "d2": "serving", "d3": "post_training", "d4": "experimentation"}
TOKENS = {"d1": (24 * 10**9, 6 * 10**9), "d2": (27 * 10**9, 9 * 10**9)}
EXPECTED = {PERIOD: 72 * 10**9, NEXT: 30 * 10**9}


def _hour(period: str, number: int) -> str:
    return (_STARTS[period] + timedelta(hours=22 * number)).strftime("%Y-%m-%dT%H:00:00Z")


def _provider(tables: Tables) -> None:
    def add(name: str, **row: Any) -> None:
        tables[name].append(row)

    add(
        "clusters", cluster_id=CLUSTER, cluster_type="region", region_code="ex-1", location="Example", grid_zone="ZX", market_boundary="MX",
        launched_on="2015-01-01",
    )  # fmt: skip
    add("ai_clusters", cluster_id=CLUSTER, pue="1.2")
    for kind, value in (("grid_generation", 400), ("grid_upstream", 0), ("grid_losses", 0)):
        add(
            "emission_factors", factor_type=kind, factor_key="ZX", instrument=None, valid_from="2020-01", valid_to=None, value=value, unit="kg/MWh",
            source="example", vintage=2025,
        )  # fmt: skip
    for kind, power, embodied, capacity in (("ex.GPU", 27, "24346.666666667", 378), ("ex.NET", 1, 0, 0)):
        add(
            "racks", rack_id=kind, cluster_id=CLUSTER, rack_type=kind, is_network=str(capacity == 0).lower(), planned_power_kw=power,
            capacity_units_per_day=capacity, deployed_on="2022-01-01", retired_on=None, embodied_kg=embodied, service_life_months=60,
            embodied_method=None,
        )  # fmt: skip
    add(
        "services",
        service_id=SERVICE,
        product_code="EX",
        service_name="Accelerators",
        is_foundational="true",
        usage_unit="accelerator-hours",
    )
    add(
        "accounts", account_id=ACCOUNT, valid_from="2020-01", valid_to=None, payer_account_id=ACCOUNT, account_type="external",
        owner_service_id=None,
    )  # fmt: skip
    for period in (PERIOD, NEXT):
        add(
            "activity", period=period, site_id="s", cluster_id=CLUSTER, activity="electricity", substance=None, quantity=7, unit="MWh",
            evidence="metered",
        )  # fmt: skip
        add("rack_usage", usage_date=f"{period}-05", rack_id="ex.GPU", service_id=SERVICE, used_units=10080)
        add(
            "account_usage", usage_date=f"{period}-05", account_id=ACCOUNT, cluster_id=CLUSTER, service_id=SERVICE, usage_type="x",
            usage_units=10080, equivalent_revenue_usd=None, allocated_cost_usd=None,
        )  # fmt: skip


def _models(tables: Tables) -> None:
    for name, size in (("chat-70b", 70), ("chat-8b", 8)):
        tables["ai_models"].append(
            {
                "model_id": name, "family": "chat", "version": "1", "params_total_b": size, "params_active_b": size, "datatype": "bf16",
                "task": "text-generation", "owner_account_id": ACCOUNT, "release_date": "2025-06-01", "expected_life_days": 730,
            }
        )  # fmt: skip
    for period, expected in EXPECTED.items():
        tables["ai_releases"].append(
            {"release_id": "r1", "valid_from": period, "model_id": "chat-70b", "expected_lifetime_out_tokens": expected}
        )
    tables["ai_releases"].append(
        {"release_id": "r2", "valid_from": PERIOD, "model_id": "chat-8b", "expected_lifetime_out_tokens": 10**12}
    )
    tables["accelerator_types"].append(
        {
            "accel_type": "ex-X", "p_idle_kw": "0.20", "p_busy_serving_kw": "0.65", "p_busy_training_kw": "0.80", "embodied_kg": 500, "life_h": 50000,
            "capacity_weight": 1, "source": "example",
        }
    )  # fmt: skip


def _deployments(tables: Tables) -> None:
    for name, reserved in RESERVED.items():
        serves = STAGE[name] == "serving"
        tables["ai_deployments"].append(
            {
                "deployment_id": name, "valid_from": PERIOD, "valid_to": None if serves else PERIOD, "account_id": ACCOUNT, "model_id": MODEL[name],
                "release_id": "r2" if name == "d2" else "r1", "cluster_id": CLUSTER, "service_id": SERVICE, "accel_type": "ex-X",
                "lifecycle_stage": STAGE[name], "replicas": 1, "accel_per_replica": 8,
            }
        )  # fmt: skip
        for period in (PERIOD, NEXT) if serves else (PERIOD,):
            for number in range(PARTS):
                hours = Decimal(reserved) / PARTS
                tables["ai_accelerator_usage"].append(
                    {
                        "hour": _hour(period, number), "deployment_id": name, "job_state": "running", "reserved_accel_h": hours,
                        "busy_accel_h": hours * Decimal(BUSY[name]),
                    }
                )  # fmt: skip
                if serves:
                    inputs, outputs = (Decimal(count) / PARTS for count in TOKENS[name])
                    tables["ai_token_usage"].append(
                        {
                            "hour": _hour(period, number), "deployment_id": name, "account_id": ACCOUNT, "model_id": MODEL[name], "requests": 1000,
                            "in_tokens": inputs, "out_tokens": outputs,
                        }
                    )  # fmt: skip


def example() -> Tables:
    """Tables of the worked example; columns that are not named are empty."""
    tables: Tables = defaultdict(list)
    _provider(tables)
    _models(tables)
    _deployments(tables)
    return tables
