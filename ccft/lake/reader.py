"""Reading a lake without a JVM: DuckDB over the Delta log, each published slice at the version its run recorded."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from ccft.errors import fail
from ccft.schema.tables import RESULTS


@dataclass(frozen=True)
class PublishedSlice:
    """A published period x version and the Delta version of every table."""

    usage_period: str
    methodology_version: str
    run_id: str
    table_versions: dict[str, int]


def published_slices(root: str) -> list[PublishedSlice]:
    """Newest published line of `run_log` per period x version, in order.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE` when there is no `run_log`.
    """
    try:
        log = DeltaTable(f"{root}/run_log").to_pyarrow_table(filters=[("status", "=", "published")])
    except TableNotFoundError as error:
        raise fail("CCFT-USAGE-NO-LAKE", path=root) from error
    newest = {(r["usage_period"], r["methodology_version"]): r for r in log.sort_by("finished_at").to_pylist()}
    return [
        PublishedSlice(period, version, row["run_id"], json.loads(row["table_versions"]))
        for (period, version), row in sorted(newest.items())
    ]


def _table(root: str, name: str, slices: list[PublishedSlice]) -> ds.Dataset:
    """A table's published slices; those of one Delta version are read together."""
    by_version: dict[int, list[PublishedSlice]] = defaultdict(list)
    for item in slices:
        by_version[item.table_versions[name]].append(item)
    parts = []
    for version, items in sorted(by_version.items()):
        wanted = [
            (pc.field("usage_period") == item.usage_period)
            & (pc.field("methodology_version") == item.methodology_version)
            for item in items
        ]
        dataset = DeltaTable(f"{root}/{name}", version=version).to_pyarrow_dataset()
        parts.append(dataset.filter(reduce(or_, wanted)))
    return parts[0] if len(parts) == 1 else ds.dataset([part.to_table() for part in parts])


def open_lake(root: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view per result table, published rows only.

    Parameters
    ----------
    root
        The lake's folder.
    """
    slices = published_slices(str(Path(root)) if "://" not in root else root)
    connection = duckdb.connect()
    if slices:
        for registered in RESULTS:
            connection.register(registered.name, _table(root, registered.name, slices))
    return connection
