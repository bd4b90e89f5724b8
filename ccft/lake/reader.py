"""Reading a lake without a JVM: DuckDB over the Delta log, each published slice at the version its run recorded."""

import re
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
from pyarrow import fs

from ccft.errors import fail
from ccft.lake.datasets import dataset_of
from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import RESULTS, Table


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
        `CCFT-USAGE-NO-LAKE` when there is none; `CCFT-LAKE-STORAGE` when storage does not answer.
    """
    try:
        return DeltaTable(f"{root}/run_log").to_pyarrow_table()
    except TableNotFoundError as error:
        raise fail("CCFT-USAGE-NO-LAKE", path=root) from error
    except OSError as error:
        # Several lines with colours, for a terminal.
        reason = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
        raise fail("CCFT-LAKE-STORAGE", reason=reason[:300]) from error


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


def read_table(root: str, name: str, version: int | None = None) -> ds.Dataset:
    """A table, newest or at a Delta version; filters are pushed down to its files.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE` when the lake has no such table.
    """
    # Arrow's own file system: the default calls back into Python from Arrow's threads, which aborts the process when it ends during a read ahead.
    local = None if "://" in root else fs.SubTreeFileSystem(f"{root}/{name}", fs.LocalFileSystem())
    try:
        return dataset_of(DeltaTable(f"{root}/{name}", version=version), local)
    except TableNotFoundError as error:
        raise fail("CCFT-USAGE-NO-LAKE", path=root) from error


def by_delta_version(name: str, slices: Sequence[PublishedSlice]) -> dict[int, list[PublishedSlice]]:
    """Slices of a table by the Delta version that holds them; a slice published before the table existed has none."""
    found: dict[int, list[PublishedSlice]] = defaultdict(list)
    for item in slices:
        if name in item.table_versions:
            found[item.table_versions[name]].append(item)
    return dict(sorted(found.items()))


def _part(root: str, name: str, version: int, slices: Sequence[PublishedSlice]) -> ds.Dataset:
    wanted = [
        (pc.field("usage_period") == item.period) & (pc.field("methodology_version") == item.methodology_version)
        for item in slices
    ]
    return read_table(root, name, version).filter(reduce(or_, wanted))


def register_slices(
    connection: duckdb.DuckDBPyConnection, root: str, registered: Table, slices: Sequence[PublishedSlice]
) -> None:
    """Make a view of a table's published slices: those of one Delta version are read together, nothing is loaded."""
    sources = []
    for version, items in by_delta_version(registered.name, slices).items():
        source = f"_{registered.name}_{version}"
        connection.register(source, _part(root, registered.name, version, items))
        sources.append(source)
    if not sources:
        connection.register(registered.name, arrow_schema(registered).empty_table())
        return
    # By name: a Delta version from before a column was added has nulls in it.
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM {source}" for source in sources)  # noqa: S608 - registry names
    connection.execute(f"CREATE TEMP VIEW {registered.name} AS {union}")


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
    # A month ends at midnight UTC, wherever the reader is.
    connection.execute("SET TimeZone = 'UTC'")
    # Output of a command is its result: DuckDB draws its bar on standard output.
    connection.execute("SET enable_progress_bar = false")
    for registered in RESULTS:
        register_slices(connection, root, registered, slices)
    return connection


def column_names(root: str, name: str, version: int) -> list[str]:
    """Columns that a table has at a Delta version, from its log."""
    return [field.name for field in DeltaTable(f"{root}/{name}", version=version).schema().fields]
