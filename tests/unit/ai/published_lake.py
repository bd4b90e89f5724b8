"""A lake as runs leave it, with the worked example published: written without a JVM."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from deltalake import write_deltalake

from ccft.schema.arrow import arrow_table
from ccft.schema.tables import table
from tests.unit.ai.published_example import ACCOUNT, published_tables
from tests.unit.ai.worked_example import FACTS

MONTHS = ("2024-12", "2025-01")
VENDOR = "000000000007"
_AT = datetime(2025, 2, 1, tzinfo=UTC)


def _log_line(month, version, run_id, **others):
    names = (
        "input_fingerprint",
        "code_version",
        "policy_hash",
        "configuration_hash",
        "rows_written",
        "seconds_per_step",
        "message",
    )
    return {**dict.fromkeys(names, "-"), "run_id": run_id, "usage_period": month, "methodology_version": version, "status": "published",
            "started_at": _AT, "finished_at": _AT, "table_versions": "{}",
            "rows_written": "{}", **others}  # fmt: skip


def _core_rows():
    models = [
        {"model_id": m.model_id, "family": m.family, "parent_model_id": None, "parent_share": Decimal(0), "version": m.version,
         "params_total_b": m.params_total_b, "params_active_b": m.params_active_b, "datatype": "bf16", "task": m.task,
         "owner_account_id": VENDOR, "release_date": date(2024, 12, 1), "retire_date": None, "expected_life_days": 365}
        for m in FACTS.models.values()
    ]  # fmt: skip
    releases = [
        {"release_id": r.release_id, "valid_from": "2024-12", "model_id": r.model_id, "expected_lifetime_out_tokens": 72 * 10**9,
         "training_tokens": r.training_tokens, "training_flop": r.training_flop, "retire_date": None}
        for r in FACTS.releases.values()
    ]  # fmt: skip
    deployments = [
        {"deployment_id": d.deployment_id, "valid_from": "2024-12", "valid_to": None, "account_id": ACCOUNT, "model_id": d.model_id,
         "release_id": d.release_id, "cluster_id": d.cluster_id, "service_id": d.service_id, "accel_type": d.accel_type,
         "lifecycle_stage": d.lifecycle_stage, "replicas": Decimal(1), "accel_per_replica": Decimal(8), "tags": None}
        for d in FACTS.deployments.values()
    ]  # fmt: skip
    cluster = {"cluster_id": "c1", "cluster_type": "region", "region_code": "r1", "location": "Europe (Ireland)", "grid_zone": "IE",
               "market_boundary": "IE", "launched_on": date(2020, 1, 1)}  # fmt: skip
    card = {"model_id": "chat-70b", "part": "training", "kg": Decimal(12900), "kwh": None, "accel_h": Decimal(7_000_000),
            "watts": Decimal(700), "method": "lbm", "source": "model card"}  # fmt: skip
    return {
        "core_ai_models": models,
        "core_ai_releases": releases,
        "core_ai_deployments": deployments,
        "core_clusters": [cluster],
        "core_ai_disclosures": [card],
    }


def _ledger(month, version):
    added = {"2024-12": Decimal(1000), "2025-01": Decimal("220.81")}[month]
    zero = Decimal(0)
    return {"usage_period": month, "methodology_version": version, "run_id": "ai-1", "release_id": "r1", "accounting_method": "lbm",
            "model_id": "chat-70b", "policy": "none", "opening_kg": zero, "added_kg": added, "amortised_kg": zero, "written_off_kg": zero,
            "closing_kg": added, "out_tokens": zero, "remaining_out_tokens": None, "remaining_days": None,
            "rate_g_per_1k_out_tokens": zero, "inherited_g_per_1k_out_tokens": zero}  # fmt: skip


def publish(root: Path) -> str:
    """Write the lake; the first month also in v2.0, and an AI run whose account rows were replaced since."""
    tables = {name: rows for name, rows in published_tables(MONTHS).items() if name != "published_slices"}
    slices = [*((month, "v3.0") for month in MONTHS), (MONTHS[0], "v2.0")]
    tables["ai_training_ledger"] = arrow_table(table("ai_training_ledger"), [_ledger(*item) for item in slices])
    tables |= {name: arrow_table(table(name), rows) for name, rows in _core_rows().items()}
    versions = json.dumps(dict.fromkeys(tables, 0))
    tables["run_log"] = arrow_table(
        table("run_log"), [_log_line(month, version, f"run-{month}-{version}") for month, version in slices]
    )
    ai = [_log_line(m, v, "ai-1", base_run_id=f"run-{m}-{v}", table_versions=versions) for m, v in slices]
    ai.append(_log_line("2025-02", "v3.0", "ai-2", base_run_id="run-that-was-replaced", table_versions=versions))
    tables["ai_run_log"] = arrow_table(table("ai_run_log"), ai)
    for name, rows in tables.items():
        write_deltalake(str(root / name), rows)
    return str(root)
