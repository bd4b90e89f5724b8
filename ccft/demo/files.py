"""Arrow schemas of the input tables, exact decimals from integers, and the two file writers."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

QUANTITY = pa.decimal128(18, 6)
FACTOR = pa.decimal128(18, 9)
MICRO = 1_000_000  # units of the last place of QUANTITY in 1
ROWS_PER_FILE = 8_000_000
_ID_DIGITS = 12

_S, _DAY, _INT, _BOOL = pa.string(), pa.date32(), pa.int32(), pa.bool_()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


# Names and types of the data contract, section 1.
SCHEMAS: dict[str, pa.Schema] = {
    "clusters": _schema(
        cluster_id=_S, cluster_type=_S, region_code=_S, location=_S, grid_zone=_S, market_boundary=_S, launched_on=_DAY
    ),
    "activity": _schema(
        period=_S, site_id=_S, cluster_id=_S, activity=_S, substance=_S, quantity=QUANTITY, unit=_S, evidence=_S
    ),
    "emission_factors": _schema(
        factor_type=_S, factor_key=_S, instrument=_S, valid_from=_S, valid_to=_S, value=FACTOR, unit=_S, source=_S,
        vintage=_INT,
    ),
    "certificates": _schema(
        period=_S, market_boundary=_S, certificate_id=_S, quantity=QUANTITY, ef=FACTOR, status=_S
    ),
    "racks": _schema(
        rack_id=_S, cluster_id=_S, rack_type=_S, is_network=_BOOL, planned_power_kw=QUANTITY,
        capacity_units_per_day=QUANTITY, deployed_on=_DAY, retired_on=_DAY, embodied_kg=FACTOR,
        service_life_months=_INT, embodied_method=_S,
    ),
    "facility_assets": _schema(
        asset_id=_S, cluster_id=_S, asset_kind=_S, embodied_kg=FACTOR, in_service_on=_DAY, service_life_months=_INT
    ),
    "services": _schema(service_id=_S, product_code=_S, service_name=_S, is_foundational=_BOOL, usage_unit=_S),
    "accounts": _schema(
        account_id=_S, valid_from=_S, valid_to=_S, payer_account_id=_S, account_type=_S, owner_service_id=_S
    ),
    "rack_usage": _schema(usage_date=_DAY, rack_id=_S, service_id=_S, used_units=QUANTITY),
    "account_usage": _schema(
        usage_date=_DAY, account_id=_S, cluster_id=_S, service_id=_S, usage_type=_S, usage_units=QUANTITY,
        equivalent_revenue_usd=QUANTITY, allocated_cost_usd=QUANTITY,
    ),
}  # fmt: skip

_COUNT = pa.decimal128(28, 6)
_HOUR = pa.timestamp("us", tz="UTC")
# Names and types of docs/ai.md: the optional tables of AI models.
AI_SCHEMAS: dict[str, pa.Schema] = {
    "ai_models": _schema(
        model_id=_S, family=_S, parent_model_id=_S, parent_share=FACTOR, version=_S, params_total_b=FACTOR,
        params_active_b=FACTOR, datatype=_S, task=_S, owner_account_id=_S, release_date=_DAY, retire_date=_DAY,
        expected_life_days=_INT,
    ),
    "ai_releases": _schema(
        release_id=_S, valid_from=_S, model_id=_S, expected_lifetime_out_tokens=pa.int64(), training_tokens=_COUNT,
        training_flop=_COUNT, retire_date=_DAY,
    ),
    "ai_disclosures": _schema(
        model_id=_S, part=_S, kg=FACTOR, kwh=_COUNT, accel_h=QUANTITY, watts=QUANTITY, method=_S, source=_S
    ),
    "accelerator_types": _schema(
        accel_type=_S, p_idle_kw=QUANTITY, p_busy_serving_kw=QUANTITY, p_busy_training_kw=QUANTITY, embodied_kg=FACTOR,
        life_h=QUANTITY, capacity_weight=FACTOR, source=_S,
    ),
    "ai_deployments": _schema(
        deployment_id=_S, valid_from=_S, valid_to=_S, account_id=_S, model_id=_S, release_id=_S, cluster_id=_S,
        service_id=_S, accel_type=_S, lifecycle_stage=_S, replicas=QUANTITY, accel_per_replica=QUANTITY, tags=_S,
    ),
    "ai_clusters": _schema(cluster_id=_S, pue=FACTOR),
    "ai_model_quality": _schema(
        model_id=_S, benchmark=_S, metric=_S, score=FACTOR, higher_is_better=_BOOL, latency_p50_ms=QUANTITY, source=_S,
        as_of=_DAY,
    ),
    "ai_accelerator_usage": _schema(
        hour=_HOUR, deployment_id=_S, job_state=_S, reserved_accel_h=_COUNT, busy_accel_h=_COUNT, energy_kwh=_COUNT
    ),
    "ai_token_usage": _schema(
        hour=_HOUR, deployment_id=_S, account_id=_S, model_id=_S, requests=_COUNT, in_tokens=_COUNT,
        cached_in_tokens=_COUNT, out_tokens=_COUNT, images_in=_COUNT, images_out=_COUNT, audio_s=_COUNT,
    ),
}  # fmt: skip


def to_micro(values: Floats) -> Ints:
    """Whole millionths of each value, half to even."""
    return np.rint(values * MICRO).astype(np.int64)


def decimals(micro: Ints, valid: Bools | None = None) -> pa.Array:
    """QUANTITY array from whole millionths, without a Python object per row.

    A 128-bit decimal is its unscaled integer in two's complement, low word first; `valid` marks rows not null.
    """
    words = np.empty((len(micro), 2), dtype="<i8")
    words[:, 0] = micro
    words[:, 1] = micro >> 63
    bitmap = None if valid is None else pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(QUANTITY, len(micro), [bitmap, pa.py_buffer(words)])


def account_ids(numbers: Ints) -> pa.Array:
    """12-digit account ids with leading zeros, as text, from their numbers."""
    digits = np.empty((len(numbers), _ID_DIGITS), dtype=np.uint8)
    rest = numbers.copy()
    for place in range(_ID_DIGITS - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        digits[:, place] = digit + ord("0")
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * _ID_DIGITS
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(digits)])


def texts(names: Iterable[str | None], index: npt.NDArray[Any]) -> pa.Array:
    """Text column: the name at each index."""
    return pa.array(list(names), type=pa.string()).take(pa.array(index))


def days(day_numbers: Ints) -> pa.Array:
    """Date column from days since 1970-01-01."""
    return pa.array(day_numbers.astype(np.int32)).cast(pa.date32())


def rows_to_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Small table from rows, in the schema of the contract."""
    return pa.Table.from_pylist(rows, schema=SCHEMAS[name])


