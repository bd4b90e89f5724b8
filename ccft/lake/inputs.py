"""Delivered inputs: find each table in a folder and read it as it is.

A table is `<table>.csv`, `<table>.parquet` or a directory `<table>/` of CSV, Parquet or Delta, Hive-style partitions
allowed. CSV is read as text, never inferred: account ids begin with zeros, and an amount must not pass through a double.
"""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyarrow import ArrowException
from pyarrow.parquet import read_metadata
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from ccft.errors import Problem, fail
from ccft.schema.tables import INPUTS, Table

MALFORMED = "_malformed"
"""Column of CSV frames: the line, where it has more or fewer fields than the header; null otherwise."""

READERS = 3
"""Tables opened side by side: each takes a short Spark job."""
READ_ERRORS = (PySparkException, Py4JJavaError)
"""What Spark raises when files cannot be read: some errors of its tasks reach Python unconverted."""

_BYTES_PER_ROW = 50
"""Of text, roughly; usage rows have a date, a few names and a number."""
_DELTA_LOG = "_delta_log"
_SUFFIXES = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}


class Format(StrEnum):
    """How a table was delivered."""

    CSV = "csv"
    PARQUET = "parquet"
    DELTA = "delta"


@dataclass(frozen=True)
class Entry:
    """Where a table of a delivery is: path relative to the folder, format, whether folders below it are no partitions."""

    path: str
    format: Format
    is_recursive: bool = False


class LayoutError(ValueError):
    """A table is delivered in a way that cannot be read as one table."""


def locate(files: Iterable[str], name: str) -> Entry | None:
    """Find a table among the files of a delivery.

    Parameters
    ----------
    files
        Paths relative to the folder, `/`-separated; `<directory>/_delta_log` marks a Delta table.
    name
        Table.

    Returns
    -------
    Entry or None
        None when there is nothing of that name.

    Raises
    ------
    LayoutError
        Delivered twice, in two formats, or partly in partitions.
    """
    parts = [tuple(file.split("/")) for file in files]
    own = [part for part in parts if part[0] in {name, *(name + suffix for suffix in _SUFFIXES)}]
    roots = sorted({part[0] for part in own})
    if not roots:
        return None
    if len(roots) > 1:
        raise LayoutError(f"delivered {len(roots)} times ({', '.join(roots)}), keep one")
    below = [part[1:] for part in own]
    if any(part[:1] == (_DELTA_LOG,) for part in below):
        return Entry(roots[0], Format.DELTA)
    return Entry(roots[0], _format(own), is_recursive=_is_recursive([part[:-1] for part in below if len(part) > 1]))


def _format(files: Sequence[tuple[str, ...]]) -> Format:
    formats = {kind for part in files for suffix, kind in _SUFFIXES.items() if part[-1].endswith(suffix)}
    if not formats:
        raise LayoutError("the directory holds no .csv, .csv.gz or .parquet file and is no Delta table")
    if len(formats) > 1:
        raise LayoutError("CSV and Parquet are mixed, keep one")
    return Format(formats.pop())


def _is_recursive(folders: Sequence[tuple[str, ...]]) -> bool:
    """Whether data lies in folders that are no Hive partitions (`name=value`); Spark would pass over them in silence."""
    kinds = {"=" in folder for path in folders for folder in path}
    if len(kinds) > 1:
        raise LayoutError("folders with and without name=value are mixed, keep one layout")
    return kinds == {False}


def read_inputs(
    spark: SparkSession, folder: str, tables: Sequence[Table] = INPUTS
) -> tuple[dict[str, DataFrame], list[Problem]]:
    """Open the tables of a delivery; nothing is converted or checked.

    Parameters
    ----------
    spark
        Session with Delta.
    folder
        Local path or URI.
    tables
        What to look for.

    Returns
    -------
    frames, problems
        Raw frames by table name, columns as delivered (CSV: all text, and `MALFORMED`); a problem for each table that is
        missing or cannot be opened.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-INPUTS` when there is no such folder.
    """
    # Values of partition folders are ids and dates like any other text: 000000000042 is no number.
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    root, files = _list(spark, folder.rstrip("/") or "/", tables)
    with ThreadPoolExecutor(READERS) as pool:
        opened = dict(
            zip(tables, pool.map(lambda table: _frame_or_problem(spark, root, files, table), tables), strict=True)
        )
    frames = {table.name: found for table, found in opened.items() if isinstance(found, DataFrame)}
    return frames, [found for found in opened.values() if isinstance(found, Problem)]


