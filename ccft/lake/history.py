"""Reading, without a JVM, what the published views do not show: earlier results, core tables and logs."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError

from ccft.errors import CcftError
from ccft.lake.reader import PublishedSlice, read_table


def whole_table(root: str, name: str) -> pa.Table | None:
    """All rows of a small table or log at its newest version; None when it was never written."""
    dataset = at_version(root, name)
    return dataset.to_table() if dataset is not None else None


def at_version(root: str, name: str, version: int | None = None) -> ds.Dataset | None:
    """A table, newest or at a Delta version; None when it was never written, or maintenance has removed that version since."""
    try:
        dataset = read_table(root, name, version)
        if version is not None:
            dataset.count_rows()  # reads the footers: the log may still name files that are gone
    except (CcftError, DeltaError, OSError):
        return None
    return dataset


def earlier(root: str, name: str, item: PublishedSlice) -> ds.Dataset | None:
    """A slice as an earlier run published it; None when maintenance has removed that version since."""
    dataset = at_version(root, name, item.table_versions[name])
    wanted = (pc.field("usage_period") == item.period) & (pc.field("methodology_version") == item.methodology_version)
    return dataset.filter(wanted) if dataset is not None else None


def register_union(connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[ds.Dataset]) -> None:
    """One relation over datasets of equal columns; none without parts."""
    if not parts:
        return
    names = [f"{name}_{position}" for position in range(len(parts))]
    for part, own in zip(parts, names, strict=True):
        connection.register(own, part)
    union = " UNION ALL BY NAME ".join(f'SELECT * FROM "{own}"' for own in names)  # noqa: S608 - names of this function
    connection.execute(f'CREATE VIEW "{name}" AS {union}')
