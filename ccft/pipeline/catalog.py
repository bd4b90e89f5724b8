"""Published results in a Spark catalog: result tables at their published Delta versions, and every view (publish page, section 2).

The same statements make temporary views in a session and lasting ones in a catalog that `spark-sql` and the Thrift server read. They name Delta
versions, so lasting views show what was published when they were made: make them again after a publication.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from ccft.ai.kpis import AI_VIEW_SQL
from ccft.audit import published
from ccft.lake.reader import PublishedSlice, by_delta_version, column_names, run_log
from ccft.pipeline.ai_reading import ai_months
from ccft.publish.views import VIEW_SQL, slice_rows
from ccft.schema.ai_views import AI_VIEWS
from ccft.schema.spark import quote
from ccft.schema.tables import AI_RESULTS, RESULTS, Table
from ccft.schema.views import PUBLISHED_SLICES, VIEWS

Columns = Callable[[str, int], Sequence[str]]
"""Names of the columns that a table has at a Delta version."""


def _literal(value: object, kind: str) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMP {quote(value.strftime('%Y-%m-%d %H:%M:%S.%f'))}"
    text = quote(value) if isinstance(value, str) else str(value).lower()
    return f"CAST({text} AS {kind})"


def _slices_sql(lines: Sequence[published.Line]) -> str:
    """`published_slices` as literals; times are UTC, like every session of ccft."""
    rows = [
        "SELECT " + ", ".join(f"{_literal(row[c.name], c.type)} AS {c.name}" for c in PUBLISHED_SLICES.columns)
        for row in slice_rows(lines)
    ]
    return " UNION ALL ".join(rows) if rows else _empty_sql(PUBLISHED_SLICES)


def _empty_sql(table: Table) -> str:
    names = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in table.columns)
    return f"SELECT {names} WHERE false"


def _table_sql(root: str, table: Table, slices: Sequence[PublishedSlice], columns: Columns) -> str:
    """A table's published slices, each at the Delta version of its run; a column added later is null in older versions."""
    parts = []
    for version, items in by_delta_version(table.name, slices).items():
        present = set(columns(table.name, version))
        names = ", ".join(c.name if c.name in present else f"CAST(NULL AS {c.type}) AS {c.name}" for c in table.columns)
        wanted = " OR ".join(
            f"(usage_period = {quote(item.period)} AND methodology_version = {quote(item.methodology_version)})"
            for item in items
        )
        parts.append(f"SELECT {names} FROM delta.`{root}/{table.name}` VERSION AS OF {version} WHERE {wanted}")  # noqa: S608 - literals are quoted
    return " UNION ALL ".join(parts) if parts else _empty_sql(table)


def _view(table: Table, sql: str, kind: str) -> str:
    comments = ", ".join(
        f"{c.name} COMMENT {quote(c.description + (f' [{c.unit}]' if c.unit else ''))}" for c in table.columns
    )
    return f"CREATE OR REPLACE {kind} {table.name} ({comments}) COMMENT {quote(table.description)} AS\n{sql}"


def statements(
    root: str,
    lines: Sequence[published.Line],
    columns: Columns,
    *,
    ai: Sequence[PublishedSlice] | None = None,
    lasting: bool = False,
) -> Iterator[str]:
    """`CREATE OR REPLACE VIEW` per result table and view, in an order in which each finds what it reads.

    Parameters
    ----------
    root
        The lake's folder or URI, absolute.
    lines
        What is published.
    columns
        Columns of a table at a Delta version.
    ai
        Published AI months: their tables and views come too, without rows where there are none. None leaves them out.
    lasting
        Views of the catalog; otherwise temporary views of the session.
    """
    kind = "VIEW" if lasting else "TEMPORARY VIEW"
    yield _view(PUBLISHED_SLICES, _slices_sql(lines), kind)
    for table in RESULTS:
        yield _view(table, _table_sql(root, table, lines, columns), kind)
    for view in VIEWS:
        yield _view(view, VIEW_SQL[view.name], kind)
    if ai is None:
        return
    for table in AI_RESULTS:
        yield _view(table, _table_sql(root, table, ai, columns), kind)
    for view in AI_VIEWS:
        yield _view(view, AI_VIEW_SQL[view.name], kind)


def register_views(
    spark: SparkSession, root: str, lines: Sequence[published.Line], ai: Sequence[PublishedSlice] | None = None
) -> None:
    """Make the result tables and views, at the versions of `lines`, temporary views of a session; `ai` as in `statements`."""
    for statement in statements(root, lines, _columns_of(root), ai=ai):
        spark.sql(statement)


def register_published(spark: SparkSession, root: str) -> None:
    """Make everything that is published now temporary views of a session.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`.
    """
    path = absolute(root)
    lines = published.lines(run_log(path))
    register_views(spark, path, lines, ai_months(path, lines))


def script(root: str) -> str:
    """SQL text that makes the views in the current schema of a catalog, e.g. for `spark-sql -f`; needs no JVM.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`.
    """
    path = absolute(root)
    lines = published.lines(run_log(path))
    made = statements(path, lines, _columns_of(path), ai=ai_months(path, lines), lasting=True)
    # Times in the text are UTC.
    return ";\n\n".join(("SET TIME ZONE 'UTC'", *made)) + ";"


def _columns_of(root: str) -> Columns:
    return lambda name, version: column_names(root, name, version)


def absolute(root: str) -> str:
    """A path that means the same from every working directory."""
    return root.rstrip("/") if "://" in root else str(Path(root).absolute())
