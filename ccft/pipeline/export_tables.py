"""`ccft export --tables`: plain partitioned Parquet copies of result tables, for the provider alone.

They lie under `<destination>/provider/<name>/`, a folder that no payer's id can name. The executors write; the manifest of a table is the switch: it
names the folder of the newest complete copy, which is written beside the one before and replaces it only then.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem, raise_all
from ccft.lake.destination import Destination
from ccft.lake.tables import Lake
from ccft.pipeline.export_slices import everything_published
from ccft.publish.data_exports import scope
from ccft.publish.data_exports.layout import execution_id
from ccft.publish.data_exports.scope import Slice
from ccft.schema.tables import RESULTS, Table, table

PROVIDER_FOLDER = "provider"


@dataclass
class TablesReport:
    """Rows per copied table, and the slices in them."""

    execution_id: str
    slices: list[tuple[str, str]] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)


def export_tables(
    lake: Lake,
    destination: str,
    name: str,
    tables: Sequence[str],
    months: tuple[str, str, str],
    progress: Callable[[str], None] = lambda _line: None,
) -> TablesReport:
    """Copy published slices of result tables.

    Parameters
    ----------
    tables
        Names of result tables.
    months
        First and last month and methodology, as asked for; empty = the window, the current version.

    Raises
    ------
    CcftError
        `CCFT-USAGE-EXPORT-TABLE` for every name that is no result table; nothing published.
    """
    known = [registered.name for registered in RESULTS]
    raise_all(
        Problem("CCFT-USAGE-EXPORT-TABLE", {"value": wanted, "known": ", ".join(known)})
        for wanted in tables
        if wanted not in known
    )
    slices = everything_published(lake)
    bounds = scope.window(max(item.period for item in slices), months[0], months[1])
    chosen = scope.chosen(slices, bounds, months[2])
    started = datetime.now(UTC)
    report = TablesReport(execution_id(started, secrets.token_hex(4)), [item.key for item in chosen])
    store = Destination(destination)
    for wanted in dict.fromkeys(tables):
        report.tables[wanted] = _copy(lake, store, name, table(wanted), chosen, report.execution_id)
        progress(f"{wanted}: {report.tables[wanted]:,} rows")
    return report


def _copy(
    lake: Lake,
    store: Destination,
    name: str,
    registered: Table,
    slices: Sequence[Slice],
    execution: str,
) -> int:
    """Write a table beside its earlier copy, then the manifest, then remove the earlier copy."""
    root = f"{PROVIDER_FOLDER}/{name}"
    before = {path.split("/")[0] for path in store.files(f"{root}/data/{registered.name}")}
    versions = {item.key: item.table_versions.get(registered.name) for item in slices}
    frame = _frame(lake, registered, versions)
    folder = f"data/{registered.name}/{execution}"
    frame.write.partitionBy(*registered.partition_by).parquet(f"{store.uri}/{root}/{folder}")
    written = lake.spark.read.schema(frame.schema).parquet(f"{store.uri}/{root}/{folder}").count()
    manifest = {
        "format_version": "1.0",
        "table": registered.name,
        "folder": folder,
        "rows": written,
        "partition_columns": list(registered.partition_by),
        "slices": [
            {"usage_period": item.period, "methodology_version": item.version, "run_id": item.run_id,
             "is_current_version": item.is_current, "delta_version": versions[item.key]}
            for item in slices
        ],
    }  # fmt: skip
    text = json.dumps(manifest, indent=2) + "\n"
    store.write(f"{root}/metadata/{registered.name}-Manifest.json", text.encode())
    for earlier in sorted(before):
        store.delete_folder(f"{root}/data/{registered.name}/{earlier}")
    return written


def _frame(lake: Lake, registered: Table, versions: dict[tuple[str, str], int | None]) -> DataFrame:
    """Published slices of a table, each at its version, in the registry's columns."""
    by_version: dict[int, list[tuple[str, str]]] = {}
    for key, version in versions.items():
        if version is not None:
            by_version.setdefault(version, []).append(key)
    parts = []
    for version, keys in sorted(by_version.items()):
        wanted = [(F.col("usage_period") == period) & (F.col("methodology_version") == of) for period, of in keys]
        parts.append(lake.read(registered.name, version).where(reduce(lambda a, b: a | b, wanted)))
    if not parts:
        return lake.read(registered.name).where("false")
    return reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
