"""Rows of a delivery as files: Parquet or CSV, the same bytes for the same rows, however they arrive.

Chunks of `CHUNK_ROWS` rows, row groups of `GROUP_ROWS`: where batches begin and end does not show.
"""

import gzip
import io
import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from ccft.publish.data_exports.delivery import Chunk
from ccft.publish.data_exports.layout import Format
from ccft.schema.units import GRAMS_PER_TONNE

CHUNK_ROWS: Final = 1_000_000
GROUP_ROWS: Final = 100_000
_GZIP_LEVEL: Final = 6
_MTCO2E_PER_GRAM: Final = pa.scalar(Decimal("0.000001"), pa.decimal128(6, 6))


def grams(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Whole grams of exported values (MTCO2e as doubles made from whole grams): exact up to 2^50 g."""
    return pc.round(pc.multiply(values, float(GRAMS_PER_TONNE))).cast(pa.int64())


def render(
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    form: Format,
    *,
    chunk_rows: int = CHUNK_ROWS,
    group_rows: int = GROUP_ROWS,
) -> Iterator[Chunk]:
    """Render sorted rows; no rows at all give one file with schema or header.

    Parameters
    ----------
    tables
        Rows in the order of delivery, columns as in `schema`.
    schema
        Names, types and nullability of the files.
    """
    write = _write_parquet if form is Format.PARQUET else _write_csv
    groups = _groups(tables, schema, group_rows)
    pending: pa.Table | None = next(groups, schema.empty_table())
    while pending is not None:
        yield write(itertools.chain([pending], itertools.islice(groups, chunk_rows // group_rows - 1)), schema)
        pending = next(groups, None)


def _groups(tables: Iterable[pa.Table], schema: pa.Schema, group_rows: int) -> Iterator[pa.Table]:
    """Tables of exactly `group_rows` rows; the last may be shorter."""
    pending: list[pa.Table] = []
    count = 0
    for table in tables:
        rest = table.cast(schema)
        while count + rest.num_rows >= group_rows:
            part = rest.slice(0, group_rows - count)
            yield pa.concat_tables([*pending, part])
            rest, pending, count = rest.slice(part.num_rows), [], 0
        if rest.num_rows:
            pending.append(rest)
            count += rest.num_rows
    if pending:
        yield pa.concat_tables(pending)


def _write_parquet(groups: Iterable[pa.Table], schema: pa.Schema) -> Chunk:
    sink, rows = io.BytesIO(), 0
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    with pq.ParquetWriter(
        sink, schema, compression="snappy", version="2.6", use_dictionary=texts, store_schema=False
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(group.num_rows, 1))
            rows += group.num_rows
    return Chunk(sink.getvalue(), rows)


def _write_csv(groups: Iterable[pa.Table], schema: pa.Schema) -> Chunk:
    """RFC 4180 with LF, header, six decimals, instants as `YYYY-MM-DD HH:mm:ssZ`; gzip without a time of its own."""
    sink, rows = io.BytesIO(), 0
    with gzip.GzipFile(filename="", mode="wb", fileobj=sink, compresslevel=_GZIP_LEVEL, mtime=0) as packed:
        for number, group in enumerate(groups):
            text = pa.table([_csv_column(column) for column in group.columns], names=schema.names)
            arrow_csv.write_csv(text, packed, arrow_csv.WriteOptions(include_header=number == 0))
            rows += group.num_rows
    return Chunk(sink.getvalue(), rows)


def _csv_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pc.multiply(grams(column).cast(pa.decimal128(19, 0)), _MTCO2E_PER_GRAM)
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s", "UTC"), safe=False)
    return column
