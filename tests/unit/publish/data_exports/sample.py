"""Rows of an export as Spark hands them to the driver, and a destination in memory that can be killed."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa

from ccft.publish.data_exports.profiles import COLUMNS
from ccft.publish.data_exports.rows import EXACT, KEYS
from ccft.publish.data_exports.scope import Slice
from ccft.publish.data_exports.shape import VALUES, exact_of

FINISHED = datetime(2026, 4, 1, 2, 3, 4, 567_890, UTC)
SLICE = Slice("2025-01", "v3.0", "run-1", FINISHED, {}, is_current=True)
PAYER = "000000000042"
_TYPES = {"string": pa.string(), "double": pa.float64(), "timestamp": pa.timestamp("us", "UTC")}


def exported_value(kg: Decimal) -> float:
    """Half up to whole grams, as MTCO2e: written down again, independent of the product."""
    grams = int((kg * 1000).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
    return grams / 1e6


def row(account: str, product: str = "Storage", region: str = "eu-1", kg: str = "1.0004", **other: object) -> dict:
    """One exported row; all six measures have the same exact mass."""
    masses = dict.fromkeys(EXACT, Decimal(kg))
    found: dict[str, object] = {
        "last_refresh_timestamp": FINISHED,
        "location": "Europe (One)",
        "model_version": SLICE.version,
        "payer_account_id": PAYER,
        "product_code": product,
        "region_code": region,
        "usage_account_id": account,
        "usage_period_start": datetime(2025, 1, 1, tzinfo=UTC),
        "usage_period_end": datetime(2025, 2, 1, tzinfo=UTC),
    }
    for value in VALUES:
        found[value] = exported_value(sum((masses[name] for name in exact_of(value)), Decimal(0)))
        found[value.replace("_value", "_unit")] = "MTCO2e"
    return found | masses | dict(zip(KEYS, (SLICE.period, SLICE.version, PAYER), strict=True)) | other


def table(rows: list[dict]) -> pa.Table:
    fields = [pa.field(column.name, _TYPES[column.type]) for column in COLUMNS]
    fields += [pa.field(name, pa.string()) for name in KEYS]
    fields += [pa.field(name, pa.decimal128(28, 9)) for name in EXACT]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


class KilledError(Exception):
    """The process is gone."""


class MemoryStore:
    """Files in memory; dies before its `kill_at`-th change when told so."""

    def __init__(self, files: dict[str, bytes] | None = None, kill_at: int | None = None) -> None:
        self.content = {} if files is None else files
        self.changes = 0
        self._kill_at = kill_at

    def _change(self) -> None:
        if self.changes == self._kill_at:
            raise KilledError
        self.changes += 1

    def write(self, path: str, content: bytes) -> None:
        self._change()
        self.content[path] = content

    def delete(self, path: str) -> None:
        self._change()
        self.content.pop(path, None)

    def files(self, folder: str) -> dict[str, int]:
        prefix = folder + "/"
        return {path.removeprefix(prefix): len(self.content[path]) for path in self.content if path.startswith(prefix)}

    def read(self, path: str) -> bytes:
        return self.content[path]
