"""Frames that several steps of one run read: computed once, and later plans start from the rows instead of their history.

A plan is a tree: a frame that three steps read stands in it three times, and their frames again, so the plan of the last step would grow beyond
measure. Cutting the history keeps every plan as short as its step.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

ONE_PARTITION_ROWS: Final = 200_000
"""Up to here one task is faster than the shuffles that several would need."""

COMPILE_FROM_ROWS: Final = 500_000
"""Rows of a plan from which compiling it pays: scans of account rows, flows of a dense service graph."""

_INTERPRETED: Final = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
_COMPILED: Final = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.adaptive.enabled": "true",
}


@contextmanager
def _plans(spark: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    before = {name: str(spark.conf.get(name)) for name in settings}
    changed = [name for name, value in settings.items() if before[name] != value]
    for name in changed:
        spark.conf.set(name, settings[name])
    try:
        yield
    finally:
        for name in changed:
            spark.conf.set(name, before[name])


def short_plans(spark: SparkSession) -> AbstractContextManager[None]:
    """Run plans over few rows interpreted: compiling them costs a third of a small month's CPU time and gains nothing."""
    return _plans(spark, _INTERPRETED)


def compiled_plans(spark: SparkSession) -> AbstractContextManager[None]:
    """Run plans over many rows as compiled code."""
    return _plans(spark, _COMPILED)


def on_driver(spark: SparkSession, rows: pa.Table, *, number: str = "") -> DataFrame:
    """Rows on the driver as a frame.

    Parameters
    ----------
    number
        Name of a column to add, the row's number (INT): a short name for the row's key, the same in every plan that reads the frame.
    """
    if number:
        rows = rows.append_column(number, pa.array(range(rows.num_rows), pa.int32()))
    settled = spark.createDataFrame(rows)
    # A single partition satisfies every grouping and window: plans on small frames need no shuffle at all.
    return settled.coalesce(1) if rows.num_rows <= ONE_PARTITION_ROWS else settled


def settle(frame: DataFrame, *, number: str = "") -> DataFrame:
    """Compute a small frame now and go on from its rows, on the driver, numbered if a name is given (`on_driver`).

    For frames bounded by clusters, rack types and services. Rows live on the driver, so a lost executor costs nothing.
    """
    with short_plans(frame.sparkSession):
        rows = frame.toArrow()
    return on_driver(frame.sparkSession, rows, number=number)


class Kept:
    """Keeps wider frames (two versions side by side, deliveries) on executors while a command runs; never account rows of results."""

    def __init__(self) -> None:
        self._kept: list[DataFrame] = []

    def keep(self, frame: DataFrame) -> DataFrame:
        """Keep a frame from its first use on; what a lost executor held is computed again."""
        kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
        self._kept.append(kept)
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for frame in self._kept:
            frame.unpersist()


class Bench(Kept):
    """Where the frames between the steps of one run lie.

    Parameters
    ----------
    spark
        Session of the run.
    account_rows
        Rows of the large table that the run scans.
    """

    def __init__(self, spark: SparkSession, account_rows: int = 0) -> None:
        super().__init__()
        self._spark = spark
        self._account_rows = account_rows

    def plans(self, rows: int) -> AbstractContextManager[None]:
        """How plans over so many rows run: from `COMPILE_FROM_ROWS` on, compiled code is worth its price."""
        return compiled_plans(self._spark) if rows >= COMPILE_FROM_ROWS else short_plans(self._spark)

    def scan(self) -> AbstractContextManager[None]:
        """How plans over account rows run."""
        return self.plans(self._account_rows)

    def settle(self, frame: DataFrame, *, number: str = "", scans_accounts: bool = False, reads: int = 0) -> DataFrame:
        """`settle` for a frame that is small, though it may be summed up from the large table, or from `reads` rows of another."""
        with self.plans(self._account_rows if scans_accounts else reads):
            rows = frame.toArrow()
        return on_driver(self._spark, rows, number=number)
