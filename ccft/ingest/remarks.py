"""What ingest accepts with an event: identical copies, rows set aside, implausible factors."""

from collections.abc import Iterable
from typing import Final

from pyspark.sql import DataFrame

from ccft.errors import Problem
from ccft.ingest.quarantine import Tally, set_aside
from ccft.schema.spark import quote

INGEST: Final = "ingest"
"""Methodology version of remarks on inputs."""
COPIES: Final = "CCFT-EVENT-IDENTICAL-DUPLICATES"
REJECTED: Final = "CCFT-EVENT-ROWS-REJECTED"
IMPLAUSIBLE: Final = "CCFT-EVENT-IMPLAUSIBLE-FACTOR"
PLAUSIBLE_KG_PER_MWH: Final = (0, 2000)
"""No grid emits less than nothing or more than twice what the dirtiest coal does: catches g and t mixed up."""
_ELECTRICITY: Final = ("grid_generation", "grid_upstream", "grid_losses", "market_generation", "market_upstream")

Event = tuple[str, str, str, int, str]
"""usage_period, condition, subject, value, message."""


def on_usage(tallies: Iterable[Tally], table: str, period: str) -> list[Event]:
    """Remarks on a period of a usage table: copies counted once, rows set aside per condition."""
    lines = list(tallies)
    copies = sum(line.copies for line in lines if line.table == table and line.period == period)
    events = [_event(period, COPIES, table, copies, "")] if copies else []
    counts = set_aside(lines, table, period)
    return events + [_event(period, REJECTED, f"{table} {code}", count, code) for code, count in counts.items()]


def _event(period: str, code: str, subject: str, count: int, value: str) -> Event:
    text = Problem(code, {"count": count, "value": value}).message
    return period, code, subject, count, f"{subject.split(maxsplit=1)[0]}: {text}"


def on_factors(factors: DataFrame) -> DataFrame:
    """Remarks on factors of electricity outside the plausible range, one per validity, in its first period.

    Returns
    -------
    DataFrame
        `usage_period`, `condition`, `subject`, `event_value`, `message`.
    """
    kinds = ", ".join(quote(kind) for kind in _ELECTRICITY)
    low, high = PLAUSIBLE_KG_PER_MWH
    odd = factors.where(f"factor_type IN ({kinds}) AND value NOT BETWEEN {low} AND {high}")
    subject = "concat_ws(' ', factor_type, factor_key, instrument)"
    return odd.selectExpr(
        "valid_from AS usage_period",
        f"{quote(IMPLAUSIBLE)} AS condition",
        f"{subject} AS subject",
        "CAST(value AS decimal(38,9)) AS event_value",
        f"concat({subject}, ': grid factor ', value, ' kg/MWh is outside {low} to {high}') AS message",
    )


def events(usage: DataFrame, factors: DataFrame, run_id: str) -> DataFrame:
    """Rows of `data_quality_events`: both kinds of remarks, columns as in `on_factors`."""
    return usage.unionByName(factors).selectExpr(
        "usage_period",
        f"{quote(INGEST)} AS methodology_version",
        "condition",
        "CAST(NULL AS STRING) AS cluster_id",
        "subject",
        "event_value",
        "message",
        f"{quote(run_id)} AS run_id",
    )
