"""Input folders in the format of the data contract (contract, section 1)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.model import Tables

Q, F = "q", "f"
COLUMNS: dict[str, dict[str, str]] = {
    "clusters": {
        "cluster_id": "id", "cluster_type": "id", "region_code": "id", "location": "id", "grid_zone": "id",
        "market_boundary": "id", "launched_on": "date",
    },
    "activity": {
        "period": "id", "site_id": "id", "cluster_id": "id", "activity": "id", "substance": "id", "quantity": Q,
        "unit": "id", "evidence": "id",
    },
    "emission_factors": {
        "factor_type": "id", "factor_key": "id", "instrument": "id", "valid_from": "id", "valid_to": "id",
        "value": F, "unit": "id", "source": "id", "vintage": "int",
    },
    "certificates": {
        "period": "id", "market_boundary": "id", "certificate_id": "id", "quantity": Q, "ef": F, "status": "id",
    },
    "racks": {
        "rack_id": "id", "cluster_id": "id", "rack_type": "id", "is_network": "bool", "planned_power_kw": Q,
        "capacity_units_per_day": Q, "deployed_on": "date", "retired_on": "date", "embodied_kg": F,
        "service_life_months": "int", "embodied_method": "id",
    },
    "facility_assets": {
        "asset_id": "id", "cluster_id": "id", "asset_kind": "id", "embodied_kg": F, "in_service_on": "date",
        "service_life_months": "int",
    },
    "services": {
        "service_id": "id", "product_code": "id", "service_name": "id", "is_foundational": "bool", "usage_unit": "id",
    },
    "accounts": {
        "account_id": "id", "valid_from": "id", "valid_to": "id", "payer_account_id": "id", "account_type": "id",
        "owner_service_id": "id",
    },
    "rack_usage": {"usage_date": "date", "rack_id": "id", "service_id": "id", "used_units": Q},
    "account_usage": {
        "usage_date": "date", "account_id": "id", "cluster_id": "id", "service_id": "id", "usage_type": "id",
        "usage_units": Q, "equivalent_revenue_usd": Q, "allocated_cost_usd": Q,
    },
}  # fmt: skip
LARGE = ("rack_usage", "account_usage")


def text(value: object) -> str:
    """One CSV field: ISO dates, plain decimals, empty for null (contract, section 1)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def write_folder(tables: Tables, path: Path | str, parquet: bool = False) -> Path:
    """Write one file per table: CSV, or Parquet for the two large ones if asked (contract, section 1)."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in COLUMNS.items():
        rows = tables.get(table, [])
        if parquet and table in LARGE:
            _write_parquet(rows, columns, folder / f"{table}.parquet")
        else:
            _write_csv(rows, list(columns), folder / f"{table}.csv")
    return folder


def _write_csv(rows: list[dict[str, Any]], columns: list[str], file: Path) -> None:
    """Write a header and rows (contract, section 1)."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([text(row[column]) for column in columns] for row in rows)


def _write_parquet(rows: list[dict[str, Any]], columns: Mapping[str, str], file: Path) -> None:
    """Write typed columns (contract, section 1)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"id": pa.string(), "date": pa.date32(), Q: pa.decimal128(18, 6), F: pa.decimal128(18, 9)}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    pq.write_table(pa.Table.from_pylist([{name: row[name] for name in columns} for row in rows], schema), file)
