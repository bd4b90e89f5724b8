"""Reading a lake without a JVM: DuckDB over the Delta log, each published slice at the version its run recorded."""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from ccft.errors import fail
from ccft.schema.tables import RESULTS


class PublishedSlice(Protocol):
    """A published period x version and the Delta version of every table."""

    @property
    def period(self) -> str:
        """Usage period."""

    @property
    def methodology_version(self) -> str:
        """Methodology version."""

    @property
    def table_versions(self) -> dict[str, int]:
        """Delta version per result table."""


def run_log(root: str) -> pa.Table:
    """The log of runs.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE` when there is none.
    """
    try:
        return DeltaTable(f"{root}/run_log").to_pyarrow_table()
    except TableNotFoundError as error:
        raise fail("CCFT-USAGE-NO-LAKE", path=root) from error


def log_rows(root: str, name: str) -> pa.Table:
    """A log table that may not have been written yet; without rows and columns then.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE` when no run was ever logged there.
    """
    whole = run_log(root)
    if name == "run_log":
        return whole
    try:
        return DeltaTable(f"{root}/{name}").to_pyarrow_table()
    except TableNotFoundError:
        return pa.table({})


def _table(root: str, name: str, slices: Sequence[PublishedSlice]) -> ds.Dataset:
    """A table's published slices; those of one Delta version are read together."""
    by_version: dict[int, list[PublishedSlice]] = defaultdict(list)
    for item in slices:
        by_version[item.table_versions[name]].append(item)
    parts = []
    for version, items in sorted(by_version.items()):
        wanted = [
            (pc.field("usage_period") == item.period) & (pc.field("methodology_version") == item.methodology_version)
            for item in items
        ]
        dataset = DeltaTable(f"{root}/{name}", version=version).to_pyarrow_dataset()
        parts.append(dataset.filter(reduce(or_, wanted)))
    return parts[0] if len(parts) == 1 else ds.dataset([part.to_table() for part in parts])


def open_lake(root: str, slices: Sequence[PublishedSlice]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view per result table, published rows only.

    Parameters
    ----------
    root
        The lake's folder or URI.
    slices
        What is published.
    """
    connection = duckdb.connect()
    if slices:
        for registered in RESULTS:
            connection.register(registered.name, _table(root, registered.name, slices))
    return connection
