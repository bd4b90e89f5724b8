"""Remarks on accepted data: one row per case, worded by the condition's template (contract section 2, "Accepts with an event")."""

import re
from collections.abc import Iterable
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.errors import CONDITIONS

EVENT_COLUMNS = ("usage_period", "condition", "cluster_id", "subject", "event_value", "message")
_FIELD = re.compile(r"\{(\w+)\}")
_VALUE = "decimal(38,9)"


def _plain(column: Column) -> Column:
    """Number as text without trailing zeros."""
    text = column.cast(_VALUE).cast("string")
    return F.regexp_replace(F.regexp_replace(text, "(\\.[0-9]*?)0+$", "$1"), "\\.$", "")


def _worded(code: str, values: dict[str, Column]) -> Column:
    """The template of a condition filled with columns."""
    parts: list[Column] = []
    for position, piece in enumerate(_FIELD.split(CONDITIONS[code].template)):
        if piece:
            parts.append(values[piece] if position % 2 else F.lit(piece))
    return F.concat(*parts)


def events(
    frame: DataFrame,
    code: str,
    *,
    cluster: str | None = "cluster_id",
    subject: str | None = None,
    value: Column | None = None,
    count: Column | None = None,
) -> DataFrame:
    """Turn rows into events of one condition.

    Parameters
    ----------
    frame
        Has `usage_period` and the named columns.
    code
        Registered condition.
    cluster, subject
        Columns that name them; None = empty.
    value, count
        Figures for the message; `value` (else `count`) becomes `event_value`.
    """
    nothing = F.lit(None)
    figure = value if value is not None else count if count is not None else nothing
    words = {
        "value": _plain(value if value is not None else nothing),
        "count": _plain(count if count is not None else nothing),
    }
    return frame.select(
        "usage_period",
        F.lit(code).alias("condition"),
        (F.col(cluster) if cluster else nothing.cast("string")).alias("cluster_id"),
        (F.col(subject) if subject else nothing.cast("string")).alias("subject"),
        figure.cast(_VALUE).alias("event_value"),
        _worded(code, words).alias("message"),
    )


def combine(frames: Iterable[DataFrame]) -> DataFrame:
    """All events in one frame, of one partition: they are bounded by clusters and services, a task per condition is not worth its price."""
    return reduce(DataFrame.unionByName, frames).coalesce(1)
