"""Delta tables of the lake: create from the registry, read at a version, replace exactly one slice atomically."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import deltalake as delta_log
import pyarrow as pa
import pyarrow.compute as pc
from delta.tables import DeltaTable
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.config import HISTORY_DAYS
from ccft.schema.arrow import arrow_schema
from ccft.schema.spark import create_table_ddl, history_properties, local_frame, quote, select_columns
from ccft.schema.tables import Table, table

_SIGNS_OF_CLEANING: Final = (
    "FILE_NOT_EXIST",  # Spark: a data file
    "FileNotFoundException",
    "DELTA_VERSION_NOT_FOUND",  # Delta: a log entry
    "DELTA_TRUNCATED_TRANSACTION_LOG",
    "DELTA_LOG_FILE_NOT_FOUND",
    "No such file",  # delta-rs and Arrow
    "not found",
    "nvalid table version",
)


class NotKeptError(Exception):
    """Rows of an old Delta version whose log entry or files have been cleaned up."""


@contextmanager
def reading_history() -> Iterator[None]:
    """Read tables at old Delta versions: what is no longer there is a `NotKeptError`, any other failure is itself."""
    try:
        yield
    except (DeltaError, PySparkException, Py4JJavaError, OSError) as error:
        if any(sign in str(error) for sign in _SIGNS_OF_CLEANING):
            raise NotKeptError from error
        raise


@dataclass(frozen=True)
class Commit:
    """An atomic commit of a table: its Delta version and the rows it wrote."""

    version: int
    rows: int


@dataclass(frozen=True)
class Slice:
    """Rows of a table that one commit replaces.

    Parameters
    ----------
    partitions
        Values of partition columns; rows with one of them in each column are in the slice. Empty = any.
    also
        Further SQL condition on its rows; empty = all of them.
    """

    partitions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    also: str = ""

    @property
    def condition(self) -> str:
        """The slice as an SQL condition; empty for the whole table."""
        of_partitions = [_any_of(column, values) for column, values in self.partitions.items()]
        return " AND ".join([*of_partitions, *([f"({self.also})"] if self.also else [])])


def _any_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(quote(value) for value in values)})" if values else "false"


WHOLE_TABLE: Final = Slice()


def _held_to(rows: DataFrame, where: Slice) -> DataFrame:
    """Rows of which one outside of the slice is an error, as Delta has it when it replaces.

    The check is in the value of a column: a filter could be pushed below a join and meet rows that are never written.
    """
    column = next(iter(where.partitions), rows.columns[0])
    message = f"a row that is to be written is not in the slice {where.condition}"
    checked = F.when(F.expr(where.condition), F.col(column)).otherwise(F.raise_error(F.lit(message)))
    return rows.withColumn(column, checked)


class Lake:
    """All tables under one root.

    Parameters
    ----------
    spark
        Session with Delta, or what opens it when it is first needed: on a file system, knowing that nothing has changed takes no JVM.
    root
        Local folder or URI.
    history_days
        How long superseded rows stay readable; a table that was made with another setting gets this one when it is next written.
    """

    def __init__(
        self, spark: SparkSession | Callable[[], SparkSession], root: str, *, history_days: int = HISTORY_DAYS
    ) -> None:
        self._open_session = spark
        self._history = history_properties(history_days)
        self._history_days = history_days
        self._settled: set[str] = set()
        # Delta takes a relative path in SQL for the name of a table.
        self.root = root.rstrip("/") if "://" in root else str(Path(root).absolute())
        self._is_local = "://" not in root
        self._known: set[str] = set()
        self.guard: Callable[[], None] | None = None

    def _may_write(self) -> None:
        """Stop a writer that has lost the lake's lock (`ccft.lake.lock`); tests and notebooks may write without one."""
        if self.guard is not None:
            self.guard()

    @cached_property
    def spark(self) -> SparkSession:
        """The session, opened on first use."""
        return self._open_session() if callable(self._open_session) else self._open_session

    def path(self, name: str) -> str:
        """Where a table lives."""
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        if name not in self._known and self._is_table(name):
            self._known.add(name)
        return name in self._known

    def _is_table(self, name: str) -> bool:
        if self._is_local:
            return (Path(self.path(name)) / "_delta_log").is_dir()
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def ensure(self, name: str) -> Table:
        """Create the table from the registry when it is not there; keep its history as long as the setting says."""
        self._may_write()
        registered = table(name)
        if not self.exists(name):
            self._create(registered)
            self._known.add(name)
        elif name not in self._settled and self._is_local:
            self._settle_history(name)
        self._settled.add(name)
        return registered

    def _create(self, registered: Table) -> None:
        self.spark.sql(create_table_ddl(registered, self.path(registered.name), self._history_days))

    def _settle_history(self, name: str) -> None:
        """Set the retention of a table that was made with another one. On object storage an operator does it, once."""
        found = delta_log.DeltaTable(self.path(name)).metadata().configuration
        if {key: found.get(key) for key in self._history} != self._history:
            pairs = ", ".join(f"{quote(key)} = {quote(value)}" for key, value in self._history.items())
            self.spark.sql(f"ALTER TABLE delta.`{self.path(name)}` SET TBLPROPERTIES ({pairs})")

    def read(self, name: str, version: int | None = None) -> DataFrame:
        """Rows of a table, newest or at a Delta version; empty when the table was never written."""
        if not self.exists(name):
            return self.empty(name)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(name))

    def empty(self, name: str) -> DataFrame:
        """A table without rows."""
        return local_frame(self.spark, [], table(name))

    def rows(self, name: str, version: int | None = None, only: tuple[str, Sequence[str]] | None = None) -> pa.Table:
        """Rows of a small table, newest or at a Delta version, on the driver.

        On a file system the Delta log is read without Spark, which takes milliseconds where a Spark job takes a second.

        Parameters
        ----------
        only
            Column and the values that its rows may have; None = all rows.
        """
        if not self.exists(name):
            return arrow_schema(table(name)).empty_table()
        if self._is_local:
            filters = [(only[0], "in", list(only[1]))] if only else None
            return delta_log.DeltaTable(self.path(name), version=version).to_pyarrow_table(filters=filters)
        frame = self.read(name, version)
        return (frame.where(F.col(only[0]).isin(*only[1])) if only else frame).toArrow()

    def versions(self, names: Iterable[str]) -> dict[str, int]:
        """Newest Delta version of each table that exists."""
        return {name: self._version(name) for name in names if self.exists(name)}

    def _version(self, name: str) -> int:
        if self._is_local:
            return delta_log.DeltaTable(self.path(name)).version()
        return self.last_commit(name).version

    def last_commit(self, name: str) -> Commit:
        """Newest commit of a table; on a file system read from the log itself, without a Spark job."""
        if self._is_local:
            line = delta_log.DeltaTable(self.path(name)).history(1)[0]
        else:
            line = DeltaTable.forPath(self.spark, self.path(name)).history(1).collect()[0].asDict()
        return Commit(int(line["version"]), int((line.get("operationMetrics") or {}).get("numOutputRows", 0)))

    def replace(self, name: str, frame: DataFrame, where: Slice = WHOLE_TABLE) -> Commit:
        """Replace exactly the rows of a slice, in one atomic commit, whatever they were before.

        Parameters
        ----------
        name
            Registered table; created when it is not there.
        frame
            New rows; must all be in the slice.
        where
            What they replace.

        Returns
        -------
        Commit
            Its Delta version and rows.
        """
        registered = self.ensure(name)
        rows = frame.select(*select_columns(registered))
        condition = where.condition
        if self._holds_none(name, where):
            # To add, Delta need not compute which files the table has: three quarters of a small commit.
            added = _held_to(rows, where) if condition else rows
            writer = added.write.format("delta").mode("append")
        else:
            writer = rows.write.format("delta").mode("overwrite")
            if condition:
                writer = writer.option("replaceWhere", condition)
        writer.save(self.path(name))
        return self.last_commit(name)

    def _holds_none(self, name: str, where: Slice) -> bool:
        """Whether the table has no file in the partitions of a slice; on object storage that is not asked."""
        if not self._is_local:
            return False
        files = pa.table(delta_log.DeltaTable(self.path(name)).get_add_actions(flatten=True))
        for column, values in where.partitions.items():
            files = files.filter(pc.field(f"partition.{column}").isin(pa.array(values, pa.string())))
        return not files.num_rows

    def append(self, name: str, frame: DataFrame) -> Commit:
        """Add rows; columns that a newer version of ccft has and the table lacks are added to it."""
        registered = self.ensure(name)
        writer = frame.select(*select_columns(registered)).write.format("delta").mode("append")
        writer.option("mergeSchema", "true").save(self.path(name))
        return self.last_commit(name)

    def restore(self, versions: Mapping[str, int]) -> None:
        """Set tables back to Delta versions, after a failed check."""
        self._may_write()
        for name, version in versions.items():
            DeltaTable.forPath(self.spark, self.path(name)).restoreToVersion(version)
