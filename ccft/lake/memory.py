"""Frames that several steps of one run read: computed once, and later plans start from the rows instead of their history.

A plan is a tree: a frame that three steps read stands in it three times, and their frames again, so the plan of the last step would grow beyond
measure. Cutting the history keeps every plan as short as its step.
"""

from types import TracebackType

from pyspark.sql import DataFrame
from pyspark.storagelevel import StorageLevel


ONE_PARTITION_ROWS = 200_000
"""Up to here one task is faster than the shuffles that several would need."""


def settle(frame: DataFrame) -> DataFrame:
    """Compute a small frame now and go on from its rows, on the driver.

    For frames bounded by clusters, rack types and services. Rows live on the driver, so a lost executor costs nothing.
    """
    rows = frame.toArrow()
    settled = frame.sparkSession.createDataFrame(rows)
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

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for frame in self._frames:
            frame.unpersist()
