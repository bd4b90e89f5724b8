"""The worked example as published tables of several months, a superseded version among them."""

from decimal import Decimal

import pyarrow as pa

from ccft.ai.derive import derive
from ccft.schema.arrow import arrow_table
from ccft.schema.tables import table
from tests.unit.ai.worked_example import FACTS

ACCOUNT = "000000000100"


def _kg(quanta):
    return Decimal(quanta).scaleb(-9)


def _emissions():
    for mass in FACTS.masses:
        names = ("deployment_id", "model_id", "release_id", "stage", "measure", "tier", "is_memo")
        yield {name: getattr(mass, name) for name in names} | {
            "component": mass.component or None,
            "emissions_kg": _kg(mass.quanta), "min_kg": _kg(mass.min_quanta), "max_kg": _kg(mass.max_quanta),
        }  # fmt: skip
    one = Decimal(1)
    yield {"deployment_id": "_unattributed", "model_id": None, "release_id": None, "stage": "_unattributed", "component": "in_use",
           "measure": "scope_1", "emissions_kg": one, "min_kg": one, "max_kg": one, "tier": 4, "is_memo": False}  # fmt: skip


def _activity():
    served = {line.deployment_id: line for line in FACTS.traffic}
    for work in FACTS.work:
        own = FACTS.deployments[work.deployment_id]
        row = {
            name: getattr(own, name) for name in ("deployment_id", "account_id", "model_id", "release_id", "accel_type")
        }
        row |= {
            name: getattr(work, name) for name in ("stage", "kwh", "idle_kwh", "metered_kwh", "reserved_h", "busy_h")
        }
        row |= {
            "pue": own.pue,
            "facility_kwh": work.kwh * own.pue,
            "customers": 5,
            "failed_h": Decimal(0),
            "cancelled_h": Decimal(0),
        }
        if work.stage == "serving":
            line = served[work.deployment_id]
            row |= {name: getattr(line, name) for name in ("in_tokens", "out_tokens", "requests")}
        yield row


def published_tables(months):
    """Arrow tables by name: the AI results of the months in v3.0, the first month also in v2.0, and what is current."""
    slices = [*((month, "v3.0") for month in months), (months[0], "v2.0")]
    rows = {"ai_emissions": list(_emissions()), "ai_activity": list(_activity()), **derive(FACTS)}
    place = {"region_code": "r1", "cluster_id": "c1", "service_id": "gpu", "account_id": ACCOUNT, "run_id": "ai-1"}
    tables = {
        name: arrow_table(
            table(name),
            [
                {**place, **row, "usage_period": month, "methodology_version": version}
                if name in {"ai_emissions", "ai_activity"}
                else {**row, "usage_period": month, "methodology_version": version, "run_id": "ai-1"}
                for month, version in slices
                for row in found
            ],
        )
        for name, found in rows.items()
    }
    current = [{"usage_period": m, "methodology_version": v, "is_current": v == "v3.0"} for m, v in slices]
    return {**tables, "published_slices": pa.Table.from_pylist(current)}
