"""Published slices of single tables without a JVM: a period x version at the Delta version that its run recorded."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import table


def _dataset(root: str, name: str, version: int | None) -> ds.Dataset:
    try:
        return DeltaTable(f"{root}/{name}", version=version).to_pyarrow_dataset()
    except TableNotFoundError:
        return ds.dataset(arrow_schema(table(name)).empty_table())


def whole_table(root: str, name: str) -> pa.Table:
    """A small table as it is now; empty where the lake has none."""
    return _dataset(root, name, None).to_table()


def slice_of(root: str, name: str, version: int | None, period: str, methodology_version: str) -> ds.Dataset:
    """Rows of one period x version of a result table at a Delta version; nothing is loaded yet."""
    wanted = (pc.field("usage_period") == period) & (pc.field("methodology_version") == methodology_version)
    return _dataset(root, name, version).filter(wanted)


def query(sql: str, relations: Mapping[str, ds.Dataset], parameters: Iterable[object] = ()) -> list[dict[str, Any]]:
    """Rows of a query over datasets by name: sums of tables that grow with accounts, down to a bounded result."""
    with duckdb.connect() as connection:
        for name, relation in relations.items():
            connection.register(name, relation)
        result: pa.Table = connection.sql(sql, params=list(parameters)).to_arrow_table()
    rows: list[dict[str, Any]] = result.to_pylist()
    return rows