def read_optional(
    spark: SparkSession, folder: str, tables: Sequence[Table]
) -> tuple[dict[str, DataFrame], list[Problem]]:
    """Open tables that a delivery may have; as `read_inputs`, but a table that is not there is no problem."""
    root, files = _list(spark, folder.rstrip("/") or "/", tables)
    there = [table for table in tables if {file.split("/")[0].split(".")[0] for file in files} & {table.name}]
    opened = {table.name: _frame_or_problem(spark, root, files, table) for table in there}
    frames = {name: found for name, found in opened.items() if isinstance(found, DataFrame)}
    return frames, [found for found in opened.values() if isinstance(found, Problem)]


def _frame_or_problem(spark: SparkSession, root: str, files: Sequence[str], table: Table) -> DataFrame | Problem:
    try:
        entry = locate(files, table.name)
        if entry is None:
            return Problem("CCFT-INPUT-MISSING-TABLE", {"table": table.name})
        return _open(spark, f"{root}/{entry.path}", entry, table)
    except (LayoutError, *READ_ERRORS) as error:
        return unreadable(table.name, error)


def unreadable(name: str, error: Exception) -> Problem:
    """The problem of a table that cannot be read: the innermost cause in one line, without stack trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by:").strip() for line in lines if line.startswith("Caused by:")]
    first = next(
        (line for line in lines if not line.startswith("An error occurred while calling")), type(error).__name__
    )
    reason = re.sub(r"^:?\s*[\w.$]+(Exception|Error):\s*", "", causes[-1] if causes else first)
    return Problem("CCFT-INPUT-UNREADABLE-TABLE", {"table": name, "reason": reason[:300]})


def _list(spark: SparkSession, folder: str, tables: Sequence[Table]) -> tuple[str, list[str]]:
    """Root to read from, and the files below it."""
    local = Path(folder)
    if not urlsplit(folder).scheme and local.is_dir():
        return f"file://{local.resolve()}", _list_local(local)
    try:
        listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(folder)
        paths = [urlsplit(row[0]).path for row in listing.select("path").collect()]
    except READ_ERRORS as error:
        raise fail("CCFT-USAGE-NO-INPUTS", path=folder) from error
    prefix = urlsplit(folder).path.rstrip("/") + "/"
    files = [path.removeprefix(prefix) for path in paths]
    folders = {file.split("/")[0] for file in files if "/" in file} & {table.name for table in tables}
    logs = [f"{name}/{_DELTA_LOG}" for name in folders if DeltaTable.isDeltaTable(spark, f"{folder}/{name}")]
    return folder, files + logs


def approximate_rows(folder: str) -> int | None:
    """About how many rows a delivery has, without reading them: from the footers of Parquet files, from the size of others.

    Returns
    -------
    int or None
        None where it is not on a file system.
    """
    if "://" in folder:
        return None
    rows = 0
    for file in (path for path in Path(folder).rglob("*") if path.is_file()):
        try:
            is_parquet = file.suffix == ".parquet"
            rows += int(read_metadata(file).num_rows) if is_parquet else file.stat().st_size // _BYTES_PER_ROW
        except (ArrowException, OSError):  # ingest names a file that cannot be read
            continue
    return rows


def _list_local(folder: Path) -> list[str]:
    files = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[-1] == _DELTA_LOG or (path.is_file() and not any(part.startswith(("_", ".")) for part in parts)):
            files.append("/".join(parts))
    return files


def _open(spark: SparkSession, path: str, entry: Entry, table: Table) -> DataFrame:
    if entry.format is Format.DELTA:
        return spark.read.format("delta").load(path)
    reader = spark.read.option("recursiveFileLookup", entry.is_recursive)
    if entry.format is Format.PARQUET:
        return reader.option("pathGlobFilter", "*.parquet").parquet(path)
    reader = (
        reader.option("pathGlobFilter", "*.csv*")
        .option("header", "true")
        .option("quote", '"')
        .option("escape", '"')
        .option("enforceSchema", "false")  # files of one table with columns in another order must not be mixed up
        .option("columnNameOfCorruptRecord", MALFORMED)
        # Line breaks inside quotes keep Spark from splitting a file: for names they are worth it, for usage they are not.
        .option("multiLine", not table.is_large)
    )
    header = reader.csv(path).schema
    text = [StructField(field.name, StringType()) for field in header.fields]
    return reader.schema(StructType([*text, StructField(MALFORMED, StringType())])).csv(path)
