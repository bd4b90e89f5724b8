"""Google's and FOCUS' layouts against schemas written down from the published specifications."""

import io

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccft.errors import CcftError
from tests.unit.publish.data_exports.deliveries import ROWS, deliver_rows
from tests.unit.publish.data_exports.sample import MemoryStore

GOOGLE = {
    "usage_month": "DATE",
    "billing_account_id": "STRING",
    "project.id": "STRING",
    "project.number": "STRING",
    "service.description": "STRING",
    "service.id": "STRING",
    "location.location": "STRING",
    "location.region": "STRING",
    "carbon_model_version": "INTEGER",
    "carbon_footprint_total_kgCO2e.after_offsets": "FLOAT",
    "carbon_footprint_total_kgCO2e.market_based": "FLOAT",
    "carbon_footprint_total_kgCO2e.location_based": "FLOAT",
    "carbon_footprint_kgCO2e.scope1": "FLOAT",
    "carbon_footprint_kgCO2e.scope2.location_based": "FLOAT",
    "carbon_footprint_kgCO2e.scope2.market_based": "FLOAT",
    "carbon_footprint_kgCO2e.scope3": "FLOAT",
}
"""cloud.google.com/carbon-footprint/docs/data-schema: fields and BigQuery types."""

FOCUS = {
    "BillingAccountId": ("string", False),
    "SubAccountId": ("string", True),
    "RegionId": ("string", True),
    "RegionName": ("string", True),
    "ServiceName": ("string", False),
    "ChargePeriodStart": ("datetime", False),
    "ChargePeriodEnd": ("datetime", False),
}
"""focus.finops.org, FOCUS 1.2: columns that cost rows are joined by, their types and whether they may be null."""

_BIGQUERY = {"date32[day]": "DATE", "string": "STRING", "int64": "INTEGER", "double": "FLOAT"}


def leaves(schema: pa.Schema | pa.StructType, prefix: str = "") -> dict[str, str]:
    found = {}
    for field in schema:
        if pa.types.is_struct(field.type):
            found |= leaves(field.type, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = _BIGQUERY[str(field.type)]
    return found


def delivered(**options: str) -> tuple[bytes, object]:
    store = MemoryStore()
    manifest = deliver_rows(store, [ROWS.slice(0, 2), ROWS.slice(2)], **options)
    (content,) = [content for path, content in store.content.items() if "/data/" in path]
    return content, manifest


def test_google_has_the_fields_and_types_of_its_specification():
    content, manifest = delivered(profile="google")
    rows = pq.read_table(io.BytesIO(content))
    assert leaves(rows.schema) == GOOGLE
    assert [column.name for column in manifest.columns] == rows.column_names
    first = rows.to_pylist()[0]
    assert str(first["usage_month"]) == "2025-01-01"
    assert first["billing_account_id"] == "000000000042"
    assert first["project"] == {"id": "000000000042", "number": "000000000042"}
    assert first["service"] == {"description": "Storage", "id": "Storage"}
    assert first["location"] == {"location": "Europe (One)", "region": "eu-1"}
    assert first["carbon_model_version"] == 3
    # 1.0004 kg per measure: 1000 g; Scope 3 of two measures 2.0008 kg: 2001 g; all four 4.0016 kg: 4002 g.
    assert first["carbon_footprint_kgCO2e"] == {
        "scope1": 1.0,
        "scope2": {"location_based": 1.0, "market_based": 1.0},
        "scope3": 2.001,
    }
    assert first["carbon_footprint_total_kgCO2e"] == {
        "after_offsets": None,
        "market_based": 4.002,
        "location_based": 4.002,
    }
    totals = {total.column: (total.delivered, total.unit) for total in manifest.totals}
    assert set(totals) == {name for name in GOOGLE if name.startswith("carbon_footprint") and "offsets" not in name}
    assert totals["carbon_footprint_kgCO2e.scope1"] == ("1.001", "kg")


def test_google_has_no_csv():
    with pytest.raises(CcftError, match="--profile google and --format csv"):
        delivered(profile="google", form="csv")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_focus_has_the_columns_of_its_specification_and_marks_its_own(form, tmp_path):
    content, manifest = delivered(profile="focus", form=form)
    file = tmp_path / ("x.parquet" if form == "parquet" else "x.csv.gz")
    file.write_bytes(content)
    names = [column.name for column in manifest.columns]
    assert names[: len(FOCUS)] == list(FOCUS)
    assert all(name.startswith("x_") for name in names[len(FOCUS) :])
    if form == "parquet":
        schema = pq.read_schema(io.BytesIO(content))
        for name, (kind, nullable) in FOCUS.items():
            field = schema.field(name)
            assert str(field.type) == {"string": "string", "datetime": "timestamp[us, tz=UTC]"}[kind]
            assert nullable or not field.nullable
    costs = duckdb.connect()
    costs.execute("SET TimeZone = 'UTC'")
    costs.execute(
        "CREATE TABLE costs AS SELECT '000000000042' AS BillingAccountId, '000000000043' AS SubAccountId, 'eu-1' AS RegionId,"
        " 'Storage' AS ServiceName, TIMESTAMPTZ '2025-01-07 00:00:00+00' AS ChargePeriodStart, 12.5 AS EffectiveCost"
    )
    reader = "read_parquet(?)" if form == "parquet" else "read_csv(?, all_varchar = true)"
    joined = costs.execute(
        "SELECT EffectiveCost, CAST(x_CarbonTotalMarketBasedMtco2e AS DECIMAL(18,6)) FROM costs AS c"
        f" JOIN {reader} AS e USING (BillingAccountId, SubAccountId, RegionId, ServiceName)"
        " WHERE c.ChargePeriodStart >= CAST(e.ChargePeriodStart AS TIMESTAMPTZ)"
        " AND c.ChargePeriodStart < CAST(e.ChargePeriodEnd AS TIMESTAMPTZ)",
        [str(file)],
    ).fetchall()
    assert [(float(cost), float(carbon)) for cost, carbon in joined] == [(12.5, 0.000002)]
