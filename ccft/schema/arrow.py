"""Arrow schemas of the registry's tables, for small tables that are made on the driver."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from ccft.schema.table import Table

_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
_TYPES: Final[Mapping[str, pa.DataType]] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(kind: str) -> pa.DataType:
    """Arrow type of a Spark SQL type name.

    >>> arrow_type("decimal(28,9)")
    Decimal128Type(decimal128(28, 9))
    """
    decimal = _DECIMAL.fullmatch(kind)
    return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else _TYPES[kind]


def arrow_schema(table: Table) -> pa.Schema:
    """Columns of a table in order, nullability included."""
    return pa.schema(
        [pa.field(column.name, arrow_type(column.type), nullable=column.nullable) for column in table.columns]
    )


def arrow_table(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the registry, in the order of its key.

    Raises
    ------
    pyarrow.ArrowInvalid
        A value does not fit its column's type.
    ValueError
        A required column is null.
    """
    ordered = sorted(rows, key=lambda row: tuple((row[name] is not None, row[name]) for name in table.key))
    made = pa.Table.from_pylist([dict(row) for row in ordered], schema=arrow_schema(table))
    empty = [field.name for field in made.schema if not field.nullable and made.column(field.name).null_count]
    if empty:
        raise ValueError(f"{table.name}: null in {', '.join(empty)}")
    return made
