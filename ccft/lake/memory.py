"""Frames that several steps of one run read: computed once, and later plans start from the rows instead of their history.

A plan is a tree: a frame that three steps read stands in it three times, and their frames again, so the plan of the last step would grow beyond
measure. Cutting the history keeps every plan as short as its step.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

ONE_PARTITION_ROWS = 200_000
"""Up to here one task is faster than the shuffles that several would need."""


_INTERPRETED: Final = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@contextmanager
def short_plans(spark: SparkSession) -> Iterator[None]:
    """Run plans over few rows interpreted: compiling them costs a third of a small month's CPU time and gains nothing."""
    before = {name: str(spark.conf.get(name)) for name in _INTERPRETED}
    for name, value in _INTERPRETED.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def settle(frame: DataFrame, *, scans_accounts: bool = False) -> DataFrame:
    """Compute a small frame now and go on from its rows, on the driver.

    For frames bounded by clusters, rack types and services. Rows live on the driver, so a lost executor costs nothing.

    Parameters
    ----------
    frame
        What to compute.
    scans_accounts
        It is summed up from the large table: compiled code is worth its price.
    """
    with nullcontext() if scans_accounts else short_plans(frame.sparkSession):
        rows = frame.toArrow()
    return on_driver(frame.sparkSession, rows)


def on_driver(spark: SparkSession, rows: pa.Table) -> DataFrame:
    """Rows on the driver as a frame."""
    settled = spark.createDataFrame(rows)
    # A single partition satisfies every grouping and window: plans on small frames need no shuffle at all.
    return settled.coalesce(1) if rows.num_rows <= ONE_PARTITION_ROWS else settled


class Kept:
    """Keeps wider frames (services x services) on executors between steps; never account rows."""

    def __init__(self) -> None:
        self._frames: list[DataFrame] = []

    def keep(self, frame: DataFrame) -> DataFrame:
        """Keep a frame from its first use on; what a lost executor held is computed again."""
        kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
        self._frames.append(kept)
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for frame in self._frames:
            frame.unpersist()
