"""`ccft sql`: one query over the published results, in DuckDB or Spark; and the views for a lasting catalog."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer

from ccft.cli.common import ConfigOption, LakeOption, settings_of
from ccft.errors import fail

_TABLE_ROWS = 1000
"""A table on the terminal ends here; CSV and JSON give all rows."""
_BATCH = 10_000


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Engine(StrEnum):
    """Who answers."""

    DUCKDB = "duckdb"
    SPARK = "spark"


Row = Sequence[Any]


def _plain(value: object) -> str | int | float | bool | None:
    """A value as every format shows it: decimals as exact text, times in UTC."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        # Spark gives Python local times without a zone.
        return value.astimezone(UTC).isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, default=_plain)


def _print_table(names: Sequence[str], rows: Iterator[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    grid = Table()
    shown = list(islice(rows, _TABLE_ROWS))
    for index, name in enumerate(names):
        is_number = any(isinstance(row[index], int | float | Decimal) for row in shown)
        grid.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        grid.add_row(*("" if cell is None else str(_plain(cell)) for cell in row))
    Console().print(grid)
    if next(rows, None) is not None:
        print(f"only the first {_TABLE_ROWS:,} rows; --format csv gives all", file=sys.stderr)


def _print_csv(names: Sequence[str], rows: Iterable[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else _plain(cell) for cell in row])


def _print_json(names: Sequence[str], rows: Iterable[Row]) -> None:
    """An array, one object a line; exact figures are text."""
    separator = "["
    for row in rows:
        values = dict(zip(names, map(_plain, row), strict=True))
        print(separator + json.dumps(values, ensure_ascii=False), end="")
        separator = ",\n"
    print("[]" if separator == "[" else "]")


@contextmanager
def _named(errors: type[Exception]) -> Iterator[None]:
    """What the engine says about the query is the user's to read: one line, no stack trace."""
    try:
        yield
    except errors as error:
        raise fail("CCFT-USAGE-QUERY-FAILED", reason=str(error).strip().partition("\nJVM stacktrace")[0]) from error


def _each(rows: Iterable[Row], errors: type[Exception]) -> Iterator[Row]:
    """Rows as the engine computes them; it may fail in the middle."""
    with _named(errors):
        yield from rows


def _duckdb_rows(root: str, query: str) -> tuple[list[str], Iterator[Row]]:
    import duckdb

    from ccft.pipeline.reading import open_read_only

    with _named(duckdb.Error):
        # `query` was parsed and is one SELECT; files and settings are out of its reach.
        result = open_read_only(root).sql(query)
        reader = result.to_arrow_reader(_BATCH)
    columns = (batch.to_pydict().values() for batch in reader)
    return list(result.columns), _each((row for batch in columns for row in zip(*batch, strict=True)), Exception)


def _spark_rows(root: str, query: str) -> tuple[list[str], Iterator[Row]]:
    from pyspark.errors import PySparkException

    from ccft.lake.session import open_session
    from ccft.pipeline.catalog import register_published

    spark = open_session("ccft sql")
    register_published(spark, root)
    with _named(PySparkException):
        frame = spark.sql(query)
    return frame.columns, _each(frame.toLocalIterator(), PySparkException)


def _list(root: str) -> None:
    from ccft.schema.ai_views import AI_VIEWS
    from ccft.schema.tables import AI_RESULTS, RESULTS
    from ccft.schema.views import PUBLISHED_SLICES, VIEWS

    print(f"tables and views of {root}:")
    for table in (*VIEWS, PUBLISHED_SLICES, *RESULTS, *AI_VIEWS, *AI_RESULTS):
        print(f"  {table.name:<31} {table.description}")


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; without it, the names of tables and views.")] = "",
    lake: LakeOption = None,
    form: Annotated[Format, typer.Option("--format", help="How rows are printed.")] = Format.TABLE,
    engine: Annotated[
        Engine, typer.Option(help="DuckDB needs no JVM; Spark for results that need a cluster.")
    ] = Engine.DUCKDB,
    script: Annotated[
        bool, typer.Option("--script", help="Print CREATE VIEW statements for spark-sql and the Thrift server.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Query the published results: tables and views, read-only."""
    from ccft.publish.read_only import check_query

    root = settings_of(lake, config).lake
    if script:
        from ccft.pipeline.catalog import script as catalog_script

        print(catalog_script(root))
        return
    if not query:
        _list(root)
        return
    check_query(query, engine.value)
    names, rows = (_duckdb_rows if engine is Engine.DUCKDB else _spark_rows)(root, query)
    {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}[form](names, rows)
