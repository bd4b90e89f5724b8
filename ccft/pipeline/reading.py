"""Published results as SQL, without a JVM: DuckDB with the result tables and every view, those of AI models too (publish page, section 2)."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ccft.audit import published
from ccft.lake.reader import open_lake, run_log
from ccft.pipeline.ai_reading import register_ai
from ccft.publish.views import VIEW_SQL, slice_rows
from ccft.schema.arrow import arrow_schema
from ccft.schema.views import PUBLISHED_SLICES


def published_slices(lines: Sequence[published.Line]) -> pa.Table:
    """The relation `published_slices`: which version of a period is current."""
    return pa.Table.from_pylist(slice_rows(lines), schema=arrow_schema(PUBLISHED_SLICES))


def with_views(root: str, lines: Sequence[published.Line]) -> duckdb.DuckDBPyConnection:
    """A connection that knows the result tables at the versions of `lines`, and the views over them.

    Parameters
    ----------
    root
        The lake's folder or URI.
    lines
        What is published, or the part of it that the caller wants to see.
    """
    connection = open_lake(root, lines)
    connection.register(PUBLISHED_SLICES.name, published_slices(lines))
    for name, sql in VIEW_SQL.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")
    return connection


def open_published(root: str | Path) -> duckdb.DuckDBPyConnection:
    """A connection to everything that is published now.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`.
    """
    path = str(root).rstrip("/")
    lines = published.lines(run_log(path))
    connection = with_views(path, lines)
    register_ai(connection, path, lines)
    return connection


def open_read_only(root: str | Path) -> duckdb.DuckDBPyConnection:
    """The same for queries of others: files, settings and variables of this process are out of their reach."""
    connection = open_published(root)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")
    return connection