def write_csv(out: Path, name: str, source: pa.Table | pa.RecordBatchReader) -> None:
    """Write `<name>.csv`: header, UTF-8, ISO dates, empty = null, rows in the order given."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.from_arrow(source).write_csv(str(out / f"{name}.csv"), header=True)


def clear_parts(out: Path, name: str) -> None:
    """Remove the Parquet files of an earlier world, so that its months cannot mix with the new ones."""
    for old in (out / name).glob("part-*.parquet"):
        old.unlink()


class MonthWriter:
    """Parquet files of one table and month; a new file begins after ROWS_PER_FILE rows.

    Dictionaries are kept for the columns with few values only: building one of account ids costs time and is
    thrown away.
    """

    def __init__(self, out: Path, name: str, period: str) -> None:
        self._folder = out / name
        self._schema = SCHEMAS[name]
        self._period = period
        self._dictionaries = [
            field.name for field in self._schema if field.type in (_S, _DAY) and field.name != "account_id"
        ]
        self._writer: pq.ParquetWriter | None = None
        self._files = 0
        self._rows_in_file = 0
        self.rows = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        if self._rows_in_file and self._rows_in_file + table.num_rows > ROWS_PER_FILE:
            self._close()
        if self._writer is None:
            path = self._folder / f"part-{self._period}-{self._files:03d}.parquet"
            self._writer = pq.ParquetWriter(
                path, self._schema, compression="zstd", compression_level=1, use_dictionary=self._dictionaries
            )
            self._files += 1
        self._writer.write_table(table)
        self._rows_in_file += table.num_rows
        self.rows += table.num_rows

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._rows_in_file = None, 0
